// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of the test PKI and the quoting enclave: layout of spec/dcap.md 1.2 to 1.4, the signatures
 * S1 to S3 of section 2, chains under OpenSSL's strict rules, and the refusals. The verifier of
 * lib/attest is run on the same output by tests/integration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pki_int.h"
#include "pki_tdreport.h"

#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/pem.h>
#include <uapi/tdx_emul.h>

#define NOW INT64_C(1790000000)
#define DAY INT64_C(86400)

static const struct ds_pki_docs good_docs = { .issued = NOW - DAY, .next_update = NOW + 30 * DAY };

struct fixture {
	struct ds_pki *pki, *processor;
	struct ds_secret *bundle;
	struct ds_emul_qe *qe;
	uint8_t report[DS_TDREPORT_SIZE];
};

static void fill(struct ds_emul_td *td)
{
	memset(td->mr_td, 0x11, 48);
	memset(td->mr_config_id, 0x12, 48);
	memset(td->mr_owner, 0x13, 48);
	memset(td->mr_owner_config, 0x14, 48);
	for (int i = 0; i < 4; i++)
		memset(td->rt_mr[i], 0x20 + i, 48);
	memset(td->report_data, 0x77, 64);
}

static int setup(void **state)
{
	static struct fixture f;
	const struct ds_pki_opts opts = { .fmspc = { 1, 2, 3, 4, 5, 6 },
					  .not_before = NOW - 90 * DAY };
	const struct ds_pki_opts proc = { .processor = true, .not_before = NOW - 90 * DAY };
	struct ds_emul_td td;

	ds_emul_td_init(&td);
	fill(&td);
	*state = &f;
	return ds_pki_new(&opts, &f.pki, NULL) || ds_pki_new(&proc, &f.processor, NULL) ||
	       ds_pki_bundle(f.pki, &f.bundle) ||
	       ds_emul_qe_load(DS_SPAN(f.bundle->p, f.bundle->n), &f.qe, NULL) ||
	       ds_emul_tdreport(&td, f.report);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ds_pki_free(f->pki);
	ds_pki_free(f->processor);
	ds_secret_free(f->bundle);
	ds_emul_qe_free(f->qe);
	return 0;
}

/* A store that trusts the root and holds both revocation lists. */
static int verify(const struct ds_pki *pki, X509 *leaf, X509 *ca, const X509 *revoked_pck,
		  int64_t at)
{
	DS_BUF struct ds_buf root_crl = DS_BUF_NULL, pck_crl = DS_BUF_NULL;
	const struct ds_buf *crl[] = { &root_crl, &pck_crl };
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int r;

	assert_true(store && ctx && chain);
	assert_int_equal(pki_crl(&pki->root, NULL, NOW - DAY, NOW + 30 * DAY, &root_crl, NULL), 0);
	assert_int_equal(pki_crl(&pki->ca, revoked_pck, NOW - DAY, NOW + 30 * DAY, &pck_crl, NULL),
			 0);
	for (int i = 0; i < 2; i++) {
		const unsigned char *p = crl[i]->p;
		X509_CRL *c = d2i_X509_CRL(NULL, &p, (long)crl[i]->n);

		assert_non_null(c);
		assert_ptr_equal(p, crl[i]->p + crl[i]->n);
		assert_int_equal(X509_STORE_add_crl(store, c), 1);
		X509_CRL_free(c);
	}
	assert_int_equal(X509_STORE_add_cert(store, pki->root.cert), 1);
	if (ca)
		sk_X509_push(chain, ca);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, chain), 1);
	X509_STORE_CTX_set_time(ctx, X509_V_FLAG_USE_CHECK_TIME, (time_t)at);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CRL_CHECK |
					      X509_V_FLAG_CRL_CHECK_ALL |
					      X509_V_FLAG_CHECK_SS_SIGNATURE);
	r = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(chain);
	return r;
}

