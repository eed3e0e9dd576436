// SPDX-License-Identifier: Apache-2.0
/* AMD's certificates: rows 3 to 6 of spec/dcap 9.3. */
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ds/base/limits.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/crypto/pem.h>

#include "snp.h"

#define CN_VCEK	  "SEV-VCEK"
#define CN_VLEK	  "SEV-VLEK"
#define MAX_CERTS 8
#define SALT	  48
#define MIN_RSA	  2048

/* SHA-256 of the DER of AMD's root keys: ARK-Milan, ARK-Genoa, ARK-Turin. */
static const uint8_t amd_root_sha256[DS_SNP_PRODUCTS][32] = {
	[DS_SNP_MILAN] = { 0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1,
			   0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4,
			   0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd },
	[DS_SNP_GENOA] = { 0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a,
			   0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c,
			   0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1 },
	[DS_SNP_TURIN] = { 0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9,
			   0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41,
			   0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a },
};

static bool named(const X509 *x, const char *prefix, enum ds_snp_product product)
{
	char cn[32];

	(void)snprintf(cn, sizeof(cn), "%s-%s", prefix, ds_snp_product_name(product));
	return ds_cert_cn_is(x, cn);
}

/* Where a certificate belongs, by its name; NULL: nowhere. Whether it deserves it comes later. */
static struct ds_acert *place_of(struct ds_snp_judge *j, const X509 *x)
{
	if (ds_cert_cn_is(x, CN_VCEK) || ds_cert_cn_is(x, CN_VLEK))
		return &j->vek;
	for (int i = 0; i < DS_SNP_PRODUCTS; i++) {
		if (named(x, "ARK", (enum ds_snp_product)i))
			return &j->ark;
		if (named(x, "SEV", (enum ds_snp_product)i))
			return &j->ask;
		if (named(x, "SEV-VLEK", (enum ds_snp_product)i))
			return &j->asvk;
	}
	return NULL;
}

static int place(struct ds_snp_judge *j, struct ds_acert *c, const char *what, bool fill)
{
	struct ds_acert *to = place_of(j, c->x);

	if (!to)
		return ds_verdict_fail(j->v, DS_REASON_SNP_CHAIN,
				       "%s: a certificate is none of AMD's VCEK, VLEK, ASK, ASVK, "
				       "ARK by its name",
				       what);
	if (to->x && fill)
		return 0;
	if (to->x && !ds_span_eq(ds_buf_span(&to->der), ds_buf_span(&c->der)))
		return ds_verdict_fail(j->v, DS_REASON_SNP_CHAIN,
				       "%s: two different certificates of one kind", what);
	ds_acert_done(to);
	*to = *c;
	*c = (struct ds_acert){ 0 };
	return 0;
}

int ds_snp_certs_add(struct ds_snp_judge *j, const struct ds_snp_certs *from)
{
	struct ds_acert certs[MAX_CERTS] = { 0 };
	size_t n = 0;
	int r = ds_acerts_read(from->in, certs, MAX_CERTS, &n);

	if (r == -EBADMSG)
		r = ds_verdict_fail(j->v, DS_REASON_SNP_CHAIN,
				    "%s: %zu bytes are neither 1 to %d PEM certificates nor one in "
				    "DER",
				    from->what, from->in.n, MAX_CERTS);
	for (size_t i = 0; !r && i < n; i++)
		r = place(j, &certs[i], from->what, from->fill);
	for (size_t i = 0; i < MAX_CERTS; i++)
		ds_acert_done(&certs[i]);
	return r;
}

static bool is_alg(const X509_ALGOR *alg, int nid)
{
	const ASN1_OBJECT *obj = NULL;

	if (alg)
		X509_ALGOR_get0(&obj, NULL, NULL, alg);
	return obj && OBJ_obj2nid(obj) == nid;
}

