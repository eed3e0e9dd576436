// SPDX-License-Identifier: Apache-2.0
/* dstack evidence of SEV-SNP: what binds the app, and where certificates come from. */
#include "../crypto/vec_test.h"

#include <ds/attest/verify.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/crypto/hash.h>
#include <ds/wire/attestation.h>
#include <ds/wire/mrconfig.h>

#include "snpforge.h"

#define T SNP_TIME

#define X20(s) s s s s s s s s s s s s s s s s s s s s
#define X32(s) X20(s) s s s s s s s s s s s s
#define DOC                                                                                        \
	"{\"app_id\":\"" X20("a1") "\",\"compose_hash\":\"" X32("c0") "\",\"instance_id\":\"" X20( \
		"1d") "\",\"key_provider\":\"kms\",\"key_provider_id\":\"3059\",\"version\":3}"
#define NO_APP "{\"compose_hash\":\"" X32("c0") "\",\"key_provider\":\"none\",\"version\":3}"
#define CONFIG "{\"os_image_hash\":\"" X32("05") "\"}"

struct world {
	struct snp_forged w;
	struct ds_attestation att;
	struct ds_buf collateral;
	uint8_t report_data[64];
};

static void world_done(struct world *w)
{
	snp_forged_done(&w->w);
	ds_attestation_done(&w->att);
	ds_buf_done(&w->collateral);
}

static void host_data(const char *doc, uint8_t ret[32])
{
	const struct ds_span parts[] = { DS_SPAN_LIT("dstack-mr-config-v3:"), DS_SPAN_LIT("\0"),
					 DS_SPAN_STR(doc) };

	assert_int_equal(ds_sha256(parts, 3, ret), 0);
}

/* Good evidence for this document; certificates in collateral, none in the blob. */
static void make(struct world *w, struct snp_forge f, const char *doc)
{
	uint8_t hd[32];

	world_done(w);
	*w = (struct world){ 0 };
	memset(w->report_data, 0x7e, 64);
	host_data(doc, hd);
	f.report_data = w->report_data;
	f.host_data = hd;
	snp_forge(&f, &w->w);
	w->att.kind = DS_ATTESTATION_SNP;
	memcpy(w->att.report_data, w->report_data, 64);
	assert_int_equal(ds_buf_add_span(&w->att.quote, ds_buf_span(&w->w.report)), 0);
	assert_int_equal(ds_buf_add_span(&w->att.mr_config, DS_SPAN_STR(doc)), 0);
	assert_int_equal(ds_buf_add_span(&w->att.config, DS_SPAN_STR(CONFIG)), 0);
	/* not measured, so nobody may listen to it */
	assert_int_equal(ds_eventlog_add(&w->att.runtime_events, 3, DS_EV_RUNTIME, NULL, "app-id",
					 DS_SPAN_LIT("another app altogether"), NULL),
			 0);
}

static void add_json_pem(struct ds_buf *b, const char *key, const struct ds_buf *pem)
{
	assert_int_equal(ds_buf_addf(b, "%s\"%s\":\"", b->n > 1 ? "," : "", key), 0);
	for (size_t i = 0; i < pem->n; i++)
		assert_int_equal(pem->p[i] == '\n' ? ds_buf_add(b, "\\n", 2)
						   : ds_buf_add_u8(b, pem->p[i]),
				 0);
	assert_int_equal(ds_buf_add(b, "\"", 1), 0);
}

static void add_json_hex(struct ds_buf *b, const char *key, const struct ds_buf *der)
{
	assert_int_equal(ds_buf_addf(b, "%s\"%s\":\"", b->n > 1 ? "," : "", key), 0);
	assert_int_equal(ds_buf_add_hex(b, ds_buf_span(der)), 0);
	assert_int_equal(ds_buf_add(b, "\"", 1), 0);
}

static void make_collateral(struct world *w, const struct snp_forged *from)
{
	w->collateral.n = 0;
	assert_int_equal(ds_buf_add_u8(&w->collateral, '{'), 0);
	if (from->vek.n)
		add_json_hex(&w->collateral, "snp_vek", &from->vek);
	add_json_pem(&w->collateral, "snp_chain", &from->chain);
	if (from->crl.n)
		add_json_hex(&w->collateral, "snp_crl", &from->crl);
	assert_int_equal(ds_buf_add(&w->collateral, ",\"more\":1}", 10), 0);
}

static void judge(const struct world *w, struct ds_span collateral, struct ds_verdict *v,
		  struct ds_identity *id)
{
	const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&w->w.root_pem), .time = T };

	assert_int_equal(ds_attest_evidence(&w->att, w->report_data, collateral, &opts, v, id), 0);
}

static void expect_json(const struct world *w, struct ds_span collateral, const char *want)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	struct ds_verdict v;

	judge(w, collateral, &v, &id);
	if (strcmp(ds_reason_name(v.reason), want))
		fail_msg("expected '%s', got '%s' (%s)", want, ds_reason_name(v.reason), v.detail);
	assert_int_equal(v.accepted, !*want);
	assert_int_equal(id.compose_hash[0], v.accepted ? 0xc0 : 0);
}

