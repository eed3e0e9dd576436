// SPDX-License-Identifier: Apache-2.0
/* A worker: its loop, accepting connections, messages from the control process; see front.h. */
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <ds/base/log.h>
#include <ds/base/secret.h>

#include "front.h"

#define EVENTS		256
#define ACCEPT_BATCH	64
#define CONTROL_BATCH	512
#define LOG_PER_SECOND	20u
#define ACCEPT_PAUSE_MS 200

static const char *const cause_names[FRONT_N_CAUSES] = {
	[FRONT_OK] = "ok",
	[FRONT_HELLO_TIMEOUT] = "hello-timeout",
	[FRONT_HELLO_CLOSED] = "hello-closed",
	[FRONT_NOT_TLS] = "not-tls",
	[FRONT_HELLO_MALFORMED] = "hello-malformed",
	[FRONT_NO_NAME] = "no-server-name",
	[FRONT_FOREIGN_NAME] = "foreign-name",
	[FRONT_BAD_LABEL] = "bad-label",
	[FRONT_NO_TERMINATION] = "no-termination",
	[FRONT_UNKNOWN_ID] = "unknown-id",
	[FRONT_PORT_DENIED] = "port-denied",
	[FRONT_UNREACHABLE] = "unreachable",
	[FRONT_IDLE] = "idle",
	[FRONT_RESET] = "reset",
	[FRONT_EVICTED] = "evicted",
	[FRONT_NO_MEMORY] = "no-memory",
};

void front_log(struct front *f, const struct front_conn *c, enum front_cause cause, const char *fmt,
	       ...)
{
	char peer[DS_IP4N_TEXT], text[320];
	va_list ap;

	if (!ds_gw_may_log(&f->log_limit, f->now / 1000, LOG_PER_SECOND))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ds_log(DS_LOG_INFO, "event=refused cause=%s peer=%s sni=%s %s", cause_names[cause],
	       ds_ip4_endpoint_format(&c->peer, peer), c->host[0] ? c->host : "-", text);
}

static uint64_t now_ms(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int watch(struct front *f, int fd, uint32_t events, struct front_ev *tag)
{
	struct epoll_event ev = { .events = events, .data.ptr = tag };

	return epoll_ctl(f->ep, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/*
 * Level-triggered, so that switching it off and on again loses nothing: back-pressure means not
 * accepting.
 */
static void accepting(struct front *f, bool on)
{
	if (f->accepting == on)
		return;
	if (on ? watch(f, f->listen_fd, EPOLLIN, &f->listen_ev)
	       : epoll_ctl(f->ep, EPOLL_CTL_DEL, f->listen_fd, NULL))
		ds_log(DS_LOG_ERR, "event=accept-switch error=\"%s\"", strerror(errno));
	else
		f->accepting = on;
}

/*
 * Full: the oldest connection that relays nothing yet makes room; failing that, clients wait in
 * the kernel.
 */
static bool make_room(struct front *f)
{
	static const enum front_state order[] = { FRONT_LINGER, FRONT_SNIFF, FRONT_TRY,
						  FRONT_CONNECT };
	struct front_conn *oldest = NULL;

	if (f->n_conns < f->max_conns)
		return true;
	for (size_t i = 0; i < DS_ARRAY_SIZE(order) && !oldest; i++)
		oldest = f->lists[order[i]].head;
	if (!oldest)
		return false;
	front_log(f, oldest, FRONT_EVICTED, "detail=\"connection limit %zu\"", f->max_conns);
	front_conn_close(f, oldest, FRONT_EVICTED);
	return true;
}

static void accept_some(struct front *f)
{
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_in peer = { 0 };
		socklen_t n = sizeof(peer);
		int fd;

		if (!make_room(f)) {
			accepting(f, false);
			return;
		}
		fd = accept4(f->listen_fd, (struct sockaddr *)&peer, &n,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* out of descriptors or memory: let some connections end first */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM) {
				ds_log(DS_LOG_WARN, "event=accept error=\"%s\" connections=%zu",
				       strerror(errno), f->n_conns);
				accepting(f, false);
				f->accept_after = f->now + ACCEPT_PAUSE_MS;
			}
			return;
		}
		if (front_conn_new(f, fd, &peer)) {
			f->count[FRONT_NO_MEMORY]++;
			close(fd);
		}
	}
}

static void control_event(struct front *f)
{
	for (int i = 0; i < CONTROL_BATCH; i++) {
		struct ds_gw_msg msg;
		ssize_t n = recv(f->control_fd, &msg, sizeof(msg), MSG_DONTWAIT | MSG_TRUNC);
		int r;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) { /* only when the supervisor is gone, and then so are we */
			epoll_ctl(f->ep, EPOLL_CTL_DEL, f->control_fd, NULL);
			return;
		}
		r = n == (ssize_t)sizeof(msg) ? ds_table_apply(f->table, &msg) : -EBADMSG;
		if (r)
			ds_log(DS_LOG_ERR, "event=table kind=%u bytes=%zd error=\"%s\"", msg.kind,
			       n, strerror(-r));
	}
}