static void chains_hold_under_strict_rules(void **state)
{
	struct fixture *f = *state;
	struct ds_pki *p = f->pki;

	assert_int_equal(verify(p, p->pck.cert, p->ca.cert, NULL, NOW), X509_V_OK);
	assert_int_equal(verify(p, p->signer.cert, NULL, NULL, NOW), X509_V_OK);
	assert_int_equal(
		verify(f->processor, f->processor->pck.cert, f->processor->ca.cert, NULL, NOW),
		X509_V_OK);
	assert_int_equal(verify(p, p->pck.cert, p->ca.cert, p->pck.cert, NOW),
			 X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verify(p, p->pck.cert, p->ca.cert, NULL, NOW + 31 * DAY),
			 X509_V_ERR_CRL_HAS_EXPIRED);
	assert_int_equal(verify(p, f->processor->pck.cert, p->ca.cert, NULL, NOW),
			 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

static void cn_is(X509 *x, const char *want)
{
	char cn[64];

	assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn,
					      sizeof(cn)) > 0);
	assert_string_equal(cn, want);
}

static void names_and_flags_follow_the_specification(void **state)
{
	struct fixture *f = *state;
	char org[64];

	cn_is(f->pki->root.cert, "Intel SGX Root CA");
	cn_is(f->pki->ca.cert, "Intel SGX PCK Platform CA");
	cn_is(f->processor->ca.cert, "Intel SGX PCK Processor CA");
	cn_is(f->pki->pck.cert, "Intel SGX PCK Certificate");
	cn_is(f->pki->signer.cert, "Intel SGX TCB Signing");
	assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(f->pki->root.cert),
					      NID_organizationName, org, sizeof(org)) > 0);
	assert_null(strstr(org, "Intel"));
	assert_int_equal(X509_get_pathlen(f->pki->root.cert), 1);
	assert_int_equal(X509_get_pathlen(f->pki->ca.cert), 0);
	assert_int_equal(X509_check_ca(f->pki->pck.cert), 0);
	assert_int_equal(X509_check_ca(f->pki->signer.cert), 0);
}

/*
 * Every BOOLEAN TRUE in a certificate must be ff: some verifiers insist on DER where OpenSSL does
 * not.
 */
static void booleans_are_der(void **state)
{
	struct fixture *f = *state;
	static const uint8_t ca_true[] = { 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00 };
	unsigned char *der = NULL;
	int n = i2d_X509(f->pki->ca.cert, &der);

	assert_true(n > 0);
	assert_non_null(memmem(der, (size_t)n, ca_true, sizeof(ca_true)));
	OPENSSL_free(der);
}

static void sgx_extension_is_exact(void **state)
{
	struct fixture *f = *state;
	/* SVN components 1 and 8, PCESVN, FMSPC, PCEID: SEQUENCE { OID, value } each */
	static const uint8_t comp1[] = { 0x30, 0x10, 0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf8,
					 0x4d, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x02, 0x01, 0x03 };
	static const uint8_t pcesvn[] = { 0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d,
					  0x01, 0x0d, 0x01, 0x02, 0x11, 0x02, 0x01, 0x0d };
	static const uint8_t fmspc[] = { 0x30, 0x14, 0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86,
					 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x04, 0x04, 0x06,
					 1,    2,    3,	   4,	 5,    6 };
	DS_BUF struct ds_buf plat = DS_BUF_NULL, proc = DS_BUF_NULL;

	assert_int_equal(pki_sgx_ext(f->pki, &plat), 0);
	assert_int_equal(pki_sgx_ext(f->processor, &proc), 0);
	/* The lengths of Intel's own: 554 bytes with, 452 without the platform part. */
	assert_int_equal(plat.n, 554);
	assert_int_equal(proc.n, 554 - 32 - 70);
	assert_int_equal(ds_get_u16le(plat.p), 0x8230);
	assert_int_equal((plat.p[2] << 8 | plat.p[3]) + 4, plat.n);
	assert_non_null(memmem(plat.p, plat.n, comp1, sizeof(comp1)));
	assert_non_null(memmem(plat.p, plat.n, pcesvn, sizeof(pcesvn)));
	assert_non_null(memmem(plat.p, plat.n, fmspc, sizeof(fmspc)));
}

