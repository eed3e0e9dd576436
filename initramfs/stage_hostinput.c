// SPDX-License-Identifier: Apache-2.0
/* Stage host-input: read the host's blob once, bounded, and take it apart. Only this copy is measured and used. */
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <fcntl.h>

#include "ctx.h"

int stage_host_input(struct ctx *c)
{
	struct ds_hostinput *hi = &c->hi;
	int r = ds_read_file(AT_FDCWD, FWCFG_DIR "/" DS_HOSTINPUT_FWCFG "/raw", DS_MAX_HOST_INPUT, &c->host_input);

	if (r == -EFBIG)
		return ds_err_set(&c->err, r, "hostinput", 0, "blob: more than %u bytes", DS_MAX_HOST_INPUT);
	if (r)
		return ds_err_set(&c->err, r, "hostinput", 0, "fw_cfg item " DS_HOSTINPUT_FWCFG ": %s", strerror(-r));
	DS_TRY(ds_hostinput_decode(ds_buf_span(&c->host_input), hi, &c->err));
	DS_TRY(ds_sysconfig_parse(hi->item[DS_HI_SYS_CONFIG], &c->sys, &c->err));
	DS_TRY(ds_compose_parse(hi->item[DS_HI_APP_COMPOSE], &c->compose, &c->err));
	if (hi->has[DS_HI_INSTANCE_INFO])
		DS_TRY(ds_instance_info_parse(hi->item[DS_HI_INSTANCE_INFO], &c->info, &c->err));
	if (hi->has[DS_HI_ENCRYPTED_ENV] && hi->item[DS_HI_ENCRYPTED_ENV].n)
		return ds_err_set(&c->err, -EOPNOTSUPP, "hostinput", 0,
				  ".encrypted-env: not supported by this version, none expected");
	return compose_supported(&c->compose, &c->err);
}
