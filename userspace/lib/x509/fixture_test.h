/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: fixed keys, certificates from them, and certificates that we refuse
 * to issue. */
#ifndef DS_X509_FIXTURE_TEST_H
#define DS_X509_FIXTURE_TEST_H

#include "../crypto/vec_test.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ds/x509/cert.h>

#define T0 INT64_C(1700000000)

/* A key with a name: the certificate names it as subject. */
struct party {
	struct ds_p256 *key;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_buf cert;
};

static inline void party_done(struct party *p)
{
	p->key = ds_p256_free(p->key);
	ds_buf_done(&p->cert);
}

static inline void party_key(struct party *p)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(ds_p256_generate(&p->key), 0);
	assert_int_equal(ds_p256_spki(p->key, p->spki), 0);
}

static inline struct ds_cert_spec spec_for(const struct party *p, const char *cn, bool is_ca,
					   int pathlen)
{
	return (struct ds_cert_spec){ .subject = cn,
				      .is_ca = is_ca,
				      .pathlen = pathlen,
				      .not_before = T0 - 1000,
				      .not_after = T0 + 1000,
				      .spki = DS_SPAN_ARRAY(p->spki) };
}

/* Key and certificate in one; issuer NULL: self-signed. */
static inline void party_new(struct party *p, const char *cn, bool is_ca, int pathlen,
			     const struct party *issuer)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_cert_spec spec;

	party_key(p);
	spec = spec_for(p, cn, is_ca, pathlen);
	assert_int_equal(ds_cert_issue(&spec, issuer ? issuer->key : p->key,
				       issuer ? ds_buf_span(&issuer->cert) : DS_SPAN_NULL, &p->cert,
				       &err),
			 0);
}

/* An extension with these bytes as its value. */
struct raw_ext {
	const char *oid;
	struct ds_span value;
	bool critical;
};

/* What ds_cert_issue() refuses to make: any extensions, issuer name and digest, no checks. */
static inline void issue_raw_md(struct ds_buf *ret, const char *cn, const char *issuer_cn,
				const struct party *subject, const struct party *issuer,
				const struct raw_ext *ext, size_t n_ext, const EVP_MD *md)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	int n;

	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), T0 - 1000));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), T0 + 1000));
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
						    V_ASN1_UTF8STRING, (const unsigned char *)cn,
						    -1, -1, 0),
			 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN",
						    V_ASN1_UTF8STRING,
						    (const unsigned char *)issuer_cn, -1, -1, 0),
			 1);
	assert_int_equal(X509_set_pubkey(x, ds_p256_evp(subject->key)), 1);
	for (size_t i = 0; i < n_ext; i++) {
		ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
		ASN1_OBJECT *obj = OBJ_txt2obj(ext[i].oid, 1);
		X509_EXTENSION *e;

		assert_int_equal(ASN1_OCTET_STRING_set(os, ext[i].value.p, (int)ext[i].value.n), 1);
		e = X509_EXTENSION_create_by_OBJ(NULL, obj, ext[i].critical, os);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
		ASN1_OBJECT_free(obj);
		ASN1_OCTET_STRING_free(os);
	}
	assert_true(X509_sign(x, ds_p256_evp(issuer->key), md) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	assert_int_equal(ds_buf_add(ret, der, (size_t)n), 0);
	OPENSSL_free(der);
	X509_free(x);
}

static inline void issue_raw(struct ds_buf *ret, const char *cn, const char *issuer_cn,
			     const struct party *subject, const struct party *issuer,
			     const struct raw_ext *ext, size_t n_ext)
{
	issue_raw_md(ret, cn, issuer_cn, subject, issuer, ext, n_ext, EVP_sha256());
}

#endif
