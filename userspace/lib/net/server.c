// SPDX-License-Identifier: Apache-2.0
/* HTTP server: listener, connections, replies. States of a connection: head, body, handler, reply,
 * linger. */
#include "server_priv.h"

#include <arpa/inet.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/protobuf.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DOM	       "server"
#define LINGER_MS      2000
#define LINGER_BYTES   (16u << 20)
#define LINGER_CHUNK   (64u << 10)
#define ACCEPT_WAIT_MS 100

/* With no place and none to be made, callers wait in the kernel's queue. */
static void listen_or_wait(struct ds_server *srv)
{
	struct timeval tv = { 0 };
	int ms;

	if (!srv->listener || srv->paused)
		return;
	ms = ds_conn_wait(srv);
	if (!ms) {
		evconnlistener_enable(srv->listener);
		return;
	}
	evconnlistener_disable(srv->listener);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	if (ms > 0)
		event_add(srv->resume, &tv);
}

static void conn_free(struct conn *c)
{
	struct ds_server *srv = c->srv;

	if (c->bev)
		bufferevent_free(c->bev);
	if (c->deadline)
		event_free(c->deadline);
	if (srv) {
		*c->prev = c->next;
		if (c->next)
			c->next->prev = c->prev;
		srv->n_conns--;
		listen_or_wait(srv);
	}
	ds_tls_ctx_free(c->tls);
	ds_buf_done(&c->peer_cert);
	ds_buf_done(&c->body);
	free(c->path);
	free(c->query);
	free(c->content_type);
	free(c);
}

/* The peer is gone or must go. While a handler holds the request, only the connection dies. */
static void conn_drop(struct conn *c)
{
	if (c->state != CONN_HANDLER) {
		conn_free(c);
		return;
	}
	if (c->bev)
		bufferevent_free(c->bev);
	c->bev = NULL;
}

static void deadline_in(struct conn *c, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_del(c->deadline);
	if (ms)
		event_add(c->deadline, &tv);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if ((c->state == CONN_HEAD || c->state == CONN_BODY) && (!c->tls || c->handshaken)) {
		ds_req_fail(&c->req, 408, "request not complete in time");
		return;
	}
	conn_drop(c);
}

/* The reply is out: say so, then read what the peer still sends, because closing over unread bytes
 * resets the peer. */
static void start_linger(struct conn *c)
{
	SSL *ssl = c->tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;

	c->state = CONN_LINGER;
	if (ssl) {
		SSL_shutdown(ssl);
		ERR_clear_error();
	}
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	bufferevent_setwatermark(c->bev, EV_READ, 0, LINGER_CHUNK);
	deadline_in(c, LINGER_MS);
	if (c->saw_eof || bufferevent_enable(c->bev, EV_READ))
		conn_free(c);
	else
		listen_or_wait(c->srv);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->state == CONN_REPLY && !evbuffer_get_length(bufferevent_get_output(bev)))
		start_linger(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	ERR_clear_error();
	if (what & BEV_EVENT_CONNECTED) {
		c->handshaken = true;
		return;
	}
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	c->saw_eof = true;
	/* half-closed after its request: it still wants the reply */
	if ((what & BEV_EVENT_EOF) && (c->state == CONN_HANDLER || c->state == CONN_REPLY))
		return;
	conn_drop(c);
}

static void dispatch(struct conn *c)
{
	const struct route *rt = NULL;
	bool wrong_method = false;

	c->state = CONN_HANDLER;
	listen_or_wait(c->srv);
	bufferevent_disable(c->bev, EV_READ);
	deadline_in(c, 0);
	for (size_t i = 0; i < c->srv->n_routes && !rt; i++) {
		const struct route *t = &c->srv->routes[i];
		size_t n = strlen(t->path);
		bool hit = t->path[n - 1] == '/' ? !strncmp(c->path, t->path, n)
						 : !strcmp(c->path, t->path);

		if (hit && t->method && strcmp(t->method, c->method))
			wrong_method = true;
		else if (hit)
			rt = t;
	}
	if (rt)
		rt->fn(rt->ctx, &c->req);
	else if (wrong_method)
		ds_req_fail(&c->req, 405, "method not allowed");
	else
		ds_req_fail(&c->req, 404, "no such path");
}

