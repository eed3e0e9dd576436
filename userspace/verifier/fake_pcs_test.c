// SPDX-License-Identifier: Apache-2.0
/* A service of collateral for the tests of dstack-verify, see fake_pcs.h. */
#include "fake_pcs.h"

#include <fcntl.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>

struct fake_pcs fake_pcs;

struct ds_pcs {
	int unused;
};

int ds_pcs_new(const struct ds_pcs_cfg *cfg, struct ds_pcs **ret, struct ds_err *err)
{
	if (fake_pcs.open)
		return ds_err_set(err, fake_pcs.open, "pcs", 0, "%s: told to fail", cfg->url);
	fake_pcs.early = cfg->early;
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

struct ds_pcs *ds_pcs_free(struct ds_pcs *pcs)
{
	free(pcs);
	return NULL;
}

int ds_pcs_collateral(struct ds_pcs *pcs, const struct ds_platform_id *id, int64_t now,
		      bool refresh, struct ds_buf *ret_json, struct ds_pcs_info *ret_info,
		      struct ds_err *err)
{
	const unsigned int n = fake_pcs.asked++;

	(void)pcs;
	fake_pcs.id = *id;
	fake_pcs.refresh[n & 1] = refresh;
	*ret_info = (struct ds_pcs_info){ .cached = n ? 0 : fake_pcs.cached,
					  .fresh_until = now + 60 };
	if (fake_pcs.r[n & 1])
		return ds_err_set(err, fake_pcs.r[n & 1], "pcs", 0, "told to fail");
	ds_buf_done(ret_json);
	return ds_read_file(AT_FDCWD, "collateral.json", DS_MAX_COLLATERAL, ret_json);
}
