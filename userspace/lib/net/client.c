// SPDX-License-Identifier: Apache-2.0
/* HTTP client: one call, one connection. Every path ends in finish(), which runs the callback and
 * frees the call. */
#include "http.h"
#include "tls_priv.h"

#include <arpa/inet.h>
#include <ds/base/limits.h>
#include <ds/base/secret.h>
#include <ds/net/client.h>
#include <ds/net/loop.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define DOM "client"

struct ds_call {
	struct event_base *base;
	struct ds_url url;
	struct ds_tls_ctx *tls;
	struct ds_tls_expect expect;
	struct evdns_base *dns;
	struct bufferevent *bev;
	struct event *connect_timer, *total_timer;
	struct event *fail_soon; /* an error found before the loop ran is reported from the loop */
	struct ds_buf request;
	size_t max_reply;
	struct ds_http_head head;
	bool connected, have_head, in_chunks;
	struct evbuffer *chunks; /* of a reply that comes so: what is there of it */
	size_t chunk_left;
	ds_call_fn fn;
	void *arg;
	struct ds_err err;
	int r;
};

static struct ds_call *call_free(struct ds_call *call)
{
	if (!call)
		return NULL;
	if (call->bev)
		bufferevent_free(call->bev);
	if (call->chunks)
		evbuffer_free(call->chunks);
	if (call->dns)
		evdns_base_free(call->dns, 1);
	if (call->connect_timer)
		event_free(call->connect_timer);
	if (call->total_timer)
		event_free(call->total_timer);
	if (call->fail_soon)
		event_free(call->fail_soon);
	ds_tls_ctx_free(call->tls);
	ds_url_done(&call->url);
	ds_wipe(call->request.p, call->request.n);
	ds_buf_done(&call->request);
	free(call);
	return NULL;
}

struct ds_call *ds_call_cancel(struct ds_call *call)
{
	return call_free(call);
}

static void finish(struct ds_call *call, int r, int status, struct ds_span body)
{
	call->fn(call->arg, r, status, body, &call->err);
	call_free(call);
}

/* The reason recorded first wins: a refused certificate explains the broken handshake that follows.
 */
static void fail(struct ds_call *call, int r, const char *what)
{
	if (!call->err.code)
		ds_err_set(&call->err, r, DOM, 0, "%s%s%s: %s", call->url.host,
			   call->url.unix_path ? " at " : "",
			   call->url.unix_path ? call->url.unix_path : "", what);
	finish(call, call->err.code, 0, DS_SPAN_NULL);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct ds_call *call = arg;

	(void)fd;
	(void)what;
	fail(call, -ETIMEDOUT,
	     call->connected ? "no complete reply in time" : "no connection in time");
}

static void on_fail_soon(evutil_socket_t fd, short what, void *arg)
{
	struct ds_call *call = arg;

	(void)fd;
	(void)what;
	fail(call, call->r, strerror(-call->r));
}

/* The reply is the first n bytes of in. */
static void deliver(struct ds_call *call, struct evbuffer *in, size_t n)
{
	uint8_t *p = n ? evbuffer_pullup(in, (ev_ssize_t)n) : NULL;

	if (n && !p) {
		fail(call, -ENOMEM, "out of memory");
		return;
	}
	event_del(call->total_timer);
	call->fn(call->arg, 0, call->head.status, DS_SPAN(p, n), &call->err);
	ds_wipe(p, n);
	call_free(call);
}

/* 0 and chunk_left, which is 0 behind the last one; DS_HTTP_E_MORE. */
static int next_chunk(struct ds_call *call, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in), used;

	if (n > DS_HTTP_MAX_CHUNK_HEAD)
		n = DS_HTTP_MAX_CHUNK_HEAD;
	DS_TRY(ds_http_chunk(DS_SPAN(n ? evbuffer_pullup(in, (ev_ssize_t)n) : NULL, n),
			     !call->in_chunks, &call->chunk_left, &used, &call->err));
	call->in_chunks = true;
	evbuffer_drain(in, used);
	return evbuffer_get_length(call->chunks) + call->chunk_left > call->max_reply ? -EFBIG : 0;
}

static void take_chunks(struct ds_call *call, struct evbuffer *in)
{
	int n, r;

	if (!call->chunks)
		call->chunks = evbuffer_new();
	for (;;) {
		if (call->chunk_left) {
			n = evbuffer_remove_buffer(in, call->chunks, call->chunk_left);
			if (n <= 0)
				return;
			call->chunk_left -= (size_t)n;
			continue;
		}
		r = call->chunks ? next_chunk(call, in) : -ENOMEM;
		if (r || !call->chunk_left)
			break;
	}
	if (!r)
		deliver(call, call->chunks, evbuffer_get_length(call->chunks));
	else if (r != DS_HTTP_E_MORE)
		fail(call, r, r == -EFBIG ? "reply is too large" : strerror(-r));
}

