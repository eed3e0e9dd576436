// SPDX-License-Identifier: Apache-2.0
/* Chains of certificates: PEM, verification, host names. See ds/x509/cert.h. */
#include <ds/x509/cert.h>

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/crypto/pem.h>

#include "internal.h"

#define DOMAIN "cert"
#define LABEL  "CERTIFICATE"

void ds_cert_chain_done(struct ds_cert_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		ds_buf_done(&chain->der[i]);
	free(chain->der);
	*chain = DS_CERT_CHAIN_NULL;
}

/* One more certificate; the array has room for DS_MAX_CHAIN. */
static int chain_add(struct ds_cert_chain *chain, struct ds_span body, struct ds_err *err)
{
	struct ds_buf *der = &chain->der[chain->n];
	DS_X509 X509 *x = NULL;
	size_t n;

	DS_TRY(ds_buf_reserve(der, body.n + 1));
	chain->n++;
	if (ds_pem_decode(body, der->p, der->cap, &n))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "certificate %zu: bad base64",
				  chain->n);
	der->n = n;
	return ds_x509_from_der(ds_buf_span(der), &x, err);
}

int ds_cert_chain_from_pem(struct ds_span pem, struct ds_cert_chain *ret, struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;
	struct ds_rd rd = ds_rd_init(pem);
	struct ds_span label, body;
	int r;

	if (pem.n > DS_MAX_CERT_PEM)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "PEM of %zu bytes, at most %u", pem.n,
				  DS_MAX_CERT_PEM);
	chain.der = calloc(DS_MAX_CHAIN, sizeof(*chain.der));
	if (!chain.der)
		return -ENOMEM;
	while (!(r = ds_pem_next(&rd, &label, &body))) {
		if (!ds_span_eq(label, DS_SPAN_LIT(LABEL)))
			return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(&rd),
					  "expected PEM blocks " LABEL " only");
		if (chain.n == DS_MAX_CHAIN)
			return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(&rd),
					  "more than %u certificates", DS_MAX_CHAIN);
		DS_TRY(chain_add(&chain, body, err));
	}
	if (r != DS_PEM_E_END)
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(&rd),
				  "not PEM, or text between the blocks");
	if (!chain.n)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "no certificate in the PEM text");
	*ret = chain;
	chain = DS_CERT_CHAIN_NULL;
	return 0;
}

int ds_cert_pem(struct ds_span der, struct ds_buf *buf)
{
	size_t n = ds_pem_size(LABEL, der.n);

	DS_TRY(ds_buf_reserve(buf, n));
	ds_pem_encode(LABEL, der.p, der.n, buf->p + buf->n);
	buf->n += n;
	return 0;
}

int ds_cert_pem_to_der(struct ds_span pem, struct ds_buf *buf, struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;

	DS_TRY(ds_cert_chain_from_pem(pem, &chain, err));
	if (chain.n != 1)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%zu certificates, expected 1",
				  chain.n);
	return ds_buf_add_span(buf, ds_buf_span(&chain.der[0]));
}

/* Everything that OpenSSL needs for one verification. */
struct verification {
	X509 *leaf;
	STACK_OF(X509) * rest;
	X509_STORE *store;
	X509_STORE_CTX *ctx;
};

static void verification_done(struct verification *v)
{
	X509_STORE_CTX_free(v->ctx);
	X509_STORE_free(v->store);
	sk_X509_pop_free(v->rest, X509_free);
	X509_free(v->leaf);
}

static int load(struct verification *v, const struct ds_span *chain, size_t n, struct ds_span root,
		struct ds_err *err)
{
	DS_X509 X509 *anchor = NULL;

