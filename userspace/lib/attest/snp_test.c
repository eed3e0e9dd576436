// SPDX-License-Identifier: Apache-2.0
/* Every check of a SEV-SNP report, on forged worlds with one fault each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/verify.h>

#include "snpforge.h"

#define T   SNP_TIME
#define DAY 86400

static void judge(const struct snp_forged *w, int64_t t, const struct ds_tcb_policy *policy,
		  struct ds_verdict *v)
{
	const struct ds_snp_evidence in = { ds_buf_span(&w->report), ds_buf_span(&w->vek),
					    ds_buf_span(&w->chain), ds_buf_span(&w->crl) };
	const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&w->root_pem),
					     .time = t,
					     .policy = policy };

	assert_int_equal(ds_attest_snp(&in, &opts, v), 0);
	assert_int_equal(v->tee, DS_TEE_SNP);
	assert_false(v->emulated);
	assert_true(v->custom_root);
	assert_int_equal(v->accepted, v->reason == DS_REASON_NONE);
	assert_int_equal(!v->accepted, v->detail[0] != '\0');
}

#define POKE(off, v)                                                                               \
	{                                                                                          \
		{                                                                                  \
			off, v, true                                                               \
		}                                                                                  \
	}
#define TCB4(i, v)                                                                                 \
	{ 0x38 + (i), v, true }, { 0x180 + (i), v, true }, { 0x1e0 + (i), v, true },               \
	{                                                                                          \
		0x1f0 + (i), v, true                                                               \
	}

struct row {
	const char *reason;
	struct snp_forge f;
};

static const struct row report_rows[] = {
	/* good ones */
	{ "", { .product = DS_SNP_MILAN } },
	{ "", { .product = DS_SNP_GENOA, .version = 5 } },
	{ "", { .product = DS_SNP_TURIN, .version = 5 } },
	{ "", { .version = 2 } },
	{ "", { .vlek = true } },
	{ "", { .vlek = true, .product = DS_SNP_TURIN } },
	{ "", { .product_name = "Milan-B0" } },
	{ "", { .hwid_wrapped = true } },
	{ "", { .negate_s = true } },
	{ "", { .no_ark = true } }, /* the root given is it */
	/* rows 1 and 2 */
	{ "snp-version", { .version = 1 } },
	{ "snp-version", { .version = 6 } },
	{ "snp-sig-algo", { .body = POKE(0x34, 2) } },
	{ "snp-signing-key", { .body = POKE(0x48, 7 << 2) } },
	{ "snp-reserved", { .body = POKE(0x49, 1) } },
	{ "snp-reserved", { .body = POKE(0x4c, 1) } },
	{ "snp-reserved", { .late = POKE(0x330, 1) } },
	{ "snp-reserved", { .late = POKE(0x49f, 1) } },
};

