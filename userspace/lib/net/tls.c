// SPDX-License-Identifier: Apache-2.0
/* TLS contexts and the judgement of peers. */
#include "tls_priv.h"

#include <arpa/inet.h>
#include <ds/base/limits.h>
#include <ds/crypto/ossl.h>
#include <ds/x509/cert.h>

#define DOM	  "tls"
#define MAX_CHAIN 8

struct ds_tls_ctx {
	SSL_CTX *ssl;
	unsigned refs;
	bool server;
	bool have_roots;
	ds_tls_peer_fn check;
	void *check_arg;
};

/* One index for the error sink of a session; made once, before any context. */
static int session_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static int der_of(X509 *x, struct ds_buf *ret)
{
	uint8_t *p = NULL;
	int n = i2d_X509(x, &p);
	int r;

	if (n < 0)
		return ds_ossl_err(NULL, -ENOMEM, DOM, "certificate");
	r = ds_buf_add(ret, p, (size_t)n);
	OPENSSL_free(p);
	return r;
}

static int call_check(struct ds_tls_ctx *ctx, const char *host, X509 *leaf, STACK_OF(X509) * sent,
		      struct ds_err *err)
{
	struct ds_buf der[MAX_CHAIN + 1] = { 0 };
	struct ds_span chain[MAX_CHAIN];
	size_t n = 0;
	int r;

	/* nobody asks: evidence in the leaf is judged by who gets the request */
	if (!host && !ctx->check && sk_X509_num(sent) <= MAX_CHAIN)
		return 0;
	r = der_of(leaf, &der[MAX_CHAIN]);
	for (int i = 0; !r && i < sk_X509_num(sent); i++) {
		X509 *x = sk_X509_value(sent, i);

		if (X509_cmp(x, leaf) == 0)
			continue;
		if (n == MAX_CHAIN) {
			r = ds_err_set(err, -EFBIG, DOM, 0, "peer sent more than %d certificates",
				       MAX_CHAIN);
			break;
		}
		r = der_of(x, &der[n]);
		chain[n] = ds_buf_span(&der[n]);
		n++;
	}
	if (!r && host)
		r = ds_cert_check_host(ds_buf_span(&der[MAX_CHAIN]), host, err);
	if (!r && ctx->check)
		r = ctx->check(ctx->check_arg, ds_buf_span(&der[MAX_CHAIN]), chain, n, err);
	for (size_t i = 0; i <= MAX_CHAIN; i++)
		ds_buf_done(&der[i]);
	return r;
}

/* Replaces OpenSSL's own judgement: the chain where roots are configured, the name, the callback. 1
 * accepts. */