static void dispatch(struct front *f, const struct epoll_event *ev)
{
	struct front_ev *tag = ev->data.ptr;

	switch (tag->tag) {
	case FRONT_TAG_LISTEN:
		accept_some(f);
		return;
	case FRONT_TAG_CONTROL:
		control_event(f);
		return;
	case FRONT_TAG_SIDE:
		front_conn_event(f, (struct front_side *)tag, ev->events);
	}
}

/*
 * Not before the first whole table: until then every id would look unknown. Clients wait in the
 * kernel's queue.
 */
static bool may_accept(const struct front *f)
{
	return !f->accepting && f->n_conns < f->max_conns && ds_table_ready(f->table);
}

/* Close what is due; -1: nothing has a deadline, else milliseconds to the next one. */
static int run_timers(struct front *f)
{
	uint64_t next = UINT64_MAX;

	for (int s = 0; s < FRONT_DEAD; s++) {
		struct front_list *l = &f->lists[s];

		while (l->head && l->head->deadline <= f->now)
			front_conn_expired(f, l->head);
	}
	for (int s = 0; s < FRONT_DEAD; s++)
		if (f->lists[s].head && f->lists[s].head->deadline < next)
			next = f->lists[s].head->deadline;
	if (may_accept(f) && f->accept_after < next)
		next = f->accept_after > f->now ? f->accept_after : f->now;
	if (next == UINT64_MAX)
		return -1;
	return next - f->now > 60000 ? 60000 : (int)(next - f->now);
}

/* Connections that had more to move than their share of the last round. */
static void run_ready(struct front *f)
{
	struct front_conn *c = f->ready, *next;

	f->ready = NULL;
	f->ready_tail = &f->ready;
	for (; c; c = next) {
		next = c->ready_next;
		c->ready = false;
		if (c->state == FRONT_RELAY)
			front_relay(f, c);
	}
}

static int loop(struct front *f)
{
	struct epoll_event evs[EVENTS];

	for (;;) {
		int timeout = f->ready ? 0 : run_timers(f);
		int n = epoll_wait(f->ep, evs, EVENTS, timeout);

		if (n < 0 && errno != EINTR)
			return -errno;
		f->now = now_ms();
		for (int i = 0; i < n; i++)
			dispatch(f, &evs[i]);
		run_ready(f);
		run_timers(f);
		front_conn_free_dead(f);
		if (may_accept(f) && f->now >= f->accept_after)
			accepting(f, true);
	}
}

static int setup(struct front *f, unsigned int n_workers)
{
	struct ds_gw_msg hello = { .kind = DS_GW_HELLO };
	struct rlimit rl;

	f->max_conns = (f->conf->max_connections + n_workers - 1) / n_workers;
	rl.rlim_cur = rl.rlim_max = 2 * f->max_conns + 2 * FRONT_PIPES_MAX + 64;
	if (setrlimit(RLIMIT_NOFILE, &rl)) {
		/* not privileged: take what there is and lower our cap to it */
		if (getrlimit(RLIMIT_NOFILE, &rl))
			return -errno;
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur < 2 * FRONT_PIPES_MAX + 128)
			return -EMFILE;
		if (2 * f->max_conns + 2 * FRONT_PIPES_MAX + 64 > rl.rlim_cur) {
			f->max_conns = (rl.rlim_cur - 2 * FRONT_PIPES_MAX - 64) / 2;
			ds_log(DS_LOG_WARN,
			       "event=limit connections=%zu reason=\"RLIMIT_NOFILE %ju\"",
			       f->max_conns, (uintmax_t)rl.rlim_cur);
		}
	}
	if (getrandom(&f->seed, sizeof(f->seed), 0) != (ssize_t)sizeof(f->seed))
		return -EIO;
	f->scratch = malloc(FRONT_CHUNK);
	if (!f->scratch)
		return -ENOMEM;
	DS_TRY(ds_table_new(2 * DS_GW_MAX_INSTANCES, &f->table));
	f->ep = epoll_create1(EPOLL_CLOEXEC);
	if (f->ep < 0)
		return -errno;
	DS_TRY(watch(f, f->control_fd, EPOLLIN, &f->control_ev));
	/*
	 * a full queue means the control process has not even read our predecessor's request: it
	 * will answer that
	 */
	if (send(f->control_fd, &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN)
		return -errno;
	return 0;
}

int ds_front_run(const struct ds_gw_conf *conf, int listen_fd, int control_fd,
		 unsigned int n_workers)
{
	struct front f = { .conf = conf,
			   .listen_fd = listen_fd,
			   .control_fd = control_fd,
			   .listen_ev.tag = FRONT_TAG_LISTEN,
			   .control_ev.tag = FRONT_TAG_CONTROL,
			   .now = now_ms() };

	f.ready_tail = &f.ready;
	/* splice() to a closed socket raises it, and there is no flag against that */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	DS_TRY(ds_secret_harden_process());
	DS_TRY(setup(&f, n_workers));
	DS_TRY(ds_gw_drop_ids());
	DS_TRY(ds_front_jail());
	return loop(&f);
}
