// SPDX-License-Identifier: Apache-2.0
/* A connection from its first byte to the relay, see front.h and spec/gateway 1.1. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <ds/base/text.h>

#include "front.h"

/* RFC 8446 6: fatal alerts that a client understands before the backend has spoken. */
#define ALERT_DECODE_ERROR	50
#define ALERT_ACCESS_DENIED	49
#define ALERT_INTERNAL_ERROR	80
#define ALERT_UNRECOGNIZED_NAME 112

#define DRAIN_MAX (64u << 10)

static void list_remove(struct front_list *l, struct front_conn *c)
{
	*(c->prev ? &c->prev->next : &l->head) = c->next;
	*(c->next ? &c->next->prev : &l->tail) = c->prev;
	c->prev = c->next = NULL;
}

/* Deadlines of one list grow with time, so the place is at or near the tail. */
static void list_insert(struct front_list *l, struct front_conn *c)
{
	struct front_conn *after = l->tail;

	while (after && after->deadline > c->deadline)
		after = after->prev;
	c->prev = after;
	c->next = after ? after->next : l->head;
	*(c->next ? &c->next->prev : &l->tail) = c;
	*(after ? &after->next : &l->head) = c;
}

void front_conn_state(struct front *f, struct front_conn *c, enum front_state state,
		      uint64_t deadline)
{
	list_remove(&f->lists[c->state], c);
	c->state = state;
	c->deadline = deadline;
	c->touched = f->now;
	list_insert(&f->lists[state], c);
}

static void side_close(struct front_side *side, bool reset)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	if (side->fd < 0)
		return;
	/* the peer of a broken connection must see that it is broken, not a clean end */
	if (reset && setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)))
		errno = 0;
	close(side->fd);
	side->fd = -1;
}

void front_conn_close(struct front *f, struct front_conn *c, enum front_cause cause)
{
	bool reset = cause == FRONT_RESET || cause == FRONT_IDLE;

	f->count[cause]++;
	side_close(&c->client, reset);
	side_close(&c->server, reset);
	front_flow_done(f, &c->up);
	front_flow_done(f, &c->down);
	front_conn_state(f, c, FRONT_DEAD, 0);
	f->n_conns--;
}

void front_conn_free_dead(struct front *f)
{
	struct front_list *l = &f->lists[FRONT_DEAD];
	struct front_conn *next;

	for (struct front_conn *c = l->head; c; c = next) {
		next = c->next;
		if (c->ready) /* the ready list drops it first */
			continue;
		list_remove(l, c);
		free(c);
	}
}

/*
 * After an alert: throw away what the client still sends, so that closing does not reset before
 * the alert is read.
 */
static void drain(struct front *f, struct front_conn *c)
{
	while (c->client.readable && c->drained <= DRAIN_MAX) {
		ssize_t n = recv(c->client.fd, f->scratch, FRONT_CHUNK, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			c->client.readable = false;
			return;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		c->drained += (size_t)n;
	}
	if (c->client.readable)
		front_conn_close(f, c, FRONT_OK);
}

/* Tell the client in its own language, then wait a little for it to take that. */
static void refuse(struct front *f, struct front_conn *c, enum front_cause cause, uint8_t alert)
{
	uint8_t rec[7] = { 0x15, 3, 3, 0, 2, 2, alert };

	side_close(&c->server, false);
	if (send(c->client.fd, rec, sizeof(rec), MSG_NOSIGNAL | MSG_DONTWAIT) !=
		    (ssize_t)sizeof(rec) ||
	    shutdown(c->client.fd, SHUT_WR)) {
		front_conn_close(f, c, cause);
		return;
	}
	front_flow_done(f, &c->up);
	f->count[cause]++;
	front_conn_state(f, c, FRONT_LINGER, f->now + FRONT_LINGER_MS);
	drain(f, c);
}

int front_conn_new(struct front *f, int fd, const struct sockaddr_in *peer)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	struct front_conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c)
		return -ENOMEM;
	c->client = (struct front_side){ .ev.tag = FRONT_TAG_SIDE, .conn = c, .fd = fd };
	c->server = (struct front_side){ .ev.tag = FRONT_TAG_SIDE, .conn = c, .fd = -1 };
	c->up = (struct front_flow){ .src = &c->client, .dst = &c->server, .pipe = { -1, -1 } };
	c->down = (struct front_flow){ .src = &c->server, .dst = &c->client, .pipe = { -1, -1 } };
	c->peer = *peer;
	ev.data.ptr = &c->client.ev;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    epoll_ctl(f->ep, EPOLL_CTL_ADD, fd, &ev)) {
		int r = -errno;

		free(c);
		return r;
	}
	c->state = FRONT_SNIFF;
	c->deadline = f->now + f->conf->handshake_ms;
	list_insert(&f->lists[FRONT_SNIFF], c);
	f->n_conns++;
	return 0;
}

