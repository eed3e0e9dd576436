// SPDX-License-Identifier: Apache-2.0
/* A DCAP world for tests, see forge.h. Written from spec/dcap, not from the verifier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#include "forge.h"

#define MUST(e)	 assert_true(e)
#define DAY	 86400
#define EVIL_AKI "DER:30:06:80:04:65:76:69:6c"

enum { K_ROOT, K_CA, K_PCK, K_SIGNER, K_AK, K_EVIL, K_P384, K_COUNT };
static EVP_PKEY *keys[K_COUNT];

static void make_keys(void)
{
	for (int i = 0; i < K_COUNT && !keys[i]; i++)
		MUST(keys[i] = EVP_EC_gen(i == K_P384 ? "P-384" : "P-256"));
}

static EVP_PKEY *signer_key(enum forge_key which, int right)
{
	return keys[which == EVIL ? K_EVIL : right];
}

static void add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	MUST(ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
	MUST(X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
}

static X509_EXTENSION *raw_ext(const char *oid, int critical, const struct ds_buf *value)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	MUST(obj && os && ASN1_OCTET_STRING_set(os, value->p, (int)value->n));
	MUST(ext = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, os));
	ASN1_OBJECT_free(obj);
	ASN1_OCTET_STRING_free(os);
	return ext;
}

static void name(X509_NAME *n, const char *cn)
{
	MUST(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0));
	MUST(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const uint8_t *)"Forged for tests",
					-1, -1, 0));
}

static void set_time(ASN1_TIME *at, int64_t t)
{
	MUST(ASN1_TIME_set(at, (time_t)t));
}

static void change_key(X509_PUBKEY *key, const struct forge_cert *f)
{
	uint8_t *point;

	MUST(X509_PUBKEY_get0_param(NULL, (const uint8_t **)&point, &(int){ 0 }, NULL, key));
	point[64] ^= f->bad_key;
	point[0] = f->hybrid_key ? 6 | (point[64] & 1) : 4;
}

/* is_ca as it should be; issuer NULL for the root. */
static X509 *cert(const struct forge_cert *f, const char *cn, int key, X509 *issuer, int issuer_key,
		  bool is_ca, long serial, const struct ds_buf *sgx)
{
	static const uint8_t null_der[] = { 5, 0 };
	struct ds_buf null = { (uint8_t *)null_der, 2, 2 };
	bool ca = is_ca != f->flip_ca;
	X509_EXTENSION *ext;
	X509 *x = X509_new();

	MUST(x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), serial));
	if (f->two_names)
		name(X509_get_subject_name(x), cn);
	name(X509_get_subject_name(x), f->cn ? f->cn : cn);
	if (f->issuer_cn)
		name(X509_get_issuer_name(x), f->issuer_cn);
	else
		MUST(X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x)));
	set_time(X509_getm_notBefore(x), f->from ? f->from : FORGE_TIME - 1000 * DAY);
	set_time(X509_getm_notAfter(x), f->to ? f->to : FORGE_TIME + 1000 * DAY);
	MUST(X509_set_pubkey(x, f->p384 ? keys[K_P384] : keys[key]));
	add_ext(x, x, NID_subject_key_identifier, "hash");
	add_ext(x, issuer ? issuer : x, NID_authority_key_identifier,
		f->other_aki ? EVIL_AKI : "keyid:always");
	if (ca)
		add_ext(x, x, NID_basic_constraints,
			f->no_room || (issuer && !f->long_path) ? "critical,CA:TRUE,pathlen:0"
								: "critical,CA:TRUE,pathlen:1");
	else
		add_ext(x, x, NID_basic_constraints, "critical,CA:FALSE");
	if (!f->no_key_usage)
		add_ext(x, x, NID_key_usage,
			f->usage ? f->usage
			: ca	 ? "critical,keyCertSign,cRLSign"
				 : "critical,digitalSignature");
	if (sgx || f->sgx) {
		ext = raw_ext("1.2.840.113741.1.13.1", 0, sgx ? sgx : &null);
		MUST(X509_add_ext(x, ext, -1) && (!f->two_sgx || X509_add_ext(x, ext, -1)));
		X509_EXTENSION_free(ext);
	}
	if (f->critical || f->odd) {
		ext = raw_ext("1.3.6.1.4.1.62397.99.1", f->critical, &null);
		MUST(X509_add_ext(x, ext, -1));
		X509_EXTENSION_free(ext);
	}
	if (f->bad_from)
		MUST(ASN1_STRING_set(X509_getm_notBefore(x), "no time", -1));
	if (f->bad_to)
		MUST(ASN1_STRING_set(X509_getm_notAfter(x), "no time", -1));
	change_key(X509_get_X509_PUBKEY(x), f);
	MUST(X509_sign(x, signer_key(f->signer, issuer_key),
		       f->sha384 ? EVP_sha384() : EVP_sha256()));
	return x;
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

