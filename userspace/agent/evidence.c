// SPDX-License-Identifier: Apache-2.0
/* A quote without waiting for it: the kernel is asked, the loop goes on, the callback gets quote
 * and log. */
#include <event2/event.h>

#include "agent.h"

#define QUOTE_TIMEOUT_S 35 /* the kernel gives up after 30 */
#define QUOTES_MAX	16u

struct evidence {
	struct agent *a;
	struct ds_kquote *q;
	struct event *ev;
	evidence_fn cb;
	void *arg;
};

static void finish(struct evidence *e, int r, struct ds_buf *quote, struct ds_eventlog *log,
		   const struct ds_err *err)
{
	evidence_fn cb = e->cb;
	void *arg = e->arg;

	e->a->quotes--;
	if (e->ev)
		event_free(e->ev);
	ds_kquote_free(e->q);
	free(e);
	cb(arg, r, quote, log, err);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct timeval tv = { .tv_sec = QUOTE_TIMEOUT_S };
	struct evidence *e = arg;
	int r;

	if (what & EV_READ)
		r = ds_kquote_finish(e->q, &quote, &log, &err);
	else
		r = ds_err_set(&err, -ETIMEDOUT, "evidence", 0, "no quote within %d s",
			       QUOTE_TIMEOUT_S);
	if (r == -EAGAIN && !event_add(e->ev, &tv))
		return;
	finish(e, r, &quote, &log, &err);
}

int evidence_start(struct agent *a, const uint8_t report_data[64], evidence_fn cb, void *arg,
		   struct ds_err *err)
{
	struct timeval tv = { .tv_sec = QUOTE_TIMEOUT_S };
	struct evidence *e;
	int r;

	if (a->quotes >= QUOTES_MAX)
		return ds_err_set(err, -EBUSY, "evidence", 0, "%u quotes are being made already",
				  QUOTES_MAX);
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	r = ds_kquote_start(NULL, report_data, &e->q, err);
	if (r) {
		free(e);
		return r;
	}
	*e = (struct evidence){ .a = a, .q = e->q, .cb = cb, .arg = arg };
	e->ev = event_new(a->base, ds_kquote_fd(e->q), EV_READ, on_ready, e);
	if (!e->ev || event_add(e->ev, &tv)) {
		if (e->ev)
			event_free(e->ev);
		ds_kquote_free(e->q);
		free(e);
		return -ENOMEM;
	}
	a->quotes++;
	return 0;
}
