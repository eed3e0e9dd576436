// SPDX-License-Identifier: Apache-2.0
/*
 * GetAppKey as often as a KMS can: N guests in turn, C of them at a time, each on a connection of
 * its own. Contexts with certificates are made before the clock starts.
 */
#include "load.h"

#include "../../../userspace/lib/net/http.h"
#include "../../../userspace/lib/net/tls_priv.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <time.h>

struct load {
	const struct load_cfg *cfg;
	const struct guests *gs;
	struct ds_tls_ctx **tls;
	struct event_base *base;
	struct ds_buf request;
	struct sockaddr_in to;
	size_t started, running;
	struct load_result *ret;
};

struct slot {
	struct load *load;
	const struct guest *guest;
	struct bufferevent *bev;
	double since;
};

double load_now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void slot_next(struct slot *s);

static void slot_end(struct slot *s, bool ok, const char *why)
{
	struct load_result *ret = s->load->ret;

	if (ok) {
		ret->took[ret->n++] = load_now(CLOCK_MONOTONIC) - s->since;
	} else if (!ret->failed++) {
		snprintf(ret->why, sizeof(ret->why), "%s", why);
	}
	bufferevent_free(s->bev);
	ERR_clear_error();
	slot_next(s);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = evbuffer_get_length(in);
	struct ds_err err = DS_ERR_NULL;
	struct ds_http_head head;
	struct slot *s = arg;
	const uint8_t *p = evbuffer_pullup(in, -1);
	char why[120];
	int r = p ? ds_http_response(DS_SPAN(p, n), &head, &err) : DS_HTTP_E_MORE;

	if (r == DS_HTTP_E_MORE || (!r && n < head.head_len + head.length))
		return;
	snprintf(why, sizeof(why), "status %d: %.90s", r ? 0 : head.status,
		 r ? err.msg : (const char *)p + head.head_len);
	if (r || head.status != 200)
		slot_end(s, false, why);
	else
		slot_end(s, guest_got(s->guest, DS_SPAN(p + head.head_len, n - head.head_len)),
			 "a key that is not the one derived");
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct slot *s = arg;

	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		slot_end(s, false, what & BEV_EVENT_EOF ? "closed" : "broken");
}

/* The next guest takes the place of the last. */
static void slot_next(struct slot *s)
{
	int opts = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS, one = 1;
	struct load *l = s->load;
	size_t i = l->started;
	SSL *ssl;

	s->bev = NULL;
	if (i == l->cfg->requests) {
		l->running--;
		return;
	}
	l->started++;
	s->guest = &l->gs->g[i % l->gs->n];
	s->since = load_now(CLOCK_MONOTONIC);
	if (ds_tls_session(l->tls[i % l->gs->n], NULL, NULL, &ssl))
		abort();
	s->bev = bufferevent_openssl_socket_new(l->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, opts);
	if (!s->bev)
		abort();
	bufferevent_setcb(s->bev, on_read, NULL, on_event, s);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	bufferevent_write(s->bev, l->request.p, l->request.n);
	/* as guests have it, stock ones as well: the request does not wait for an ACK */
	if (bufferevent_socket_connect(s->bev, (struct sockaddr *)&l->to, sizeof(l->to)) ||
	    setsockopt(bufferevent_getfd(s->bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		abort();
}

static int contexts(struct load *l, struct ds_err *err)
{
	l->tls = calloc(l->gs->n, sizeof(struct ds_tls_ctx *));
	DS_TRY(l->tls ? 0 : -ENOMEM);
	for (size_t i = 0; i < l->gs->n; i++) {
		struct ds_tls_cfg tls = { .cert_pem = ds_buf_span(&l->gs->g[i].cert_pem),
					  .key = l->gs->g[i].key,
					  .roots_pem = ds_buf_span(&l->gs->root_pem) };

		DS_TRY(ds_tls_client_new(&tls, &l->tls[i], err));
	}
	return 0;
}

static int make_request(struct load *l)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;

	DS_TRY(guest_body(&body));
	DS_TRY(ds_buf_addf(&l->request,
			   "POST /prpc/GetAppKey?json HTTP/1.1\r\nHost: %s:%u\r\nConnection: close\r\n"
			   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			   l->cfg->host, l->cfg->port, body.n));
	return ds_buf_add_span(&l->request, ds_buf_span(&body));
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double cpu_of(const struct load_cfg *cfg, size_t i)
{
	clockid_t clock;

	return clock_getcpuclockid(cfg->pid[i], &clock) ? 0 : load_now(clock);
}

static int run(struct load *l)
{
	DS_FREE struct slot *slot = calloc(l->cfg->at_once, sizeof(*slot));
	double cpu[LOAD_MAX_PIDS], start;

	DS_TRY(slot ? 0 : -ENOMEM);
	for (size_t i = 0; i < l->cfg->n_pid; i++)
		cpu[i] = cpu_of(l->cfg, i);
	start = load_now(CLOCK_MONOTONIC);
	l->running = l->cfg->at_once;
	for (size_t i = 0; i < l->cfg->at_once; i++) {
		slot[i].load = l;
		slot_next(&slot[i]);
	}
	while (l->running)
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			return -EIO;
	l->ret->seconds = load_now(CLOCK_MONOTONIC) - start;
	for (size_t i = 0; i < l->cfg->n_pid; i++)
		l->ret->cpu[i] = cpu_of(l->cfg, i) - cpu[i];
	qsort(l->ret->took, l->ret->n, sizeof(double), by_size);
	return 0;
}

static int set_up(struct load *l, struct ds_err *err)
{
	signal(SIGPIPE, SIG_IGN);
	l->to.sin_family = AF_INET;
	l->to.sin_port = htons(l->cfg->port);
	if (inet_pton(AF_INET, l->cfg->host, &l->to.sin_addr) != 1)
		return ds_err_set(err, -EINVAL, "load", 0, "no IPv4 address: %s", l->cfg->host);
	l->base = event_base_new();
	l->ret->took = calloc(l->cfg->requests, sizeof(double));
	DS_TRY(l->base && l->ret->took ? 0 : -ENOMEM);
	DS_TRY(make_request(l));
	return contexts(l, err);
}

int load_run(const struct load_cfg *cfg, const struct guests *gs, struct load_result *ret,
	     struct ds_err *err)
{
	struct load l = { .cfg = cfg, .gs = gs, .ret = ret };
	int r;

	*ret = (struct load_result){ .n = 0 };
	r = set_up(&l, err);
	if (!r)
		r = run(&l);
	for (size_t i = 0; l.tls && i < gs->n; i++)
		ds_tls_ctx_free(l.tls[i]);
	free(l.tls);
	ds_buf_done(&l.request);
	if (l.base) {
		/* what was freed ends in one more turn of the loop */
		event_base_loop(l.base, EVLOOP_NONBLOCK);
		event_base_free(l.base);
	}
	return r;
}