static void tlv(struct ds_buf *b, uint8_t tag, const void *p, size_t n)
{
	MUST(!ds_buf_add_u8(b, tag));
	if (n > 127)
		MUST(!ds_buf_add_u8(b, 0x82) && !ds_buf_add_u8(b, (uint8_t)(n >> 8)));
	MUST(!ds_buf_add_u8(b, (uint8_t)n) && !ds_buf_add(b, p, n));
}

/* Lengths of 128 to 255 need the one-byte form. */
static void seq(struct ds_buf *b, const struct ds_buf *in)
{
	if (in->n < 128 || in->n > 255) {
		tlv(b, 0x30, in->p, in->n);
		return;
	}
	MUST(!ds_buf_add_u8(b, 0x30) && !ds_buf_add_u8(b, 0x81) &&
	     !ds_buf_add_u8(b, (uint8_t)in->n) && !ds_buf_add(b, in->p, in->n));
}

/* SEQUENCE { OID 1.2.840.113741.1.13.1.a[.c], tag value } */
static void item(struct ds_buf *b, int a, int c, uint8_t tag, const void *p, size_t n)
{
	uint8_t oid[11] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, (uint8_t)a, (uint8_t)c };
	DS_BUF struct ds_buf in = DS_BUF_NULL;

	tlv(&in, 6, oid, c ? 11 : 10);
	if (tag == 0x30)
		seq(&in, &(struct ds_buf){ (uint8_t *)p, n, n });
	else
		tlv(&in, tag, p, n);
	seq(b, &in);
}

/* spec/dcap 3.2: components 1 to 16 are 5, PCESVN 13. */
static void sgx_ext(const struct forge *f, struct ds_buf *out)
{
	static const uint8_t fmspc[6] = { 0x30, 0x60, 0x6a }, pceid[2];
	bool platform = f->processor == f->ext_of_other_ca;
	DS_BUF struct ds_buf b = DS_BUF_NULL, tcb = DS_BUF_NULL, conf = DS_BUF_NULL;

	for (int i = 1; i <= 16; i++)
		item(&tcb, 2, i, 2, "\5", 1);
	item(&tcb, 2, 17, 2, "\15", 1);
	item(&tcb, 2, 18, 4, "\5\5\5\5\5\5\5\5\5\5\5\5\5\5\5\5", 16);
	item(&b, 1, 0, 4, "forged-ppid-0001", 16);
	item(&b, 2, 0, 0x30, tcb.p, tcb.n);
	item(&b, 3, 0, 4, pceid, 2);
	item(&b, 4, 0, 4, fmspc, f->short_fmspc ? 5 : 6);
	item(&b, 5, 0, 0x0a, "\1", 1);
	if (platform) {
		for (int i = 1; i <= 3; i++)
			item(&conf, 7, i, 1, "\0", 1);
		item(&b, 6, 0, 4, "forged-instance1", 16);
		item(&b, 7, 0, 0x30, conf.p, conf.n);
	}
	seq(out, &b);
}

static void add_revoked(X509_CRL *crl, long serial)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(FORGE_TIME - DAY));

	MUST(r && n && t && ASN1_INTEGER_set(n, serial));
	MUST(X509_REVOKED_set_serialNumber(r, n) && X509_REVOKED_set_revocationDate(r, t));
	MUST(X509_CRL_add0_revoked(crl, r));
	ASN1_INTEGER_free(n);
	ASN1_TIME_free(t);
}