static int fill_request(struct conn *c, const struct ds_http_head *head)
{
	memcpy(c->method, head->method.p, head->method.n);
	c->content_type = head->content_type.p ? strndup((const char *)head->content_type.p,
							 head->content_type.n)
					       : strdup("");
	if (!c->content_type)
		return -ENOMEM;
	if (head->query.p) {
		c->query = strndup((const char *)head->query.p, head->query.n);
		if (!c->query)
			return -ENOMEM;
	}
	if (c->tls)
		DS_TRY(ds_tls_peer_der(bufferevent_openssl_get_ssl(c->bev), &c->peer_cert));
	c->req.method = c->method;
	c->req.query = c->query;
	c->req.content_type = c->content_type;
	c->req.peer_cert = ds_buf_span(&c->peer_cert);
	DS_TRY(ds_http_unescape(head->path, false, &c->path));
	c->req.path = c->path;
	return 0;
}

/* 0: the body is next; 1: more is needed; -1: a reply is on its way. */
static int take_head(struct conn *c, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in);
	struct ds_http_head head;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!n)
		return 1;
	if (n > DS_HTTP_MAX_HEAD)
		n = DS_HTTP_MAX_HEAD;
	r = ds_http_request(DS_SPAN(evbuffer_pullup(in, (ev_ssize_t)n), n), &head, &err);
	if (r == DS_HTTP_E_MORE)
		return 1;
	if (!r)
		r = fill_request(c, &head);
	if (r) {
		ds_req_fail(&c->req, r == -EFBIG ? 431 : 400, "%s",
			    err.code ? err.msg : "bad request");
		return -1;
	}
	evbuffer_drain(in, head.head_len);
	if (head.coded) {
		ds_req_fail(&c->req, 411,
			    "transfer codings are not supported: send Content-Length");
		return -1;
	}
	if (head.length > c->srv->max_body) {
		ds_req_fail(&c->req, 400, "failed to read data: payload too large");
		return -1;
	}
	c->body_n = (size_t)head.length;
	c->state = CONN_BODY;
	bufferevent_setwatermark(c->bev, EV_READ, 0, c->body_n ? c->body_n : 1);
	if (head.expect_continue && c->body_n > evbuffer_get_length(in))
		bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	return 0;
}

static void take_body(struct conn *c, struct evbuffer *in)
{
	if (evbuffer_get_length(in) < c->body_n)
		return;
	if (c->body_n) {
		if (ds_buf_reserve(&c->body, c->body_n)) {
			ds_req_fail(&c->req, 503, "out of memory");
			return;
		}
		evbuffer_remove(in, c->body.p, c->body_n);
		c->body.n = c->body_n;
	}
	c->req.body = ds_buf_span(&c->body);
	dispatch(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (c->state == CONN_LINGER) {
		c->lingered += evbuffer_get_length(in);
		evbuffer_drain(in, evbuffer_get_length(in));
		if (c->lingered > LINGER_BYTES)
			conn_free(c);
		return;
	}
	if (c->state == CONN_HEAD && take_head(c, in))
		return;
	if (c->state == CONN_BODY)
		take_body(c, in);
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 411:
		return "Length Required";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return status < 400 ? "Done" : "Error";
	}
}

#define HEAD_MAX 256u

/* ret_head: the head of the reply. NULL when the peer is gone (and the request with it). */
static struct evbuffer *begin_reply(struct ds_req *req, int status, const char *content_type,
				    size_t n, char ret_head[HEAD_MAX], size_t *ret_n)
{
	struct conn *c = (struct conn *)req;
	int len = snprintf(ret_head, HEAD_MAX,
			   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			   "Connection: close\r\n\r\n",
			   status, reason(status), content_type, n);

	if (!c->srv || !c->bev || len < 0 || (size_t)len >= HEAD_MAX) {
		conn_free(c);
		return NULL;
	}
	*ret_n = (size_t)len;
	c->state = CONN_REPLY;
	bufferevent_disable(c->bev, EV_READ);
	deadline_in(c, c->srv->reply_ms);
	return bufferevent_get_output(c->bev);
}

