// SPDX-License-Identifier: Apache-2.0
/*
 * Making certificates, see ds/x509/cert.h. The order of extensions and the form of each field
 * follow spec/guest-api 6.3 and spec/kms 1.9: other implementations compare and print them.
 */
#include <ds/x509/cert.h>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ds/base/limits.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/wire/scale.h>

#include "internal.h"

#define DOMAIN	   "cert"
#define MAX_NAME   255u
#define MAX_SAN	   253u
#define MAX_SANS   64u
#define YEAR_10000 INT64_C(253402300800)

static int refuse(struct ds_err *err, const char *why)
{
	return ds_err_set(err, -EINVAL, DOMAIN, 0, "%s", why);
}

/* Printable ASCII without blanks, not empty. */
static bool printable(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= 0x20 || *s >= 0x7f)
			return false;
	return true;
}

static bool utf8(const char *s)
{
	return strlen(s) <= MAX_NAME && ds_utf8_ok(DS_SPAN_STR(s));
}

static int check_spec(const struct ds_cert_spec *spec, struct ds_err *err)
{
	if (spec->not_before >= spec->not_after || spec->not_before < 0 ||
	    spec->not_after >= YEAR_10000)
		return refuse(err, "not_before must be earlier than not_after, years 1970 to 9999");
	if (spec->subject && !utf8(spec->subject))
		return refuse(err, "subject is not UTF-8 of at most 255 bytes");
	if (spec->org && (!*spec->org || !utf8(spec->org)))
		return refuse(err, "organisation is not UTF-8 of 1 to 255 bytes");
	if (spec->n_alt_names > MAX_SANS)
		return refuse(err, "more than 64 alternative names");
	if (spec->is_ca && (spec->server_auth || spec->client_auth))
		return refuse(err, "a CA is not a TLS server or client");
	if (spec->app_id.n && spec->app_id.n != 20)
		return refuse(err, "app_id is not 20 bytes long");
	if (spec->usage && (!printable(spec->usage) || strlen(spec->usage) > 63))
		return refuse(err, "usage is not 1 to 63 printable ASCII bytes");
	return 0;
}

/* add_entry_by_* would refuse an empty common name and one above 64 characters; the baseline does
 * not. */
static int name_add(X509_NAME *name, int nid, const char *value)
{
	X509_NAME_ENTRY *e = X509_NAME_ENTRY_create_by_NID(
		NULL, nid, V_ASN1_UTF8STRING, (const unsigned char *)value, (int)strlen(value));
	int ok = e && X509_NAME_add_entry(name, e, -1, 0) == 1;

	X509_NAME_ENTRY_free(e);
	return ok ? 0 : -ENOMEM;
}

static int set_names(X509 *x, const struct ds_cert_spec *spec, X509 *issuer)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (spec->org)
		DS_TRY(name_add(name, NID_organizationName, spec->org));
	DS_TRY(name_add(name, NID_commonName, spec->subject ? spec->subject : ""));
	if (X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name) != 1)
		return -ENOMEM;
	return 0;
}

/* First 20 bytes of SHA-256 of the point, top bit cleared. */
static int set_serial(X509 *x, struct ds_span spki)
{
	struct ds_span point = DS_SPAN(spki.p + spki.n - 65, 65);
	uint8_t hash[DS_SHA256_SIZE];
	BIGNUM *bn;
	int ok;

	DS_TRY(ds_sha256_1(point, hash));
	hash[0] &= 0x7f;
	bn = BN_bin2bn(hash, DS_X509_SERIAL_SIZE, NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok ? 0 : -ENOMEM;
}

static int set_key(X509 *x, struct ds_span spki, struct ds_err *err)
{
	uint8_t same[DS_P256_SPKI_SIZE];
	const unsigned char *p = spki.p;
	EVP_PKEY *key;
	int ok;

	if (spki.n == DS_P256_SPKI_SIZE)
		ds_p256_spki_from_xy(spki.p + spki.n - DS_P256_XY_SIZE, same);
	if (spki.n != DS_P256_SPKI_SIZE || memcmp(same, spki.p, spki.n))
		return refuse(err, "the subject's key is not a P-256 key");
	key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	ok = key && X509_set_pubkey(x, key) == 1;
	EVP_PKEY_free(key);
	return ok ? 0 : ds_ossl_err(err, -EINVAL, DOMAIN, "the subject's key");
}

/* A general name of this type around n bytes. */
static GENERAL_NAME *general_name(int type, const void *p, size_t n)
{
	ASN1_STRING *s =
		ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	GENERAL_NAME *gn = s && ASN1_STRING_set(s, p, (int)n) == 1 ? GENERAL_NAME_new() : NULL;

	if (!gn) {
		ASN1_STRING_free(s);
		return NULL;
	}
	GENERAL_NAME_set0_value(gn, type, s);
	return gn;
}

static GENERAL_NAME *alt_name(const char *text)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, text, ip) == 1)
		return general_name(GEN_IPADD, ip, 4);
	if (inet_pton(AF_INET6, text, ip) == 1)
		return general_name(GEN_IPADD, ip, 16);
	return general_name(GEN_DNS, text, strlen(text));
}

