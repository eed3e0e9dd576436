// SPDX-License-Identifier: Apache-2.0
/* The process that gets collateral, and what the other one keeps of it, see serve.h. */
#include "serve.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/pcs/pcs.h>

#define MAX_ENTRIES 64u
#define FILE_AGE    60 /* seconds until a file is read again */
#define RETRY	    60 /* seconds between two questions about one platform that fails or is refused */

/* On the socket pair. */
struct ask {
	uint8_t fmspc[6];
	uint8_t processor, refresh;
};

struct answer {
	struct ask ask;
	int32_t r;
	uint32_t n; /* bytes of JSON that follow */
	uint32_t old; /* some of it came from the cache */
	int64_t fresh_until;
	char why[160];
};

/* The other process. */

static int load_file(const char *path, struct ds_buf *json, struct answer *a)
{
	int r = ds_read_file(AT_FDCWD, path, DS_MAX_COLLATERAL, json);

	a->fresh_until = (int64_t)time(NULL) + FILE_AGE;
	if (r)
		(void)snprintf(a->why, sizeof(a->why), "%.100s: %s", path, strerror(-r));
	return r;
}

static int load_service(struct ds_pcs *pcs, const struct ask *ask, struct ds_buf *json,
			struct answer *a)
{
	struct ds_platform_id id = { .processor = ask->processor };
	struct ds_pcs_info info = { 0 };
	struct ds_err err = DS_ERR_NULL;
	int r;

	memcpy(id.fmspc, ask->fmspc, sizeof(id.fmspc));
	r = ds_pcs_collateral(pcs, &id, (int64_t)time(NULL), ask->refresh, json, &info, &err);
	a->fresh_until = info.fresh_until;
	a->old = info.cached && !ask->refresh;
	if (r)
		(void)snprintf(a->why, sizeof(a->why), "%s", err.code ? err.msg : strerror(-r));
	return r;
}

/* Until the other end is closed. */
static int child(const struct options *o, int fd)
{
	DS_PCS struct ds_pcs *pcs = NULL;
	struct ask ask;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN); /* from a terminal it is meant for the other process */
	signal(SIGTERM, SIG_IGN);
	if (o->fetch.url && fetch_open(&o->fetch, &pcs))
		return 1;
	while (recv(fd, &ask, sizeof(ask), MSG_WAITALL) == sizeof(ask)) {
		DS_BUF struct ds_buf json = DS_BUF_NULL;
		struct answer a = { .ask = ask };

		a.r = pcs ? load_service(pcs, &ask, &json, &a) : load_file(o->collateral, &json, &a);
		a.n = a.r ? 0 : (uint32_t)json.n;
		if (ds_write_full(fd, &a, sizeof(a)) || ds_write_full(fd, json.p, a.n))
			return 1;
	}
	return 0;
}

/* This process. */

struct waiter {
	fetched_fn fn;
	void *arg;
	struct waiter *next;
};

struct entry {
	struct ask key; /* refresh is 0 */
	struct ds_buf json;
	int64_t fresh_until, asked;
	bool asking, old;
	struct waiter *waiters;
};

struct fetcher {
	int fd;
	pid_t pid;
	struct bufferevent *bev;
	struct entry entries[MAX_ENTRIES];
	size_t n;
	struct fetcher_stats stats;
	void (*on_gone)(void *arg);
	void *gone_arg;
};

int fetcher_start(const struct options *o, struct fetcher **ret)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	int sv[2];

	if (!f || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv)) {
		free(f);
		perror("dstack-verify: socketpair");
		return EXIT_USAGE;
	}
	f->pid = fork();
	if (!f->pid) {
		close(sv[0]);
		_exit(child(o, sv[1]));
	}
	close(sv[1]);
	f->fd = sv[0];
	*ret = f;
	if (f->pid > 0 && !evutil_make_socket_nonblocking(f->fd))
		return 0;
	perror("dstack-verify: fork");
	*ret = fetcher_free(f);
	return EXIT_USAGE;
}

static struct entry *find(struct fetcher *f, const struct ask *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (!memcmp(&f->entries[i].key, key, sizeof(*key)))
			return &f->entries[i];
	return NULL;
}

/* A place for one more platform, if need be that of the one unused for longest. */
static struct entry *place(struct fetcher *f)
{
	struct entry *old = NULL;

	if (f->n < MAX_ENTRIES)
		return &f->entries[f->n++];
	for (size_t i = 0; i < f->n; i++) {
		struct entry *e = &f->entries[i];

		if (!e->asking && (!old || e->asked < old->asked))
			old = e;
	}
	if (old)
		ds_buf_done(&old->json);
	return old;
}

