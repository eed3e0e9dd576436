// SPDX-License-Identifier: Apache-2.0
/* A SEV-SNP world for tests, see snpforge.h. Written from spec/dcap 9, not from the verifier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ds/base/rd.h>

#include "snpforge.h"

#define MUST(e) assert_true(e)
#define DAY	86400
#define AMD	"1.3.6.1.4.1.3704.1."

enum { K_ARK, K_ISSUER, K_EVIL, K_WEAK, K_VEK, K_EVIL_VEK, K_P256, K_COUNT };
static EVP_PKEY *keys[K_COUNT];

static void make_keys(void)
{
	for (int i = 0; i < K_COUNT && !keys[i]; i++)
		MUST(keys[i] = i < K_WEAK    ? EVP_RSA_gen(2048)
			       : i == K_WEAK ? EVP_RSA_gen(1024)
					     : EVP_EC_gen(i == K_P256 ? "P-256" : "P-384"));
}

/* A context that signs as AMD does, or nearly. */
static EVP_MD_CTX *signer(int key, enum snp_scheme scheme)
{
	const EVP_MD *md = scheme == PSS_SHA256 ? EVP_sha256() : EVP_sha384();
	const EVP_MD *mgf = scheme == PSS_MGF_SHA256 ? EVP_sha256()
			    : scheme == PSS_MGF_SHA1 ? EVP_sha1()
						     : EVP_sha384();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;

	MUST(ctx && EVP_DigestSignInit(ctx, &p, md, NULL, keys[key]) == 1);
	if (scheme == PKCS1_SHA384)
		return ctx;
	MUST(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1);
	MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, scheme == PSS_SALT_32 ? 32 : 48) == 1);
	MUST(EVP_PKEY_CTX_set_rsa_mgf1_md(p, mgf) == 1);
	return ctx;
}

static void name(X509_NAME *n, const char *cn)
{
	MUST(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const uint8_t *)"Forged for tests",
					-1, -1, 0));
	MUST(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0));
}

static void add_conf(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	MUST(ext && X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
}

static X509_EXTENSION *raw_ext(const char *oid, int critical, const void *p, size_t n)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	MUST(obj && os && ASN1_OCTET_STRING_set(os, p, (int)n));
	MUST(ext = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, os));
	ASN1_OBJECT_free(obj);
	ASN1_OCTET_STRING_free(os);
	return ext;
}

static void add_raw(X509 *x, const char *oid, int critical, const void *p, size_t n)
{
	X509_EXTENSION *ext = raw_ext(oid, critical, p, n);

	MUST(X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
}

/* Everything but extensions of AMD's, key and signature. */
static X509 *new_cert(const struct snp_cert *f, const char *cn, const char *issuer_cn, bool is_ca,
		      bool is_root, long serial)
{
	bool ca = is_ca != f->flip_ca;
	X509 *x = X509_new();

	MUST(x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), serial));
	name(X509_get_subject_name(x), f->cn ? f->cn : cn);
	name(X509_get_issuer_name(x), f->issuer_cn ? f->issuer_cn : issuer_cn);
	MUST(ASN1_TIME_set(X509_getm_notBefore(x),
			   (time_t)(f->from ? f->from : SNP_TIME - 1000 * DAY)));
	MUST(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(f->to ? f->to : SNP_TIME + 1000 * DAY)));
	if (f->no_from)
		MUST(ASN1_STRING_set(X509_getm_notBefore(x), "ever", 4));
	if (f->no_date)
		MUST(ASN1_STRING_set(X509_getm_notAfter(x), "forever", 7));
	if (ca)
		add_conf(x, NID_basic_constraints,
			 is_root || f->long_path ? "critical,CA:TRUE"
						 : "critical,CA:TRUE,pathlen:0");
	if (ca && !f->no_key_usage)
		add_conf(x, NID_key_usage,
			 f->crl_sign_only ? "critical,cRLSign" : "critical,keyCertSign,cRLSign");
	if (f->critical)
		add_raw(x, "1.3.6.1.4.1.62397.99.1", 1, "\5\0", 2);
	return x;
}

