// SPDX-License-Identifier: Apache-2.0
/* The end of the machine, wanted or not. */
#include <ds/base/log.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/reboot.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "ctx.h"

#define HOLDER_EXIT_MS 1000
#define REAP_S	       2

/* The holder wipes and exits when its control socket closes. If it does not, the kernel clears its
 * pages (init_on_free=1), which is done when it has been waited for. */
static void end_holder(struct ctx *c)
{
	int fd = c->holder_pid > 0 ? pidfd_open(c->holder_pid, 0) : -1;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (c->holder_fd >= 0)
		close(c->holder_fd);
	c->holder_fd = -1;
	c->holder_pid = 0;
	if (fd < 0)
		return;
	if (poll(&p, 1, HOLDER_EXIT_MS) <= 0)
		ds_log(DS_LOG_WARN, "what=power error=\"key holder: not gone in %d ms\"",
		       HOLDER_EXIT_MS);
	close(fd);
}

void wipe_keys(struct ctx *c)
{
	ds_kms_app_keys_done(&c->keys);
	c->keys = DS_KMS_APP_KEYS_NULL;
	end_holder(c);
	env_wipe();
}

static void on_alarm(int signo)
{
	/* its arrival interrupts waitpid() */
}

/* What a killed process held, memory and keyrings, is cleared as it goes: wait for all of them, but
 * not for one that cannot die. */
static void kill_all(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { .tv_sec = REAP_S }, .it_interval = { .tv_sec = 1 } };

	kill(-1, SIGKILL);
	if (sigaction(SIGALRM, &sa, NULL) || setitimer(ITIMER_REAL, &it, NULL))
		return;
	while (waitpid(-1, NULL, 0) > 0)
		;
	it = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &it, NULL);
}

/* Root keys in the kernel are revoked by their module on the way down. */
void power_off(struct ctx *c)
{
	wipe_keys(c);
	kill_all();
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