static void answer_all(struct entry *e, int r, const char *why)
{
	struct waiter *w = e->waiters;

	e->waiters = NULL;
	while (w) {
		struct waiter *next = w->next;

		w->fn(w->arg, r, ds_buf_span(&e->json), e->old, why);
		free(w);
		w = next;
	}
}

/* Documents from before go on being used when there are no new ones: the verifier knows their end. */
static int take(struct fetcher *f, const struct answer *a, struct evbuffer *in)
{
	struct ask key = a->ask;
	struct entry *e;

	key.refresh = 0;
	e = find(f, &key);
	if (!e || !e->asking)
		return -EBADMSG;
	if (a->r) {
		ds_log(DS_LOG_WARN, "event=collateral-failed error=\"%s\"", a->why);
		f->stats.failed++;
		e->fresh_until = (int64_t)time(NULL) + RETRY;
	} else {
		ds_buf_done(&e->json);
		DS_TRY(ds_buf_reserve(&e->json, a->n));
		if (evbuffer_remove(in, e->json.p, a->n) != (int)a->n)
			return -EBADMSG;
		e->json.n = a->n;
		e->fresh_until = a->fresh_until;
	}
	e->asking = false;
	e->old = a->old;
	answer_all(e, e->json.n ? 0 : a->r, a->why);
	return 0;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct fetcher *f = arg;
	struct answer a;

	for (;;) {
		if (evbuffer_copyout(in, &a, sizeof(a)) < (ev_ssize_t)sizeof(a))
			return;
		a.why[sizeof(a.why) - 1] = '\0';
		if (a.n > DS_MAX_COLLATERAL)
			break;
		if (evbuffer_get_length(in) < sizeof(a) + a.n)
			return;
		evbuffer_drain(in, sizeof(a));
		if (take(f, &a, in))
			break;
	}
	f->on_gone(f->gone_arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct fetcher *f = arg;

	f->on_gone(f->gone_arg);
}

int fetcher_attach(struct fetcher *f, struct event_base *base, void (*on_gone)(void *arg), void *arg)
{
	f->on_gone = on_gone;
	f->gone_arg = arg;
	f->bev = bufferevent_socket_new(base, f->fd, 0);
	if (!f->bev)
		return -ENOMEM;
	bufferevent_setcb(f->bev, on_read, NULL, on_event, f);
	return bufferevent_enable(f->bev, EV_READ | EV_WRITE) ? -EIO : 0;
}

static int wait_for(struct fetcher *f, struct entry *e, bool refresh, fetched_fn fn, void *arg)
{
	struct waiter *w = calloc(1, sizeof(*w));
	struct ask ask = e->key;

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ fn, arg, e->waiters };
	if (!e->asking) {
		ask.refresh = refresh;
		if (bufferevent_write(f->bev, &ask, sizeof(ask))) {
			free(w);
			return -ENOMEM;
		}
		e->asking = true;
		e->asked = (int64_t)time(NULL);
		f->stats.asked++;
	}
	e->waiters = w;
	return 0;
}

int fetcher_get(struct fetcher *f, const struct ds_platform_id *id, bool refresh, fetched_fn fn,
		void *arg)
{
	int64_t now = (int64_t)time(NULL);
	struct ask key = { .processor = id->processor };
	struct entry *e;
	bool recent;

	memcpy(key.fmspc, id->fmspc, sizeof(key.fmspc));
	e = find(f, &key);
	if (!e) {
		e = place(f);
		if (!e)
			return -EBUSY;
		*e = (struct entry){ .key = key };
	}
	recent = !e->old && now >= e->asked && now - e->asked < RETRY;
	if (!e->asking && (e->json.n || recent) && (refresh ? recent : now < e->fresh_until)) {
		fn(arg, e->json.n ? 0 : -EAGAIN, ds_buf_span(&e->json), !recent,
		   "collateral could not be had a moment ago");
		return 0;
	}
	return wait_for(f, e, refresh, fn, arg);
}

struct fetcher *fetcher_free(struct fetcher *f)
{
	if (!f)
		return NULL;
	if (f->bev)
		bufferevent_free(f->bev);
	for (size_t i = 0; i < f->n; i++) {
		answer_all(&f->entries[i], -ECANCELED, "the service stops");
		ds_buf_done(&f->entries[i].json);
	}
	close(f->fd);
	if (f->pid > 0)
		kill(f->pid, SIGKILL);
	free(f);
	return NULL;
}

struct fetcher_stats fetcher_stats(const struct fetcher *f)
{
	return f->stats;
}
