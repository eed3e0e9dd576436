// SPDX-License-Identifier: Apache-2.0
/* Certificates of the DCAP chains: reading them and the questions the checks ask of them (spec/dcap
 * 3). */
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <time.h>

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/crypto/p256.h>
#include <ds/crypto/pem.h>

#include "priv.h"

#define MAX_CERT_DER 16384u

/* spec/dcap 3: SHA-256 of the DER of "Intel SGX Root CA", 2018-05-21 to 2049-12-31. */
static const uint8_t intel_root_sha256[32] = {
	0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49,
	0xe9, 0x5b, 0x80, 0x7a, 0x35, 0x0e, 0x74, 0x24, 0x96, 0x43, 0x99,
	0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3,
};

void ds_acert_done(struct ds_acert *c)
{
	X509_free(c->x);
	c->x = NULL;
	ds_buf_done(&c->der);
}

/* DER, all of it, that OpenSSL reads without reservations. */
static int from_der(struct ds_span der, struct ds_acert *ret)
{
	struct ds_acert c = { 0 };
	const unsigned char *p = der.p;
	int r;

	c.x = d2i_X509(NULL, &p, (long)der.n);
	if (!c.x)
		return ds_ossl_err(NULL, -EBADMSG, "cert", "DER");
	r = p == der.p + der.n ? ds_buf_add_span(&c.der, der) : -EBADMSG;
	if (!r && X509_get_extension_flags(c.x) & EXFLAG_INVALID)
		r = ds_ossl_err(NULL, -EBADMSG, "cert", "extensions");
	if (r) {
		ds_acert_done(&c);
		return r;
	}
	ds_acert_done(ret);
	*ret = c;
	return 0;
}

static bool is_blank(uint8_t b)
{
	return b == '\0' || b == ' ' || b == '\t' || b == '\r' || b == '\n';
}

struct ds_span ds_pem_trim(struct ds_span pem)
{
	while (pem.n && is_blank(pem.p[pem.n - 1]))
		pem.n--;
	return pem;
}

/* PEM, all of it: 1 to max certificates. */
static int read_pem(struct ds_span pem, struct ds_acert *ret, size_t max, size_t *ret_n)
{
	DS_FREE uint8_t *der = NULL;
	struct ds_span label, body;
	struct ds_rd rd;
	size_t len, n = 0;

	pem = ds_pem_trim(pem);
	if (!pem.n || pem.n > DS_MAX_CERT_PEM)
		return -EBADMSG;
	der = malloc(MAX_CERT_DER);
	if (!der)
		return -ENOMEM;
	rd = ds_rd_init(pem);
	while (ds_rd_left(&rd)) {
		if (n == max || ds_pem_next(&rd, &label, &body) ||
		    !ds_span_eq(label, DS_SPAN_LIT("CERTIFICATE")) ||
		    ds_pem_decode(body, der, MAX_CERT_DER, &len))
			return -EBADMSG;
		DS_TRY(from_der(DS_SPAN(der, len), &ret[n++]));
	}
	*ret_n = n;
	return 0;
}

int ds_acerts_read(struct ds_span in, struct ds_acert *ret, size_t max, size_t *ret_n)
{
	if (!in.n || in.p[0] != 0x30)
		return read_pem(in, ret, max, ret_n);
	DS_TRY(from_der(in, &ret[0]));
	*ret_n = 1;
	return 0;
}

int ds_acerts_from_pem(struct ds_span pem, struct ds_acert *ret, size_t n)
{
	size_t got;

	DS_TRY(read_pem(pem, ret, n, &got));
	return got == n ? 0 : -EBADMSG;
}

int ds_root_load(struct ds_span root_ca, struct ds_buf *ret_der)
{
	struct ds_acert c = { 0 };
	size_t n;
	int r;

	r = ds_acerts_read(root_ca, &c, 1, &n);
	if (!r) {
		ds_buf_done(ret_der);
		*ret_der = ds_buf_steal(&c.der);
	}
	ds_acert_done(&c);
	return r;
}

bool ds_is_root(const struct ds_judge *j, struct ds_span der)
{
	const struct ds_buf *given = &j->docs->root_der;
	uint8_t hash[32];

	if (given->n)
		return ds_span_eq(ds_buf_span(given), der);
	return !ds_sha256_1(der, hash) && ds_ct_equal(hash, intel_root_sha256, sizeof(hash));
}

int ds_check_root(struct ds_judge *j, const struct ds_acert *root)
{
	const struct ds_buf *given = &j->docs->root_der;
	uint8_t hash[32], want[32];

	if (ds_is_root(j, ds_buf_span(&root->der)))
		return 0;
	DS_TRY(ds_sha256_1(ds_buf_span(&root->der), hash));
	if (given->n)
		DS_TRY(ds_sha256_1(ds_buf_span(given), want));
	else
		memcpy(want, intel_root_sha256, sizeof(want));
	return ds_verdict_fail_hex(j->v, DS_REASON_ROOT_UNTRUSTED,
				   "SHA-256 of the root certificate", DS_SPAN_ARRAY(want),
				   DS_SPAN_ARRAY(hash));
}