static void crl_exts(X509_CRL *crl, const struct forge_crl *f, X509 *issuer)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
	MUST(ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier,
				       f->other_aki ? EVIL_AKI : "keyid"));
	MUST(X509_CRL_add_ext(crl, ext, -1));
	X509_EXTENSION_free(ext);
	if (!f->no_number) {
		ASN1_INTEGER *n = ASN1_INTEGER_new();

		MUST(n && ASN1_INTEGER_set(n, 1) &&
		     X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0));
		if (f->two_numbers)
			MUST(X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, X509V3_ADD_APPEND));
		if (f->delta)
			MUST(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, n, 0, 0));
		ASN1_INTEGER_free(n);
	}
	if (f->critical || f->scope) {
		MUST(ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_issuing_distribution_point,
					       f->critical ? "critical,onlyuser:TRUE" : f->scope));
		MUST(X509_CRL_add_ext(crl, ext, -1));
		X509_EXTENSION_free(ext);
	}
}

static void crl_hex(const struct forge_crl *f, X509 *issuer, int key, long first, long second,
		    struct ds_buf *hex)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(f->from ? f->from : FORGE_TIME - DAY));
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(f->to ? f->to : FORGE_TIME + 30 * DAY));
	X509_NAME *other = X509_NAME_new();
	uint8_t *der = NULL;
	int n;

	MUST(crl && from && to && other && X509_CRL_set_version(crl, 1));
	if (f->issuer_cn)
		name(other, f->issuer_cn);
	MUST(X509_CRL_set_issuer_name(crl, f->issuer_cn ? other : X509_get_subject_name(issuer)));
	MUST(!f->bad_from || ASN1_STRING_set(from, "no time", -1));
	MUST(X509_CRL_set1_lastUpdate(crl, from));
	MUST(f->no_next || X509_CRL_set1_nextUpdate(crl, to));
	add_revoked(crl, 999);
	if (f->revoke_issuer)
		add_revoked(crl, ASN1_INTEGER_get(X509_get0_serialNumber(issuer)));
	if (f->revoke_first)
		add_revoked(crl, first);
	if (f->revoke_second)
		add_revoked(crl, second);
	MUST(X509_CRL_sort(crl));
	crl_exts(crl, f, issuer);
	MUST(X509_CRL_sign(crl, signer_key(f->signer, key),
			   f->sha384 ? EVP_sha384() : EVP_sha256()));
	n = i2d_X509_CRL(crl, &der);
	MUST(n > 0);
	if (!f->empty)
		MUST(!ds_buf_add_hex(hex, DS_SPAN(der, (size_t)n)));
	if (f->trailing)
		MUST(!ds_buf_addf(hex, "00"));
	OPENSSL_free(der);
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_NAME_free(other);
}

/* r || s of a DER signature over msg */
static void sign_raw(EVP_PKEY *key, struct ds_span msg, uint8_t rs[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *p = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	MUST(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
	MUST(EVP_DigestSign(ctx, der, &n, msg.p, msg.n) == 1);
	MUST(sig = d2i_ECDSA_SIG(NULL, &p, (long)n));
	MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, 32) == 32 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

static void public_xy(EVP_PKEY *key, uint8_t xy[64])
{
	uint8_t point[65];
	size_t n;

	MUST(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &n) == 1 && n == 65);
	memcpy(xy, point + 1, 64);
}

/* Every edit must find its text, once. */
static void edit(struct ds_buf *b, const struct forge_edit *e)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	const char *text = ds_buf_cstr(b), *at;

	if (!e->find)
		return;
	at = strstr(text, e->find);
	if (!at)
		fail_msg("no '%s' to replace", e->find);
	MUST(!ds_buf_add(&out, text, (size_t)(at - text)) &&
	     !ds_buf_addf(&out, "%s%s", e->put, at + strlen(e->find)));
	ds_buf_done(b);
	*b = ds_buf_steal(&out);
}

static void components(struct ds_buf *b, const char *key, const int first[3], int rest)
{
	MUST(!ds_buf_addf(b, "\"%s\":[", key));
	for (int i = 0; i < 16; i++)
		MUST(!ds_buf_addf(b, "%s{\"svn\":%d}", i ? "," : "", i < 3 ? first[i] : rest));
	MUST(!ds_buf_addf(b, "]"));
}