/* The next machine: its own PCK with its own PPID and instance, under the same authorities. */
static void platforms_differ(void **state)
{
	const struct ds_pki_opts opts = { .fmspc = { 1 }, .not_before = NOW - 90 * DAY };
	DS_BUF struct ds_buf first = DS_BUF_NULL, second = DS_BUF_NULL;
	DS_PKI struct ds_pki *pki = NULL;
	struct ds_err err = DS_ERR_NULL;
	size_t differ = 0;
	X509 *was;

	assert_int_equal(ds_pki_new(&opts, &pki, NULL) | pki_sgx_ext(pki, &first), 0);
	was = X509_dup(pki->pck.cert);
	assert_int_equal(ds_pki_next_platform(pki, &err) | pki_sgx_ext(pki, &second), 0);
	assert_int_equal(first.n, second.n);
	for (size_t i = 0; i < first.n; i++)
		differ += first.p[i] != second.p[i];
	assert_int_equal(differ, 2);
	assert_int_equal(verify(pki, pki->pck.cert, pki->ca.cert, NULL, NOW), X509_V_OK);
	assert_int_equal(verify(pki, pki->pck.cert, pki->ca.cert, was, NOW), X509_V_OK);
	assert_int_equal(verify(pki, was, pki->ca.cert, NULL, NOW), X509_V_OK);
	X509_free(was);
	for (int i = 2; i < 256; i++)
		assert_int_equal(ds_pki_next_platform(pki, &err), 0);
	assert_int_equal(ds_pki_next_platform(pki, &err), -ERANGE);
	assert_non_null(strstr(err.msg, "256 platforms"));
}

static void span_is(const uint8_t *at, const void *want, size_t n)
{
	assert_memory_equal(at, want, n);
}

/* Both versions share everything behind the body. */
static void check_tail(struct fixture *f, const struct ds_buf *q, size_t body_end)
{
	const uint8_t *sig = q->p + body_end + 4, *key = sig + 64, *cert = key + 64, *qe = cert + 6;
	uint8_t hash[64] = { 0 }, xy[64];
	struct ds_span bound[2] = { DS_SPAN(key, 64), DS_SPAN(qe + 450, 32) };

	assert_int_equal(ds_get_u32le(q->p + body_end), q->n - body_end - 4);
	assert_int_equal(ds_get_u16le(cert), 6);
	assert_int_equal(ds_get_u32le(cert + 2), q->p + q->n - qe);
	assert_int_equal(ds_get_u16le(qe + 448), 32);
	assert_int_equal(qe[450 + 31], 0x1f);
	assert_int_equal(ds_get_u16le(qe + 482), 5);
	assert_int_equal(ds_get_u32le(qe + 484), q->p + q->n - (qe + 488));
	span_is(qe + 488, "-----BEGIN CERTIFICATE-----\n", 28);
	span_is(q->p + q->n - 26, "-----END CERTIFICATE-----\n", 26);
	/* S1, S2, S3 */
	assert_int_equal(ds_p256_verify_raw(key, DS_SPAN(q->p, body_end), sig), 0);
	assert_int_equal(ds_p256_xy(f->pki->pck.key, xy), 0);
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN(qe, 384), qe + 384), 0);
	assert_int_equal(ds_sha256(bound, 2, hash), 0);
	span_is(qe + 320, hash, 64);
	/* the enclave report itself */
	span_is(qe, "\x03\x03\x02\x02\x02\x01\x00\x03", 8);
	span_is(qe + 48, "\x15\0\0\0\0\0\0\0\xe7\0\0\0\0\0\0\0", 16);
	assert_int_equal(ds_get_u16le(qe + 256), 2);
	assert_int_equal(ds_get_u16le(qe + 258), PKI_QE_ISVSVN);
}

static void check_body(const uint8_t *b)
{
	static const uint8_t mrseam[] = DSTACK_EMUL_MRSEAM;
	uint8_t want[584] = { 0x05, 0x01, 0x03 };

	memcpy(want + 16, mrseam, 48);
	want[123] = 0x10;
	memcpy(want + 128, "\xe7\x02\x06", 3);
	memset(want + 136, 0x11, 48);
	memset(want + 184, 0x12, 48);
	memset(want + 232, 0x13, 48);
	memset(want + 280, 0x14, 48);
	for (int i = 0; i < 4; i++)
		memset(want + 328 + 48 * i, 0x20 + i, 48);
	memset(want + 520, 0x77, 64);
	span_is(b, want, sizeof(want));
}

static void quote_v4_is_exact(void **state)
{
	struct fixture *f = *state;
	DS_BUF struct ds_buf q = DS_BUF_NULL;

	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN_ARRAY(f->report), 4, &q, NULL), 0);
	span_is(q.p, "\x04\0\x02\0\x81\0\0\0\0\0\0\0\x93\x9a\x72\x33", 16);
	check_body(q.p + 48);
	check_tail(f, &q, 632);
}

