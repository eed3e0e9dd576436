// SPDX-License-Identifier: Apache-2.0
/* Questions to dstack-kms-policy: what parses can be asked of a contract. */
#include <stdlib.h>

#include "../../kms/pol_boot.c"
#include "../../kms/pol_seen.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf call = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct pol_seen seen;
	struct pol_boot b;

	(void)!pol_seen_parse(DS_SPAN(p, n), 1, &seen, &err);
	if (pol_boot_parse(DS_SPAN(p, n), &b, &err))
		return 0;
	if (ds_eth_abi_question(DS_ETH_IS_APP_ALLOWED_ON, &b.boot, b.tee, &call) ||
	    call.n % 32 != 4)
		abort();
	pol_boot_done(&b);
	return 0;
}