static void level(struct ds_buf *b, int sgx, int pcesvn, const int tdx[3], const char *status)
{
	const int first[3] = { sgx, sgx, sgx };

	MUST(!ds_buf_addf(b, "{\"tcb\":{"));
	components(b, "sgxtcbcomponents", first, sgx);
	MUST(!ds_buf_addf(b, ",\"pcesvn\":%d,", pcesvn));
	components(b, "tdxtcbcomponents", tdx, 0);
	MUST(!ds_buf_addf(b,
			  "},\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"%s\","
			  "\"advisoryIDs\":[\"INTEL-SA-P%d\"]}",
			  status, sgx));
}

/* Module major version 1, SVN 5 (levels 5 and 2); levels for components 5/PCESVN 13 and 2/PCESVN 5.
 */
static void tcb_info(struct ds_buf *b)
{
	static const char zero96[] = "0000000000000000000000000000000000000000000000000000000000000"
				     "00000000000000000000000000000000000";

	MUST(!ds_buf_addf(b,
			  "{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2026-05-01T00:00:00Z\","
			  "\"nextUpdate\":\"2026-06-30T00:00:00Z\","
			  "\"fmspc\":\"" FORGE_FMSPC
			  "\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":20,"
			  "\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
			  "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},"
			  "\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",\"mrsigner\":\"%s\","
			  "\"attributes\":\"0000000000000000\","
			  "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":["
			  "{\"tcb\":{\"isvsvn\":5},\"tcbDate\":\"2026-01-01T00:00:00Z\","
			  "\"tcbStatus\":\"UpToDate\"},"
			  "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2025-01-01T00:00:00Z\","
			  "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-M2\"]}"
			  "]}],\"tcbLevels\":[",
			  zero96, zero96));
	level(b, 5, 13, (const int[]){ 5, 0, 3 }, "UpToDate");
	MUST(!ds_buf_addf(b, ","));
	level(b, 2, 5, (const int[]){ 0, 0, 0 }, "OutOfDate");
	MUST(!ds_buf_addf(b, "]}"));
}

/* MRSIGNER counts from 0x40, ISVPRODID 2; levels 6 and 4. */
static void qe_identity(struct ds_buf *b)
{
	MUST(!ds_buf_addf(
		b,
		"{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"2026-05-01T00:00:00Z\","
		"\"nextUpdate\":\"2026-06-30T00:00:00Z\","
		"\"tcbEvaluationDataNumber\":19,\"miscselect\":\"00000000\",\"miscselectMask\":"
		"\"FFFFFFFF\","
		"\"attributes\":\"11000000000000000000000000000000\",\"attributesMask\":"
		"\"FBFFFFFFFFFFFFFF0000000000000000\","
		"\"mrsigner\":\"404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F\","
		"\"isvprodid\":2,\"tcbLevels\":["
		"{\"tcb\":{\"isvsvn\":6},\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":"
		"\"UpToDate\"},"
		"{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2025-01-01T00:00:00Z\",\"tcbStatus\":"
		"\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-Q4\"]}]}"));
}

static void poke(uint8_t *p, const struct forge_poke *k, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (k[i].set)
			p[k[i].at] = k[i].value;
}

static void td_report(const struct forge *f, uint8_t *b)
{
	memcpy(b, "\5\1\3", 3);
	if (f->mr_seam)
		memcpy(b + 16, f->mr_seam, 48);
	b[120 + 3] = 0x10; /* SEPT_VE_DISABLE */
	memcpy(b + 128, "\xe7\x02\x06", 3);
	memset(b + 136, 0xd1, 48);
	for (int i = 0; i < 3; i++)
		memset(b + 328 + 48 * i, 0xe0 + i, 48);
	if (f->rt_mr3)
		memcpy(b + 472, f->rt_mr3, 48);
	if (f->report_data)
		memcpy(b + 520, f->report_data, 64);
	if (f->v5 || f->v5_type > 2)
		memcpy(b + 584, "\5\1\3", 3);
	poke(b, f->body, DS_ARRAY_SIZE(f->body));
}

static void qe_report(const struct forge *f, const uint8_t *ak, const uint8_t auth[32], uint8_t *b)
{
	const struct ds_span parts[] = { DS_SPAN(ak, 64), DS_SPAN(auth, f->unbound_auth ? 0 : 32) };

	b[48] = 0x15;
	for (int i = 0; i < 32; i++)
		b[128 + i] = (uint8_t)(0x40 + i);
	ds_put_u16le(b + 256, 2);
	ds_put_u16le(b + 258, 6);
	MUST(!ds_sha256(parts, 2, b + 320));
	poke(b, f->qe_report, DS_ARRAY_SIZE(f->qe_report));
}

static void quote(const struct forge *f, const struct ds_buf *chain, struct ds_buf *out)
{
	static const uint8_t head[] = { 0,    0,    2,	  0,	0x81, 0,    0,	  0,	0,    0,
					0,    0,    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	static const uint32_t sizes[] = { [2] = 584, [3] = 648, [4] = 885 };
	uint8_t body[885] = { 0 }, rep[384] = { 0 }, ak[64], auth[32], rs[64];
	uint16_t type = f->v5_type ? f->v5_type : f->v5 ? 3 : 2;
	size_t n_body = sizes[type], inner = chain->n, outer = 384 + 64 + 2 + 32 + 6 + inner;

	for (int i = 0; i < 32; i++)
		auth[i] = (uint8_t)i;
	td_report(f, body);
	MUST(!ds_buf_add(out, head, sizeof(head)) && !ds_buf_add_zero(out, 20));
	out->p[0] = f->v5 || f->v5_type ? 5 : 4;
	if (f->v5 || f->v5_type)
		MUST(!ds_buf_add_u16le(out, type) && !ds_buf_add_u32le(out, sizes[type]));
	MUST(!ds_buf_add(out, body, n_body));
	sign_raw(f->foreign_key ? keys[K_EVIL] : signer_key(f->quote_signer, K_AK),
		 ds_buf_span(out), rs);
	public_xy(keys[K_AK], ak);
	if (f->bad_point)
		memset(ak, 0x11, sizeof(ak));
	qe_report(f, ak, auth, rep);
	if (f->foreign_key)
		public_xy(keys[K_EVIL], ak);
	MUST(!ds_buf_add_u32le(out, (uint32_t)(134 + outer)) && !ds_buf_add(out, rs, 64) &&
	     !ds_buf_add(out, ak, 64));
	MUST(!ds_buf_add_u16le(out, 6) && !ds_buf_add_u32le(out, (uint32_t)outer) &&
	     !ds_buf_add(out, rep, 384));
	sign_raw(signer_key(f->report_signer, K_PCK), DS_SPAN_ARRAY(rep), rs);
	MUST(!ds_buf_add(out, rs, 64) && !ds_buf_add_u16le(out, 32) && !ds_buf_add(out, auth, 32));
	MUST(!ds_buf_add_u16le(out, f->cert_type ? f->cert_type : 5) &&
	     !ds_buf_add_u32le(out, (uint32_t)inner) && !ds_buf_add(out, chain->p, inner));
	poke(out->p, &f->late, 1);
}

/* Append "key":"text" with JSON escapes, unless dropped. */
static void field(struct ds_buf *b, const struct forge *f, const char *key, struct ds_buf *text)
{
	if (f->drop && !strcmp(f->drop, key))
		return;
	MUST(!ds_buf_addf(b, "%s\"%s\":\"", b->n > 1 ? "," : "", key));
	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] == '\n')
			MUST(!ds_buf_addf(b, "\\n"));
		else if (text->p[i] == '"')
			MUST(!ds_buf_addf(b, "\\\""));
		else
			MUST(!ds_buf_add_u8(b, text->p[i]));
	}
	MUST(!ds_buf_addf(b, "\""));
}