static const struct row chain_rows[] = {
	/* row 3 */
	{ "snp-root-untrusted", { .other_ark = true } },
	/* row 4 */
	{ "collateral-missing", { .no_vek = true } },
	{ "snp-chain", { .no_issuer = true } },
	{ "snp-chain", { .extra_issuer = true } },
	{ "snp-chain", { .stranger = true } },
	{ "snp-chain", { .issuer_of_other_kind = true } },
	{ "snp-chain", { .issuer_of_other_kind = true, .vlek = true } },
	{ "snp-chain", { .ark = { .evil = true } } },
	{ "snp-chain", { .ark = { .issuer_cn = "ARK-Genoa" } } },
	{ "snp-chain", { .ark = { .scheme = PSS_SHA256 } } },
	{ "snp-chain", { .ark = { .flip_ca = true } } },
	{ "snp-chain", { .issuer = { .cn = "SEV-Genoa" } } },
	{ "snp-chain", { .issuer = { .issuer_cn = "ARK-Genoa" } } },
	{ "snp-chain", { .issuer = { .evil = true } } },
	{ "snp-chain", { .issuer = { .flip_ca = true } } },
	{ "snp-chain", { .issuer = { .no_key_usage = true } } },
	{ "snp-chain", { .issuer = { .crl_sign_only = true } } },
	{ "snp-chain", { .issuer = { .long_path = true } } },
	{ "snp-chain", { .issuer = { .critical = true } } },
	{ "snp-chain", { .issuer = { .other_key = true } } },
	{ "snp-chain", { .issuer = { .scheme = PSS_SHA256 } } },
	{ "snp-chain", { .issuer = { .scheme = PSS_SALT_32 } } },
	{ "snp-chain", { .issuer = { .scheme = PSS_MGF_SHA256 } } },
	{ "snp-chain", { .issuer = { .scheme = PSS_MGF_SHA1 } } },
	{ "snp-chain", { .issuer = { .scheme = PKCS1_SHA384 } } },
	{ "snp-chain", { .issuer = { .scheme = PSS_BARE } } },
	{ "snp-chain", { .issuer = { .scheme = PSS_MGF_BARE } } },
	{ "snp-chain", { .vek = { .issuer_cn = "SEV-Genoa" } } },
	{ "snp-chain", { .vek = { .issuer_cn = "SEV-VLEK-Milan" } } },
	{ "snp-chain", { .vek = { .evil = true } } },
	{ "snp-chain", { .vek = { .flip_ca = true } } },
	{ "snp-chain", { .vek = { .critical = true } } },
	{ "snp-chain", { .vek = { .scheme = PSS_SALT_32 } } },
	{ "snp-chain", { .vek = { .scheme = PKCS1_SHA384 } } },
	/* row 5 */
	{ "snp-chain", { .issuer = { .no_from = true } } },
	{ "snp-chain", { .vek = { .no_from = true } } },
	{ "snp-chain", { .issuer = { .no_date = true } } },
	{ "snp-chain", { .vek = { .no_date = true } } },
	{ "", { .ark = { .to = T }, .issuer = { .to = T }, .vek = { .to = T } } },
	{ "", { .ark = { .from = T }, .issuer = { .from = T }, .vek = { .from = T } } },
	{ "snp-cert-expired", { .ark = { .to = T - 1 } } },
	{ "snp-cert-expired", { .issuer = { .to = T - 1 } } },
	{ "snp-cert-expired", { .vek = { .to = T - 1 } } },
	{ "snp-cert-not-yet-valid", { .ark = { .from = T + 1 } } },
	{ "snp-cert-not-yet-valid", { .issuer = { .from = T + 1 } } },
	{ "snp-cert-not-yet-valid", { .vek = { .from = T + 1 } } },
};

static const struct row crl_rows[] = {
	/* row 6 */
	{ "", { .crl = true } },
	{ "", { .crl = true, .crl_pem = true } },
	{ "", { .crl = true, .crl_from = T, .crl_to = T } },
	{ "snp-crl", { .crl = true, .crl_trailing = true } },
	{ "snp-crl", { .crl = true, .crl_trailing = true, .crl_pem = true } },
	{ "snp-crl", { .crl = true, .crl_critical = true } },
	{ "snp-crl", { .crl = true, .crl_no_next = true } },
	{ "snp-crl", { .crl = true, .crl_no_from = true } },
	{ "snp-crl", { .crl = true, .crl_other_alg_inside = true } },
	{ "snp-crl", { .crl = true, .crl_other_issuer = true } },
	{ "snp-crl", { .crl = true, .crl_evil = true } },
	{ "snp-crl", { .crl = true, .crl_scheme = PSS_SHA256 } },
	{ "snp-crl", { .crl = true, .crl_from = T + 1 } },
	{ "snp-crl", { .crl = true, .crl_to = T - 1 } },
	{ "snp-revoked", { .crl = true, .crl_revoked = true } },
	{ "snp-revoked", { .crl = true, .crl_revoked = true, .vlek = true } },
};

