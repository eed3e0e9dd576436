/* SPDX-License-Identifier: Apache-2.0 */
/* Between listen.c (sockets) and server.c (connections). */
#ifndef DS_LIB_NET_SERVER_PRIV_H
#define DS_LIB_NET_SERVER_PRIV_H

#include "http.h"
#include "tls_priv.h"

#include <ds/net/server.h>

struct bufferevent;
struct event;
struct sockaddr;
struct evconnlistener;

#define DS_CONN_GRACE_MS 250 /* a place is kept at least this long: a handshake or two */
#define DS_CONN_TALK	 4   /* and by who talks, from its own address, this part of request_ms */

enum conn_state {
	CONN_HEAD,
	CONN_BODY,
	CONN_HANDLER, /* a handler owns the request; the connection may be gone (bev NULL) */
	CONN_REPLY,
	CONN_LINGER,
};

struct conn {
	struct ds_req req;     /* first: handlers hold a pointer to it */
	struct ds_server *srv; /* NULL once the server is gone */
	struct conn *next, **prev;
	struct bufferevent *bev;
	struct ds_tls_ctx *tls; /* the one this session was made on */
	struct event *deadline;
	enum conn_state state;
	bool saw_eof, handshaken;
	uint8_t who[8]; /* see admit.c */
	int64_t since;	/* when it got its place, ms */
	size_t body_n, lingered;
	struct ds_buf body, peer_cert;
	char method[16], peer[64];
	char *path, *query, *content_type;
};

struct route {
	const char *method, *path;
	ds_req_fn fn;
	void *ctx;
};

struct ds_server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *resume;
	bool paused;
	struct ds_tls_ctx *tls;
	char *unix_path;
	uint16_t port;
	size_t max_body;
	unsigned max_conns, max_per_addr, n_conns, request_ms, reply_ms, grace_ms, talk_ms;
	struct conn *conns;
	struct route *routes;
	size_t n_routes;
};

/* admit.c: who keeps its place when there are more callers than places. */

/* Whom a connection counts for: an IPv4 address, an IPv6 network of 64 bits; zero: nobody. */
void ds_conn_who(const struct sockaddr *sa, uint8_t ret[8]);
/* Must another one go before who gets a place? 0: no, or ret_victim; -EBUSY: who gets none. */
DS_MUST int ds_conn_admit(const struct ds_server *srv, const uint8_t who[8],
			  struct conn **ret_victim);
/* Milliseconds until somebody new would get a place: 0 now, -1 not before a request is done. */
int ds_conn_wait(const struct ds_server *srv);
int64_t ds_conn_now(void);

/* Takes fd, a listening socket. */
DS_MUST int ds_server_set_up(struct ds_server *srv, int fd);

#endif
