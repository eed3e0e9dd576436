// SPDX-License-Identifier: Apache-2.0
/* Policies, the fields of a verdict, and damage anywhere: on forged evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <uapi/tdx_emul.h>

#include <ds/attest/verify.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/x509/cert.h>

#include "forge.h"

#define T FORGE_TIME

static int judge(const struct forged *w, int64_t t, const struct ds_tcb_policy *policy,
		 struct ds_verdict *v)
{
	const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&w->root_pem),
					     .time = t,
					     .policy = policy };

	return ds_attest_quote(ds_buf_span(&w->quote), ds_buf_span(&w->collateral), &opts, v);
}

/* Zeros equal zeros, but what was not given or not seen is no measurement. */
static void nothing_is_no_measurement(void **state)
{
	const struct {
		enum ds_tee tee;
		bool has_snp, has_body;
		struct ds_image_mr im;
		bool want;
	} table[] = {
		{ DS_TEE_SNP, true, false, { .has_snp = true }, true },
		{ DS_TEE_SNP, true, false, { .has_snp = false }, false },
		{ DS_TEE_SNP, false, true, { .has_snp = true }, false },
		{ DS_TEE_TDX, false, true, { .has_snp = false }, true },
		{ DS_TEE_TDX, false, true, { .has_snp = true, .snp_only = true }, false },
		{ DS_TEE_TDX, true, false, { .has_snp = false }, false },
		{ DS_TEE_TDX, false, false, { .has_snp = false }, false },
		{ DS_TEE_SNP, false, false, { .has_snp = true }, false },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(table); i++) {
		struct ds_verdict v;

		ds_verdict_init(&v);
		v.tee = table[i].tee;
		v.has_snp = table[i].has_snp;
		v.has_body = table[i].has_body;
		if (ds_image_matches(&v, &table[i].im) != table[i].want ||
		    !ds_verify_image(&v, &table[i].im) != table[i].want)
			fail_msg("row %zu", i);
	}
}