static int add_ext(X509 *x, int nid, void *value, bool critical)
{
	return X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_DEFAULT) == 1 ? 0 : -ENOMEM;
}

static int add_alt_names(X509 *x, const struct ds_cert_spec *spec, struct ds_err *err)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	int r = names ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < spec->n_alt_names; i++) {
		GENERAL_NAME *gn;

		if (!printable(spec->alt_names[i]) || strlen(spec->alt_names[i]) > MAX_SAN) {
			r = refuse(err,
				   "an alternative name is not 1 to 253 printable ASCII bytes");
			break;
		}
		gn = alt_name(spec->alt_names[i]);
		if (!gn || !sk_GENERAL_NAME_push(names, gn)) {
			GENERAL_NAME_free(gn);
			r = -ENOMEM;
		}
	}
	if (!r)
		r = add_ext(x, NID_subject_alt_name, names, false);
	GENERAL_NAMES_free(names);
	return r;
}

static int add_key_usage(X509 *x, bool is_ca)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	int r = -ENOMEM;

	/* digitalSignature 0, keyCertSign 5, cRLSign 6 */
	if (bits && ASN1_BIT_STRING_set_bit(bits, 0, 1) == 1 &&
	    (!is_ca || (ASN1_BIT_STRING_set_bit(bits, 5, 1) == 1 &&
			ASN1_BIT_STRING_set_bit(bits, 6, 1) == 1)))
		r = add_ext(x, NID_key_usage, bits, true);
	ASN1_BIT_STRING_free(bits);
	return r;
}

static int add_eku(X509 *x, bool server, bool client)
{
	EXTENDED_KEY_USAGE *eku = sk_ASN1_OBJECT_new_null();
	int r = -ENOMEM;

	/* OBJ_nid2obj() gives static objects: pushing them transfers nothing */
	if (eku && (!server || sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_server_auth))) &&
	    (!client || sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_client_auth))))
		r = add_ext(x, NID_ext_key_usage, eku, false);
	sk_ASN1_OBJECT_free(eku);
	return r;
}

static int add_ca(X509 *x, const struct ds_cert_spec *spec)
{
	ASN1_OCTET_STRING *ski = ASN1_OCTET_STRING_new();
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	uint8_t hash[DS_SHA256_SIZE];
	int r = ds_sha256_1(spec->spki, hash);

	if (!r && (!ski || !bc || ASN1_OCTET_STRING_set(ski, hash, 20) != 1))
		r = -ENOMEM;
	if (!r)
		r = add_ext(x, NID_subject_key_identifier, ski, false);
	if (!r) {
		bc->ca = 0xff; /* DER of TRUE */
		if (spec->pathlen >= 0) {
			bc->pathlen = ASN1_INTEGER_new();
			if (!bc->pathlen || ASN1_INTEGER_set(bc->pathlen, spec->pathlen) != 1)
				r = -ENOMEM;
		}
	}
	if (!r)
		r = add_ext(x, NID_basic_constraints, bc, true);
	BASIC_CONSTRAINTS_free(bc);
	ASN1_OCTET_STRING_free(ski);
	return r;
}

/* extnValue holds a DER OCTET STRING around the content, itself an OCTET STRING. */
static int add_custom(X509 *x, const char *oid, struct ds_span content)
{
	ASN1_OCTET_STRING *inner, *outer;
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *ext = NULL;
	unsigned char *der = NULL;
	int n = 0, ok;

	if (!content.n || content.n > DS_MAX_ATTESTATION) {
		ASN1_OBJECT_free(obj);
		return content.n ? -EFBIG : 0;
	}
	inner = ASN1_OCTET_STRING_new();
	outer = ASN1_OCTET_STRING_new();
	if (inner && ASN1_OCTET_STRING_set(inner, content.p, (int)content.n) == 1)
		n = i2d_ASN1_OCTET_STRING(inner, &der);
	if (obj && outer && n > 0 && ASN1_OCTET_STRING_set(outer, der, n) == 1)
		ext = X509_EXTENSION_create_by_OBJ(NULL, obj, 0, outer);
	ok = ext && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(outer);
	ASN1_OCTET_STRING_free(inner);
	ASN1_OBJECT_free(obj);
	return ok ? 0 : -ENOMEM;
}

static int add_extensions(X509 *x, const struct ds_cert_spec *spec, struct ds_err *err)
{
	struct ds_span usage = spec->usage ? DS_SPAN_STR(spec->usage) : DS_SPAN_NULL;

	if (spec->n_alt_names)
		DS_TRY(add_alt_names(x, spec, err));
	DS_TRY(add_key_usage(x, spec->is_ca));
	if (spec->server_auth || spec->client_auth)
		DS_TRY(add_eku(x, spec->server_auth, spec->client_auth));
	if (spec->is_ca)
		DS_TRY(add_ca(x, spec));
	DS_TRY(add_custom(x, DS_OID_APP_ID, spec->app_id));
	DS_TRY(add_custom(x, DS_OID_APP_INFO, spec->app_info));
	DS_TRY(add_custom(x, DS_OID_USAGE, usage));
	return add_custom(x, DS_OID_ATTESTATION, spec->attestation);
}