/* Take the parameters of PSS away, or those of MGF1 inside them. */
static void bare_alg(X509_ALGOR *alg, bool mgf_only)
{
	const void *param;
	RSA_PSS_PARAMS *pss;
	ASN1_STRING *out = NULL;
	int type;

	if (!mgf_only) {
		MUST(X509_ALGOR_set0(alg, OBJ_nid2obj(NID_rsassaPss), V_ASN1_UNDEF, NULL));
		return;
	}
	X509_ALGOR_get0(NULL, &type, &param, alg);
	MUST(pss = ASN1_item_unpack(param, ASN1_ITEM_rptr(RSA_PSS_PARAMS)));
	MUST(X509_ALGOR_set0(pss->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_UNDEF, NULL));
	MUST(ASN1_item_pack(pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &out));
	MUST(X509_ALGOR_set0(alg, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, out));
	RSA_PSS_PARAMS_free(pss);
}

static void bad_point(X509 *x)
{
	const size_t n = 97;
	uint8_t *p = OPENSSL_zalloc(n);

	MUST(p);
	p[0] = 4;
	p[n - 1] = 5;
	MUST(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
				    V_ASN1_OBJECT, OBJ_nid2obj(NID_secp384r1), p, (int)n));
}

static void sign_cert(X509 *x, const struct snp_cert *f, int right)
{
	EVP_MD_CTX *ctx = signer(f->evil ? K_EVIL : right, f->scheme);

	if (f->bad_point)
		bad_point(x);
	MUST(X509_sign_ctx(x, ctx) > 0);
	EVP_MD_CTX_free(ctx);
	if (f->scheme == PSS_BARE || f->scheme == PSS_MGF_BARE) {
		const X509_ALGOR *outer;

		X509_get0_signature(NULL, &outer, x);
		bare_alg((X509_ALGOR *)outer, f->scheme == PSS_MGF_BARE);
		bare_alg((X509_ALGOR *)X509_get0_tbs_sigalg(x), f->scheme == PSS_MGF_BARE);
		MUST(i2d_re_X509_tbs(x, NULL) > 0);
	}
}

static void number(X509 *x, const char *oid, uint8_t v)
{
	uint8_t der[4] = { 2, v > 127 ? 2 : 1, v > 127 ? 0 : v, v };

	add_raw(x, oid, 0, der, v > 127 ? 4 : 3);
}

/* The bytes of a TCB version, and the levels it stands for, as spec/dcap 9.1 lays them out. */
static void tcb_of(enum ds_snp_product p, uint8_t tcb[8], int spl[10])
{
	static const uint8_t milan[8] = { 4, 1, 0, 0, 0, 0, 0x18, 0xdb };
	static const uint8_t turin[8] = { 2, 1, 1, 3, 0, 0, 0, 0x49 };
	static const int milan_spl[10] = { -1, 4, 1, 0x18, 0, 0, 0, 0, 0xdb, -1 };
	static const int turin_spl[10] = { -1, 1, 1, 3, -1, 0, 0, 0, 0x49, 2 };

	memcpy(tcb, p == DS_SNP_TURIN ? turin : milan, 8);
	memcpy(spl, p == DS_SNP_TURIN ? turin_spl : milan_spl, 10 * sizeof(int));
}

static void chip_of(enum ds_snp_product p, uint8_t id[64])
{
	memset(id, 0, 64);
	for (size_t i = 0; i < (p == DS_SNP_TURIN ? 8 : 64); i++)
		id[i] = (uint8_t)(0x40 + i);
}

static void add_text(X509 *x, const char *oid, const char *text)
{
	uint8_t der[64] = { 0x16, (uint8_t)strlen(text) };

	memcpy(der + 2, text, strlen(text));
	add_raw(x, oid, 0, der, 2 + strlen(text));
}

static void add_hwid(const struct snp_forge *f, X509 *x)
{
	size_t n = f->hwid_len ? f->hwid_len : f->product == DS_SNP_TURIN ? 8 : 64;
	uint8_t der[2 + 64] = { 4, (uint8_t)n };

	chip_of(f->product, der + 2);
	if (f->hwid_wrapped)
		add_raw(x, AMD "4", 0, der, 2 + n);
	else
		add_raw(x, AMD "4", 0, der + 2, n);
}