static void policies(void **state)
{
	static const uint8_t service[1][48] = { { [47] = 1 } }, ppid[1][16] = { "forged-ppid-000"
										"1" };
	static const uint8_t chip[1][DS_SNP_CHIP_ID], fmspc[1][6] = { { 0x30, 0x60, 0x6a } },
			     instance[1][16] = { "forged-instance"
						 "1" };
	static const char *const advisory[] = { "INTEL-SA-P5" }, *const tolerated[] = {
		"INTEL-SA-M2", "INTEL-SA-P5"
	};
	struct ds_tcb_policy p = ds_tcb_policy_default;
	FORGED struct forged w = { 0 };
	struct ds_verdict v;

#define JUDGE(why)                                                                                 \
	do {                                                                                       \
		assert_int_equal(judge(&w, T, &p, &v), 0);                                         \
		assert_string_equal(ds_reason_name(v.reason), why);                                \
		p = ds_tcb_policy_default;                                                         \
	} while (0)

	forge(&(struct forge){ .body = { { 120, 1, true } } }, &w);
	p.td_attr_allowed = UINT64_MAX;
	JUDGE("td-debug"); /* only its own switch allows it */
	p.allow_debug = true;
	JUDGE("");
	forge(&(struct forge){ .v5 = true, .body = { { 647, 1, true } } }, &w);
	p.service_td = service;
	p.n_service_td = 1;
	JUDGE("");
	forge(&(struct forge){ .v5 = true, .body = { { 647, 2, true } } }, &w);
	p.service_td = service;
	p.n_service_td = 1;
	JUDGE("td-service-td"); /* another one than that of the policy */
	forge(&(struct forge){ .qe = { { "\"UpToDate\"", "\"Revoked\"" } } }, &w);
	p.tcb_status = UINT32_MAX;
	JUDGE("tcb-status");					  /* Revoked can never be allowed */
	forge(&(struct forge){ .body = { { 0, 4, true } } }, &w); /* INTEL-SA-M2, INTEL-SA-P5 */
	p.tcb_status = 1u << DS_TCB_OUT_OF_DATE;
	JUDGE("advisory"); /* a status stands with its advisories */
	p.tcb_status = 1u << DS_TCB_OUT_OF_DATE;
	p.tolerate_advisory = tolerated;
	p.n_tolerate_advisory = 1;
	JUDGE("advisory");
	p.tcb_status = 1u << DS_TCB_OUT_OF_DATE;
	p.tolerate_advisory = tolerated;
	p.n_tolerate_advisory = 2;
	JUDGE("");
	p.tcb_status = 1u << DS_TCB_OUT_OF_DATE;
	p.tolerate_any_advisory = true;
	JUDGE("");
	p.tcb_status = 1u << DS_TCB_OUT_OF_DATE;
	p.tolerate_any_advisory = true;
	p.deny_advisory = advisory;
	p.n_deny_advisory = 1;
	JUDGE("advisory"); /* denial wins */
	forge(&(struct forge){ 0 }, &w);
	p.tcb_status = 1u << DS_TCB_OUT_OF_DATE;
	JUDGE("tcb-status"); /* an allow-list, not a floor */
	p.min_evaluation = 20;
	JUDGE("");
	p.min_evaluation = 21;
	JUDGE("tcb-evaluation");
	p.xfam_allowed = 0x602e6;
	JUDGE("td-attributes-reserved");
	p.xfam_allowed = 0x602e7;
	JUDGE("");
	p.td_attr_required |= DS_TD_ATTR_PKS;
	JUDGE("td-attributes-reserved");
	p.deny_advisory = advisory;
	p.n_deny_advisory = 1;
	JUDGE("advisory");
	p.deny_ppid = ppid;
	p.n_deny_ppid = 1;
	JUDGE("platform-denied");
	p.deny_fmspc = fmspc;
	p.n_deny_fmspc = 1;
	JUDGE("platform-denied");
	p.deny_instance = instance;
	p.n_deny_instance = 1;
	JUDGE("platform-denied");
	p.snp.n_allow_chip = 1; /* a list of AMD's machines alone allows none of Intel's */
	JUDGE("platform-denied");
	p.min_qe_evaluation = 19;
	JUDGE("");
	p.min_qe_evaluation = 20;
	JUDGE("tcb-evaluation");
	p.snp.allow_chip = chip;
	p.snp.n_allow_chip = 1;
	JUDGE("platform-denied"); /* chips of AMD and nothing of Intel */
#undef JUDGE
}

