/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 client, one request per connection: http://, https:// and unix:SOCKET:/PATH. Links
 * statically: names are resolved with evdns, never through the C library. The server is checked
 * inside the handshake, before a byte of the request leaves.
 */
#ifndef DS_NET_CLIENT_H
#define DS_NET_CLIENT_H

#include <ds/base/base.h>
#include <ds/net/tls.h>

struct event_base;
struct ds_call;

struct ds_client_cfg {
	/* https: the server must chain to roots_pem (if given) and satisfy check (if given); one of
	 * them is required */
	struct ds_span roots_pem;
	ds_tls_peer_fn check;
	void *check_arg;
	bool no_name_check;	 /* the certificate's SAN need not name the URL's host */
	struct ds_span cert_pem; /* client certificate chain; n 0: none */
	const struct ds_p256 *key;
	const char *nameserver;	  /* numeric address; NULL: those of /etc/resolv.conf */
	const char *content_type; /* of the body; NULL: application/json */
	/* 0 takes the default */
	unsigned connect_ms; /* 5000: name, connection and handshake */
	unsigned total_ms;   /* 60000 */
	size_t max_reply;    /* DS_MAX_RPC_BODY */
};

/*
 * Called once, from the loop, unless the call is cancelled. r 0: status and body are valid (any
 * status); the body is wiped after the call. Negative: err says what failed (-ETIMEDOUT,
 * -ECONNREFUSED, -EPERM for a refused server, ...).
 */
typedef void (*ds_call_fn)(void *arg, int r, int status, struct ds_span body,
			   const struct ds_err *err);

/* POST when body.p is not NULL, else GET. cfg, url and body are copied; key and check_arg must
 * outlive the call. */
DS_MUST int ds_call_start(struct event_base *base, const struct ds_client_cfg *cfg, const char *url,
			  struct ds_span body, ds_call_fn fn, void *arg, struct ds_call **ret,
			  struct ds_err *err);
/* Before fn ran only; fn will not run. Takes NULL, returns NULL. */
struct ds_call *ds_call_cancel(struct ds_call *call);

/* The same, waiting, on a loop of its own. A caller that expects secrets wipes ret_body before
 * freeing it. */
DS_MUST int ds_call(const struct ds_client_cfg *cfg, const char *url, struct ds_span body,
		    struct ds_buf *ret_body, int *ret_status, struct ds_err *err);

#endif