static void expect(const struct world *w, const char *want)
{
	expect_json(w, ds_buf_span(&w->collateral), want);
}

static void identity(void **state)
{
	DS_CLEANUP(world_done) struct world w = { 0 };
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	uint8_t m[48 + 32], want[32];
	struct ds_verdict v;

	make(&w, (struct snp_forge){ 0 }, DOC);
	make_collateral(&w, &w.w);
	judge(&w, ds_buf_span(&w.collateral), &v, &id);
	assert_true(v.accepted && v.tee == DS_TEE_SNP);
	assert_hex(id.app_id, 20, X20("a1"));
	assert_hex(id.compose_hash, 32, X32("c0"));
	assert_hex(id.instance_id, id.instance_id_len, X20("1d"));
	assert_true(ds_span_eq(ds_buf_span(&id.key_provider),
			       DS_SPAN_LIT("{\"name\":\"kms\",\"id\":\"3059\"}")));
	assert_true(id.has_os_image_hash && !id.os_image_hash_measured);
	assert_hex(id.os_image_hash, 32, X32("05"));
	assert_true(id.boot_mr_done && !id.boot_complete);
	/* spec/kms 4.3 */
	memset(m, 0x3e, 48);
	host_data(DOC, m + 48);
	assert_int_equal(ds_sha256_1(DS_SPAN(m, 48), want), 0);
	assert_memory_equal(id.mr_system, want, 32);
	assert_memory_equal(id.mr_system_boot, want, 32);
	assert_int_equal(ds_sha256_1(DS_SPAN_ARRAY(m), want), 0);
	assert_memory_equal(id.mr_aggregated, want, 32);
	assert_memory_equal(id.mr_aggregated_boot, want, 32);
	assert_int_equal(ds_sha256_1(DS_SPAN_ARRAY(v.snp.chip_id), want), 0);
	assert_memory_equal(id.device_id, want, 32);
	/* registers that do not exist are no zeros to replay to */
	assert_int_equal(ds_verify_log(&v, &w.att.log, v.body.rt_mr, true), DS_ATTEST_REFUSED);
	assert_false(v.accepted);
	assert_string_equal(ds_reason_name(v.reason), "rtmr-replay");
}

static void binding(void **state)
{
	DS_CLEANUP(world_done) struct world w = { 0 };

	make(&w, (struct snp_forge){ 0 }, DOC);
	make_collateral(&w, &w.w);
	expect(&w, "");
	w.report_data[63] ^= 1; /* made for somebody else */
	expect(&w, "report-data");
	w.att.report_data[63] ^= 1; /* whatever the blob says */
	expect(&w, "report-data");
	w.report_data[63] ^= 1; /* or only the blob */
	expect(&w, "report-data");
	w.att.report_data[63] ^= 1;
	w.att.mr_config.p[12] ^= 1; /* another app in the document */
	expect(&w, "snp-host-data");
	w.att.mr_config.p[12] ^= 1;
	w.att.mr_config.n--;
	expect(&w, "snp-host-data");
	w.att.mr_config.n++;
	w.att.config.p[0] = '[';
	expect(&w, "evidence-format");
	w.att.config.p[0] = '{';
	w.att.quote.n--;
	expect(&w, "snp-length");
	make(&w, (struct snp_forge){ 0 }, NO_APP);
	make_collateral(&w, &w.w);
	expect(&w, "event-missing");
	make(&w, (struct snp_forge){ 0 }, "{}");
	make_collateral(&w, &w.w);
	expect(&w, "evidence-format");
	/* a fault of the report itself comes first */
	make(&w, (struct snp_forge){ .body = { { 0x30, 1, true } } }, "{}");
	make_collateral(&w, &w.w);
	expect(&w, "snp-vmpl");
}

static void certificates(void **state)
{
	DS_CLEANUP(world_done) struct world w = { 0 }, other = { 0 };

	/* all in the blob, as hosts hand them out: ASK, ARK, VCEK in DER; nothing else is needed */
	make(&w, (struct snp_forge){ 0 }, DOC);
	assert_int_equal(ds_buf_add_span(&w.att.cert[0], ds_buf_span(&w.w.chain)), 0);
	assert_int_equal(ds_buf_add_span(&w.att.cert[1], ds_buf_span(&w.w.vek)), 0);
	w.att.n_cert = 2;
	expect_json(&w, DS_SPAN_NULL, "");
	w.att.n_cert = 1;
	expect_json(&w, DS_SPAN_NULL, "collateral-missing");
	w.att.cert[1].n--;
	w.att.n_cert = 2;
	expect_json(&w, DS_SPAN_NULL, "snp-chain");
	w.att.cert[1].n++;
	/* what the verifier has is used first, for good or ill */
	make(&other, (struct snp_forge){ .vek = { .evil = true } }, DOC);
	make_collateral(&w, &(struct snp_forged){ .vek = other.w.vek, .chain = w.w.chain });
	expect(&w, "snp-chain");
	make_collateral(&w, &w.w);
	w.att.cert[1].n = 0;
	assert_int_equal(ds_buf_add_span(&w.att.cert[1], ds_buf_span(&other.w.vek)), 0);
	expect(&w, "");
	expect_json(&w, DS_SPAN_NULL, "snp-chain");
	/* the list of the verifier */
	make(&w, (struct snp_forge){ .crl = true, .crl_revoked = true }, DOC);
	make_collateral(&w, &w.w);
	expect(&w, "snp-revoked");
}