/* What the policy asks for one more than the platform has, then what it has. */
static void minimum_svns(void **state)
{
	FORGED struct forged w = { 0 };
	struct ds_tcb_policy p;
	struct ds_quote q;
	struct ds_verdict v;
	uint8_t svn2;

#define MIN(assign, why)                                                                           \
	do {                                                                                       \
		p = ds_tcb_policy_default;                                                         \
		assign;                                                                            \
		assert_int_equal(judge(&w, T, &p, &v), 0);                                         \
		assert_string_equal(ds_reason_name(v.reason), why);                                \
	} while (0)

	forge(&(struct forge){ .v5 = true }, &w);
	assert_int_equal(ds_quote_parse(ds_buf_span(&w.quote), &q, NULL), 0);
	svn2 = q.body.tee_tcb_svn2[2];
	assert_int_equal(svn2, q.body.tee_tcb_svn[2]);
	MIN((void)0, "");
	MIN(p.min_svn.tdx[2] = svn2, "");
	MIN(p.min_svn.tdx[2] = (uint8_t)(svn2 + 1), "tcb-svn");
	MIN(p.min_svn.tdx[15] = 1, "tcb-svn");
	MIN(p.min_svn.sgx[15] = 255, "tcb-svn");
	MIN(p.min_svn.pce = UINT16_MAX, "tcb-svn");
	MIN(p.min_svn.qe = q.qe_report.p[258], "");
	MIN(p.min_svn.qe = q.qe_report.p[258] + 1, "tcb-svn");
	MIN((p.min_svn.n_module = 1, p.min_svn.module[0].major = q.body.tee_tcb_svn[1],
	     p.min_svn.module[0].minor = q.body.tee_tcb_svn[0]),
	    "");
	MIN((p.min_svn.n_module = 1, p.min_svn.module[0].major = q.body.tee_tcb_svn[1],
	     p.min_svn.module[0].minor = (uint8_t)(q.body.tee_tcb_svn[0] + 1)),
	    "tcb-svn");
	MIN((p.min_svn.n_module = 1,
	     p.min_svn.module[0].major = (uint8_t)(q.body.tee_tcb_svn[1] + 1)),
	    "tcb-svn");
	/* version 4 has one set of SVNs */
	forge(&(struct forge){ 0 }, &w);
	MIN((p.min_svn.n_module = 1, p.min_svn.module[0].major = q.body.tee_tcb_svn[1],
	     p.min_svn.module[0].minor = (uint8_t)(q.body.tee_tcb_svn[0] + 1)),
	    "tcb-svn");
	MIN(p.min_svn.tdx[2] = (uint8_t)(svn2 + 1), "tcb-svn");
	/* the current SVNs count too: module 5 at launch, 4 now */
	forge(&(struct forge){ .v5 = true, .body = { { 584, 4, true } } }, &w);
	MIN((p.tcb_status = UINT32_MAX, p.tolerate_any_advisory = true, p.min_svn.n_module = 1,
	     p.min_svn.module[0].major = q.body.tee_tcb_svn[1],
	     p.min_svn.module[0].minor = q.body.tee_tcb_svn[0]),
	    "tcb-svn");
	MIN((p.tcb_status = UINT32_MAX, p.tolerate_any_advisory = true,
	     p.min_svn.tdx[0] = q.body.tee_tcb_svn[0]),
	    "tcb-svn");
#undef MIN
}

/* Lists that are in date and yet older than one that is known; read quickly and by OpenSSL. */
static void lists_not_before(void **state)
{
	static const struct forge worlds[] = {
		{ .root_crl = { .from = T - 50 }, .pck_crl = { .from = T - 20 } },
		{ .root_crl = { .from = T - 50 }, .pck_crl = { .from = T - 20 }, .pck = { .odd = true } },
	};
	static const struct {
		int64_t root, pck;
		const char *why, *what;
	} rows[] = {
		{ T - 50, 0, "", "" },
		{ T - 49, 0, "crl-too-old",
		  "root CRL: expected one of 2026-05-28T20:25:51Z or later, got 2026-05-28T20:25:50Z" },
		{ 0, T - 20, "", "" },
		{ 0, T - 19, "crl-too-old", "PCK CRL: expected one of 2026-05-28T20:26:21Z" },
		{ T - 50, T - 20, "", "" },
		{ T, T, "crl-too-old", "root CRL" },
	};
	FORGED struct forged w = { 0 };
	struct ds_verdict v;

	for (size_t k = 0; k < DS_ARRAY_SIZE(worlds); k++) {
		forge(&worlds[k], &w);
		for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
			struct ds_tcb_policy p = ds_tcb_policy_default;

			p.min_root_crl = rows[i].root;
			p.min_pck_crl = rows[i].pck;
			assert_int_equal(judge(&w, T, &p, &v), 0);
			assert_string_equal(ds_reason_name(v.reason), rows[i].why);
			if (!strstr(v.detail, rows[i].what))
				fail_msg("row %zu: %s", i, v.detail);
			assert_true(v.revocation_checked);
		}
	}
	/* each list speaks for itself */
	assert_string_equal(v.checks[v.n_checks - 1].name, "crl-too-old");
	forge(&(struct forge){ .pck_crl = { .revoke_first = true } }, &w);
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_false(v.revocation_checked);
}