/* One item, named as in struct snp_forge. */
static void add_item(const struct snp_forge *f, X509 *x, int id, const int spl[10])
{
	char oid[32];

	(void)snprintf(oid, sizeof(oid), id < 30 ? AMD "%d" : AMD "3.%d", id % 30);
	if (id == 1)
		number(x, oid, 1);
	else if (id == 2)
		add_text(x, oid,
			 f->product_name ? f->product_name : ds_snp_product_name(f->product));
	else if (id == 4)
		add_hwid(f, x);
	else if (id == 5)
		add_text(x, oid, "CN=cloud.example");
	else if (f->spl.set && f->spl.at == (size_t)id - 30)
		number(x, oid, f->spl.value);
	else if (spl[id - 30] >= 0)
		number(x, oid, (uint8_t)spl[id - 30]);
}

static void add_items(const struct snp_forge *f, X509 *x)
{
	const int ids[] = { 1, 2, 31, 32, 34, 35, 36, 37, 33, 38, 39, f->vlek ? 5 : 4 };
	uint8_t tcb[8];
	int spl[10];

	tcb_of(f->product, tcb, spl);
	for (size_t i = 0; i < DS_ARRAY_SIZE(ids); i++) {
		if (ids[i] != f->drop)
			add_item(f, x, ids[i], spl);
		if (ids[i] == f->twice)
			add_item(f, x, ids[i], spl);
	}
}

static void add_pem(struct ds_buf *b, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	MUST(bio && PEM_write_bio_X509(bio, x));
	n = BIO_get_mem_data(bio, &p);
	MUST(!ds_buf_add(b, p, (size_t)n));
	BIO_free(bio);
}

static void add_der(struct ds_buf *b, X509 *x)
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p);

	MUST(n > 0 && !ds_buf_add(b, p, (size_t)n));
	OPENSSL_free(p);
}

static void cpuid_of(enum ds_snp_product p, uint8_t out[3])
{
	static const uint8_t ids[][3] = { { 0x19, 0x01, 1 }, { 0x19, 0x11, 1 }, { 0x1a, 0x02, 1 } };

	memcpy(out, ids[p], 3);
}

/* SHA-384 (or not), r and s to little-endian. */
static void sign_report(const struct snp_forge *f, uint8_t r[DS_SNP_REPORT_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *p;
	BIGNUM *order = NULL, *s = BN_new();
	uint8_t der[160];
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	MUST(ctx &&
	     EVP_DigestSignInit(ctx, NULL, f->report_sha256 ? EVP_sha256() : EVP_sha384(), NULL,
				keys[f->report_evil	? K_EVIL_VEK
				     : f->vek.other_key ? K_P256
							: K_VEK]) == 1);
	MUST(EVP_DigestSign(ctx, der, &n, r, DS_SNP_SIGNED_SIZE) == 1);
	p = der;
	MUST(sig = d2i_ECDSA_SIG(NULL, &p, (long)n));
	MUST(BN_hex2bn(&order, "ffffffffffffffffffffffffffffffffffffffffffffffff"
			       "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"));
	MUST(f->negate_s ? BN_sub(s, order, ECDSA_SIG_get0_s(sig)) == 1
			 : BN_copy(s, ECDSA_SIG_get0_s(sig)) != NULL);
	MUST(BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), r + 0x2a0, 72) == 72);
	MUST(BN_bn2lebinpad(s, r + 0x2e8, 72) == 72);
	BN_free(order);
	BN_free(s);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