static const struct row key_rows[] = {
	/* row 7 */
	{ "snp-signing-key", { .body = POKE(0x48, 1 << 2) } },
	{ "snp-signing-key", { .vlek = true, .body = POKE(0x48, 0) } },
	/* row 8 */
	{ "snp-key-type", { .vek = { .other_key = true } } },
	{ "snp-signature", { .vek = { .bad_point = true } } },
	{ "snp-signature", { .report_evil = true } },
	{ "snp-signature", { .report_sha256 = true } },
	{ "snp-signature", { .late = POKE(0x50, 1) } },
	{ "snp-signature", { .late = POKE(0x29f, 0x80) } },
	{ "snp-signature", { .late = POKE(0x2a0, 1) } },
	{ "snp-signature", { .late = POKE(0x2a0 + 48, 1) } },
	{ "snp-signature", { .late = POKE(0x2e8 + 71, 1) } },
	/* row 9 */
	{ "snp-ext", { .drop = 1 } },
	{ "snp-ext", { .drop = 2 } },
	{ "snp-ext", { .drop = 4 } },
	{ "snp-ext", { .drop = 31 } },
	{ "snp-ext", { .drop = 32 } },
	{ "snp-ext", { .drop = 33 } },
	{ "snp-ext", { .drop = 38 } },
	{ "snp-ext", { .drop = 39, .product = DS_SNP_TURIN } },
	{ "snp-ext", { .drop = 5, .vlek = true } },
	{ "snp-ext", { .twice = 38 } },
	{ "snp-ext", { .spl = { 9, 0, true } } }, /* FMC on Milan */
	{ "snp-ext", { .hwid_len = 8 } },
	{ "snp-ext", { .hwid_len = 63 } },
	{ "snp-ext", { .hwid_len = 64, .product = DS_SNP_TURIN } },
	{ "snp-product", { .product_name = "Genoa" } },
	{ "snp-product", { .product_name = "Milan2" } },
	{ "snp-product", { .product_name = "Mila" } },
	{ "snp-product", { .body = POKE(0x189, 0x11) } },
	{ "snp-product", { .body = POKE(0x188, 0x17) } },
	{ "", { .version = 2, .body = POKE(0x188, 0x17) } },
	/* row 10 */
	{ "snp-tcb-mismatch", { .spl = { 1, 5, true } } },
	{ "snp-tcb-mismatch", { .spl = { 2, 5, true } } },
	{ "snp-tcb-mismatch", { .spl = { 3, 5, true } } },
	{ "snp-tcb-mismatch", { .spl = { 4, 5, true } } },
	{ "snp-tcb-mismatch", { .spl = { 7, 5, true } } },
	{ "snp-tcb-mismatch", { .spl = { 8, 5, true } } },
	{ "snp-tcb-mismatch", { .spl = { 9, 5, true }, .product = DS_SNP_TURIN } },
	{ "snp-tcb-mismatch", { .spl = { 3, 5, true }, .product = DS_SNP_TURIN } },
	{ "snp-tcb-mismatch", { .vlek = true, .spl = { 8, 5, true } } },
	{ "snp-tcb-mismatch", { .body = { TCB4(7, 0xda) } } },
	{ "snp-tcb-mismatch", { .body = { TCB4(7, 0xdc) } } },
	{ "snp-tcb-mismatch", { .body = { TCB4(2, 1) } } },
	/* row 11 */
	{ "snp-chip-id", { .body = POKE(0x48, 2) } },
	{ "snp-chip-id", { .body = POKE(0x1a0, 0) } },
	{ "snp-chip-id", { .body = POKE(0x1df, 0) } },
	{ "snp-chip-id", { .product = DS_SNP_TURIN, .body = POKE(0x1a8, 1) } },
	{ "", { .vlek = true, .body = { { 0x48, 6, true }, { 0x1a0, 0, true } } } },
};