static void connect_next(struct front *f, struct front_conn *c);

/* The TCP connection of the current candidate is up. */
static void connected(struct front *f, struct front_conn *c)
{
	c->server.writable = true;
	front_conn_state(f, c, FRONT_RELAY, f->now + f->conf->idle_ms);
	front_relay(f, c);
}

static void attempt_failed(struct front *f, struct front_conn *c, int error)
{
	char ip[DS_IP4_TEXT];

	front_log(f, c, FRONT_UNREACHABLE, "backend=%s:%u error=\"%s\" attempt=%zu/%zu",
		  ds_ip4_format(c->ips[c->ip_at], ip), c->port, strerror(error), c->ip_at + 1,
		  c->n_ips);
	side_close(&c->server, false);
	c->ip_at++;
	connect_next(f, c);
}

/* Start on one candidate. 0, or an errno value when it failed at once. */
static int connect_start(struct front *f, struct front_conn *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(c->port),
				  .sin_addr.s_addr = htonl(c->ips[c->ip_at]) };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .data.ptr = &c->server.ev };
	int one = 1;

	c->server = (struct front_side){ .ev.tag = FRONT_TAG_SIDE, .conn = c, .fd = -1 };
	c->server.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->server.fd < 0 ||
	    setsockopt(c->server.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return errno;
	if (connect(c->server.fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		return errno;
	/* only now: an unconnected socket would report a hang-up */
	return epoll_ctl(f->ep, EPOLL_CTL_ADD, c->server.fd, &ev) ? errno : 0;
}

static void connect_next(struct front *f, struct front_conn *c)
{
	for (; c->ip_at < c->n_ips; c->ip_at++) {
		int e = connect_start(f, c);

		if (e) {
			char ip[DS_IP4_TEXT];

			front_log(f, c, FRONT_UNREACHABLE, "backend=%s:%u error=\"%s\"",
				  ds_ip4_format(c->ips[c->ip_at], ip), c->port, strerror(e));
			side_close(&c->server, false);
			continue;
		}
		if (c->ip_at + 1 < c->n_ips)
			front_conn_state(f, c, FRONT_TRY, f->now + FRONT_TRY_MS);
		else
			front_conn_state(f, c, FRONT_CONNECT, f->now + f->conf->connect_ms);
		return;
	}
	refuse(f, c, FRONT_UNREACHABLE, ALERT_INTERNAL_ERROR);
}

static void refuse_route(struct front *f, struct front_conn *c, enum front_cause cause,
			 uint8_t alert, const char *why)
{
	front_log(f, c, cause, "detail=\"%s\"", why);
	refuse(f, c, cause, alert);
}

/* spec/gateway 1.1 steps 4 to 6: who is meant, and where is it? */
static void route(struct front *f, struct front_conn *c)
{
	struct ds_route rt;
	struct ds_err err = DS_ERR_NULL;
	uint8_t id[DS_GW_ID_LEN];
	int r = ds_route_parse(c->host, f->conf->base_domain, &rt, &err);

	if (r == DS_ROUTE_E_FOREIGN) {
		refuse_route(f, c, FRONT_FOREIGN_NAME, ALERT_UNRECOGNIZED_NAME,
			     "not one label in front of the base domain");
		return;
	}
	if (r) {
		refuse_route(f, c, FRONT_BAD_LABEL, ALERT_UNRECOGNIZED_NAME, err.msg);
		return;
	}
	if (rt.mode != DS_ROUTE_PASSTHROUGH) {
		refuse_route(f, c, FRONT_NO_TERMINATION, ALERT_UNRECOGNIZED_NAME,
			     "TLS is not terminated here: only ID-[PORT]s names are served");
		return;
	}
	r = ds_hex_decode_exact(rt.id, id, sizeof(id));
	if (!r)
		r = ds_table_candidates(f->table, id, rt.port, f->seed += 0x9e3779b9u, c->ips,
					FRONT_TRIES, &c->n_ips);
	if (r == -EACCES) {
		refuse_route(f, c, FRONT_PORT_DENIED, ALERT_ACCESS_DENIED,
			     "port is not in the app's port policy");
		return;
	}
	if (r) {
		refuse_route(f, c, FRONT_UNKNOWN_ID, ALERT_UNRECOGNIZED_NAME,
			     "no instance or app with this id is registered");
		return;
	}
	c->port = rt.port;
	connect_next(f, c);
}

/* Enough bytes for a verdict on the hello? */
static void look(struct front *f, struct front_conn *c)
{
	struct ds_err err = DS_ERR_NULL;
	int r = ds_hello_scan(DS_SPAN(c->up.chunk, c->up.n), c->host, &c->need, &err);

	switch (r) {
	case 0:
		route(f, c);
		return;
	case DS_HELLO_E_MORE:
		if (c->need <= FRONT_CHUNK)
			return;
		refuse_route(f, c, FRONT_HELLO_MALFORMED, ALERT_DECODE_ERROR, "hello does not end");
		return;
	case DS_HELLO_E_NOT_TLS:
		front_log(f, c, FRONT_NOT_TLS, "detail=\"no TLS ClientHello\"");
		front_conn_close(f, c, FRONT_NOT_TLS);
		return;
	case DS_HELLO_E_NO_NAME:
		refuse_route(f, c, FRONT_NO_NAME, ALERT_UNRECOGNIZED_NAME,
			     "hello without a server name");
		return;
	default:
		refuse_route(f, c, FRONT_HELLO_MALFORMED, ALERT_DECODE_ERROR, err.msg);
	}
}

static void sniff(struct front *f, struct front_conn *c)
{
	if (!c->up.chunk)
		c->up.chunk = front_chunk_get(f);
	if (!c->up.chunk) {
		front_conn_close(f, c, FRONT_NO_MEMORY);
		return;
	}
	while (c->state == FRONT_SNIFF && c->client.readable) {
		ssize_t n = recv(c->client.fd, c->up.chunk + c->up.n, FRONT_CHUNK - c->up.n,
				 MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			c->client.readable = false;
			return;
		}
		if (n <= 0) {
			front_conn_close(f, c, FRONT_HELLO_CLOSED);
			return;
		}
		c->up.n += (size_t)n;
		c->up.moved += (uint64_t)n;
		if (c->up.n >= c->need)
			look(f, c);
	}
}

static void connect_event(struct front *f, struct front_conn *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (c->client.broken) {
		front_conn_close(f, c, FRONT_RESET);
		return;
	}
	if (!c->server.writable && !c->server.broken)
		return;
	if (getsockopt(c->server.fd, SOL_SOCKET, SO_ERROR, &error, &n))
		error = errno;
	if (error)
		attempt_failed(f, c, error);
	else
		connected(f, c);
}

void front_conn_event(struct front *f, struct front_side *side, uint32_t events)
{
	struct front_conn *c = side->conn;

	if (c->state == FRONT_DEAD || side->fd < 0)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		side->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		side->writable = true;
	if (events & (EPOLLHUP | EPOLLERR))
		side->broken = true;
	switch (c->state) {
	case FRONT_SNIFF:
		sniff(f, c);
		return;
	case FRONT_TRY:
	case FRONT_CONNECT:
		connect_event(f, c);
		return;
	case FRONT_RELAY:
		front_relay(f, c);
		return;
	case FRONT_LINGER:
		drain(f, c);
		return;
	default:
		return;
	}
}

void front_conn_expired(struct front *f, struct front_conn *c)
{
	switch (c->state) {
	case FRONT_SNIFF:
		front_log(f, c, FRONT_HELLO_TIMEOUT,
			  "detail=\"no complete hello in %u ms\" bytes=%zu", f->conf->handshake_ms,
			  c->up.n);
		front_conn_close(f, c, FRONT_HELLO_TIMEOUT);
		return;
	case FRONT_TRY:
	case FRONT_CONNECT:
		attempt_failed(f, c, ETIMEDOUT);
		return;
	case FRONT_RELAY:
		front_log(f, c, FRONT_IDLE, "up=%ju down=%ju", (uintmax_t)c->up.moved,
			  (uintmax_t)c->down.moved);
		front_conn_close(f, c, FRONT_IDLE);
		return;
	default:
		front_conn_close(f, c, FRONT_OK);
	}
}
