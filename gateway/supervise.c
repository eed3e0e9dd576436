// SPDX-License-Identifier: Apache-2.0
/* Starting and restarting workers and the control process, see supervise.h. */
#include <arpa/inet.h>
#include <signal.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <ds/base/log.h>

#include "front.h"
#include "ids.h"
#include "supervise.h"

#define WORKERS_MAX 64
#define BACKLOG	    4096 /* spec/gateway 1.1 */
#define DELAY_MAX   30	 /* seconds between restarts of something that keeps dying */

struct child {
	pid_t pid; /* 0: not running */
	time_t started;
	time_t restart_at;
	unsigned int delay;
};

struct sup {
	const struct ds_gw_conf *conf;
	const char *conf_path;
	unsigned int n_workers;
	int rpc_fd;
	int listen_fd[WORKERS_MAX];
	int pair[WORKERS_MAX][2]; /* [0] control, [1] worker */
	struct child worker[WORKERS_MAX];
	struct child control;
	sigset_t old_mask;
};

static time_t now_s(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Listening socket on a numeric IPv4 address. */
static int listen_on(const char *addr, uint16_t port, bool shared, int *ret)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd, one = 1;

	if (inet_pton(AF_INET, addr, &sa.sin_addr) != 1)
		return -EAFNOSUPPORT;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one))) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, BACKLOG)) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static int open_sockets(struct sup *s)
{
	const struct ds_gw_conf *c = s->conf;
	int r = listen_on(c->rpc_addr, c->rpc_port, false, &s->rpc_fd);

	if (r) {
		ds_log(DS_LOG_ERR, "event=listen address=%s:%u error=\"%s\"", c->rpc_addr,
		       c->rpc_port, strerror(-r));
		return r;
	}
	for (unsigned int i = 0; i < s->n_workers; i++) {
		r = listen_on(c->listen_addr, c->listen_port, true, &s->listen_fd[i]);
		if (r) {
			ds_log(DS_LOG_ERR, "event=listen address=%s:%u error=\"%s\"",
			       c->listen_addr, c->listen_port, strerror(-r));
			return r;
		}
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			       s->pair[i]))
			return -errno;
	}
	return 0;
}

/* In the child: what only the others need is closed, signals are as we found them. */
static int child_setup(struct sup *s, pid_t parent, int worker)
{
	for (unsigned int i = 0; i < s->n_workers; i++) {
		if (worker != (int)i) {
			close(s->listen_fd[i]);
			close(s->pair[i][1]);
		}
		if (worker >= 0)
			close(s->pair[i][0]);
	}
	if (worker >= 0)
		close(s->rpc_fd);
	if (prctl(PR_SET_NAME, worker >= 0 ? "gateway-worker" : "gateway-control", 0, 0, 0) ||
	    signal(SIGHUP, SIG_IGN) == SIG_ERR || sigprocmask(SIG_SETMASK, &s->old_mask, NULL))
		return -errno;
	return ds_gw_follow_parent(parent);
}

static int child_main(struct sup *s, pid_t parent, int worker)
{
	int fds[WORKERS_MAX], r = child_setup(s, parent, worker);

	if (r)
		return 1;
	if (worker >= 0) {
		ds_log_init("dstack-gateway worker");
		r = ds_front_run(s->conf, s->listen_fd[worker], s->pair[worker][1], s->n_workers);
		ds_log(DS_LOG_ERR, "event=worker-failed worker=%d error=\"%s\"", worker,
		       strerror(-r));
		return 1;
	}
	ds_log_init("dstack-gateway control");
	for (unsigned int i = 0; i < s->n_workers; i++)
		fds[i] = s->pair[i][0];
	return ds_ctl_run(s->conf, s->conf_path, s->rpc_fd, fds, s->n_workers);
}

static int start(struct sup *s, struct child *ch, int worker)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(child_main(s, parent, worker));
	*ch = (struct child){ .pid = pid, .started = now_s(), .delay = ch->delay };
	return 0;
}

/* A child that lived a while starts again at once, one that keeps dying ever later. */
static void schedule(struct child *ch)
{
	bool quick = now_s() - ch->started < 5;

	ch->delay = !quick ? 0 : ch->delay ? 2 * ch->delay : 1;
	if (ch->delay > DELAY_MAX)
		ch->delay = DELAY_MAX;
	ch->pid = 0;
	ch->restart_at = now_s() + ch->delay;
}

/* Collect the dead. false: the control process says that restarting is useless. */
static bool reap(struct sup *s)
{
	pid_t pid;
	int st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		struct child *ch = &s->control;
		int worker = -1;

		for (unsigned int i = 0; i < s->n_workers; i++)
			if (s->worker[i].pid == pid) {
				worker = (int)i;
				ch = &s->worker[i];
			}
		if (ch->pid != pid)
			continue;
		ds_log(DS_LOG_WARN, "event=child-ended process=%s pid=%d %s=%d",
		       worker < 0 ? "control" : "worker", (int)pid,
		       WIFSIGNALED(st) ? "signal" : "status",
		       WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
		schedule(ch);
		if (worker < 0 && WIFEXITED(st) && WEXITSTATUS(st) == DS_GW_EXIT_CONFIG)
			return false;
	}
	return true;
}

/* Start what is due; seconds until the next one is, or -1. */
static int start_due(struct sup *s)
{
	int wait = -1;

	for (int i = -1; i < (int)s->n_workers; i++) {
		struct child *ch = i < 0 ? &s->control : &s->worker[i];
		int left;

		if (ch->pid)
			continue;
		if (ch->restart_at <= now_s() && start(s, ch, i)) {
			ds_log(DS_LOG_ERR, "event=fork error=\"%s\"", strerror(errno));
			ch->restart_at = now_s() + 1;
		}
		left = ch->pid ? -1 : (int)(ch->restart_at - now_s());
		if (left >= 0 && (wait < 0 || left < wait))
			wait = left;
	}
	return wait;
}

static void stop_all(struct sup *s)
{
	for (int i = -1; i < (int)s->n_workers; i++) {
		struct child *ch = i < 0 ? &s->control : &s->worker[i];

		if (ch->pid && !kill(ch->pid, SIGTERM))
			while (waitpid(ch->pid, NULL, 0) < 0 && errno == EINTR)
				;
	}
}

static int serve(struct sup *s, const sigset_t *set)
{
	for (;;) {
		int wait = start_due(s), sig;
		struct timespec ts = { .tv_sec = wait > 0 ? wait : wait == 0 };

		sig = wait < 0 ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &ts);
		if (sig == SIGTERM || sig == SIGINT)
			return 0;
		if (sig == SIGHUP && s->control.pid && kill(s->control.pid, SIGHUP))
			ds_log(DS_LOG_WARN, "event=reload error=\"%s\"", strerror(errno));
		if (sig == SIGCHLD && !reap(s))
			return 1;
	}
}

int ds_gw_supervise(const struct ds_gw_conf *conf, const char *conf_path)
{
	struct sup s = { .conf = conf, .conf_path = conf_path, .n_workers = conf->workers };
	sigset_t set;
	cpu_set_t cpus;
	int r;

	if (!s.n_workers)
		s.n_workers = sched_getaffinity(0, sizeof(cpus), &cpus)
				      ? 1
				      : (unsigned int)CPU_COUNT(&cpus);
	if (s.n_workers > WORKERS_MAX)
		s.n_workers = WORKERS_MAX;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &s.old_mask) || open_sockets(&s))
		return 1;
	r = serve(&s, &set);
	stop_all(&s);
	return r;
}
