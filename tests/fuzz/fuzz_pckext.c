// SPDX-License-Identifier: Apache-2.0
/* ds_pck_ext_parse(): accepted input is DER in one form only, so no single byte can be left off. */
#include <stdlib.h>

#include <ds/wire/pckext.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_pck_ext e;

	if (ds_pck_ext_parse(DS_SPAN(p, n), &e, NULL))
		return 0;
	if (e.sgx_type > 2 || !ds_pck_ext_parse(DS_SPAN(p, n - 1), &e, NULL))
		abort();
	return 0;
}
