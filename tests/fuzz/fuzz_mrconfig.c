// SPDX-License-Identifier: Apache-2.0
/* ds_mr_config_parse(): what is taken has a provider with a name and an id that fits. */
#include <stdlib.h>

#include <ds/wire/mrconfig.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_mr_config m;

	if (ds_mr_config_parse(DS_SPAN(p, n), &m, NULL))
		return 0;
	if (!ds_key_provider_name(m.key_provider) ||
	    m.key_provider_id_len > sizeof(m.key_provider_id))
		abort();
	return 0;
}