/* MGF1 with SHA-384. */
static bool is_mgf1_sha384(const X509_ALGOR *mgf)
{
	const void *param = NULL;
	X509_ALGOR *hash;
	int type = 0;
	bool ok;

	if (!is_alg(mgf, NID_mgf1))
		return false;
	X509_ALGOR_get0(NULL, &type, &param, mgf);
	if (type != V_ASN1_SEQUENCE)
		return false;
	hash = ASN1_item_unpack(param, ASN1_ITEM_rptr(X509_ALGOR));
	ok = is_alg(hash, NID_sha384);
	X509_ALGOR_free(hash);
	return ok;
}

/* RSA-PSS with SHA-384, MGF1 with SHA-384, 48 bytes of salt: what AMD signs with, nothing else. */
static bool is_pss_sha384(const X509_ALGOR *alg)
{
	const void *param = NULL;
	RSA_PSS_PARAMS *pss;
	int type = 0;
	bool ok;

	if (!is_alg(alg, NID_rsassaPss))
		return false;
	X509_ALGOR_get0(NULL, &type, &param, alg);
	if (type != V_ASN1_SEQUENCE)
		return false;
	pss = ASN1_item_unpack(param, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	ok = pss && is_alg(pss->hashAlgorithm, NID_sha384) &&
	     is_mgf1_sha384(pss->maskGenAlgorithm) && pss->saltLength &&
	     ASN1_INTEGER_get(pss->saltLength) == SALT &&
	     (!pss->trailerField || ASN1_INTEGER_get(pss->trailerField) == 1);
	RSA_PSS_PARAMS_free(pss);
	return ok;
}

static bool signed_by(X509 *x, const X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	const X509_ALGOR *alg = NULL;

	X509_get0_signature(NULL, &alg, x);
	if (key && EVP_PKEY_get_bits(key) >= MIN_RSA && is_pss_sha384(alg) &&
	    X509_verify(x, key) == 1)
		return true;
	(void)ds_ossl_err(NULL, 0, "snp", "signature");
	return false;
}

/* Row 3, and which product this is all about. */
static int check_root(struct ds_snp_judge *j)
{
	uint8_t hash[32], want[32];

	for (int i = 0; i < DS_SNP_PRODUCTS; i++)
		if (named(j->ark.x, "ARK", (enum ds_snp_product)i))
			j->product = (enum ds_snp_product)i;
	DS_TRY(ds_sha256_1(ds_buf_span(&j->ark.der), hash));
	if (j->root_der.n)
		DS_TRY(ds_sha256_1(ds_buf_span(&j->root_der), want));
	else
		memcpy(want, amd_root_sha256[j->product], sizeof(want));
	if (!ds_ct_equal(hash, want, sizeof(hash)))
		return ds_verdict_fail_hex(j->v, DS_REASON_SNP_ROOT_UNTRUSTED,
					   "SHA-256 of the ARK certificate", DS_SPAN_ARRAY(want),
					   DS_SPAN_ARRAY(hash));
	ds_verdict_pass(j->v, "root", "ARK-%s is %s", ds_snp_product_name(j->product),
			j->v->custom_root ? "the one given" : "the pinned one of AMD");
	return 0;
}

static int bad_chain(struct ds_snp_judge *j, const char *what)
{
	return ds_verdict_fail(j->v, DS_REASON_SNP_CHAIN, "%s", what);
}

/* Who may sign: the names say which kind of key an intermediate is for. */
static int check_issuer(struct ds_snp_judge *j)
{
	X509 *x = j->issuer->x;

	if (!named(x, j->vlek ? "SEV-VLEK" : "SEV", j->product))
		return bad_chain(j, "the intermediate is for another product than the ARK");
	if (!ds_cert_issued_by_name(x, j->ark.x))
		return bad_chain(j, "issuer of the intermediate is not the ARK");
	if (!ds_cert_has_ext_flag(x, EXFLAG_BCONS | EXFLAG_CA | EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(x) & KU_KEY_CERT_SIGN) || X509_get_pathlen(x) != 0)
		return bad_chain(j, "the intermediate may not sign certificates of keys");
	if (ds_cert_has_ext_flag(x, EXFLAG_CRITICAL))
		return bad_chain(j, "the intermediate has an unknown critical extension");
	if (!signed_by(x, j->ark.x))
		return bad_chain(j, "the intermediate is not signed by the ARK");
	return 0;
}

static int check_vek(struct ds_snp_judge *j)
{
	X509 *x = j->vek.x;

	if (!ds_cert_issued_by_name(x, j->issuer->x))
		return bad_chain(j, "issuer of the VCEK or VLEK is not the intermediate given");
	if (ds_cert_has_ext_flag(x, EXFLAG_CA))
		return bad_chain(j, "the VCEK or VLEK says it is a CA");
	if (ds_cert_has_ext_flag(x, EXFLAG_CRITICAL))
		return bad_chain(j, "the VCEK or VLEK has an unknown critical extension");
	if (!signed_by(x, j->issuer->x))
		return bad_chain(j, "the VCEK or VLEK is not signed by its intermediate");
	return 0;
}

static int check_ark(struct ds_snp_judge *j)
{
	if (!ds_cert_issued_by_name(j->ark.x, j->ark.x) || !signed_by(j->ark.x, j->ark.x))
		return bad_chain(j, "the ARK is not signed by itself");
	if (!ds_cert_has_ext_flag(j->ark.x, EXFLAG_CA))
		return bad_chain(j, "the ARK is not a CA");
	return 0;
}

static int check_dates(struct ds_snp_judge *j)
{
	const struct {
		const X509 *x;
		const char *what;
	} rows[] = { { j->ark.x, "ARK certificate" },
		     { j->issuer->x, j->vlek ? "ASVK certificate" : "ASK certificate" },
		     { j->vek.x, j->vlek ? "VLEK certificate" : "VCEK certificate" } };

	int64_t from, to;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		if (ds_asn1_time(X509_get0_notBefore(rows[i].x), &from) ||
		    ds_asn1_time(X509_get0_notAfter(rows[i].x), &to))
			return bad_chain(j, "validity of a certificate is not a time");
		DS_TRY(ds_verdict_dates(j->v, rows[i].what, from, to,
					DS_REASON_SNP_CERT_NOT_YET_VALID,
					DS_REASON_SNP_CERT_EXPIRED));
	}
	ds_verdict_pass(j->v, "dates", "certificates are in date");
	return 0;
}