static int verify_peer(X509_STORE_CTX *sc, void *arg)
{
	struct ds_tls_ctx *ctx = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(sc, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct ds_tls_expect *expect = SSL_get_ex_data(ssl, session_index());
	struct ds_err *err = expect ? expect->err : NULL;
	const char *host = expect ? expect->host : NULL;
	struct ds_err why = DS_ERR_NULL;
	int r;

	if (ctx->have_roots && X509_verify_cert(sc) != 1) {
		int code = X509_STORE_CTX_get_error(sc);

		if (code == X509_V_OK)
			X509_STORE_CTX_set_error(sc, X509_V_ERR_UNSPECIFIED);
		ds_err_set(err, -EKEYREJECTED, DOM, 0, "peer certificate refused: %s",
			   X509_verify_cert_error_string(code));
		return 0;
	}
	r = call_check(ctx, host, X509_STORE_CTX_get0_cert(sc), X509_STORE_CTX_get0_untrusted(sc),
		       &why);
	if (r) {
		X509_STORE_CTX_set_error(sc, X509_V_ERR_APPLICATION_VERIFICATION);
		ds_err_set(err, r < 0 ? r : -EKEYREJECTED, DOM, 0, "peer certificate refused: %s",
			   why.code ? why.msg : "by the check");
		return 0;
	}
	X509_STORE_CTX_set_error(sc, X509_V_OK);
	return 1;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
		       const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, ours, sizeof(ours) - 1,
				  in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static X509 *x509_from(const struct ds_buf *der)
{
	const uint8_t *p = der->p;

	return d2i_X509(NULL, &p, (long)der->n);
}

static int use_own_cert(SSL_CTX *ssl, const struct ds_tls_cfg *cfg, struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;

	if (!cfg->key)
		return ds_err_set(err, -EINVAL, DOM, 0, "certificate without a key");
	DS_TRY(ds_cert_chain_from_pem(cfg->cert_pem, &chain, err));
	for (size_t i = 0; i < chain.n; i++) {
		X509 *x = x509_from(&chain.der[i]);
		int ok;

		if (!x)
			return ds_ossl_err(err, -EBADMSG, DOM, "own certificate");
		ok = i ? (int)SSL_CTX_add1_chain_cert(ssl, x) : SSL_CTX_use_certificate(ssl, x);
		X509_free(x);
		if (ok != 1)
			return ds_ossl_err(err, -EINVAL, DOM, "own certificate");
	}
	if (SSL_CTX_use_PrivateKey(ssl, ds_p256_evp(cfg->key)) != 1)
		return ds_ossl_err(err, -EKEYREJECTED, DOM,
				   "key does not belong to the certificate");
	return 0;
}

static int use_roots(SSL_CTX *ssl, struct ds_span pem, struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain roots = DS_CERT_CHAIN_NULL;
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);

	DS_TRY(ds_cert_chain_from_pem(pem, &roots, err));
	for (size_t i = 0; i < roots.n; i++) {
		X509 *x = x509_from(&roots.der[i]);
		int ok = x ? X509_STORE_add_cert(store, x) : 0;

		X509_free(x);
		if (ok != 1)
			return ds_ossl_err(err, -EBADMSG, DOM, "trusted root");
	}
	/* a configured anchor is one, self-signed or not */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

static int set_up(struct ds_tls_ctx *ctx, const struct ds_tls_cfg *cfg, struct ds_err *err)
{
	SSL_CTX *ssl = ctx->ssl;
	int mode = SSL_VERIFY_PEER;

	if (SSL_CTX_set_min_proto_version(ssl, cfg->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) !=
	    1)
		return ds_ossl_err(err, -EINVAL, DOM, "protocol version");
	/*
	 * A resumed session would skip the judgement of the peer. An end without close_notify is no
	 * truncation here: every message says its length.
	 */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_num_tickets(ssl, 0);
	SSL_CTX_set_max_cert_list(ssl, DS_MAX_CERT_PEM);
	if (cfg->cert_pem.n)
		DS_TRY(use_own_cert(ssl, cfg, err));
	if (cfg->roots_pem.n) {
		DS_TRY(use_roots(ssl, cfg->roots_pem, err));
		ctx->have_roots = true;
	}
	if (ctx->server) {
		SSL_CTX_set_alpn_select_cb(ssl, select_alpn, NULL);
		if (cfg->peer == DS_TLS_PEER_NONE)
			mode = SSL_VERIFY_NONE;
		else if (cfg->peer == DS_TLS_PEER_REQUIRE)
			mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	} else if (SSL_CTX_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9)) {
		return ds_ossl_err(err, -ENOMEM, DOM, "ALPN");
	}
	SSL_CTX_set_verify(ssl, mode, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, verify_peer, ctx);
	return 0;
}

static int ctx_new(bool server, const struct ds_tls_cfg *cfg, struct ds_tls_ctx **ret,
		   struct ds_err *err)
{
	struct ds_tls_ctx *ctx = calloc(1, sizeof(*ctx));
	int r;

	if (!ctx)
		return -ENOMEM;
	ctx->refs = 1;
	ctx->server = server;
	ctx->check = cfg->check;
	ctx->check_arg = cfg->check_arg;
	ctx->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!ctx->ssl || session_index() < 0)
		r = ds_ossl_err(err, -ENOMEM, DOM, "context");
	else
		r = set_up(ctx, cfg, err);
	if (r) {
		ds_tls_ctx_free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

int ds_tls_server_new(const struct ds_tls_cfg *cfg, struct ds_tls_ctx **ret, struct ds_err *err)
{
	if (!cfg->cert_pem.n)
		return ds_err_set(err, -EINVAL, DOM, 0, "a server needs a certificate");
	return ctx_new(true, cfg, ret, err);
}

int ds_tls_client_new(const struct ds_tls_cfg *cfg, struct ds_tls_ctx **ret, struct ds_err *err)
{
	if (!cfg->roots_pem.n && !cfg->check)
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "a client needs trusted roots or a check of the server");
	return ctx_new(false, cfg, ret, err);
}

struct ds_tls_ctx *ds_tls_ctx_ref(struct ds_tls_ctx *ctx)
{
	ctx->refs++;
	return ctx;
}

struct ds_tls_ctx *ds_tls_ctx_free(struct ds_tls_ctx *ctx)
{
	if (!ctx || --ctx->refs)
		return NULL;
	SSL_CTX_free(ctx->ssl);
	free(ctx);
	return NULL;
}

static int send_name(SSL *ssl, const char *host)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (inet_pton(AF_INET, host, &a4) == 1 || inet_pton(AF_INET6, host, &a6) == 1)
		return 1;
	return (int)SSL_set_tlsext_host_name(ssl, host);
}

int ds_tls_session(struct ds_tls_ctx *ctx, const char *host, struct ds_tls_expect *expect,
		   SSL **ret)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (!ssl || SSL_set_ex_data(ssl, session_index(), expect) != 1 ||
	    (host && send_name(ssl, host) != 1)) {
		SSL_free(ssl);
		return ds_ossl_err(expect ? expect->err : NULL, -ENOMEM, DOM, "session");
	}
	*ret = ssl;
	return 0;
}

int ds_tls_peer_der(SSL *ssl, struct ds_buf *ret)
{
	X509 *x = SSL_get0_peer_certificate(ssl);

	return x ? der_of(x, ret) : 0;
}

int ds_tls_peer_info(SSL *ssl, struct ds_cert_info *ret, struct ds_err *err)
{
	X509 *x = SSL_get0_peer_certificate(ssl);

	return x ? ds_cert_parse_x509(x, ret, err) :
		   ds_err_set(err, -ENOENT, DOM, 0, "no client certificate");
}
