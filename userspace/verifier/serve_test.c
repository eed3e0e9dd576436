// SPDX-License-Identifier: Apache-2.0
/* The request and the reply of dstack-verify serve, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "serve.h"

static void requests(void **state)
{
	static const struct {
		const char *body, *says; /* says: "" taken */
	} rows[] = {
		{ "{\"attestation\":\"00\"}", "" },
		{ "{\"attestation\":\"0x00\",\"quote\":7}", "" }, /* the attestation is enough */
		{ "{\"quote\":\"00\",\"event_log\":\"[]\",\"vm_config\":\"{}\",\"more\":[]}", "" },
		{ "{\"quote\":\"00\",\"event_log\":\" []\"}", "" },
		{ "{\"quote\":\"00\",\"event_log\":\"5b5d\"}", "" },
		{ "{\"quote\":\"00\",\"attestation\":null,\"event_log\":null}", "" },
		{ "{\"quote\":\"00\",\"attestation\":\"\"}", "" },
		{ "{}", "expected attestation, or quote" },
		{ "{\"quote\":\"\"}", "expected attestation, or quote" },
		{ "{\"quote\":\"0\"}", "quote: expected hex" },
		{ "{\"quote\":\"0g\"}", "quote: expected hex" },
		{ "{\"quote\":[]}", "quote: expected a string" },
		{ "{\"attestation\":1}", "attestation: expected a string" },
		{ "{\"quote\":\"00\",\"event_log\":[]}", "event_log: expected a string" },
		{ "{\"quote\":\"00\",\"event_log\":\"log\"}", "event_log: expected hex" },
		{ "{\"quote\":\"00\",\"vm_config\":{}}", "vm_config: expected a string" },
		{ "{\"quote\":\"00\",\"quote\":\"01\"}", "JSON: " },
		{ "[]", "not a JSON object" },
		{ "", "JSON: " },
		{ "{\"quote\":\"00\"} x", "JSON: " },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_CLEANUP(serve_request_done) struct serve_request r = { 0 };
		struct ds_err err = DS_ERR_NULL;
		int rc = serve_request_parse(DS_SPAN_STR(rows[i].body), &r, &err);

		if (!rc != !*rows[i].says || !strstr(err.msg, rows[i].says))
			fail_msg("row %zu: expected '%s', got %d '%s'", i, rows[i].says, rc, err.msg);
	}
}

static void cut_short(void **state)
{
	static const char body[] = "{\"quote\":\"0011\",\"event_log\":\"[]\",\"vm_config\":\"{}\"}";
	DS_CLEANUP(serve_request_done) struct serve_request r = { 0 };

	for (size_t n = 0; n < sizeof(body) - 1; n++)
		assert_int_equal(serve_request_parse(DS_SPAN(body, n), &r, NULL), -EBADMSG);
	assert_int_equal(serve_request_parse(DS_SPAN_STR(body), &r, NULL), 0);
	assert_true(r.quote.n == 2 && r.log.n == 2 && r.config.n == 2 && !r.has_attestation);
}

static void limits(void **state)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	DS_CLEANUP(serve_request_done) struct serve_request r = { 0 };
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_buf_addf(&body, "{\"quote\":\""), 0);
	for (size_t i = 0; i <= DS_MAX_QUOTE; i++)
		assert_int_equal(ds_buf_add(&body, "00", 2), 0);
	assert_int_equal(ds_buf_addf(&body, "\"}"), 0);
	assert_int_equal(serve_request_parse(ds_buf_span(&body), &r, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "more than 65536 bytes"));
	body.n = 0;
	assert_int_equal(ds_buf_addf(&body, "{\"quote\":\"00\",\"event_log\":\"[]\",\"more\":[{}"), 0);
	for (size_t i = 0; i < 2048; i++)
		assert_int_equal(ds_buf_add(&body, ",{}", 3), 0);
	assert_int_equal(ds_buf_addf(&body, "]}"), 0);
	assert_int_equal(serve_request_parse(ds_buf_span(&body), &r, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "more than 4096 values"));
}

static void evidence(void **state)
{
	static const struct {
		const char *body, *reason;
	} rows[] = {
		{ "{\"quote\":\"0011\"}", "evidence-missing" },
		{ "{\"quote\":\"0011\",\"event_log\":\"[]\"}", "evidence-format" },
		{ "{\"attestation\":\"0011\"}", "evidence-format" },
	};
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_CLEANUP(serve_request_done) struct serve_request r = { 0 };
		DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;

		ds_verdict_init(v);
		assert_int_equal(serve_request_parse(DS_SPAN_STR(rows[i].body), &r, NULL), 0);
		assert_int_equal(serve_request_evidence(&r, &att, v), DS_ATTEST_REFUSED);
		assert_string_equal(ds_reason_name(v->reason), rows[i].reason);
	}
}

