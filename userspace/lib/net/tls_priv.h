/* SPDX-License-Identifier: Apache-2.0 */
/* What server.c and client.c need from tls.c. */
#ifndef DS_LIB_NET_TLS_PRIV_H
#define DS_LIB_NET_TLS_PRIV_H

#include <ds/net/tls.h>
#include <ds/x509/cert.h>
#include <openssl/ssl.h>

/* What a session demands of its peer, and where the reason of a refusal goes; outlives the session.
 */
struct ds_tls_expect {
	const char *host;   /* must be in the certificate; NULL: not checked */
	struct ds_err *err; /* may be NULL */
};

/* host (may be NULL) is sent as SNI unless it is an address. expect may be NULL. */
DS_MUST int ds_tls_session(struct ds_tls_ctx *ctx, const char *host, struct ds_tls_expect *expect,
			   SSL **ret);
/* DER of the peer's leaf; an empty buffer when there is none. */
DS_MUST int ds_tls_peer_der(SSL *ssl, struct ds_buf *ret);
/* What that certificate says, without reading it a second time. -ENOENT when there is none. */
DS_MUST int ds_tls_peer_info(SSL *ssl, struct ds_cert_info *ret, struct ds_err *err);

#endif