static void quote_v5_is_exact(void **state)
{
	static const uint8_t zero[48];
	struct fixture *f = *state;
	DS_BUF struct ds_buf q = DS_BUF_NULL;

	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN_ARRAY(f->report), 5, &q, NULL), 0);
	span_is(q.p, "\x05\0\x02\0\x81\0\0\0", 8);
	span_is(q.p + 48, "\x03\0\x88\x02\0\0", 6);
	check_body(q.p + 54);
	span_is(q.p + 54 + 584, "\x05\x01\x03\0", 4);
	span_is(q.p + 54 + 600, zero, 48);
	check_tail(f, &q, 702);
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN_ARRAY(f->report), 3, &q, NULL), -EINVAL);
}

/* The enclave signs for emulated TDs with intact reports, and for nothing else. */
static void only_emulated_reports_are_signed(void **state)
{
	struct fixture *f = *state;
	DS_BUF struct ds_buf q = DS_BUF_NULL;
	uint8_t r[DS_TDREPORT_SIZE + 1];
	struct ds_err err = DS_ERR_NULL;

	memcpy(r, f->report, DS_TDREPORT_SIZE);
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN(r, DS_TDREPORT_SIZE - 1), 4, &q, &err),
			 -EBADMSG);
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN(r, DS_TDREPORT_SIZE + 1), 4, &q, &err),
			 -EBADMSG);
	r[0] = 0;
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN(r, DS_TDREPORT_SIZE), 4, &q, &err),
			 -EBADMSG);
	r[0] = 0x81;
	/* Another module, correctly hashed: only the MRSEAM check can stop it. */
	r[TDR_MRSEAM] ^= 1;
	assert_int_equal(
		ds_sha384_1(DS_SPAN(r + TDR_TCB_INFO, TDR_TCB_INFO_SIZE), r + TDR_TCB_INFO_HASH),
		0);
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN(r, DS_TDREPORT_SIZE), 4, &q, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "MRSEAM"));
	memcpy(r, f->report, DS_TDREPORT_SIZE);
	r[TDR_TDINFO + 20] ^= 1; /* MRTD */
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN(r, DS_TDREPORT_SIZE), 4, &q, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "TDINFO"));
	memcpy(r, f->report, DS_TDREPORT_SIZE);
	r[TDR_TCB_SVN] ^= 1;
	assert_int_equal(ds_emul_qe_quote(f->qe, DS_SPAN(r, DS_TDREPORT_SIZE), 4, &q, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "TEE_TCB_INFO"));
	assert_null(q.p);
}

static void bundles_are_checked(void **state)
{
	struct fixture *f = *state;
	DS_SECRET struct ds_secret *other = NULL, *mix = NULL;
	DS_EMUL_QE struct ds_emul_qe *qe = NULL;
	struct ds_err err = DS_ERR_NULL;
	const struct ds_span b = DS_SPAN(f->bundle->p, f->bundle->n);
	const uint8_t *second = memmem(b.p + 10, b.n - 10, "-----BEGIN PRIVATE", 18);
	const size_t key = (size_t)(second - b.p);

	assert_int_equal(ds_pki_bundle(f->processor, &other), 0);
	for (size_t n = 0; n < b.n - 1;
	     n += 7) /* all lengths but the one without the last line feed */
		assert_int_equal(ds_emul_qe_load(DS_SPAN(b.p, n), &qe, NULL), -EBADMSG);
	assert_int_equal(ds_emul_qe_load(DS_SPAN(b.p + key, b.n - key), &qe, &err), -EBADMSG);
	/* Keys of one PKI, certificates of the other; also the two keys of one swapped. */
	mix = ds_secret_new(b.n > other->n ? b.n : other->n);
	assert_non_null(mix);
	memcpy(mix->p, b.p, 2 * key);
	memcpy(mix->p + 2 * key, other->p + 2 * key, other->n - 2 * key);
	assert_int_equal(ds_emul_qe_load(DS_SPAN(mix->p, other->n), &qe, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "does not belong"));
	memcpy(mix->p, b.p + key, key);
	memcpy(mix->p + key, b.p, key);
	memcpy(mix->p + 2 * key, b.p + 2 * key, b.n - 2 * key);
	assert_int_equal(ds_emul_qe_load(DS_SPAN(mix->p, b.n), &qe, &err), -EBADMSG);
	assert_null(qe);
}