static void signed_doc(const struct forge *f, struct ds_buf *b, const char *what,
		       struct ds_buf *text, const struct forge_edit *edits, size_t n,
		       const struct forge_edit *late, enum forge_key who)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;
	char key[40];
	uint8_t rs[64];

	for (size_t i = 0; i < n; i++)
		edit(text, &edits[i]);
	sign_raw(signer_key(who, K_SIGNER), ds_buf_span(text), rs);
	edit(text, late);
	field(b, f, what, text);
	MUST(!ds_buf_add_hex(&hex, DS_SPAN_ARRAY(rs)));
	(void)snprintf(key, sizeof(key), "%s_signature", what);
	field(b, f, key, &hex);
}

struct certs {
	X509 *root, *ca, *pck, *signer, *other_root;
};

static void make_certs(const struct forge *f, struct certs *c)
{
	static const struct forge_cert plain;
	static X509 *last;
	DS_BUF struct ds_buf sgx = DS_BUF_NULL;

	sgx_ext(f, &sgx);
	if (!f->same_root) {
		X509_free(last);
		last = cert(&f->root, "Intel SGX Root CA", K_ROOT, NULL, K_ROOT, true, 1, NULL);
	}
	MUST(last && X509_up_ref(last));
	c->root = last;
	c->other_root = cert(&plain, "Intel SGX Root CA", K_EVIL, NULL, K_EVIL, true, 1, NULL);
	c->ca = cert(&f->ca,
		     f->processor ? "Intel SGX PCK Processor CA" : "Intel SGX PCK Platform CA",
		     K_CA, c->root, K_ROOT, true, 2, NULL);
	c->pck = cert(&f->pck, "Intel SGX PCK Certificate", K_PCK, c->ca, K_CA, false, 4,
		      f->no_ext ? NULL : &sgx);
	c->signer = cert(&f->signer, "Intel SGX TCB Signing", K_SIGNER, c->root, K_ROOT, false, 3,
			 NULL);
}

