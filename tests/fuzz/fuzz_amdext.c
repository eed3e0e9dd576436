// SPDX-License-Identifier: Apache-2.0
/* ds_amd_ext_parse(): accepted input is DER in one form only, so no single byte can be left off. */
#include <stdlib.h>

#include <ds/wire/amdext.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_amd_ext e;

	if (ds_amd_ext_parse(DS_SPAN(p, n), &e, NULL))
		return 0;
	if ((e.hwid_len && e.hwid_len != 8 && e.hwid_len != 64) ||
	    strnlen(e.product, sizeof(e.product)) == sizeof(e.product) ||
	    strnlen(e.csp_id, sizeof(e.csp_id)) == sizeof(e.csp_id) ||
	    !ds_amd_ext_parse(DS_SPAN(p, n - 1), &e, NULL))
		abort();
	return 0;
}
