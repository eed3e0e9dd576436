// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates and revocation lists of the test PKI, with the extensions that strict verifiers ask
 * for.
 */
#include "pki_int.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/crypto/pem.h>
#include <ds/crypto/rand.h>

#define CRL_URL	     "https://pki.dstack-emul.invalid/root.crl"
#define SERIAL_SIZE  20
#define ORGANISATION "dstack emulated TDX (no security)"
#define SGX_EXT_OID  "1.2.840.113741.1.13.1"

int pki_key_id(const struct ds_p256 *key, uint8_t ret[20])
{
	uint8_t point[1 + DS_P256_XY_SIZE] = { 0x04 }, hash[DS_SHA256_SIZE];

	DS_TRY(ds_p256_xy(key, point + 1));
	DS_TRY(ds_sha256_1(DS_SPAN_ARRAY(point), hash));
	memcpy(ret, hash, 20);
	return 0;
}

struct AUTHORITY_KEYID_st *pki_aki(const struct ds_p256 *issuer_key)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	uint8_t id[20];

	if (aki && !pki_key_id(issuer_key, id)) {
		aki->keyid = ASN1_OCTET_STRING_new();
		if (aki->keyid && ASN1_OCTET_STRING_set(aki->keyid, id, sizeof(id)))
			return aki;
	}
	AUTHORITY_KEYID_free(aki);
	return NULL;
}

/* Attribute order and kinds of the real certificates, another organisation. */
static bool set_name(X509_NAME *name, const char *cn)
{
	const struct {
		const char *type, *text;
	} rdn[] = {
		{ "CN", cn },	{ "O", ORGANISATION }, { "L", "Santa Clara" },
		{ "ST", "CA" }, { "C", "US" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rdn); i++)
		if (!X509_NAME_add_entry_by_txt(name, rdn[i].type, MBSTRING_ASC,
						(const unsigned char *)rdn[i].text, -1, -1, 0))
			return false;
	return true;
}

static bool set_serial(X509 *x)
{
	uint8_t serial[SERIAL_SIZE];
	BIGNUM *bn;
	bool ok;

	if (ds_rand(serial, sizeof(serial)))
		return false;
	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive and always 20 bytes */
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

static bool add_key_ids(X509 *x, const struct ds_p256 *key, const struct ds_p256 *issuer_key)
{
	AUTHORITY_KEYID *aki = pki_aki(issuer_key);
	ASN1_OCTET_STRING *ski = ASN1_OCTET_STRING_new();
	uint8_t id[20];
	bool ok = aki && ski && !pki_key_id(key, id) &&
		  ASN1_OCTET_STRING_set(ski, id, sizeof(id)) &&
		  X509_add1_ext_i2d(x, NID_authority_key_identifier, aki, 0, 0) == 1 &&
		  X509_add1_ext_i2d(x, NID_subject_key_identifier, ski, 0, 0) == 1;

	AUTHORITY_KEYID_free(aki);
	ASN1_OCTET_STRING_free(ski);
	return ok;
}

static bool add_crl_url(X509 *x)
{
	X509_EXTENSION *ext =
		X509V3_EXT_conf_nid(NULL, NULL, NID_crl_distribution_points, "URI:" CRL_URL);
	bool ok = ext && X509_add_ext(x, ext, -1);

	X509_EXTENSION_free(ext);
	return ok;
}

static bool add_usage(X509 *x, const struct pki_cert_spec *spec)
{
	ASN1_BIT_STRING *ku = ASN1_BIT_STRING_new();
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	bool ok = ku && bc;

	if (ok && spec->is_ca) {
		bc->ca = 0xff; /* the octet itself: DER knows no other TRUE */
		bc->pathlen = ASN1_INTEGER_new();
		ok = bc->pathlen && ASN1_INTEGER_set(bc->pathlen, spec->pathlen) &&
		     ASN1_BIT_STRING_set_bit(ku, 5, 1) && /* keyCertSign */
		     ASN1_BIT_STRING_set_bit(ku, 6, 1);	  /* cRLSign */
	} else if (ok) {
		ok = ASN1_BIT_STRING_set_bit(ku, 0, 1) && /* digitalSignature */
		     ASN1_BIT_STRING_set_bit(ku, 1, 1);	  /* nonRepudiation */
	}
	ok = ok && X509_add1_ext_i2d(x, NID_key_usage, ku, 1, 0) == 1 &&
	     X509_add1_ext_i2d(x, NID_basic_constraints, bc, 1, 0) == 1;
	ASN1_BIT_STRING_free(ku);
	BASIC_CONSTRAINTS_free(bc);
	return ok;
}

static bool add_sgx(X509 *x, struct ds_span der)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(SGX_EXT_OID, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	bool ok = oid && value && ASN1_OCTET_STRING_set(value, der.p, (int)der.n);

	if (ok)
		ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return ok;
}

int pki_entity_new(const struct pki_cert_spec *spec, const struct pki_entity *issuer,
		   struct pki_entity *ret, struct ds_err *err)
{
	DS_P256 struct ds_p256 *key = NULL;
	PKI_X509 X509 *x = X509_new();
	const struct ds_p256 *issuer_key;
	EVP_PKEY *pkey;

	DS_TRY(ds_p256_generate(&key));
	issuer_key = issuer ? issuer->key : key;
	pkey = ds_p256_evp(key);
	if (!x || !X509_set_version(x, X509_VERSION_3) || !set_serial(x) ||
	    !set_name(X509_get_subject_name(x), spec->cn) ||
	    !X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->cert : x)) ||
	    !ASN1_TIME_set(X509_getm_notBefore(x), (time_t)spec->not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), (time_t)spec->not_after) ||
	    !X509_set_pubkey(x, pkey) || !add_key_ids(x, key, issuer_key) || !add_crl_url(x) ||
	    !add_usage(x, spec) || (spec->sgx_ext.n && !add_sgx(x, spec->sgx_ext)) ||
	    !X509_sign(x, ds_p256_evp(issuer_key), EVP_sha256()))
		return ds_ossl_err(err, -EIO, PKI_DOMAIN, spec->cn);
	*ret = (struct pki_entity){ key, x };
	key = NULL;
	x = NULL;
	return 0;
}