/* A list that is given is the whole truth. */
static void allow_lists(void **state)
{
	static const uint8_t ppid[2][16] = { { 1 },
					     "forged-ppid-000"
					     "1" };
	static const uint8_t fmspc[2][6] = { { 1 }, { 0x30, 0x60, 0x6a } },
			     instance[2][16] = { { 1 }, "forged-instance"
							"1" };
	static const uint8_t no_instance[1][16];
	struct ds_image_mr image[2] = { 0 };
	FORGED struct forged w = { 0 };
	struct ds_tcb_policy p;
	struct ds_verdict v;

	memset(image[1].mr_td, 0xd1, 48);
	for (int i = 0; i < 3; i++)
		memset(image[1].rt_mr[i], 0xe0 + i, 48);
	forge(&(struct forge){ 0 }, &w);
	for (size_t n = 1; n <= 2; n++) {
		const char *why = n == 1 ? "platform-denied" : "";

		p = ds_tcb_policy_default;
		p.allow_ppid = ppid;
		p.n_allow_ppid = n;
		assert_int_equal(judge(&w, T, &p, &v), 0);
		assert_string_equal(ds_reason_name(v.reason), why);
		p = ds_tcb_policy_default;
		p.allow_fmspc = fmspc;
		p.n_allow_fmspc = n;
		assert_int_equal(judge(&w, T, &p, &v), 0);
		assert_string_equal(ds_reason_name(v.reason), why);
		p = ds_tcb_policy_default;
		p.allow_instance = instance;
		p.n_allow_instance = n;
		assert_int_equal(judge(&w, T, &p, &v), 0);
		assert_string_equal(ds_reason_name(v.reason), why);
		p = ds_tcb_policy_default;
		p.image = image;
		p.n_image = n;
		assert_int_equal(judge(&w, T, &p, &v), 0);
		assert_string_equal(ds_reason_name(v.reason), n == 1 ? "measurement" : "");
	}
	for (int i = 0; i < 4; i++) {
		struct ds_image_mr bad = image[1];

		(i ? bad.rt_mr[i - 1] : bad.mr_td)[47] ^= 1;
		p.image = &bad;
		p.n_image = 1;
		assert_int_equal(judge(&w, T, &p, &v), 0);
		assert_string_equal(ds_reason_name(v.reason), "measurement");
	}
	/* both lists: denial wins */
	p = ds_tcb_policy_default;
	p.allow_ppid = p.deny_ppid = ppid;
	p.n_allow_ppid = p.n_deny_ppid = 2;
	assert_int_equal(judge(&w, T, &p, &v), 0);
	assert_string_equal(ds_reason_name(v.reason), "platform-denied");
	/* the Processor CA names no instance, so it is on no list */
	forge(&(struct forge){ .processor = true }, &w);
	p = ds_tcb_policy_default;
	p.allow_instance = no_instance;
	p.n_allow_instance = 1;
	assert_int_equal(judge(&w, T, &p, &v), 0);
	assert_string_equal(ds_reason_name(v.reason), "platform-denied");
}

static void verdict_fields(void **state)
{
	static const uint8_t emul[48] = DSTACK_EMUL_MRSEAM;
	FORGED struct forged w = { 0 };
	struct ds_verify_opts opts = { .time = T };
	struct ds_verdict v;

	forge(&(struct forge){ .body = { { 0, 4, true } }, .qe_report = { { 258, 5, true } } }, &w);
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_int_equal(v.n_advisories, 3); /* platform, module, QE */
	assert_string_equal(v.advisories[0], "INTEL-SA-M2");
	assert_string_equal(v.advisories[1], "INTEL-SA-P5");
	assert_string_equal(v.advisories[2], "INTEL-SA-Q4");
	assert_string_equal(v.expected, "UpToDate");
	assert_string_equal(v.actual, "OutOfDate");
	forge(&(struct forge){ .mr_seam = emul, .pck_crl = { .to = T + 77 } }, &w);
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_true(v.accepted && v.emulated && v.custom_root);
	assert_int_equal(v.expires, T + 77);
	assert_int_equal(v.tcb_evaluation, 20);
	assert_int_equal(v.qe_evaluation, 19);
	assert_memory_equal(v.ppid, "forged-ppid-0001", 16);
	assert_int_equal(judge(&w, T + 77, NULL, &v), 0);
	assert_true(v.accepted);
	assert_int_equal(judge(&w, T + 78, NULL, &v), 0);
	assert_int_equal(v.reason, DS_REASON_CRL_EXPIRED);
	/* the pinned root, no root, no collateral */
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&w.quote), ds_buf_span(&w.collateral), &opts, &v), 0);
	assert_int_equal(v.reason, DS_REASON_ROOT_UNTRUSTED);
	assert_true(v.emulated && !v.custom_root);
	opts.root_ca = DS_SPAN_LIT("-----BEGIN CERTIFICATE-----\n");
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&w.quote), ds_buf_span(&w.collateral), &opts, &v), 0);
	assert_int_equal(v.reason, DS_REASON_ROOT_UNTRUSTED);
	opts.root_ca = ds_buf_span(&w.root_pem);
	assert_int_equal(ds_attest_quote(ds_buf_span(&w.quote), DS_SPAN_NULL, &opts, &v), 0);
	assert_int_equal(v.reason, DS_REASON_COLLATERAL_MISSING);
}