/* Readers of the reference's replies look at these and nothing else. */
static void replies(void **state)
{
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	const uint8_t hash[32] = { 1 };
	json_t *o, *d;

	/* refused before anything was known */
	ds_verdict_init(v);
	(void)ds_verdict_fail(v, DS_REASON_PARSE_SIZE, "too large");
	o = serve_reply(v, NULL, NULL);
	d = json_object_get(o, "details");
	assert_true(json_is_false(json_object_get(o, "is_valid")));
	assert_string_equal(json_string_value(json_object_get(o, "reason")),
			    "parse-size: too large");
	assert_true(json_is_false(json_object_get(d, "quote_verified")));
	assert_true(json_is_null(json_object_get(d, "app_info")));
	assert_true(json_is_null(json_object_get(d, "report_data")));
	assert_null(json_object_get(d, "boot_info"));
	json_decref(o);
	/* good evidence that was refused after all: no boot_info */
	v->has_body = true;
	o = serve_reply(v, &id, hash);
	d = json_object_get(o, "details");
	assert_true(json_is_false(json_object_get(o, "is_valid")));
	assert_true(json_is_true(json_object_get(d, "quote_verified")));
	assert_true(json_is_true(json_object_get(d, "os_image_hash_verified")));
	assert_null(json_object_get(d, "boot_info"));
	assert_true(json_is_null(json_object_get(d, "key_provider")));
	json_decref(o);
	/* accepted */
	ds_verdict_init(v);
	v->has_body = true;
	ds_verdict_pass(v, "test", "fine");
	ds_verdict_accept(v);
	o = serve_reply(v, &id, NULL);
	d = json_object_get(o, "details");
	assert_true(json_is_true(json_object_get(o, "is_valid")));
	assert_true(json_is_null(json_object_get(o, "reason")));
	assert_true(json_is_false(json_object_get(d, "os_image_hash_verified")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(d, "boot_info"),
							      "osImageHash")),
			    "");
	json_decref(o);
	/* the same of SEV-SNP, which has no event log */
	v->has_body = false;
	v->tee = DS_TEE_SNP;
	v->has_snp = true;
	v->snp.report_data[0] = 0x5a;
	o = serve_reply(v, &id, NULL);
	d = json_object_get(o, "details");
	assert_true(json_is_true(json_object_get(d, "quote_verified")));
	assert_true(json_is_false(json_object_get(d, "event_log_verified")));
	assert_string_equal(json_string_value(json_object_get(d, "tee_variant")),
			    "dstack-amd-sev-snp");
	assert_int_equal(strncmp(json_string_value(json_object_get(d, "report_data")), "5a00", 4),
			 0);
	assert_string_equal(json_string_value(json_object_get(json_object_get(d, "boot_info"),
							      "teeVariant")),
			    "dstack-amd-sev-snp");
	json_decref(o);
}

/* What the boot measured about its key provider, and one with a payload that costs to read. */
static void key_provider(void **state)
{
	static const char head[] = "{\"name\":\"kms\",\"id\":\"00\"";
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	json_t *o, *kp;

	ds_verdict_init(v);
	for (int i = 0; i < 2; i++) {
		id.key_provider.n = 0;
		assert_int_equal(ds_buf_addf(&id.key_provider, "%s", head), 0);
		for (int k = 0; i && k < 64; k++)
			assert_int_equal(ds_buf_addf(&id.key_provider, ",\"%d\":{}", k), 0);
		assert_int_equal(ds_buf_addf(&id.key_provider, "}"), 0);
		o = serve_reply(v, &id, NULL);
		kp = json_object_get(json_object_get(o, "details"), "key_provider");
		assert_true(i ? json_is_null(kp) : json_is_object(kp));
		json_decref(o);
	}
}

#define X8(s)	   s s s s s s s s
#define MR(byte)   X8(byte byte byte byte byte byte)
#define HASH(byte) "os_image_hash = " X8(byte byte byte byte) "\n"

/* Each platform by its own measurement: what the other one has is zero in the verdict. */
static void images(void **state)
{
	static const char text[] =
		"[image old]\nsnp_measurement = " MR("01") "\n" HASH("a1")
		"[image new]\nsnp_measurement = " MR("02") "\n" HASH("a2")
		"[image both]\nmrtd = " MR("03") "\nrtmr0 = " MR("00") "\nrtmr1 = " MR("00")
		"\nrtmr2 = " MR("00") "\nsnp_measurement = " MR("04") "\n" HASH("a3");
	static const struct {
		uint8_t snp, td, want;
	} rows[] = { { 1, 0, 0xa1 }, { 2, 0, 0xa2 }, { 4, 0, 0xa3 }, { 3, 0, 0 }, { 0, 3, 0xa3 },
		     { 0, 1, 0 },    { 0, 0, 0 } };
	DS_FREE struct ds_verdict *v = calloc(1, sizeof(*v));
	struct ds_tcb_policy_file *f = NULL;

	assert_int_equal(ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, NULL), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const uint8_t *hash;

		*v = (struct ds_verdict){ .tee = rows[i].snp ? DS_TEE_SNP : DS_TEE_TDX,
					  .has_snp = rows[i].snp,
					  .has_body = !rows[i].snp };
		memset(v->snp.measurement, rows[i].snp, sizeof(v->snp.measurement));
		memset(v->body.mr_td, rows[i].td, sizeof(v->body.mr_td));
		hash = serve_image_hash(v, f);
		if ((hash ? *hash : 0) != rows[i].want)
			fail_msg("row %zu: expected %02x, got %02x", i, rows[i].want, hash ? *hash : 0);
	}
	assert_null(serve_image_hash(v, NULL));
	ds_tcb_policy_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests), cmocka_unit_test(cut_short), cmocka_unit_test(limits),
		cmocka_unit_test(evidence), cmocka_unit_test(replies),	 cmocka_unit_test(images),
		cmocka_unit_test(key_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
