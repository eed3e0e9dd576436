// SPDX-License-Identifier: Apache-2.0
/* Stage host-input: read the host's blob once, bounded, and take it apart. Only this copy is
 * measured and used. */
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <fcntl.h>

#include "ctx.h"

#define ITEM_DIR FWCFG_DIR "/" DS_HOSTINPUT_FWCFG

/*
 * The kernel reads fw_cfg byte by byte and starts at the front for every page: a large item costs
 * minutes. So its size is looked at first; the read stays bounded all the same, as nothing makes
 * the host keep its word.
 */
static int check_size(struct ctx *c)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	uint64_t size;
	int r = ds_read_file(AT_FDCWD, ITEM_DIR "/size", 64, &b);

	if (r)
		return ds_err_set(&c->err, r, "hostinput", 0,
				  "fw_cfg item " DS_HOSTINPUT_FWCFG ": %s", strerror(-r));
	if (b.n && b.p[b.n - 1] == '\n')
		b.n--;
	if (ds_parse_u64((const char *)b.p, b.n, UINT32_MAX, &size))
		return ds_err_set(&c->err, -EBADMSG, "hostinput", 0,
				  "fw_cfg item " DS_HOSTINPUT_FWCFG ": no size");
	if (size > DS_MAX_HOST_INPUT)
		return ds_err_set(&c->err, -EFBIG, "hostinput", 0,
				  "blob: %llu bytes, at most %u expected", (unsigned long long)size,
				  DS_MAX_HOST_INPUT);
	return 0;
}

int stage_host_input(struct ctx *c)
{
	struct ds_hostinput *hi = &c->hi;
	int r;

	DS_TRY(check_size(c));
	r = ds_read_file(AT_FDCWD, ITEM_DIR "/raw", DS_MAX_HOST_INPUT, &c->host_input);
	if (r)
		return ds_err_set(&c->err, r, "hostinput", 0,
				  "fw_cfg item " DS_HOSTINPUT_FWCFG ": %s", strerror(-r));
	DS_TRY(ds_hostinput_decode(ds_buf_span(&c->host_input), hi, &c->err));
	DS_TRY(ds_sysconfig_parse(hi->item[DS_HI_SYS_CONFIG], &c->sys, &c->err));
	DS_TRY(ds_compose_parse(hi->item[DS_HI_APP_COMPOSE], &c->compose, &c->err));
	if (hi->has[DS_HI_INSTANCE_INFO])
		DS_TRY(ds_instance_info_parse(hi->item[DS_HI_INSTANCE_INFO], &c->info, &c->err));
	DS_TRY(env_wanted(c, &c->err));
	return compose_supported(&c->compose, &c->err);
}