static void input_forms(void **state)
{
	struct ds_verify_opts opts = { .time = T };
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	FORGED struct forged w = { 0 };
	struct ds_verdict v;

	forge(&(struct forge){ 0 }, &w);
	assert_int_equal(ds_cert_pem_to_der(ds_buf_span(&w.root_pem), &der, NULL), 0);
	opts.root_ca = ds_buf_span(&der);
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&w.quote), ds_buf_span(&w.collateral), &opts, &v), 0);
	assert_true(v.accepted);
	opts.root_ca.n--;
	assert_int_equal(
		ds_attest_quote(ds_buf_span(&w.quote), ds_buf_span(&w.collateral), &opts, &v), 0);
	assert_int_equal(v.reason, DS_REASON_ROOT_UNTRUSTED);
	/* another label around the same bytes is not a certificate */
	for (uint8_t *p = w.root_pem.p;
	     (p = memmem(p, (size_t)(w.root_pem.p + w.root_pem.n - p), "FICATE", 6));)
		p[5] = 'F';
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_int_equal(v.reason, DS_REASON_ROOT_UNTRUSTED);
	forge(&(struct forge){ 0 }, &w);
	/* blanks behind JSON are fine up to the limit */
	assert_int_equal(ds_buf_reserve(&w.collateral, DS_MAX_COLLATERAL), 0);
	memset(w.collateral.p + w.collateral.n, ' ', DS_MAX_COLLATERAL);
	w.collateral.n = DS_MAX_COLLATERAL;
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_true(v.accepted);
	w.collateral.n++;
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_int_equal(v.reason, DS_REASON_COLLATERAL_FORMAT);
}

/* Nothing that is signed can be changed anywhere: one bit of every 7th byte, then every 61st
 * length. */
static void sampled_damage(void **state)
{
	FORGED struct forged w = { 0 };
	struct ds_verdict v;
	size_t pem;

	forge(&(struct forge){ .v5 = true }, &w);
	pem = w.quote.n - 3000; /* spec/dcap 7.1: a few bytes of PEM text are not authenticated */
	for (size_t i = 0; i < pem && i < 48 + 6 + 648 + 4 + 134 + 384 + 64 + 2 + 32 + 6; i += 7) {
		w.quote.p[i] ^= 1u << i % 8;
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		if (v.accepted)
			fail_msg("bit of byte %zu is not authenticated", i);
		w.quote.p[i] ^= 1u << i % 8;
	}
	for (size_t n = 0; n < w.quote.n; n += 61) {
		size_t all = w.quote.n;

		w.quote.n = n;
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		assert_false(v.accepted);
		w.quote.n = all;
	}
	for (size_t n = 0; n < w.collateral.n; n += 61) {
		size_t all = w.collateral.n;

		w.collateral.n = n;
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		assert_false(v.accepted);
		w.collateral.n = all;
	}
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_true(v.accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_measurement),
		cmocka_unit_test(policies),    cmocka_unit_test(minimum_svns),
		cmocka_unit_test(lists_not_before),
		cmocka_unit_test(allow_lists), cmocka_unit_test(verdict_fields),
		cmocka_unit_test(input_forms), cmocka_unit_test(sampled_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