static void collateral_forms(void **state)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
		{ "[]", "collateral-format" },
		{ "{", "collateral-format" },
		{ "{\"snp_vek\":1}", "collateral-format" },
		{ "{\"snp_vek\":\"\"}", "collateral-format" },
		{ "{\"snp_vek\":\"xyz\"}", "collateral-format" },
		{ "{\"snp_crl\":\"0\"}", "collateral-format" },
		{ "{\"snp_chain\":1}", "collateral-format" },
		{ "{\"snp_vek\":\"00\",\"snp_vek\":\"00\"}", "collateral-format" },
		{ "{\"snp_vek\":\"3000\"}", "snp-chain" },
		{ "{\"snp_chain\":\"-----BEGIN\"}", "snp-chain" },
		{ "{\"tcb_info\":\"of TDX\"}", "collateral-missing" },
		{ "{}", "collateral-missing" },
		{ "", "collateral-missing" },
	};
	DS_CLEANUP(world_done) struct world w = { 0 };

	make(&w, (struct snp_forge){ 0 }, DOC);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		expect_json(&w, DS_SPAN_STR(rows[i].json), rows[i].want);
	/* good, but longer than anything needs to be */
	make_collateral(&w, &w.w);
	expect(&w, "");
	while (w.collateral.n <= DS_MAX_COLLATERAL)
		assert_int_equal(ds_buf_add_u8(&w.collateral, ' '), 0);
	expect(&w, "collateral-format");
}

static bool load(const char *name, struct ds_buf *ret)
{
	const char *dir = getenv("DSTACK_TESTDATA");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/dcap/%s", dir ? dir : "../shared/testdata", name);
	if (!ds_read_file(AT_FDCWD, path, DS_MAX_COLLATERAL, ret))
		return true;
	print_message("# SKIP no test data at %s\n", path);
	return false;
}

/* Published evidence of a real guest, with AMD's own roots. */
static void published(void **state)
{
	static const char *const blobs[] = { "attestation/sev-snp-attestation.bin",
					     "attestation/sev-snp-attestation-v0.bin" };
	DS_BUF struct ds_buf chain = DS_BUF_NULL, vek = DS_BUF_NULL, json = DS_BUF_NULL;
	struct ds_tcb_policy policy = ds_tcb_policy_default;
	struct ds_verify_opts opts = { .time = INT64_C(1790000000), .policy = &policy };
	struct ds_verdict v;

	if (!load("snp/milan-vcek-chain.pem", &chain) || !load("snp/dstack-milan-v3.vek.der", &vek))
		return;
	assert_int_equal(ds_buf_add_u8(&json, '{'), 0);
	add_json_pem(&json, "snp_chain", &chain);
	add_json_hex(&json, "snp_vek", &vek);
	assert_int_equal(ds_buf_add_u8(&json, '}'), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(blobs); i++) {
		DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
		DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
		DS_BUF struct ds_buf blob = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;

		assert_true(load(blobs[i], &blob));
		if (ds_attestation_decode(ds_buf_span(&blob), &att, &err))
			fail_msg("%s: %s", blobs[i], err.msg);
		policy.tcb_status = ds_tcb_policy_default.tcb_status;
		assert_int_equal(ds_attest_evidence(&att, att.report_data, ds_buf_span(&json),
						    &opts, &v, &id),
				 0);
		assert_string_equal(ds_reason_name(v.reason), "snp-tcb-status");
		policy.tcb_status |= 1u << DS_TCB_OUT_OF_DATE;
		assert_int_equal(ds_attest_evidence(&att, att.report_data, ds_buf_span(&json),
						    &opts, &v, &id),
				 0);
		if (!v.accepted)
			fail_msg("%s: %s: %s", blobs[i], ds_reason_name(v.reason), v.detail);
		assert_hex(id.app_id, 20, "86e59625be93207bc2351c4d1bba20037cec8e16");
		assert_hex(id.instance_id, 20, "d378c00e65112c4235bfeb46c6a0f98fd02145a3");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity),	cmocka_unit_test(binding),
		cmocka_unit_test(certificates), cmocka_unit_test(collateral_forms),
		cmocka_unit_test(published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