static const struct row policy_rows[] = {
	/* rows 12 to 14 */
	{ "snp-policy", { .body = POKE(10, 1) } },    /* without bit 17 */
	{ "snp-policy", { .body = POKE(11, 4) } },    /* bit 26 */
	{ "snp-policy", { .body = POKE(15, 0x80) } }, /* bit 63 */
	{ "snp-debug", { .body = POKE(10, 0x0b) } },
	{ "snp-migrate", { .body = POKE(10, 0x07) } },
	{ "", { .body = { { 8, 0x1f, true }, { 10, 0xf3, true }, { 11, 0x03, true } } } },
	{ "snp-vmpl", { .body = POKE(0x30, 1) } },
	{ "snp-vmpl", { .body = POKE(0x33, 1) } },
	{ "snp-tcb-status", { .body = POKE(0x3f, 0xdc) } },
	{ "snp-tcb-status", { .body = POKE(0x1e7, 0xda) } },
	{ "snp-tcb-status", { .body = POKE(0x1f0, 3) } },
};

static void run(const struct row *rows, size_t n)
{
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_verdict v;

	for (size_t i = 0; i < n; i++) {
		snp_forge(&rows[i].f, &w);
		judge(&w, T, NULL, &v);
		if (strcmp(ds_reason_name(v.reason), rows[i].reason))
			fail_msg("row %zu: expected '%s', got '%s' (%s)", i, rows[i].reason,
				 ds_reason_name(v.reason), v.detail);
	}
}

#define ROWS(test, rows)                                                                           \
	static void test(void **state)                                                             \
	{                                                                                          \
		run(rows, DS_ARRAY_SIZE(rows));                                                    \
	}

ROWS(reports, report_rows)
ROWS(chains, chain_rows)
ROWS(revocation_lists, crl_rows)
ROWS(keys_of_chips, key_rows)
ROWS(guest_policies, policy_rows)

/* Where the reason alone could be that of a later check. */
static void faults_are_named(void **state)
{
	static const struct {
		const char *says;
		struct snp_forge f;
	} table[] = {
		{ "longer than 48 bytes", { .late = POKE(0x2a0 + 48, 1) } },
		{ "longer than 48 bytes", { .late = POKE(0x2e8 + 71, 1) } },
		{ "extensions: ", { .twice = 38 } },
		{ "CRL: dates are missing", { .crl = true, .crl_no_next = true } },
	};
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_verdict v;

	for (size_t i = 0; i < DS_ARRAY_SIZE(table); i++) {
		snp_forge(&table[i].f, &w);
		judge(&w, T, NULL, &v);
		if (v.accepted || !strstr(v.detail, table[i].says))
			fail_msg("row %zu: %s", i, v.detail);
	}
}