static void make_report(const struct snp_forge *f, struct ds_buf *out)
{
	static const size_t tcb_at[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	uint8_t r[DS_SNP_REPORT_SIZE] = { 0 }, tcb[8];
	int spl[10];

	ds_put_u32le(r, f->version ? f->version : 3);
	ds_put_u64le(r + 8, 0x30000);
	ds_put_u32le(r + 0x34, 1);
	ds_put_u64le(r + 0x40, 0x25);
	r[0x48] = f->vlek ? 1 << 2 : 0;
	memset(r + 0x50, 0xda, 64);
	if (f->report_data)
		memcpy(r + 0x50, f->report_data, 64);
	memset(r + 0x90, 0x3e, 48);
	if (f->host_data)
		memcpy(r + 0xc0, f->host_data, 32);
	tcb_of(f->product, tcb, spl);
	for (size_t i = 0; i < DS_ARRAY_SIZE(tcb_at); i++)
		memcpy(r + tcb_at[i], tcb, 8);
	if (f->version != 2)
		cpuid_of(f->product, r + 0x188);
	chip_of(f->product, r + 0x1a0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(f->body); i++)
		if (f->body[i].set)
			r[f->body[i].at] = f->body[i].value;
	sign_report(f, r);
	for (size_t i = 0; i < DS_ARRAY_SIZE(f->late); i++)
		if (f->late[i].set)
			r[f->late[i].at] ^= f->late[i].value;
	MUST(!ds_buf_add(out, r, sizeof(r)));
}

static void add_revoked(X509_CRL *crl, long serial)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(SNP_TIME - DAY));

	MUST(r && n && t && ASN1_INTEGER_set(n, serial));
	MUST(X509_REVOKED_set_serialNumber(r, n) && X509_REVOKED_set_revocationDate(r, t));
	MUST(X509_CRL_add0_revoked(crl, r));
	ASN1_INTEGER_free(n);
	ASN1_TIME_free(t);
}

/* CertificateList ::= SEQUENCE { TBSCertList, AlgorithmIdentifier, BIT STRING of 256 bytes } */
static void other_alg_inside(uint8_t *der, size_t n)
{
	static const uint8_t salt[] = { 0x02, 0x01, 0x30 };
	EVP_MD_CTX *ctx = signer(K_ARK, PSS_SHA384);
	size_t n_tbs = 3 + (size_t)der[6], n_sig = 256;
	uint8_t *at = memmem(der, n, salt, sizeof(salt));

	MUST(der[1] == 0x82 && der[5] == 0x81 && at && (size_t)(at - der) < n_tbs);
	at[2] = 32;
	MUST(EVP_DigestSign(ctx, der + n - n_sig, &n_sig, der + 4, n_tbs) == 1 && n_sig == 256);
	EVP_MD_CTX_free(ctx);
}

static void write_crl(const struct snp_forge *f, X509_CRL *crl, struct ds_buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	MUST(bio && (f->crl_pem ? PEM_write_bio_X509_CRL(bio, crl) : i2d_X509_CRL_bio(bio, crl)));
	n = BIO_get_mem_data(bio, &p);
	MUST(!ds_buf_add(out, p, (size_t)n));
	if (f->crl_other_alg_inside)
		other_alg_inside(out->p, out->n);
	if (f->crl_trailing)
		MUST(!ds_buf_add_u8(out, 0));
	BIO_free(bio);
}

static void make_crl(const struct snp_forge *f, const char *issuer_cn, struct ds_buf *out)
{
	EVP_MD_CTX *ctx = signer(f->crl_evil ? K_EVIL : K_ARK, f->crl_scheme);
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(f->crl_from ? f->crl_from : SNP_TIME - DAY));
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(f->crl_to ? f->crl_to : SNP_TIME + 2 * DAY));
	X509_NAME *n = X509_NAME_new();
	X509_CRL *crl = X509_CRL_new();
	X509_EXTENSION *ext;

	MUST(from && to && n && crl && X509_CRL_set_version(crl, 1));
	name(n, f->crl_other_issuer ? "ARK-Else" : issuer_cn);
	MUST(X509_CRL_set_issuer_name(crl, n) && X509_CRL_set1_lastUpdate(crl, from) &&
	     (f->crl_no_next || X509_CRL_set1_nextUpdate(crl, to)));
	MUST(!f->crl_no_from ||
	     (ASN1_STRING_set(from, "ever", 4) && X509_CRL_set1_lastUpdate(crl, from)));
	ext = raw_ext("2.5.29.20", 0, "\2\1\1", 3); /* CRL number */
	MUST(X509_CRL_add_ext(crl, ext, -1));
	X509_EXTENSION_free(ext);
	if (f->crl_critical) {
		ext = raw_ext("1.3.6.1.4.1.62397.99.1", 1, "\5\0", 2);
		MUST(X509_CRL_add_ext(crl, ext, -1));
		X509_EXTENSION_free(ext);
	}
	add_revoked(crl, 77);
	if (f->crl_revoked)
		add_revoked(crl, 2);
	MUST(X509_CRL_sign_ctx(crl, ctx) > 0);
	write_crl(f, crl, out);
	EVP_MD_CTX_free(ctx);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_NAME_free(n);
	X509_CRL_free(crl);
}