void ds_req_reply(struct ds_req *req, int status, const char *content_type, struct ds_span body)
{
	char head[HEAD_MAX];
	size_t head_n;
	struct evbuffer *out = begin_reply(req, status, content_type, body.n, head, &head_n);

	if (out && (evbuffer_add(out, head, head_n) ||
		    (body.n && evbuffer_add(out, body.p, body.n))))
		conn_free((struct conn *)req);
}

static void free_secret(const void *data, size_t n, void *arg)
{
	(void)data;
	(void)n;
	ds_secret_free(arg);
}

/* In front of the n bytes of s, if its pages have room: head and body are one record, one packet. */
static bool put_before(struct ds_secret *s, size_t n, const char *head, size_t head_n)
{
	if (s->map - n < head_n)
		return false;
	memmove(s->p + head_n, s->p, n);
	memcpy(s->p, head, head_n);
	return true;
}

void ds_req_reply_secret(struct ds_req *req, int status, const char *content_type,
			 struct ds_secret **take, size_t n)
{
	struct ds_secret *body = *take;
	char head[HEAD_MAX];
	size_t head_n = 0;
	struct evbuffer *out = begin_reply(req, status, content_type, n, head, &head_n);
	bool ok = out && n <= body->n;

	*take = NULL;
	if (ok && put_before(body, n, head, head_n))
		n += head_n;
	else if (ok)
		ok = !evbuffer_add(out, head, head_n);
	if (ok && !evbuffer_add_reference(out, body->p, n, free_secret, body))
		return;
	ds_secret_free(body);
	if (out)
		conn_free((struct conn *)req);
}

static void reply_pb(struct ds_req *req, int status, const json_t *json)
{
	DS_BUF struct ds_buf msg = DS_BUF_NULL;
	int r = json ? ds_pb_encode(req->reply_pb, json, &msg) : 0;

	if (r)
		ds_req_fail(req, 503, "the reply is no such message: %s", strerror(-r));
	else
		ds_req_reply(req, status, "application/octet-stream", ds_buf_span(&msg));
}

void ds_req_reply_json(struct ds_req *req, int status, const json_t *json)
{
	DS_FREE char *text = NULL;

	if (req->reply_pb) {
		reply_pb(req, status, json);
		return;
	}
	text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY)
		    : strdup("null");
	if (text)
		ds_req_reply(req, status, "application/json", DS_SPAN_STR(text));
	else
		ds_req_fail(req, 503, "out of memory");
}

static void fail_pb(struct ds_req *req, int status, const char *text)
{
	DS_BUF struct ds_buf msg = DS_BUF_NULL;
	uint8_t head[DS_PB_HEAD_MAX];

	if (ds_buf_add(&msg, head, ds_pb_head(1, strlen(text), head)) ||
	    ds_buf_add(&msg, text, strlen(text)))
		msg.n = 0; /* out of memory: the status says that it failed */
	ds_req_reply(req, status, "application/octet-stream", ds_buf_span(&msg));
}

void ds_req_fail(struct ds_req *req, int status, const char *fmt, ...)
{
	static const char oom[] = "{\n  \"error\": \"out of memory\"\n}";
	char msg[512], clean[1024];
	DS_FREE char *text = NULL;
	json_t *json;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	/* peer text may be in it: printable ASCII only */
	ds_escape(DS_SPAN_STR(msg), clean, sizeof(clean));
	if (req->reply_pb) {
		fail_pb(req, status, clean);
		return;
	}
	json = json_pack("{s:s}", "error", clean);
	text = json ? json_dumps(json, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
	json_decref(json);
	ds_req_reply(req, status, "application/json", text ? DS_SPAN_STR(text) : DS_SPAN_STR(oom));
}

int ds_req_peer_info(const struct ds_req *req, struct ds_cert_info *ret, struct ds_err *err)
{
	const struct conn *c = (const struct conn *)req;

	if (c->tls && c->bev)
		return ds_tls_peer_info(bufferevent_openssl_get_ssl(c->bev), ret, err);
	return ds_cert_parse(req->peer_cert, ret, err);
}

static void peer_name(const struct sockaddr *sa, char *out, size_t n)
{
	char ip[INET6_ADDRSTRLEN];

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
		snprintf(out, n, "%s:%u", ip, ntohs(in->sin_port));
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
		snprintf(out, n, "[%s]:%u", ip, ntohs(in6->sin6_port));
	} else {
		snprintf(out, n, "unix");
	}
}

