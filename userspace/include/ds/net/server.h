/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server on libevent: one request per connection, Content-Length bodies only,
 * Connection: close. Every connection has a header limit, a body limit, a deadline for its request
 * and one for its reply, and a place in the server's cap. A peer that half-closes after its request
 * still gets the reply.
 *
 * When all places are taken, or all of one address, the oldest connection that still owes its
 * request goes: silence keeps nobody out. A complete request is never dropped for another, nor,
 * within an address, for a while one that has begun to talk; callers then wait in the kernel's queue,
 * or are closed if their address has its share.
 *
 * A handler replies exactly once, at once or later; struct ds_req and all it points to live until
 * that reply and not longer, whether or not the peer is still there. Callbacks never block.
 */
#ifndef DS_NET_SERVER_H
#define DS_NET_SERVER_H

#include <ds/base/base.h>
#include <ds/base/secret.h>
#include <ds/net/tls.h>
#include <jansson.h>

struct event_base;
struct ds_pb_field;
struct ds_server;

struct ds_req {
	const char *method;	  /* "GET", "POST" */
	const char *path;	  /* percent-decoded, without the query */
	const char *query;	  /* raw; NULL when there is no '?' */
	const char *content_type; /* "" when absent */
	struct ds_span body;
	struct ds_span peer_cert; /* DER of the client's leaf; n 0: none */
	const char *peer;	  /* "unix" or "ADDR:PORT", for logs */
	/* Objects and errors are replied in protobuf, by this table; NULL: in JSON. */
	const struct ds_pb_field *reply_pb;
};

/* What peer_cert says; as the handshake has read it, so at less cost than to parse it again. */
struct ds_cert_info;
DS_MUST int ds_req_peer_info(const struct ds_req *req, struct ds_cert_info *ret, struct ds_err *err);

typedef void (*ds_req_fn)(void *ctx, struct ds_req *req);

struct ds_server_cfg {
	/* exactly one of unix_path, addr and fd > 0 */
	const char *unix_path; /* a stale socket there is replaced */
	mode_t unix_mode;
	const char *addr; /* numeric IPv4 or IPv6 */
	uint16_t port;	  /* 0: any, see ds_server_port() */
	int fd;		  /* a listening socket, taken over */
	struct ds_tls_ctx *tls;
	/* 0 takes the default */
	size_t max_body;       /* DS_MAX_RPC_BODY */
	unsigned max_conns;    /* 256 */
	unsigned max_per_addr; /* a quarter of max_conns; not for Unix sockets */
	unsigned request_ms;   /* 10000: connection to complete request, handshake included */
	unsigned reply_ms;     /* 30000: reply to its last byte taken */
};

DS_MUST int ds_server_new(struct event_base *base, const struct ds_server_cfg *cfg,
			  struct ds_server **ret, struct ds_err *err);
/* Closes the listener and all connections; a request not yet replied to stays valid for its reply,
 * which is dropped. */
struct ds_server *ds_server_free(struct ds_server *srv);
uint16_t ds_server_port(const struct ds_server *srv);
/* Connections that are open now. */
unsigned ds_server_conns(const struct ds_server *srv);
/* New connections use this context; the old one serves those that have it. */
void ds_server_set_tls(struct ds_server *srv, struct ds_tls_ctx *tls);

/* method NULL: any. A prefix route ends in '/'. First match in order of registration wins; strings
 * are borrowed. */
DS_MUST int ds_server_route(struct ds_server *srv, const char *method, const char *path,
			    ds_req_fn fn, void *ctx);

/* Each of these ends req. Allocation failure drops the connection. */
void ds_req_reply(struct ds_req *req, int status, const char *content_type, struct ds_span body);
/* ASCII only, compact, keys in insertion order; json is borrowed, NULL gives `null`. With reply_pb
 * set: its message, NULL the empty one. */
void ds_req_reply_json(struct ds_req *req, int status, const json_t *json);
/* The body is wiped after sending; *take is NULL afterwards. n: bytes of it to send. */
void ds_req_reply_secret(struct ds_req *req, int status, const char *content_type,
			 struct ds_secret **take, size_t n);
/* prpc error shape: {"error": "..."} pretty-printed; with reply_pb set, a message with the text as
 * field 1. */
void ds_req_fail(struct ds_req *req, int status, const char *fmt, ...) DS_PRINTF(3, 4);

#endif
