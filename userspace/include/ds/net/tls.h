/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts for both sides. Peers are judged by what they prove, not by who signed them: a
 * server may take any client certificate (possession of its key is proven by the handshake) and
 * leave the decision to a callback or to the request handler, who find the certificate in
 * ds_req.peer_cert. TLS 1.3, and 1.2 unless tls13_only. HTTP/1.1 is the only protocol offered
 * (ALPN).
 */
#ifndef DS_NET_TLS_H
#define DS_NET_TLS_H

#include <ds/base/base.h>
#include <ds/crypto/p256.h>

struct ds_tls_ctx;

/*
 * Judges the peer during the handshake; runs after chain and name checks, where those are
 * configured. leaf and chain (what the peer sent after the leaf) are DER, valid during the call. 0
 * accepts; a negative errno with err refuses.
 */
typedef int (*ds_tls_peer_fn)(void *arg, struct ds_span leaf, const struct ds_span *chain,
			      size_t n_chain, struct ds_err *err);

enum ds_tls_peer {
	DS_TLS_PEER_NONE,    /* server: do not ask for a certificate */
	DS_TLS_PEER_REQUEST, /* server: ask, take none for an answer */
	DS_TLS_PEER_REQUIRE, /* server: no certificate, no session */
};

struct ds_tls_cfg {
	struct ds_span cert_pem;   /* own chain, leaf first; n 0: none (clients only) */
	const struct ds_p256 *key; /* of the leaf; the context keeps its own reference */
	struct ds_span roots_pem;  /* peers must chain to one of these; n 0: any chain */
	ds_tls_peer_fn check;	   /* NULL: no callback */
	void *check_arg;
	enum ds_tls_peer peer; /* servers */
	bool tls13_only;
};

/* A client context must have roots or a callback: one that trusts everybody is -EINVAL. */
DS_MUST int ds_tls_server_new(const struct ds_tls_cfg *cfg, struct ds_tls_ctx **ret,
			      struct ds_err *err);
DS_MUST int ds_tls_client_new(const struct ds_tls_cfg *cfg, struct ds_tls_ctx **ret,
			      struct ds_err *err);
struct ds_tls_ctx *ds_tls_ctx_free(struct ds_tls_ctx *ctx);
struct ds_tls_ctx *ds_tls_ctx_ref(struct ds_tls_ctx *ctx);

static inline void ds_cleanup_tls_ctx(struct ds_tls_ctx **ctx)
{
	*ctx = ds_tls_ctx_free(*ctx);
}
#define DS_TLS_CTX DS_CLEANUP(ds_cleanup_tls_ctx)

#endif