	DS_TRY(ds_x509_from_der(chain[0], &v->leaf, err));
	DS_TRY(ds_x509_from_der(root, &anchor, err));
	v->rest = sk_X509_new_null();
	v->store = X509_STORE_new();
	v->ctx = X509_STORE_CTX_new();
	if (!v->rest || !v->store || !v->ctx || X509_STORE_add_cert(v->store, anchor) != 1)
		return ds_ossl_err(err, -ENOMEM, DOMAIN, "chain");
	for (size_t i = 1; i < n; i++) {
		X509 *x = NULL;

		DS_TRY(ds_x509_from_der(chain[i], &x, err));
		if (!sk_X509_push(v->rest, x)) {
			X509_free(x);
			return -ENOMEM;
		}
	}
	return 0;
}

static int run(struct verification *v, int64_t time, struct ds_err *err)
{
	X509_VERIFY_PARAM *param;
	STACK_OF(X509) * built;

	if (X509_STORE_CTX_init(v->ctx, v->store, v->leaf, v->rest) != 1)
		return ds_ossl_err(err, -ENOMEM, DOMAIN, "chain");
	param = X509_STORE_CTX_get0_param(v->ctx);
	X509_VERIFY_PARAM_set_time(param, time);
	X509_VERIFY_PARAM_set_depth(param, DS_MAX_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	/* the root is an anchor because we say so, whoever signed it */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	if (X509_verify_cert(v->ctx) != 1) {
		(void)ds_ossl_err(NULL, 0, DOMAIN, "chain");
		return ds_err_set(err, -EKEYREJECTED, DOMAIN, 0, "chain refused at depth %d: %s",
				  X509_STORE_CTX_get_error_depth(v->ctx),
				  X509_verify_cert_error_string(X509_STORE_CTX_get_error(v->ctx)));
	}
	/* OpenSSL takes an anchor that only hints at being a CA (version 1, key usage alone) */
	built = X509_STORE_CTX_get0_chain(v->ctx);
	for (int i = 1; i < sk_X509_num(built); i++)
		if (X509_check_ca(sk_X509_value(built, i)) != 1)
			return ds_err_set(err, -EKEYREJECTED, DOMAIN, 0,
					  "chain refused at depth %d: issuer is not marked as a CA",
					  i);
	return 0;
}

int ds_cert_verify_chain(const struct ds_span *chain, size_t n_chain, struct ds_span root,
			 int64_t time, struct ds_err *err)
{
	struct verification v = { 0 };
	int r;

	if (!n_chain || n_chain > DS_MAX_CHAIN)
		return ds_err_set(err, -EKEYREJECTED, DOMAIN, 0,
				  "chain of %zu certificates, expected 1 to %u", n_chain,
				  DS_MAX_CHAIN);
	r = load(&v, chain, n_chain, root, err);
	if (!r)
		r = run(&v, time, err);
	verification_done(&v);
	return r;
}

int ds_cert_check_host(struct ds_span der, const char *host, struct ds_err *err)
{
	const unsigned int flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
				   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
	DS_X509 X509 *x = NULL;
	uint8_t ip[16];
	char shown[100];
	int ok;

	DS_TRY(ds_x509_from_der(der, &x, err));
	if (inet_pton(AF_INET, host, ip) == 1)
		ok = X509_check_ip(x, ip, 4, 0);
	else if (inet_pton(AF_INET6, host, ip) == 1)
		ok = X509_check_ip(x, ip, 16, 0);
	else /* to OpenSSL a name with a leading dot means everything under it: no host is called so */
		ok = *host && *host != '.' ? X509_check_host(x, host, strlen(host), flags, NULL) : 0;
	if (ok == 1)
		return 0;
	(void)ds_ossl_err(NULL, 0, DOMAIN, "host");
	return ds_err_set(err, -EKEYREJECTED, DOMAIN, 0, "the certificate is not for host %s",
			  ds_escape(DS_SPAN_STR(host), shown, sizeof(shown)));
}

int ds_ratls_report_data(struct ds_span spki, uint8_t ret[64])
{
	return ds_report_data("sha512", DS_SPAN_LIT("ratls-cert"), spki, ret, NULL);
}