static void collateral(const struct forge *f, const struct certs *c, struct ds_buf *b)
{
	DS_BUF struct ds_buf ca_chain = DS_BUF_NULL, chain = DS_BUF_NULL, root_crl = DS_BUF_NULL;
	DS_BUF struct ds_buf pck_crl = DS_BUF_NULL, tcb = DS_BUF_NULL, qe = DS_BUF_NULL;

	add_pem(&ca_chain, c->ca);
	add_pem(&ca_chain, c->root);
	add_pem(&chain, f->signer_chain_is_ca ? c->ca : c->signer);
	if (!f->signer_chain_short)
		add_pem(&chain, f->signer_other_root ? c->other_root : c->root);
	crl_hex(&f->root_crl, c->root, K_ROOT, 2, 3, &root_crl);
	crl_hex(&f->pck_crl, c->ca, K_CA, 4, 5, &pck_crl);
	tcb_info(&tcb);
	qe_identity(&qe);
	MUST(!ds_buf_add_u8(b, '{'));
	field(b, f, "pck_crl_issuer_chain", &ca_chain);
	field(b, f, "root_ca_crl", &root_crl);
	field(b, f, "pck_crl", &pck_crl);
	field(b, f, "tcb_info_issuer_chain", &chain);
	signed_doc(f, b, "tcb_info", &tcb, f->tcb, DS_ARRAY_SIZE(f->tcb), &f->tcb_late,
		   f->tcb_signer);
	field(b, f, "qe_identity_issuer_chain", &chain);
	signed_doc(f, b, "qe_identity", &qe, f->qe, DS_ARRAY_SIZE(f->qe), &f->qe_late,
		   f->qe_signer);
	MUST(!ds_buf_add_u8(b, '}'));
	edit(b, &f->collateral);
}

void forge(const struct forge *f, struct forged *ret)
{
	DS_BUF struct ds_buf chain = DS_BUF_NULL;
	struct certs c = { 0 };

	make_keys();
	forged_done(ret);
	make_certs(f, &c);
	add_pem(&ret->root_pem, c.root);
	add_pem(&chain, c.pck);
	add_pem(&chain, c.ca);
	if (!f->chain_short)
		add_pem(&chain, f->chain_other_root ? c.other_root : c.root);
	if (f->chain_four)
		add_pem(&chain, c.root);
	quote(f, &chain, &ret->quote);
	collateral(f, &c, &ret->collateral);
	X509_free(c.root);
	X509_free(c.ca);
	X509_free(c.pck);
	X509_free(c.signer);
	X509_free(c.other_root);
}

void forged_done(struct forged *w)
{
	ds_buf_done(&w->root_pem);
	ds_buf_done(&w->quote);
	ds_buf_done(&w->collateral);
}