int ds_snp_check_chain(struct ds_snp_judge *j)
{
	if (!j->vek.x)
		return ds_verdict_fail(
			j->v, DS_REASON_COLLATERAL_MISSING,
			"no VCEK or VLEK certificate was given; AMD's service has it "
			"by chip id and reported TCB");
	j->vlek = ds_cert_cn_is(j->vek.x, CN_VLEK);
	j->issuer = j->vlek ? &j->asvk : &j->ask;
	if (!j->ark.x && j->root_der.n)
		DS_TRY(ds_snp_certs_add(
			j, &(struct ds_snp_certs){ ds_buf_span(&j->root_der), "root CA", true }));
	if (!j->ark.x)
		return bad_chain(j, "no ARK certificate was given; it is in AMD's cert_chain");
	DS_TRY(check_root(j));
	if (!j->issuer->x)
		return bad_chain(j, j->vlek ? "no ASVK was given, and a VLEK needs it"
					    : "no ASK was given, and a VCEK needs it");
	DS_TRY(check_ark(j));
	DS_TRY(check_issuer(j));
	DS_TRY(check_vek(j));
	ds_verdict_pass(j->v, "snp-chain", "%s, %s, ARK: names, roles, signatures",
			j->vlek ? "VLEK" : "VCEK", j->vlek ? "ASVK" : "ASK");
	return check_dates(j);
}

static int bad_crl(struct ds_snp_judge *j, const char *what)
{
	(void)ds_ossl_err(NULL, 0, "snp", "CRL");
	return ds_verdict_fail(j->v, DS_REASON_SNP_CRL, "CRL: %s", what);
}

