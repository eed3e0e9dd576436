// SPDX-License-Identifier: Apache-2.0
/*
 * Life after boot: start services, restart those that die, reap everything, report the app's end,
 * power off when the host or the guest asks for it. Woken by SIGCHLD and the host's line only, or
 * when a restart is due.
 */
#include <ds/base/log.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "ctx.h"

#define RESTART_MIN_MS 100
#define RESTART_MAX_MS 2000
#define STABLE_MS      60000
#define STOP_MS	       5000

enum { SVC_QE, SVC_AGENT, SVC_GATEWAY, SVC_COUNT };

static struct service {
	const char *name;
	pid_t (*start)(struct ctx *c);
	bool wanted;
	pid_t pid; /* 0: not running */
	int64_t started, due;
	int delay;
} services[SVC_COUNT] = {
	[SVC_QE] = { .name = "emul-qe", .start = start_qe },
	[SVC_AGENT] = { .name = "agent", .start = start_agent },
	[SVC_GATEWAY] = { .name = "gateway", .start = start_gateway },
};

static pid_t app_pid;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void supervise_add_qe(struct ctx *c, pid_t pid)
{
	struct service *s = &services[SVC_QE];

	s->wanted = true;
	s->pid = pid > 0 ? pid : 0;
	s->started = now_ms();
	s->delay = RESTART_MIN_MS;
}

static void start_service(struct ctx *c, struct service *s)
{
	pid_t pid = s->start(c);

	s->started = now_ms();
	s->pid = pid > 0 ? pid : 0;
	if (pid < 0)
		s->due = s->started + RESTART_MAX_MS;
}

/* Start what is due; returns how long nothing will be, -1 for ever. */
static int start_due(struct ctx *c)
{
	int64_t now = now_ms(), next = -1;

	for (size_t i = 0; i < SVC_COUNT; i++) {
		struct service *s = &services[i];

		if (!s->wanted || s->pid)
			continue;
		if (s->due <= now)
			start_service(c, s);
		if (!s->pid && (next < 0 || s->due - now < next))
			next = s->due > now ? s->due - now : 0;
	}
	return (int)next;
}

static void service_died(struct ctx *c, struct service *s, const char *how)
{
	int64_t now = now_ms();

	if (now - s->started > STABLE_MS)
		s->delay = RESTART_MIN_MS;
	s->pid = 0;
	s->due = now + s->delay;
	notify_progress(c, "%s: exited, %s: started again in %d ms", s->name, how, s->delay);
	s->delay = s->delay * 2 < RESTART_MAX_MS ? s->delay * 2 : RESTART_MAX_MS;
}

static void one_died(struct ctx *c, pid_t pid, int st)
{
	char how[48];

	if (WIFSIGNALED(st))
		snprintf(how, sizeof(how), "signal=%d", WTERMSIG(st));
	else
		snprintf(how, sizeof(how), "status=%d", WEXITSTATUS(st));
	if (pid == c->holder_pid) {
		c->holder_pid = 0;
		ds_err_set(&c->err, -EIO, "key holder", 0,
			   "died (%s): the app's signing key is lost", how);
		boot_failed(c);
	}
	if (pid == app_pid) {
		char text[64];

		app_pid = 0;
		snprintf(text, sizeof(text), "app: exited, %s", how);
		notify_send(c, st ? "boot.error" : "boot.progress", text);
		return;
	}
	for (size_t i = 0; i < SVC_COUNT; i++)
		if (services[i].pid == pid)
			service_died(c, &services[i], how);
}

static void reap(struct ctx *c)
{
	for (;;) {
		int st = 0;
		pid_t pid = waitpid(-1, &st, WNOHANG);

		if (pid <= 0)
			return;
		one_died(c, pid, st);
	}
}

_Noreturn static void stop_all(struct ctx *c)
{
	int64_t end = now_ms() + STOP_MS;
	struct timespec left;
	sigset_t chld;

	notify_send(c, "shutdown.progress", "powering off");
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	wipe_keys(c); /* first: the signal would end the holder before it has wiped */
	kill(-1, SIGTERM);
	for (;;) {
		int64_t ms = end - now_ms();

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 || ms <= 0)
			power_off(c);
		left = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
		sigtimedwait(&chld, NULL, &left);
	}
}

/* The host may end the machine at any time; asking first lets the app stop in order. */
static bool host_asks_shutdown(int fd)
{
	static const char word[] = "shutdown\n";
	static size_t matched;
	char buf[64];
	ssize_t n = read(fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++) {
		matched = buf[i] == word[matched] ? matched + 1 : buf[i] == word[0];
		if (!word[matched])
			return true;
	}
	return false;
}

static int open_signals(void)
{
	static const int take[] = { SIGCHLD, SIGTERM, SIGINT, SIGUSR2, SIGPWR };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < DS_ARRAY_SIZE(take); i++)
		sigaddset(&set, take[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void start_agent_first(void)
{
	services[SVC_AGENT].wanted = true;
	services[SVC_AGENT].delay = services[SVC_GATEWAY].delay = RESTART_MIN_MS;
}

/* Gateway client and app find the guest API working from their first line on. */
static void start_main(struct ctx *c)
{
	services[SVC_GATEWAY].wanted = c->compose.gateway_enabled && c->sys.n_gateway_url &&
				       c->kms_url;
	notify_progress(c, "running main script");
	app_pid = start_app(c);
	if (app_pid < 0) {
		ds_err_set(&c->err, -EIO, "app", 0, "the main script could not be started");
		boot_failed(c);
	}
	notify_progress(c, "done");
}

void supervise(struct ctx *c)
{
	int sfd = open_signals(), status = status_open();
	int listen_fd = c->notify_fd;
	bool app_started = false;

	if (sfd < 0 || status < 0) {
		c->err.code = sfd < 0 ? sfd : status;
		boot_failed(c);
	}
	start_agent_first();
	/* A child may have died before its signal was blocked and could be counted. */
	reap(c);
	for (;;) {
		struct pollfd p[] = { { .fd = sfd, .events = POLLIN },
				      { .fd = listen_fd, .events = POLLIN },
				      { .fd = status, .events = POLLIN } };
		struct signalfd_siginfo si;
		int n = poll(p, DS_ARRAY_SIZE(p), start_due(c));

		if (n < 0 && errno != EINTR) {
			c->err.code = -errno;
			boot_failed(c);
		}
		while (read(sfd, &si, sizeof(si)) == sizeof(si))
			if (si.ssi_signo != SIGCHLD)
				stop_all(c);
		reap(c);
		if (status_read(c, status) && !app_started) {
			app_started = true;
			start_main(c);
		}
		if (p[1].revents & POLLIN && host_asks_shutdown(c->notify_fd))
			stop_all(c);
		if (p[1].revents & (POLLHUP | POLLERR | POLLNVAL))
			listen_fd = -1; /* a port that broke would wake us for ever */
	}
}