/* A chain of another length, or with something else in it, would make quotes that nobody can verify. */
static void bundle_chains_have_three_certificates(void **state)
{
	static const char last[] = "-----BEGIN CERTIFICATE-----\n";
	struct fixture *f = *state;
	const struct ds_span b = DS_SPAN(f->bundle->p, f->bundle->n);
	const size_t n_last = sizeof(last) - 1;
	size_t root = b.n - n_last;
	struct ds_emul_qe *qe = NULL;
	struct ds_err err = DS_ERR_NULL;
	DS_SECRET struct ds_secret *more = NULL;

	while (memcmp(b.p + root, last, n_last) != 0)
		root--;
	assert_int_equal(ds_emul_qe_load(DS_SPAN(b.p, root), &qe, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "2 certificates"));
	more = ds_secret_new(b.n + (b.n - root));
	assert_non_null(more);
	memcpy(more->p, b.p, b.n);
	memcpy(more->p + b.n, b.p + root, b.n - root);
	assert_int_equal(ds_emul_qe_load(DS_SPAN(more->p, more->n), &qe, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "4 certificates"));
	/* the same block under another label */
	memcpy(more->p + root + 11, "CERTIFICATX", 11);
	memcpy(more->p + b.n - 17, "CERTIFICATX", 11);
	assert_int_equal(ds_emul_qe_load(DS_SPAN(more->p, b.n), &qe, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "no certificate"));
	assert_null(qe);
}

static void contains(const struct ds_buf *buf, const char *text, bool want)
{
	if ((memmem(buf->p, buf->n, text, strlen(text)) != NULL) != want)
		fail_msg("%s '%s'", want ? "lacks" : "has", text);
}

static void documents_say_what_was_asked(void **state)
{
	struct fixture *f = *state;
	struct ds_pki_docs docs = good_docs;
	DS_BUF struct ds_buf good = DS_BUF_NULL, bad = DS_BUF_NULL, unknown = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_pki_collateral(f->pki, &docs, &good, &err), 0);
	contains(&good, "\\\"fmspc\\\":\\\"010203040506\\\"", true);
	contains(&good, "\\\"issueDate\\\":\\\"2026-09-20T14:13:20Z\\\"", true);
	contains(&good, "{\\\"svn\\\":4}", false);
	docs.tcb_status = "SWHardeningNeeded";
	assert_int_equal(ds_pki_collateral(f->pki, &docs, &bad, &err), 0);
	contains(&bad, "SWHardeningNeeded", true);
	contains(&bad, "{\\\"svn\\\":4}", true); /* the better level that then exists */
	docs.tcb_status = "A\"";
	assert_int_equal(ds_pki_collateral(f->pki, &docs, &unknown, &err), -EINVAL);
	docs.tcb_status = "";
	assert_int_equal(ds_pki_collateral(f->pki, &docs, &unknown, &err), -EINVAL);
	docs = good_docs;
	docs.revoke_ca = docs.revoke_signer = true;
	assert_int_equal(ds_pki_collateral(f->pki, &docs, &unknown, &err), -EINVAL);
	assert_null(unknown.p);
}

static void documents_are_signed(void **state)
{
	struct fixture *f = *state;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	uint8_t rs[64], xy[64];

	assert_int_equal(pki_tcb_info(f->pki, &good_docs, &text), 0);
	assert_int_equal(pki_sign_raw(f->pki->signer.key, ds_buf_span(&text), rs), 0);
	assert_int_equal(ds_p256_xy(f->pki->signer.key, xy), 0);
	assert_int_equal(ds_p256_verify_raw(xy, ds_buf_span(&text), rs), 0);
	text.p[20] ^= 1;
	assert_int_equal(ds_p256_verify_raw(xy, ds_buf_span(&text), rs), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_hold_under_strict_rules),
		cmocka_unit_test(names_and_flags_follow_the_specification),
		cmocka_unit_test(booleans_are_der),
		cmocka_unit_test(sgx_extension_is_exact),
		cmocka_unit_test(platforms_differ),
		cmocka_unit_test(quote_v4_is_exact),
		cmocka_unit_test(quote_v5_is_exact),
		cmocka_unit_test(only_emulated_reports_are_signed),
		cmocka_unit_test(bundles_are_checked),
		cmocka_unit_test(bundle_chains_have_three_certificates),
		cmocka_unit_test(documents_say_what_was_asked),
		cmocka_unit_test(documents_are_signed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
