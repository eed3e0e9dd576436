/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server name of a TLS ClientHello that has not been answered yet, and the gateway's platform
 * host names (spec/gateway 1.1, 1.2; RFC 8446 4.1.2, RFC 6066 3). Pure, no state: the caller
 * collects bytes and asks again.
 */
#ifndef DS_WIRE_CLIENTHELLO_H
#define DS_WIRE_CLIENTHELLO_H

#include <ds/base/base.h>
#include <ds/base/limits.h>

#define DS_HOST_MAX  253 /* without the final dot */
#define DS_LABEL_MAX 63

/*
 * A hello may come in this many TLS records; DS_MAX_CLIENT_HELLO bounds what they carry together.
 */
#define DS_HELLO_RECORDS 64
#define DS_HELLO_RAW_MAX (DS_MAX_CLIENT_HELLO + 5 * DS_HELLO_RECORDS)

/* Positive outcomes of ds_hello_scan(). */
#define DS_HELLO_E_MORE                                                                            \
	1 /* a prefix of a hello: at least ret_need bytes are required before asking again helps */
#define DS_HELLO_E_NOT_TLS 2 /* not a TLS handshake, or not a ClientHello */
#define DS_HELLO_E_NO_NAME 3 /* a complete hello without a host name */

/*
 * Look at everything received so far. 0: ret_host is the host name, lower case, [a-z0-9_.-] only,
 * labels of 1 to 63, at most 253 in all. -EBADMSG: malformed hello or name; -EFBIG: beyond the
 * limits above; err (may be NULL) says where. in may hold bytes after the hello's last record
 * (early data); they are not looked at.
 */
DS_MUST int ds_hello_scan(struct ds_span in, char ret_host[DS_HOST_MAX + 1], size_t *ret_need,
			  struct ds_err *err);

/* The name check of ds_hello_scan(): 0 and the lower-case form, or -EBADMSG. */
DS_MUST int ds_host_normalize(struct ds_span in, char ret_host[DS_HOST_MAX + 1]);

enum ds_route_mode {
	DS_ROUTE_PASSTHROUGH,	 /* "s": the backend speaks TLS */
	DS_ROUTE_TERMINATE,	 /* no suffix: the gateway speaks TLS */
	DS_ROUTE_TERMINATE_GRPC, /* "g": the same with ALPN h2 */
};

struct ds_route {
	char id[DS_LABEL_MAX + 1]; /* as written: an instance id, an app id or a reserved word */
	uint16_t port;
	enum ds_route_mode mode;
};

/* Positive outcome of ds_route_parse(): not exactly one label in front of base. */
#define DS_ROUTE_E_FOREIGN 1

/*
 * host and base as ds_host_normalize() gives them. 0, DS_ROUTE_E_FOREIGN, or -EBADMSG for a label
 * outside the grammar.
 */
DS_MUST int ds_route_parse(const char *host, const char *base, struct ds_route *ret,
			   struct ds_err *err);

#endif