/* All of in, PEM or DER. 0, -EBADMSG, -ENOMEM. */
static int read_crl(struct ds_span in, X509_CRL **ret)
{
	DS_FREE uint8_t *der = NULL;
	struct ds_rd rd = ds_rd_init(in);
	struct ds_span label, body;
	const unsigned char *p;
	size_t n;

	if (in.n > DS_MAX_CERT_PEM)
		return -EBADMSG;
	if (in.p[0] != 0x30) {
		der = malloc(in.n);
		if (!der)
			return -ENOMEM;
		if (ds_pem_next(&rd, &label, &body) ||
		    !ds_span_eq(label, DS_SPAN_LIT("X509 CRL")) ||
		    ds_pem_decode(body, der, in.n, &n) || ds_rd_left(&rd))
			return -EBADMSG;
		in = DS_SPAN(der, n);
	}
	p = in.p;
	*ret = d2i_X509_CRL(NULL, &p, (long)in.n);
	return *ret && p == in.p + in.n ? 0 : -EBADMSG;
}

static bool has_critical(const X509_CRL *crl)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
			return true;
	return false;
}

/*
 * Is the algorithm outside the signed part, alg, the one inside? OpenSSL asks this of certificates
 * only. TBSCertList ::= SEQUENCE { version INTEGER (1), signature AlgorithmIdentifier, ... }
 */
static bool same_alg_inside(X509_CRL *crl, const X509_ALGOR *alg)
{
	static const uint8_t v2[] = { 0x02, 0x01, 0x01 };
	unsigned char *tbs = NULL, *der = NULL;
	int n_tbs = i2d_re_X509_CRL_tbs(crl, &tbs), n = i2d_X509_ALGOR(alg, &der), tag, class;
	const unsigned char *p = tbs;
	long len = 0;
	bool same = n_tbs > 0 && n > 0 &&
		    ASN1_get_object(&p, &len, &tag, &class, n_tbs) == V_ASN1_CONSTRUCTED &&
		    len > n + (long)sizeof(v2) && !memcmp(p, v2, sizeof(v2)) &&
		    !memcmp(p + sizeof(v2), der, (size_t)n);

	OPENSSL_free(tbs);
	OPENSSL_free(der);
	return same;
}

static int check_crl_dates(struct ds_snp_judge *j)
{
	int64_t from, to;

	if (ds_asn1_time(X509_CRL_get0_lastUpdate(j->crl), &from) ||
	    ds_asn1_time(X509_CRL_get0_nextUpdate(j->crl), &to))
		return bad_crl(j, "dates are missing");
	if (from < j->policy->snp.min_crl)
		return bad_crl(j, "issued before the time that the policy names");
	return ds_verdict_dates(j->v, "CRL", from, to, DS_REASON_SNP_CRL, DS_REASON_SNP_CRL);
}

int ds_snp_check_crl(struct ds_snp_judge *j, struct ds_span crl)
{
	const X509_ALGOR *alg = NULL;
	X509_REVOKED *entry;
	int r;

	if (!crl.n && (j->policy->snp.require_crl || j->policy->snp.min_crl))
		return bad_crl(j, "none was given, and the policy asks for one");
	if (!crl.n) {
		ds_verdict_pass(j->v, "crl", "none was given: revocation is not known");
		return 0;
	}
	r = read_crl(crl, &j->crl);
	if (r == -EBADMSG)
		return bad_crl(j, "not exactly one list in DER or PEM");
	if (r)
		return r;
	if (has_critical(j->crl))
		return bad_crl(j, "unknown critical extension");
	if (X509_NAME_cmp(X509_CRL_get_issuer(j->crl), X509_get_subject_name(j->ark.x)))
		return bad_crl(j, "issuer is not the ARK");
	X509_CRL_get0_signature(j->crl, NULL, &alg);
	if (!is_pss_sha384(alg) || !same_alg_inside(j->crl, alg) ||
	    X509_CRL_verify(j->crl, X509_get0_pubkey(j->ark.x)) != 1)
		return bad_crl(j, "not signed by the ARK");
	DS_TRY(check_crl_dates(j));
	if (X509_CRL_get0_by_serial(j->crl, &entry, X509_get_serialNumber(j->issuer->x)))
		return ds_verdict_fail(j->v, DS_REASON_SNP_REVOKED, "the %s is in the CRL",
				       j->vlek ? "ASVK" : "ASK");
	j->v->revocation_checked = true;
	ds_verdict_pass(j->v, "revocation", "the %s is not in the CRL", j->vlek ? "ASVK" : "ASK");
	return 0;
}