void snp_forged_done(struct snp_forged *w)
{
	ds_buf_done(&w->root_pem);
	ds_buf_done(&w->vek);
	ds_buf_done(&w->chain);
	ds_buf_done(&w->crl);
	ds_buf_done(&w->report);
}

/* What is put into the span of the chain, rightly or not. */
static void make_chain(const struct snp_forge *f, X509 *issuer, X509 *ark, struct ds_buf *out)
{
	X509 *extra;

	if (!f->no_issuer)
		add_pem(out, issuer);
	if (!f->no_ark && !f->other_ark)
		add_pem(out, ark);
	if (f->other_ark || f->extra_issuer) {
		extra = X509_dup(f->other_ark ? ark : issuer);
		MUST(extra && ASN1_INTEGER_set(X509_get_serialNumber(extra), 99));
		sign_cert(extra, f->other_ark ? &f->ark : &f->issuer, K_ARK);
		add_pem(out, extra);
		X509_free(extra);
	}
	if (f->stranger) {
		extra = new_cert(&f->vek, "Somebody", "Somebody", false, false, 5);
		MUST(X509_set_pubkey(extra, keys[K_VEK]));
		sign_cert(extra, &f->vek, K_EVIL);
		add_pem(out, extra);
		X509_free(extra);
	}
}

void snp_forge(const struct snp_forge *f, struct snp_forged *ret)
{
	const char *p = ds_snp_product_name(f->product);
	char ark_cn[32], issuer_cn[32];
	X509 *ark, *issuer, *vek;

	make_keys();
	snp_forged_done(ret);
	*ret = (struct snp_forged){ 0 };
	(void)snprintf(ark_cn, sizeof(ark_cn), "ARK-%s", p);
	(void)snprintf(issuer_cn, sizeof(issuer_cn),
		       f->vlek != f->issuer_of_other_kind ? "SEV-VLEK-%s" : "SEV-%s", p);
	ark = new_cert(&f->ark, ark_cn, ark_cn, true, true, 1);
	MUST(X509_set_pubkey(ark, keys[K_ARK]));
	sign_cert(ark, &f->ark, K_ARK);
	issuer = new_cert(&f->issuer, issuer_cn, ark_cn, true, false, 2);
	MUST(X509_set_pubkey(issuer, keys[f->issuer.other_key ? K_WEAK : K_ISSUER]));
	sign_cert(issuer, &f->issuer, K_ARK);
	vek = new_cert(&f->vek, f->vlek ? "SEV-VLEK" : "SEV-VCEK",
		       f->issuer.cn ? f->issuer.cn : issuer_cn, false, false, 0);
	MUST(X509_set_pubkey(vek, keys[f->vek.other_key ? K_P256 : K_VEK]));
	add_items(f, vek);
	sign_cert(vek, &f->vek, f->issuer.other_key ? K_WEAK : K_ISSUER);
	add_pem(&ret->root_pem, ark);
	make_chain(f, issuer, ark, &ret->chain);
	if (!f->no_vek)
		add_der(&ret->vek, vek);
	if (f->crl)
		make_crl(f, ark_cn, &ret->crl);
	make_report(f, &ret->report);
	X509_free(ark);
	X509_free(issuer);
	X509_free(vek);
}