bool ds_cert_cn_is(const X509 *x, const char *cn)
{
	const X509_NAME *name = X509_get_subject_name(x);
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;
	bool same;
	int n;

	if (i < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, i) >= 0)
		return false;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
	if (n < 0)
		return false;
	same = ds_span_eq(DS_SPAN(text, (size_t)n), DS_SPAN_STR(cn));
	OPENSSL_free(text);
	return same;
}

bool ds_cert_issued_by_name(const X509 *x, const X509 *issuer)
{
	return X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) == 0;
}

bool ds_cert_signed_by(X509 *x, const X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	if (key && X509_get_signature_nid(x) == NID_ecdsa_with_SHA256 && X509_verify(x, key) == 1)
		return true;
	(void)ds_ossl_err(NULL, 0, "cert", "signature");
	return false;
}

bool ds_cert_has_ext_flag(X509 *x, uint32_t flag)
{
	return (X509_get_extension_flags(x) & flag) == flag;
}

int ds_cert_xy(const X509 *x, uint8_t ret[64])
{
	uint8_t want[DS_P256_SPKI_SIZE];
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool same = false;

	/* whatever stands around X || Y must be what our own encoder writes for this point */
	if (n == DS_P256_SPKI_SIZE) {
		memcpy(ret, der + DS_P256_SPKI_SIZE - DS_P256_XY_SIZE, DS_P256_XY_SIZE);
		ds_p256_spki_from_xy(ret, want);
		same = !memcmp(der, want, sizeof(want));
	}
	OPENSSL_free(der);
	return same ? 0 : ds_ossl_err(NULL, -EBADMSG, "cert", "public key");
}

int ds_asn1_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return ds_ossl_err(NULL, -EBADMSG, "cert", "time");
	*ret = (int64_t)timegm(&tm);
	return 0;
}

int ds_read_cert_dates(struct ds_judge *j, struct ds_acert *c, const char *what)
{
	if (ds_asn1_time(X509_get0_notBefore(c->x), &c->dates.from) ||
	    ds_asn1_time(X509_get0_notAfter(c->x), &c->dates.to))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_FORMAT,
				       "%s: validity is not a time", what);
	return 0;
}

int ds_check_cert_time(struct ds_judge *j, const struct ds_acert *c, const char *what)
{
	return ds_verdict_dates(j->v, what, c->dates.from, c->dates.to,
				DS_REASON_CERT_NOT_YET_VALID, DS_REASON_CERT_EXPIRED);
}

/* The named checks have verified these very signatures with these very keys. */
static int signatures_done(X509_STORE_CTX *ctx)
{
	return 1;
}

static int crl_done(X509_STORE_CTX *ctx, X509_CRL *crl)
{
	return 1;
}

/* Times are left to ds_check_cert_time() and ds_check_crl(): OpenSSL calls a list stale in its last
 * good second. */
static X509_STORE *path_store(struct ds_judge *j, X509 *root, X509_CRL *pck_crl)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param;

	if (!store)
		return NULL;
	X509_STORE_set_verify(store, signatures_done);
	X509_STORE_set_check_crl(store, crl_done);
	param = X509_STORE_get0_param(store);
	if (X509_STORE_add_cert(store, root) != 1 ||
	    X509_STORE_add_crl(store, j->docs->root_crl.x) != 1 ||
	    (pck_crl && X509_STORE_add_crl(store, pck_crl) != 1) ||
	    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CRL_CHECK |
						       X509_V_FLAG_CRL_CHECK_ALL |
						       X509_V_FLAG_NO_CHECK_TIME) != 1) {
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

int ds_check_path(struct ds_judge *j, X509 *leaf, X509 *ca, X509 *root, X509_CRL *pck_crl,
		  enum ds_reason reason)
{
	X509_STORE *store = path_store(j, root, pck_crl);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	int r = -ENOMEM;

	if (!store || !ctx || !untrusted || (ca && !sk_X509_push(untrusted, ca)) ||
	    X509_STORE_CTX_init(ctx, store, leaf, untrusted) != 1)
		goto out;
	r = 0;
	if (X509_verify_cert(ctx) != 1)
		r = ds_verdict_fail(j->v, reason, "certificate path: %s at depth %d",
				    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)),
				    X509_STORE_CTX_get_error_depth(ctx));
out:
	(void)ds_ossl_err(NULL, 0, "cert", "path");
	sk_X509_free(untrusted);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return r;
}
