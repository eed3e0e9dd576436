// SPDX-License-Identifier: Apache-2.0
/* dstack-init: pid 1 of the guest. Runs the boot stages, then supervises. */
#include <ds/base/log.h>
#include <ds/base/secret.h>
#include <ds/net/loop.h>
#include <malloc.h>
#include <sys/stat.h>

#include "ctx.h"

/*
 * The order is part of the design. host-input comes as early as possible because everything is
 * decided by it, and before it only code of this image has run. Nothing of the host is acted on
 * before it is measured; the network is configured after measure for that reason, and before keys
 * because they come over it.
 */
static const struct {
	const char *name;
	int (*run)(struct ctx *c);
} stages[] = {
	{ "modules", stage_modules },	{ "host-input", stage_host_input },
	{ "identity", stage_identity }, { "measure", stage_measure },
	{ "network", stage_network },	{ "keys", stage_keys },
	{ "app", stage_app },
};

/* JSON replies carry keys on their way into the kernel: what the parser frees is wiped. */
static void wiping_free(void *p)
{
	if (p)
		ds_wipe(p, malloc_usable_size(p));
	free(p);
}

static int prepare(void)
{
	umask(077);
	if (chdir("/") || setenv("PATH", "/usr/bin:/bin:/sbin", 1))
		return -errno;
	json_set_alloc_funcs(malloc, wiping_free);
	DS_TRY(ds_secret_harden_process());
	return ds_net_wipe_on_free();
}

int main(int argc, char **argv)
{
	static struct ctx c = { .notify_fd = -1, .qe_key_fd = -1, .holder_fd = -1 };

	if (getpid() != 1) {
		fprintf(stderr,
			"%s: this is the first process of a dstack guest and runs as pid 1 only\n",
			argc > 0 ? argv[0] : "dstack-init");
		return 2;
	}
	ds_log_init("dstack-init");
	c.stage = "start";
	c.err.code = prepare();
	if (c.err.code)
		boot_failed(&c);
	for (size_t i = 0; i < DS_ARRAY_SIZE(stages); i++) {
		int r;

		c.stage = stages[i].name;
		c.err = DS_ERR_NULL;
		r = stages[i].run(&c);
		if (r) {
			c.err.code = r;
			boot_failed(&c);
		}
		notify_progress(&c, "%s: done", c.stage);
	}
	c.stage = "run";
	supervise(&c);
}