static void take_reply(struct ds_call *call)
{
	struct evbuffer *in = bufferevent_get_input(call->bev);
	size_t n = evbuffer_get_length(in);
	int r;

	while (!call->have_head) {
		size_t h = n < DS_HTTP_MAX_HEAD ? n : DS_HTTP_MAX_HEAD;

		if (!n)
			return;
		r = ds_http_response(DS_SPAN(evbuffer_pullup(in, (ev_ssize_t)h), h), &call->head,
				     &call->err);
		if (r == DS_HTTP_E_MORE)
			return;
		if (r) {
			finish(call, r, 0, DS_SPAN_NULL);
			return;
		}
		evbuffer_drain(in, call->head.head_len);
		n = evbuffer_get_length(in);
		call->have_head = call->head.status >= 200; /* 1xx: the real one follows */
	}
	if (call->head.chunked && !call->head.has_length) {
		take_chunks(call, in);
		return;
	}
	if (call->head.coded || (!call->head.has_length && call->head.status != 204)) {
		fail(call, -EBADMSG, "reply without Content-Length");
		return;
	}
	if (call->head.length > call->max_reply) {
		fail(call, -EFBIG, "reply is too large");
		return;
	}
	if (n < call->head.length) {
		bufferevent_setwatermark(call->bev, EV_READ, 0, (size_t)call->head.length);
		return;
	}
	deliver(call, in, (size_t)call->head.length);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	take_reply(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct ds_call *call = arg;
	int e = EVUTIL_SOCKET_ERROR();
	unsigned long code;
	int one = 1;
	char text[120];

	if (what & BEV_EVENT_CONNECTED) {
		call->connected = true;
		/* Or the request waits until the server, which has nothing to say yet, acknowledges the
		 * end of the handshake: 40 ms. Unix sockets do not know it. */
		(void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		event_del(call->connect_timer);
		if (bufferevent_write(bev, call->request.p, call->request.n) ||
		    bufferevent_enable(bev, EV_READ))
			fail(call, -ENOMEM, "out of memory");
		return;
	}
	if (what & BEV_EVENT_EOF) {
		fail(call, -ECONNRESET,
		     call->connected ? "server closed the connection before its reply was complete"
				     : "server closed the connection during the handshake");
		return;
	}
	if (!(what & BEV_EVENT_ERROR))
		return;
	code = call->tls ? bufferevent_get_openssl_error(bev) : 0;
	ERR_clear_error();
	/* Without a library number it is an SSL_ERROR_* value: the socket broke, and errno says
	 * how. */
	if (code && ERR_GET_LIB(code)) {
		ERR_error_string_n(code, text, sizeof(text));
		fail(call, -EPROTO, text);
	} else if (!call->connected && bufferevent_socket_get_dns_error(bev)) {
		fail(call, -EHOSTUNREACH,
		     evutil_gai_strerror(bufferevent_socket_get_dns_error(bev)));
	} else {
		fail(call, e ? -e : -EPROTO, e ? strerror(e) : "connection broke");
	}
}

static int connect_numeric(struct ds_call *call, bool *ret_done)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(call->url.port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(call->url.port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr *sa = NULL;
	int n = 0;

	if (call->url.unix_path) {
		memcpy(un.sun_path, call->url.unix_path, strlen(call->url.unix_path) + 1);
		sa = (struct sockaddr *)&un;
		n = sizeof(un);
	} else if (inet_pton(AF_INET, call->url.host, &in.sin_addr) == 1) {
		sa = (struct sockaddr *)&in;
		n = sizeof(in);
	} else if (inet_pton(AF_INET6, call->url.host, &in6.sin6_addr) == 1) {
		sa = (struct sockaddr *)&in6;
		n = sizeof(in6);
	}
	*ret_done = sa;
	errno = 0;
	if (sa && bufferevent_socket_connect(call->bev, sa, n))
		return errno ? -errno : -ECONNREFUSED;
	return 0;
}

static int connect_name(struct ds_call *call, const char *nameserver)
{
	call->dns = evdns_base_new(call->base, nameserver ? 0 : EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (!call->dns)
		return ds_err_set(&call->err, -EHOSTUNREACH, DOM, 0,
				  "%s: no name server is configured", call->url.host);
	if (nameserver && evdns_base_nameserver_ip_add(call->dns, nameserver))
		return ds_err_set(&call->err, -EINVAL, DOM, 0, "name server is not an address: %s",
				  nameserver);
	if (bufferevent_socket_connect_hostname(call->bev, call->dns, AF_UNSPEC, call->url.host,
						call->url.port))
		return -EHOSTUNREACH;
	return 0;
}

static int make_bev(struct ds_call *call, const struct ds_client_cfg *cfg, struct ds_err *err)
{
	int opts = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct ds_tls_cfg tls = { .cert_pem = cfg->cert_pem,
				  .key = cfg->key,
				  .roots_pem = cfg->roots_pem,
				  .check = cfg->check,
				  .check_arg = cfg->check_arg };
	SSL *ssl;

	if (call->url.tls) {
		DS_TRY(ds_tls_client_new(&tls, &call->tls, err));
		call->expect.err = &call->err;
		call->expect.host = cfg->no_name_check ? NULL : call->url.host;
		DS_TRY(ds_tls_session(call->tls, call->url.host, &call->expect, &ssl));
		call->bev = bufferevent_openssl_socket_new(call->base, -1, ssl,
							   BUFFEREVENT_SSL_CONNECTING, opts);
		if (!call->bev)
			SSL_free(ssl);
	} else {
		call->bev = bufferevent_socket_new(call->base, -1, opts);
	}
	if (!call->bev)
		return -ENOMEM;
	bufferevent_setcb(call->bev, on_read, NULL, on_event, call);
	bufferevent_setwatermark(call->bev, EV_READ, 0, DS_HTTP_MAX_HEAD);
	return 0;
}

static int make_request(struct ds_call *call, const struct ds_client_cfg *cfg, struct ds_span body)
{
	const char *type = cfg->content_type ? cfg->content_type : "application/json";
	bool v6 = strchr(call->url.host, ':');

	/* one allocation: growing would leave copies of the body behind */
	DS_TRY(ds_buf_reserve(&call->request,
			      body.n + strlen(call->url.target) + strlen(type) + 512));
	DS_TRY(ds_buf_addf(&call->request,
			   "%s %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nConnection: close\r\n",
			   body.p ? "POST" : "GET", call->url.target, v6 ? "[" : "", call->url.host,
			   v6 ? "]" : "", call->url.port));
	if (body.p)
		DS_TRY(ds_buf_addf(&call->request, "Content-Type: %s\r\nContent-Length: %zu\r\n",
				   type, body.n));
	DS_TRY(ds_buf_add(&call->request, "\r\n", 2));
	return ds_buf_add_span(&call->request, body);
}

static int start_timer(struct ds_call *call, struct event **ret, unsigned ms, event_callback_fn fn)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	*ret = evtimer_new(call->base, fn, call);
	return *ret && !event_add(*ret, &tv) ? 0 : -ENOMEM;
}

static int set_up(struct ds_call *call, const struct ds_client_cfg *cfg, const char *url,
		  struct ds_span body, struct ds_err *err)
{
	bool numeric;
	int r;

	DS_TRY(ds_url_parse(url, &call->url, err));
	DS_TRY(make_bev(call, cfg, err));
	DS_TRY(make_request(call, cfg, body));
	DS_TRY(start_timer(call, &call->total_timer, cfg->total_ms ? cfg->total_ms : 60000,
			   on_timeout));
	DS_TRY(start_timer(call, &call->connect_timer, cfg->connect_ms ? cfg->connect_ms : 5000,
			   on_timeout));
	if (bufferevent_enable(call->bev, EV_WRITE))
		return -ENOMEM;
	r = connect_numeric(call, &numeric);
	if (!r && !numeric)
		r = connect_name(call, cfg->nameserver);
	if (r) {
		call->r = r;
		bufferevent_setcb(call->bev, NULL, NULL, NULL, NULL);
		DS_TRY(start_timer(call, &call->fail_soon, 0, on_fail_soon));
	}
	return 0;
}

int ds_call_start(struct event_base *base, const struct ds_client_cfg *cfg, const char *url,
		  struct ds_span body, ds_call_fn fn, void *arg, struct ds_call **ret,
		  struct ds_err *err)
{
	struct ds_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	call->base = base;
	call->fn = fn;
	call->arg = arg;
	call->max_reply = cfg->max_reply ? cfg->max_reply : DS_MAX_RPC_BODY;
	r = set_up(call, cfg, url, body, err);
	if (r) {
		if (call->err.code && err)
			*err = call->err;
		call_free(call);
		return r;
	}
	*ret = call;
	return 0;
}

struct waiting {
	struct event_base *base;
	int r, status;
	struct ds_buf body;
	struct ds_err *err;
};

static void on_done(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct waiting *w = arg;

	w->r = r;
	w->status = status;
	if (!r)
		w->r = ds_buf_reserve(&w->body, body.n + 1);
	if (!w->r)
		w->r = ds_buf_add_span(&w->body, body);
	if (w->r && w->err && err->code)
		*w->err = *err;
	event_base_loopbreak(w->base);
}

/* A peer that went away must not kill the caller, whose own disposition of SIGPIPE (inherited by
 * children) stays. */
static void wait_quietly(struct event_base *base)
{
	struct timespec now = { 0 };
	sigset_t pipe_set, old, pending;
	bool was_pending;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_set, &old);
	event_base_dispatch(base);
	if (!was_pending)
		while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR)
			;
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int ds_call(const struct ds_client_cfg *cfg, const char *url, struct ds_span body,
	    struct ds_buf *ret_body, int *ret_status, struct ds_err *err)
{
	struct waiting w = { .base = event_base_new(), .r = -EIO, .err = err };
	struct ds_call *call = NULL;
	int r;

	if (!w.base)
		return -ENOMEM;
	r = ds_call_start(w.base, cfg, url, body, on_done, &w, &call, err);
	if (!r) {
		wait_quietly(w.base);
		/* what was cancelled ends in one more turn of the loop */
		event_base_loop(w.base, EVLOOP_NONBLOCK);
		r = w.r;
	}
	event_base_free(w.base);
	if (r) {
		ds_buf_done(&w.body);
		return r;
	}
	*ret_body = w.body;
	*ret_status = w.status;
	return 0;
}
