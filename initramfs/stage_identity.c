// SPDX-License-Identifier: Apache-2.0
/* Stage identity: compose hash, app id, instance id, and the host's MRCONFIGID against them. */
#include <ds/attest/kernel.h>
#include <ds/crypto/rand.h>
#include <ds/wire/tdreport.h>

#include "ctx.h"

/* The first report of this boot: proves that the measuring path works before anything depends on
 * it. */
static int check_report(struct ctx *c)
{
	static const uint8_t nothing[64];
	uint8_t report[DS_KERNEL_REPORT_SIZE];
	struct ds_tdreport td;
	size_t log_len;

	DS_TRY(ds_kernel_report(NULL, nothing, report, &log_len, &c->err));
	DS_TRY(ds_tdreport_parse(DS_SPAN_ARRAY(report), &td, &c->err));
	return identity_check_mrconfigid(&c->id, &c->compose, td.body.mr_config_id, &c->err);
}

int stage_identity(struct ctx *c)
{
	uint8_t seed[20];

	DS_TRY(ds_rand(seed, sizeof(seed)));
	DS_TRY(identity_make(&c->compose, c->hi.item[DS_HI_APP_COMPOSE], &c->info, seed, &c->id));
	return check_report(c);
}
