// SPDX-License-Identifier: Apache-2.0
/* Stage measure: the launch events before any key is asked for, in the order of spec/boot 4.3. */
#include <ds/attest/kernel.h>
#include <ds/crypto/hash.h>

#include "ctx.h"

static int event(struct ctx *c, const char *name, struct ds_span payload, bool once)
{
	int r = ds_kernel_event(NULL, name, payload, once);

	return r ? ds_err_set(&c->err, r, "", 0, "event %s: %s", name, strerror(-r)) : 0;
}

/* Two scripts with the same text are two events: event_once would drop the second. */
static int init_scripts(struct ctx *c)
{
	uint8_t h[32];

	for (size_t i = 0; i < c->compose.n_init_script; i++) {
		DS_TRY(ds_sha256_1(DS_SPAN_STR(c->compose.init_script[i]), h));
		DS_TRY(event(c, "init-script-hash", DS_SPAN_ARRAY(h), false));
	}
	return 0;
}

int stage_measure(struct ctx *c)
{
	uint8_t gpu[32];

	DS_TRY(event(c, "system-preparing", DS_SPAN_NULL, true));
	DS_TRY(event(c, "app-id", DS_SPAN_ARRAY(c->id.app_id), true));
	DS_TRY(event(c, "compose-hash", DS_SPAN_ARRAY(c->id.compose_hash), true));
	DS_TRY(init_scripts(c));
	DS_TRY(ds_sha256_1(ds_buf_span(&c->compose.gpu_policy_jcs), gpu));
	DS_TRY(event(c, "gpu-policy-hash", DS_SPAN_ARRAY(gpu), true));
	DS_TRY(event(c, "instance-id", DS_SPAN(c->id.instance_id, c->id.instance_id_len), true));
	return event(c, "boot-mr-done", DS_SPAN_NULL, true);
}