static void inputs(void **state)
{
	SNP_FORGED struct snp_forged w = { 0 };
	static const char end[] = "-----END CERTIFICATE-----\n";
	DS_BUF struct ds_buf again = DS_BUF_NULL;
	const char *last;
	struct ds_snp_evidence in;
	struct ds_verify_opts opts = { .time = T };
	struct ds_verdict v;

	snp_forge(&(struct snp_forge){ 0 }, &w);
	in = (struct ds_snp_evidence){ ds_buf_span(&w.report), ds_buf_span(&w.vek),
				       ds_buf_span(&w.chain), DS_SPAN_NULL };
#define JUDGE(why)                                                                                 \
	do {                                                                                       \
		assert_int_equal(ds_attest_snp(&in, &opts, &v), 0);                                \
		assert_string_equal(ds_reason_name(v.reason), why);                                \
	} while (0)

	JUDGE("snp-root-untrusted"); /* right names, but not AMD's keys */
	opts.root_ca = DS_SPAN_LIT("junk");
	JUDGE("snp-root-untrusted"); /* and it is not that of AMD which is asked then */
	assert_non_null(strstr(v.detail, "the root CA given is not one certificate"));
	opts.root_ca = ds_buf_span(&w.chain); /* two certificates */
	JUDGE("snp-root-untrusted");
	assert_non_null(strstr(v.detail, "the root CA given is not one certificate"));
	opts.root_ca = ds_buf_span(&w.root_pem);
	JUDGE("");
	in.vek.n--;
	JUDGE("snp-chain");
	in.vek.n++;
	in.chain.n -= 3;
	JUDGE("snp-chain");
	/* the last certificate once more, with a line that is no base64 */
	assert_int_equal(ds_buf_add_span(&again, ds_buf_span(&w.chain)), 0);
	last = strstr(ds_buf_cstr(&w.chain) + 1, "-----BEGIN");
	assert_non_null(last);
	assert_int_equal(ds_buf_add(&again, last, strlen(last) - strlen(end)), 0);
	in.chain = ds_buf_span(&again);
	JUDGE("snp-chain"); /* no end */
	assert_int_equal(ds_buf_addf(&again, "%s", end), 0);
	in.chain = ds_buf_span(&again);
	JUDGE("");
	again.n -= strlen(end);
	assert_int_equal(ds_buf_addf(&again, "!\n%s", end), 0);
	in.chain = ds_buf_span(&again);
	JUDGE("snp-chain");
	in.chain = DS_SPAN_NULL;
	JUDGE("snp-chain");
	opts.root_ca = DS_SPAN_NULL; /* no ARK from anywhere */
	JUDGE("snp-chain");
	opts.root_ca = ds_buf_span(&w.root_pem);
	in.chain = ds_buf_span(&w.chain);
	in.crl = DS_SPAN_LIT("\x30");
	JUDGE("snp-crl");
	in.crl = DS_SPAN_LIT("x");
	JUDGE("snp-crl");
	in.crl = ds_buf_span(&w.chain);
	JUDGE("snp-crl");
	in.crl = DS_SPAN_NULL;
	for (size_t n = 0; n < w.report.n; n++) {
		in.report.n = n;
		JUDGE("snp-length");
	}
#undef JUDGE
}

/* A list in PEM is one of lists, and not empty. */
static void crl_in_pem(void **state)
{
	static const char label[] = "X509 CRL";
	static const char empty[] = "-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n";
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_verdict v;
	char *at;

	snp_forge(&(struct snp_forge){ .crl = true, .crl_pem = true }, &w);
	judge(&w, T, NULL, &v);
	assert_true(v.accepted);
	for (at = strstr(ds_buf_cstr(&w.crl), label); at; at = strstr(at, label))
		*at = 'Y';
	judge(&w, T, NULL, &v);
	assert_string_equal(ds_reason_name(v.reason), "snp-crl");
	ds_buf_done(&w.crl);
	assert_int_equal(ds_buf_add_span(&w.crl, DS_SPAN_STR(empty)), 0);
	judge(&w, T, NULL, &v);
	assert_string_equal(ds_reason_name(v.reason), "snp-crl");
}