static struct bufferevent *conn_bev(struct ds_server *srv, struct conn *c, evutil_socket_t fd)
{
	int opts = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct bufferevent *bev;
	SSL *ssl;

	if (!srv->tls)
		return bufferevent_socket_new(srv->base, fd, opts);
	if (ds_tls_session(srv->tls, NULL, NULL, &ssl))
		return NULL;
	c->tls = ds_tls_ctx_ref(srv->tls);
	bev = bufferevent_openssl_socket_new(srv->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, opts);
	if (!bev)
		SSL_free(ssl);
	return bev;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	struct ds_server *srv = arg;
	struct conn *c = NULL, *victim = NULL;
	uint8_t who[8];

	(void)l;
	(void)len;
	ds_conn_who(sa, who);
	if (!ds_conn_admit(srv, who, &victim))
		c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return;
	}
	if (victim)
		conn_free(victim);
	memcpy(c->who, who, sizeof(who));
	c->since = ds_conn_now();
	c->deadline = evtimer_new(srv->base, on_deadline, c);
	c->bev = c->deadline ? conn_bev(srv, c, fd) : NULL;
	if (!c->bev) {
		close(fd);
		conn_free(c);
		return;
	}
	c->srv = srv;
	c->next = srv->conns;
	c->prev = &srv->conns;
	if (c->next)
		c->next->prev = &c->next;
	srv->conns = c;
	srv->n_conns++;
	listen_or_wait(srv);
	peer_name(sa, c->peer, sizeof(c->peer));
	c->req = (struct ds_req){ .method = "", .path = "", .content_type = "", .peer = c->peer };
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, DS_HTTP_MAX_HEAD);
	deadline_in(c, srv->request_ms);
	if (bufferevent_enable(c->bev, EV_READ | EV_WRITE))
		conn_free(c);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct ds_server *srv = arg;

	(void)fd;
	(void)what;
	srv->paused = false;
	listen_or_wait(srv);
}

/* Out of descriptors or memory: accepting would only spin. Try again a little later. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	struct timeval tv = { .tv_usec = ACCEPT_WAIT_MS * 1000 };
	struct ds_server *srv = arg;

	evconnlistener_disable(l);
	srv->paused = true;
	event_add(srv->resume, &tv);
}

int ds_server_set_up(struct ds_server *srv, evutil_socket_t fd)
{
	srv->resume = evtimer_new(srv->base, on_resume, srv);
	if (!srv->resume)
		return -ENOMEM;
	srv->listener = evconnlistener_new(srv->base, on_accept, srv,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 128, fd);
	if (!srv->listener)
		return -EINVAL;
	evconnlistener_set_error_cb(srv->listener, on_accept_error);
	return 0;
}

struct ds_server *ds_server_free(struct ds_server *srv)
{
	if (!srv)
		return NULL;
	if (srv->listener)
		evconnlistener_free(srv->listener);
	srv->listener = NULL;
	if (srv->resume)
		event_free(srv->resume);
	while (srv->conns) {
		struct conn *c = srv->conns;

		if (c->state != CONN_HANDLER) {
			conn_free(c);
			continue;
		}
		/* its handler will still reply: to nobody, and perhaps after the loop is gone */
		conn_drop(c);
		event_free(c->deadline);
		c->deadline = NULL;
		srv->conns = c->next;
		if (c->next)
			c->next->prev = &srv->conns;
		c->srv = NULL;
	}
	if (srv->unix_path)
		unlink(srv->unix_path);
	free(srv->unix_path);
	ds_tls_ctx_free(srv->tls);
	free(srv->routes);
	free(srv);
	return NULL;
}