void pki_entity_done(struct pki_entity *e)
{
	e->key = ds_p256_free(e->key);
	X509_free(e->cert);
	e->cert = NULL;
}

int pki_cert_pem(const X509 *x, struct ds_buf *buf)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der), r;
	size_t text;

	if (n < 0)
		return ds_ossl_err(NULL, -EIO, PKI_DOMAIN, "certificate");
	text = ds_pem_size("CERTIFICATE", (size_t)n);
	r = ds_buf_reserve(buf, text);
	if (!r) {
		ds_pem_encode("CERTIFICATE", der, (size_t)n, buf->p + buf->n);
		buf->n += text;
	}
	OPENSSL_free(der);
	return r;
}

static bool crl_times(X509_CRL *crl, int64_t issued, int64_t next_update)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)issued),
		  *to = ASN1_TIME_set(NULL, (time_t)next_update);
	bool ok = from && to && X509_CRL_set1_lastUpdate(crl, from) &&
		  X509_CRL_set1_nextUpdate(crl, to);

	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return ok;
}

static bool crl_exts(X509_CRL *crl, const struct ds_p256 *issuer_key)
{
	AUTHORITY_KEYID *aki = pki_aki(issuer_key);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	bool ok = aki && number && ASN1_INTEGER_set(number, 1) &&
		  X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
		  X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0) == 1;

	AUTHORITY_KEYID_free(aki);
	ASN1_INTEGER_free(number);
	return ok;
}

static bool crl_revoke(X509_CRL *crl, const X509 *cert, int64_t when)
{
	X509_REVOKED *rev = X509_REVOKED_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)when);
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	bool ok =
		rev && at && reason && X509_REVOKED_set_revocationDate(rev, at) &&
		X509_REVOKED_set_serialNumber(rev, (ASN1_INTEGER *)X509_get0_serialNumber(cert)) &&
		ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE) &&
		X509_REVOKED_add1_ext_i2d(rev, NID_crl_reason, reason, 0, 0) == 1;

	ASN1_ENUMERATED_free(reason);
	ASN1_TIME_free(at);
	if (ok && X509_CRL_add0_revoked(crl, rev))
		return true;
	X509_REVOKED_free(rev);
	return false;
}

int pki_crl(const struct pki_entity *issuer, const X509 *revoked, int64_t issued,
	    int64_t next_update, struct ds_buf *buf, struct ds_err *err)
{
	X509_CRL *crl = X509_CRL_new();
	unsigned char *der = NULL;
	int n = -1, r;

	if (crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) &&
	    crl_times(crl, issued, next_update) && crl_exts(crl, issuer->key) &&
	    (!revoked || crl_revoke(crl, revoked, issued)) &&
	    X509_CRL_sign(crl, ds_p256_evp(issuer->key), EVP_sha256()))
		n = i2d_X509_CRL(crl, &der);
	r = n < 0 ? ds_ossl_err(err, -EIO, PKI_DOMAIN, "revocation list")
		  : ds_buf_add(buf, der, (size_t)n);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	return r;
}

int pki_sign_raw(const struct ds_p256 *key, struct ds_span msg, uint8_t ret[64])
{
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	const unsigned char *p;
	ECDSA_SIG *sig;
	bool ok;

	DS_TRY(ds_p256_sign(key, msg, &der));
	p = der.p;
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32) == 32 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32) == 32;
	ECDSA_SIG_free(sig);
	return ok ? 0 : ds_ossl_err(NULL, -EIO, PKI_DOMAIN, "signature");
}