/* A verdict says what was in the report and until when it is good. */
static void fields(void **state)
{
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_verdict v;

	snp_forge(&(struct snp_forge){ .vek = { .to = T + 5 * DAY } }, &w);
	judge(&w, T, NULL, &v);
	assert_true(v.accepted && v.has_snp && v.has_snp_cert && !v.has_body && !v.has_platform);
	assert_int_equal(v.expires, T + 5 * DAY);
	assert_string_equal(v.tcb_status, "UpToDate");
	assert_int_equal(v.snp.measurement[0], 0x3e);
	assert_int_equal(v.snp.report_data[63], 0xda);
	assert_int_equal(v.snp_product, DS_SNP_MILAN);
	assert_string_equal(v.snp_ext.product, "Milan");
	assert_string_equal(ds_tee_name(v.tee), "snp");
	snp_forge(&(struct snp_forge){ .crl = true, .issuer = { .to = T + 5 * DAY } }, &w);
	judge(&w, T, NULL, &v);
	assert_int_equal(v.expires, T + 2 * DAY);
	judge(&w, T + 2 * DAY, NULL, &v);
	assert_true(v.accepted);
	judge(&w, T + 2 * DAY + 1, NULL, &v);
	assert_string_equal(ds_reason_name(v.reason), "snp-crl");
	snp_forge(&(struct snp_forge){ .issuer = { .to = T + 4 * DAY } }, &w);
	judge(&w, T, NULL, &v);
	assert_int_equal(v.expires, T + 4 * DAY);
	snp_forge(&(struct snp_forge){ .ark = { .to = T + 3 * DAY } }, &w);
	judge(&w, T, NULL, &v);
	assert_int_equal(v.expires, T + 3 * DAY);
	snp_forge(&(struct snp_forge){ .body = POKE(0x3f, 0xdc) }, &w);
	judge(&w, T, NULL, &v);
	assert_string_equal(v.tcb_status, "OutOfDate");
	assert_int_equal(v.tcb, DS_TCB_OUT_OF_DATE);
}

/* Nothing hides another fault: all of the policy's are recorded. */
static void all_of_the_policy(void **state)
{
	static const char *const want[] = { "snp-debug", "snp-migrate", "snp-vmpl",
					    "snp-tcb-status" };
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_verdict v;
	size_t n = 0;

	snp_forge(
		&(struct snp_forge){
			.body = { { 10, 0x0f, true }, { 0x30, 2, true }, { 0x1f0, 3, true } } },
		&w);
	judge(&w, T, NULL, &v);
	assert_string_equal(ds_reason_name(v.reason), want[0]);
	for (size_t i = 0; i < v.n_checks; i++)
		if (!v.checks[i].ok)
			assert_string_equal(v.checks[i].name, want[n++]);
	assert_int_equal(n, DS_ARRAY_SIZE(want));
}

static const uint8_t chip[1][64] = { { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
				       0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0x53,
				       0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d,
				       0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67,
				       0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71,
				       0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b,
				       0x7c, 0x7d, 0x7e, 0x7f } },
		     other_chip[1][64] = { { 1 } }, zero_chip[1][64];

#define JUDGE(assign, why)                                                                         \
	do {                                                                                       \
		p = ds_tcb_policy_default;                                                         \
		assign;                                                                            \
		judge(&w, T, &p, &v);                                                              \
		if (strcmp(ds_reason_name(v.reason), why))                                         \
			fail_msg("%s: expected '%s', got '%s' (%s)", #assign, why,                 \
				 ds_reason_name(v.reason), v.detail);                              \
	} while (0)

