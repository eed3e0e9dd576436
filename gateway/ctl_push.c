// SPDX-License-Identifier: Apache-2.0
/*
 * Keeping the workers' tables equal to the store, without ever waiting for a worker; see msg.h and
 * ctl.h.
 */
#include <event2/event.h>
#include <sys/socket.h>

#include <ds/base/log.h>

#include "ctl.h"

/* false: the worker's queue is full. */
static bool try_send(struct ctl_worker *w, enum ds_gw_msg_kind kind,
		     const struct ds_gw_instance *in)
{
	struct ds_gw_msg msg = { .kind = kind };

	if (in)
		msg.instance = *in;
	if (send(w->fd, &msg, sizeof(msg), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(msg))
		return true;
	if (errno != EAGAIN && errno != ENOBUFS)
		ds_log(DS_LOG_ERR, "event=push error=\"%s\"", strerror(errno));
	return false;
}

/* As much of the whole table as the queue takes; the rest when it has room again. */
static void advance(struct ctl_worker *w)
{
	struct ds_store *s = w->ctl->store;

	if (w->stage == CTL_PUSH_BEGIN && try_send(w, DS_GW_BEGIN, NULL)) {
		w->stage = CTL_PUSH_RECORDS;
		w->next = 0;
	}
	while (w->stage == CTL_PUSH_RECORDS) {
		struct ds_gw_record *rec = ds_store_at(s, w->next);

		if (!rec) {
			w->stage = CTL_PUSH_END;
			break;
		}
		if (rec->in.ip && !try_send(w, DS_GW_PUT, &rec->in))
			break;
		w->next++;
	}
	if (w->stage == CTL_PUSH_END && try_send(w, DS_GW_END, NULL))
		w->stage = CTL_PUSH_IDLE;
	if (w->stage != CTL_PUSH_IDLE && event_add(w->writable, NULL))
		ds_log(DS_LOG_ERR, "event=push error=\"cannot wait for a worker\"");
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	advance(arg);
}

/* A worker has just started: it knows nothing. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_worker *w = arg;
	struct ds_gw_msg msg;
	ssize_t n = recv((int)fd, &msg, sizeof(msg), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		event_del(w->readable);
		return;
	}
	if (n != (ssize_t)sizeof(msg) || msg.kind != DS_GW_HELLO) {
		ds_log(DS_LOG_ERR, "event=push error=\"unexpected message\" bytes=%zd", n);
		return;
	}
	w->stage = CTL_PUSH_BEGIN;
	advance(w);
}

void ctl_push_record(struct ctl *c, const struct ds_gw_record *rec)
{
	for (unsigned int i = 0; i < c->n_workers; i++) {
		struct ctl_worker *w = &c->workers[i];

		if (w->stage == CTL_PUSH_RECORDS && rec->index >= w->next)
			continue; /* its turn comes */
		if (w->stage == CTL_PUSH_IDLE && try_send(w, DS_GW_PUT, &rec->in))
			continue;
		w->stage = CTL_PUSH_BEGIN;
		advance(w);
	}
}

int ctl_push_start(struct ctl *c, const int *fds, unsigned int n)
{
	struct event_base *base = ds_loop_base(c->loop);

	if (n > CTL_WORKERS_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		struct ctl_worker *w = &c->workers[i];

		*w = (struct ctl_worker){ .ctl = c, .fd = fds[i], .stage = CTL_PUSH_BEGIN };
		w->readable = event_new(base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
		w->writable = event_new(base, w->fd, EV_WRITE, on_writable, w);
		c->n_workers = i + 1;
		if (!w->readable || !w->writable || event_add(w->readable, NULL))
			return -ENOMEM;
		advance(w);
	}
	return 0;
}

void ctl_push_stop(struct ctl *c)
{
	for (unsigned int i = 0; i < c->n_workers; i++) {
		if (c->workers[i].readable)
			event_free(c->workers[i].readable);
		if (c->workers[i].writable)
			event_free(c->workers[i].writable);
	}
	c->n_workers = 0;
}
