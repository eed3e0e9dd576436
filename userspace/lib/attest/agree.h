/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: what ds_icert_parse() and ds_icrl_parse() accept OpenSSL reads too, and the same. */
#ifndef DS_ATTEST_AGREE_H
#define DS_ATTEST_AGREE_H

#include <openssl/x509v3.h>

#include <ds/wire/intelcert.h>

#include "priv.h"

static inline bool agree_octets(const ASN1_OCTET_STRING *s, struct ds_span want)
{
	return s &&
	       ds_span_eq(DS_SPAN(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), want);
}

static inline bool agree_name(const X509_NAME *name, struct ds_span want)
{
	const unsigned char *der;
	size_t n;

	return X509_NAME_get0_der(name, &der, &n) == 1 && ds_span_eq(DS_SPAN(der, n), want);
}

static inline bool agree_integer(const ASN1_INTEGER *i, struct ds_span content)
{
	unsigned char *der = NULL;
	int n = i2d_ASN1_INTEGER(i, &der);
	bool ok = n > 2 && ds_span_eq(DS_SPAN(der + 2, (size_t)n - 2), content);

	OPENSSL_free(der);
	return ok;
}

static inline bool agree_dates(const ASN1_TIME *from, const ASN1_TIME *to, int64_t want_from,
			       int64_t want_to)
{
	int64_t f, t;

	return !ds_asn1_time(from, &f) && !ds_asn1_time(to, &t) && f == want_from && t == want_to;
}

/* 1: not in the form, 0: the same to both, -1: OpenSSL does not agree. */
static inline int agree_cert(struct ds_span der)
{
	struct ds_acert a = { 0 };
	struct ds_span sgx = DS_SPAN_NULL;
	struct ds_icert c;
	uint8_t xy[64];
	char cn[256];
	uint32_t flags;
	size_t n;
	bool ok;

	if (ds_icert_parse(der, &c))
		return 1;
	if (ds_acerts_read(der, &a, 1, &n))
		return -1;
	flags = X509_get_extension_flags(a.x);
	(void)snprintf(cn, sizeof(cn), "%.*s", (int)c.cn.n, (const char *)c.cn.p);
	ok = X509_get_version(a.x) == 2 && !(flags & EXFLAG_CRITICAL) &&
	     X509_get_signature_nid(a.x) == NID_ecdsa_with_SHA256 &&
	     agree_integer(X509_get0_serialNumber(a.x), c.serial) &&
	     agree_name(X509_get_issuer_name(a.x), c.issuer) &&
	     agree_name(X509_get_subject_name(a.x), c.subject) &&
	     (c.cn.n >= sizeof(cn) || ds_cert_cn_is(a.x, cn)) &&
	     agree_dates(X509_get0_notBefore(a.x), X509_get0_notAfter(a.x), c.from, c.to) &&
	     !ds_cert_xy(a.x, xy) && !memcmp(xy, c.xy, 64) &&
	     agree_octets(X509_get0_authority_key_id(a.x), c.aki) &&
	     agree_octets(X509_get0_subject_key_id(a.x), c.ski) && flags & EXFLAG_KUSAGE &&
	     X509_get_key_usage(a.x) == c.usage && flags & EXFLAG_BCONS_CRITICAL &&
	     !!(flags & EXFLAG_CA) == c.ca && X509_get_pathlen(a.x) == c.pathlen &&
	     (c.sgx.n ? !ds_pck_sgx_extension(a.x, &sgx) && ds_span_eq(sgx, c.sgx)
		      : ds_pck_sgx_extension(a.x, &sgx) == -EBADMSG);
	ds_acert_done(&a);
	return ok ? 0 : -1;
}

static inline bool agree_entries(X509_CRL *x, const struct ds_icrl *c)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(x);

	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		unsigned char *der = NULL;
		int n = i2d_ASN1_INTEGER(
			X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all, i)), &der);
		bool in = n > 2 && ds_icrl_lists(c, DS_SPAN(der + 2, (size_t)n - 2));

		OPENSSL_free(der);
		if (!in)
			return false;
	}
	return true;
}

static inline int agree_crl(struct ds_span der)
{
	const unsigned char *p = der.p;
	AUTHORITY_KEYID *aki;
	struct ds_icrl c;
	X509_CRL *x;
	bool ok;

	if (ds_icrl_parse(der, &c))
		return 1;
	x = d2i_X509_CRL(NULL, &p, (long)der.n);
	if (!x || p != der.p + der.n) {
		X509_CRL_free(x);
		return -1;
	}
	aki = X509_CRL_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);
	ok = X509_CRL_get_version(x) == 1 && agree_name(X509_CRL_get_issuer(x), c.issuer) &&
	     X509_CRL_get_signature_nid(x) == NID_ecdsa_with_SHA256 &&
	     X509_CRL_get_ext_count(x) == 2 &&
	     agree_dates(X509_CRL_get0_lastUpdate(x), X509_CRL_get0_nextUpdate(x), c.from, c.to) &&
	     aki && agree_octets(aki->keyid, c.aki) && agree_entries(x, &c);
	AUTHORITY_KEYID_free(aki);
	X509_CRL_free(x);
	return ok ? 0 : -1;
}

#endif
