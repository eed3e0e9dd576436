// SPDX-License-Identifier: Apache-2.0
/* The end of the machine, wanted or not. */
#include <ds/base/log.h>
#include <signal.h>
#include <sys/reboot.h>

#include "ctx.h"

void wipe_keys(struct ctx *c)
{
	ds_kms_app_keys_done(&c->keys);
	c->keys = DS_KMS_APP_KEYS_NULL;
	if (c->holder_fd >= 0)
		close(c->holder_fd); /* the holder wipes and exits when its control socket closes */
	c->holder_fd = -1;
}

/* Memory of the guest is gone with it: keys in the kernel need no more than the power off. */
void power_off(struct ctx *c)
{
	wipe_keys(c);
	kill(-1, SIGKILL);
	sync();
	notify_drain(c);
	reboot(RB_POWER_OFF);
	/* Not reached on a machine that can power off; elsewhere, stop for good. */
	reboot(RB_HALT_SYSTEM);
	for (;;)
		pause();
}

void boot_failed(struct ctx *c)
{
	char text[320];
	const char *dom = c->err.domain ? c->err.domain : "";

	if (c->err.msg[0])
		snprintf(text, sizeof(text), "%s: %s%s%s", c->stage, dom, *dom ? ": " : "",
			 c->err.msg);
	else
		snprintf(text, sizeof(text), "%s: %s", c->stage, strerror(-c->err.code));
	notify_send(c, "boot.error", text);
	power_off(c);
}
