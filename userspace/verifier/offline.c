// SPDX-License-Identifier: Apache-2.0
/* For the static dstack-verify, in place of lib/pcs and serve: no TLS, no resolver, no cache;
 * collateral comes from files. */
#include "verify.h"

#include <ds/pcs/pcs.h>

int ds_pcs_new(const struct ds_pcs_cfg *cfg, struct ds_pcs **ret, struct ds_err *err)
{
	return ds_err_set(err, -ENOSYS, "pcs", 0,
			  "%s: this static build fetches nothing; use --collateral", cfg->url);
}

struct ds_pcs *ds_pcs_free(struct ds_pcs *pcs)
{
	return NULL;
}

int ds_pcs_collateral(struct ds_pcs *pcs, const struct ds_platform_id *id, int64_t now,
		      bool refresh, struct ds_buf *ret_json, struct ds_pcs_info *ret_info,
		      struct ds_err *err)
{
	return ds_err_set(err, -ENOSYS, "pcs", 0, "this static build fetches nothing");
}

int cmd_serve(int argc, char **argv)
{
	fputs("dstack-verify: serve: not in this static build\n", stderr);
	return EXIT_USAGE;
}