static void policies(void **state)
{
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_tcb_policy p;
	struct ds_verdict v;

	snp_forge(&(struct snp_forge){ 0 }, &w);
	JUDGE((void)0, "");
	JUDGE(p.snp.policy_allowed &= ~DS_SNP_POLICY_SMT, "snp-policy");
	JUDGE(p.snp.policy_required |= DS_SNP_POLICY_SINGLE_SOCKET, "snp-policy");
	JUDGE(p.snp.platform_required = DS_SNP_PLATFORM_ALIAS_CHECKED, "");
	JUDGE(p.snp.platform_required = 1u << 4, "snp-policy");
	JUDGE(p.snp.products = 1u << DS_SNP_GENOA, "platform-denied");
	JUDGE(p.snp.products = 1u << DS_SNP_MILAN, "");
	JUDGE(p.snp.deny_vlek = true, "");
	assert_false(v.revocation_checked); /* of the last row, accepted without a list */
	JUDGE(p.snp.require_crl = true, "snp-crl");
	JUDGE(p.snp.min_crl = 1, "snp-crl");
	JUDGE(p.tcb_status = 1u << DS_TCB_OUT_OF_DATE, "snp-tcb-status");
	JUDGE((p.snp.allow_chip = chip, p.snp.n_allow_chip = 1), "");
	JUDGE((p.snp.allow_chip = other_chip, p.snp.n_allow_chip = 1), "platform-denied");
	JUDGE((p.snp.deny_chip = other_chip, p.snp.n_deny_chip = 1), "");
	JUDGE((p.snp.deny_chip = chip, p.snp.n_deny_chip = 1), "platform-denied");
	JUDGE((p.snp.allow_chip = p.snp.deny_chip = chip,
	       p.snp.n_allow_chip = p.snp.n_deny_chip = 1),
	      "platform-denied");
	/* a list of Intel's machines alone allows none of AMD's */
	JUDGE(p.n_allow_fmspc = 1, "platform-denied");
	JUDGE(p.n_allow_ppid = 1, "platform-denied");
	JUDGE(p.n_allow_instance = 1, "platform-denied");
	JUDGE((p.n_allow_fmspc = 1, p.snp.allow_chip = chip, p.snp.n_allow_chip = 1), "");
	snp_forge(&(struct snp_forge){ .crl = true }, &w);
	JUDGE(p.snp.require_crl = true, "");
	JUDGE(p.snp.min_crl = T - 86400, "");
	JUDGE(p.snp.min_crl = T - 86399, "snp-crl");
	snp_forge(&(struct snp_forge){ .vlek = true }, &w);
	JUDGE(p.snp.deny_vlek = true, "platform-denied");
	snp_forge(&(struct snp_forge){ .body = POKE(10, 0x0b) }, &w);
	JUDGE(p.snp.policy_allowed = UINT64_MAX, "snp-debug"); /* only its own switch allows it */
	JUDGE(p.allow_debug = true, "");
	snp_forge(&(struct snp_forge){ .body = POKE(10, 0x07) }, &w);
	JUDGE(p.allow_debug = true, "snp-migrate");
	JUDGE(p.snp.policy_allowed |= DS_SNP_POLICY_MIGRATE_MA, "");
	snp_forge(&(struct snp_forge){ .body = POKE(10, 0x01) }, &w);
	JUDGE(p.snp.policy_required = 0, "snp-policy"); /* bit 17 always */
	snp_forge(&(struct snp_forge){ .body = POKE(0x30, 2) }, &w);
	JUDGE(p.snp.max_vmpl = 1, "snp-vmpl");
	JUDGE(p.snp.max_vmpl = 2, "");
}

/* Each level of each of the four versions, at the floor and one below it. */
static void floors(void **state)
{
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_tcb_policy p;
	struct ds_verdict v;

	snp_forge(&(struct snp_forge){ 0 }, &w);
	JUDGE((p.snp.min_tcb[0] = (struct ds_snp_min_tcb){ 0, 4, 1, 0x18, 0xdb }), "");
	JUDGE(p.snp.min_tcb[0].boot_loader = 5, "snp-tcb-status");
	JUDGE(p.snp.min_tcb[0].tee = 2, "snp-tcb-status");
	JUDGE(p.snp.min_tcb[0].snp = 0x19, "snp-tcb-status");
	JUDGE(p.snp.min_tcb[0].microcode = 0xdc, "snp-tcb-status");
	JUDGE(p.snp.min_tcb[1].microcode = 0xdc, ""); /* another product's */
	snp_forge(&(struct snp_forge){ .product = DS_SNP_TURIN }, &w);
	JUDGE(p.snp.min_tcb[2].fmc = 2, "");
	JUDGE(p.snp.min_tcb[2].fmc = 3, "snp-tcb-status");
	static const size_t at[] = { 0x3f, 0x1e7, 0x1f7 }; /* current, committed, launch */

	for (size_t i = 0; i < DS_ARRAY_SIZE(at); i++) {
		snp_forge(&(struct snp_forge){ .body = POKE(at[i], 0xda) }, &w);
		JUDGE(p.tcb_status = UINT32_MAX, "");
		JUDGE((p.tcb_status = UINT32_MAX, p.snp.min_tcb[0].microcode = 0xdb),
		      "snp-tcb-status");
	}
}

