/* SPDX-License-Identifier: Apache-2.0 */
/* Between listen.c (sockets) and server.c (connections). */
#ifndef DS_LIB_NET_SERVER_PRIV_H
#define DS_LIB_NET_SERVER_PRIV_H

#include "http.h"
#include "tls_priv.h"

#include <ds/net/server.h>

struct bufferevent;
struct event;
struct evconnlistener;

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
	unsigned max_conns, n_conns, request_ms, reply_ms;
	struct conn *conns;
	struct route *routes;
	size_t n_routes;
};

/* Takes fd, a listening socket. */
DS_MUST int ds_server_set_up(struct ds_server *srv, int fd);

#endif