/* The issuer must be able to issue: its certificate is of this key and of a CA. */
static int load_issuer(const struct ds_cert_spec *spec, const struct ds_p256 *key,
		       struct ds_span cert, X509 **ret, struct ds_err *err)
{
	uint8_t spki[DS_P256_SPKI_SIZE];
	DS_X509 X509 *x = NULL;

	DS_TRY(ds_p256_spki(key, spki));
	if (!cert.n) {
		if (!ds_span_eq(spec->spki, DS_SPAN_ARRAY(spki)))
			return ds_err_set(err, -EKEYREJECTED, DOMAIN, 0,
					  "self-signed, but the keys of subject and issuer differ");
		return 0;
	}
	DS_TRY(ds_x509_from_der(cert, &x, err));
	if (X509_check_private_key(x, ds_p256_evp(key)) != 1)
		return ds_ossl_err(err, -EKEYREJECTED, DOMAIN,
				   "the issuer's certificate is not of the issuer's key");
	if (X509_check_ca(x) != 1)
		return refuse(err, "the issuer is not a CA");
	*ret = x;
	x = NULL;
	return 0;
}

static int build(const struct ds_cert_spec *spec, X509 *issuer, X509 **ret, struct ds_err *err)
{
	DS_X509 X509 *x = X509_new();
	int r;

	if (!x || X509_set_version(x, X509_VERSION_3) != 1 ||
	    !ASN1_TIME_set(X509_getm_notBefore(x), spec->not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), spec->not_after))
		return ds_ossl_err(err, -ENOMEM, DOMAIN, "new certificate");
	DS_TRY(set_key(x, spec->spki, err));
	r = set_serial(x, spec->spki);
	if (!r)
		r = set_names(x, spec, issuer);
	if (!r)
		r = add_extensions(x, spec, err);
	if (r)
		return r == -EINVAL ? r : ds_ossl_err(err, r, DOMAIN, "new certificate");
	*ret = x;
	x = NULL;
	return 0;
}

int ds_cert_issue(const struct ds_cert_spec *spec, const struct ds_p256 *issuer_key,
		  struct ds_span issuer_cert, struct ds_buf *ret_der, struct ds_err *err)
{
	DS_X509 X509 *issuer = NULL, *x = NULL;

	DS_TRY(check_spec(spec, err));
	DS_TRY(load_issuer(spec, issuer_key, issuer_cert, &issuer, err));
	DS_TRY(build(spec, issuer, &x, err));
	if (X509_sign(x, ds_p256_evp(issuer_key), EVP_sha256()) <= 0)
		return ds_ossl_err(err, -EIO, DOMAIN, "sign");
	return ds_x509_to_der(x, ret_der);
}

/*
 * OpenSSL offers no setter for the signature of a certificate: a throwaway key fills the fields,
 * then the bits are replaced.
 */
static int sign_elsewhere(X509 *x, ds_cert_sign_fn sign, void *arg)
{
	DS_P256 struct ds_p256 *throwaway = NULL;
	DS_BUF struct ds_buf sig = DS_BUF_NULL;
	const ASN1_BIT_STRING *bits = NULL;
	unsigned char *tbs = NULL;
	uint8_t digest[DS_SHA256_SIZE];
	int n, r;

	DS_TRY(ds_p256_generate(&throwaway));
	if (X509_sign(x, ds_p256_evp(throwaway), EVP_sha256()) <= 0)
		return -EIO;
	n = i2d_re_X509_tbs(x, &tbs);
	if (n <= 0)
		return -ENOMEM;
	r = ds_sha256_1(DS_SPAN(tbs, n), digest);
	OPENSSL_free(tbs);
	if (!r)
		r = sign(arg, digest, &sig);
	if (r)
		return r;
	X509_get0_signature(&bits, NULL, x);
	if (ASN1_STRING_set((ASN1_STRING *)(uintptr_t)bits, sig.p, (int)sig.n) != 1)
		return -ENOMEM;
	return 0;
}

int ds_cert_issue_by(const struct ds_cert_spec *spec, struct ds_span issuer_cert,
		     ds_cert_sign_fn sign, void *arg, struct ds_buf *ret_der, struct ds_err *err)
{
	DS_X509 X509 *issuer = NULL, *x = NULL;
	int r;

	DS_TRY(check_spec(spec, err));
	DS_TRY(ds_x509_from_der(issuer_cert, &issuer, err));
	if (X509_check_ca(issuer) != 1)
		return refuse(err, "the issuer is not a CA");
	DS_TRY(build(spec, issuer, &x, err));
	r = sign_elsewhere(x, sign, arg);
	if (r)
		return ds_ossl_err(err, r, DOMAIN, "sign");
	if (X509_verify(x, X509_get0_pubkey(issuer)) != 1)
		return ds_ossl_err(err, -EKEYREJECTED, DOMAIN,
				   "the signature is not of the issuer's key");
	return ds_x509_to_der(x, ret_der);
}