static void masked_chips(void **state)
{
	struct snp_forge f = { .vlek = true };
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_tcb_policy p;
	struct ds_verdict v;

	/* 24 pokes do not clear 64 bytes: Turin's id has 8 */
	f.product = DS_SNP_TURIN;
	for (size_t i = 0; i < 8; i++)
		f.body[i] = (struct snp_poke){ 0x1a0 + i, 0, true };
	snp_forge(&f, &w);
	JUDGE((void)0, "");
	JUDGE((p.snp.deny_chip = other_chip, p.snp.n_deny_chip = 1), "platform-denied");
	/* zeros on a list are no chip either */
	JUDGE((p.snp.allow_chip = zero_chip, p.snp.n_allow_chip = 1), "platform-denied");
}

/* Images: a report stands for one platform only. */
static void images(void **state)
{
	struct ds_image_mr im = { .has_snp = true, .snp_only = true }, tdx = { 0 };
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_tcb_policy p;
	struct ds_verdict v;

	memset(im.snp, 0x3e, sizeof(im.snp));
	snp_forge(&(struct snp_forge){ 0 }, &w);
	JUDGE((p.image = &im, p.n_image = 1), "");
	JUDGE((p.image = &tdx, p.n_image = 1), "measurement");
	judge(&w, T, NULL, &v);
	assert_int_equal(ds_verify_image(&v, &im), 0);
	assert_true(v.accepted);
	assert_int_equal(ds_verify_image(&v, &tdx), DS_ATTEST_REFUSED);
	assert_false(v.accepted);
	im.snp[47] ^= 1;
	JUDGE((p.image = &im, p.n_image = 1), "measurement");
	judge(&w, T, NULL, &v);
	assert_int_equal(ds_verify_image(&v, &im), DS_ATTEST_REFUSED);
	/* zeros are no measurement of TDX */
	memset(&v, 0, sizeof(v));
	v.has_body = true;
	assert_false(ds_image_matches(&v, &im));
	im.snp_only = false;
	assert_true(ds_image_matches(&v, &im));
	v.tee = DS_TEE_SNP;
	assert_false(ds_image_matches(&v, &im));
}
#undef JUDGE

/* No bit of report, certificate or list can change unnoticed; CRLs are looked at bit by bit too. */
static void damage_is_noticed(void **state)
{
	SNP_FORGED struct snp_forged w = { 0 };
	struct ds_buf *const parts[] = { &w.report, &w.vek, &w.crl };
	struct ds_verdict v;

	snp_forge(&(struct snp_forge){ .crl = true }, &w);
	for (size_t k = 0; k < DS_ARRAY_SIZE(parts); k++) {
		struct ds_buf *b = parts[k];

		for (size_t i = 0; i < b->n; i += 13) {
			b->p[i] ^= 1u << i % 8;
			judge(&w, T, NULL, &v);
			if (v.accepted)
				fail_msg("part %zu: bit of byte %zu is not authenticated", k, i);
			b->p[i] ^= 1u << i % 8;
		}
	}
	judge(&w, T, NULL, &v);
	assert_true(v.accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports),
		cmocka_unit_test(chains),
		cmocka_unit_test(revocation_lists),
		cmocka_unit_test(keys_of_chips),
		cmocka_unit_test(guest_policies),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(inputs),
		cmocka_unit_test(crl_in_pem),
		cmocka_unit_test(fields),
		cmocka_unit_test(all_of_the_policy),
		cmocka_unit_test(policies),
		cmocka_unit_test(floors),
		cmocka_unit_test(masked_chips),
		cmocka_unit_test(images),
		cmocka_unit_test(damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
