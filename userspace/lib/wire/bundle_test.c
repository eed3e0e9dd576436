// SPDX-License-Identifier: Apache-2.0
/* The evidence bundle: there and back, what is refused, and truncation at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/limits.h>
#include <ds/wire/bundle.h>

#define HEAD "\"format\":\"dstack-evidence\",\"version\":1"
#define N64  "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

static void set(struct ds_buf *b, const char *s)
{
	assert_int_equal(ds_buf_add(b, s, strlen(s)), 0);
}

static void full(struct ds_bundle *b)
{
	set(&b->created, "2026-05-28T20:26:40Z");
	set(&b->host, "app.example.org");
	set(&b->chain, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
	set(&b->quote, "quote");
	memset(b->nonce, 7, 32);
	set(&b->event_log, "[{\"imr\":3}]");
	set(&b->vm_config, "{\"cpu_count\":1}");
	set(&b->compose, "{\"name\":\"\xc3\xa9\"}\n");
	set(&b->sha256sum, "00  measurement.json\n");
	set(&b->measurement, "{\"mrtd\":\"\"}\n");
	set(&b->kms_root, "pem");
	set(&b->collateral, "{\"tcb_info\":\"{ \\\"a\\\": 1 }\",\"root\":\"x\\u0000\"}");
}

static void assert_same(const struct ds_buf *a, const struct ds_buf *b)
{
	assert_true(ds_span_eq(ds_buf_span(a), ds_buf_span(b)));
}

static void there_and_back(void **state)
{
	DS_BUNDLE struct ds_bundle a = DS_BUNDLE_NULL, b = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	full(&a);
	assert_int_equal(ds_bundle_encode(&a, &text, &err), 0);
	if (ds_bundle_parse(ds_buf_span(&text), &b, &err))
		fail_msg("%s", err.msg);
	assert_same(&a.created, &b.created);
	assert_same(&a.host, &b.host);
	assert_same(&a.chain, &b.chain);
	assert_same(&a.quote, &b.quote);
	assert_memory_equal(a.nonce, b.nonce, 64);
	assert_same(&a.event_log, &b.event_log);
	assert_same(&a.vm_config, &b.vm_config);
	assert_same(&a.compose, &b.compose);
	assert_same(&a.sha256sum, &b.sha256sum);
	assert_same(&a.measurement, &b.measurement);
	assert_same(&a.kms_root, &b.kms_root);
	assert_same(&a.collateral, &b.collateral);
}

static void truncated(void **state)
{
	DS_BUNDLE struct ds_bundle a = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;

	full(&a);
	assert_int_equal(ds_bundle_encode(&a, &text, NULL), 0);
	for (size_t n = 0; n + 1 < text.n; n++) { /* the last byte is a line feed */
		struct ds_bundle b = DS_BUNDLE_NULL;
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text.p, n);
		assert_int_equal(ds_bundle_parse(DS_SPAN(copy, n), &b, NULL), -EBADMSG);
		free(copy);
	}
}

static void table(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "{" HEAD ",\"certificate_chain\":\"x\"}", 0 },
		{ "{" HEAD ",\"quote\":\"00\",\"nonce\":\"" N64 "\",\"event_log\":[]}", 0 },
		{ "", -EBADMSG },
		{ "[]", -EBADMSG },
		{ "{}", -EBADMSG },
		{ "{" HEAD "}", -EBADMSG },
		{ "{\"format\":\"dstack-evidence\",\"version\":2,\"certificate_chain\":\"x\"}",
		  -EBADMSG },
		{ "{\"format\":\"dstack-evidence\",\"version\":\"1\",\"certificate_chain\":\"x\"}",
		  -EBADMSG },
		{ "{\"format\":\"other\",\"version\":1,\"certificate_chain\":\"x\"}", -EBADMSG },
		{ "{\"version\":1,\"certificate_chain\":\"x\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\"} x", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"certificate_chain\":\"y\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"other\":1}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\\u0000\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":null}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"host\":\"\"}", -EBADMSG },
		/* parts in another place than their own */
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"measurement\":\"x\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"kms\":{\"measurement\":\"x\"}}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"kms\":{\"host\":\"x\"}}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"kms\":\"x\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"image\":{\"image\":{}}}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"collateral\":\"{}\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"event_log\":{}}", -EBADMSG },
		/* what belongs together */
		{ "{" HEAD ",\"quote\":\"00\",\"event_log\":[]}", -EBADMSG },
		{ "{" HEAD ",\"quote\":\"00\",\"nonce\":\"" N64 "\"}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"nonce\":\"" N64 "\"}", -EBADMSG },
		{ "{" HEAD ",\"quote\":\"00\",\"nonce\":\"00\",\"event_log\":[]}", -EBADMSG },
		{ "{" HEAD ",\"quote\":\"0\",\"nonce\":\"" N64 "\",\"event_log\":[]}", -EBADMSG },
		{ "{" HEAD ",\"certificate_chain\":\"x\",\"image\":{\"sha256sum\":\"x\"}}", -EBADMSG },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUNDLE struct ds_bundle b = DS_BUNDLE_NULL;

		if (ds_bundle_parse(DS_SPAN_STR(rows[i].text), &b, NULL) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

static void limits(void **state)
{
	DS_BUNDLE struct ds_bundle b = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_bundle back;

	set(&b.chain, "x");
	for (size_t i = 0; i < 255; i++)
		set(&b.host, "h");
	assert_int_equal(ds_bundle_encode(&b, &text, NULL), 0);
	set(&b.host, "h");
	assert_int_equal(ds_bundle_encode(&b, &text, NULL), -EINVAL);
	ds_buf_done(&b.host);
	assert_int_equal(ds_buf_add_zero(&b.compose, 3), 0); /* no text */
	assert_int_equal(ds_bundle_encode(&b, &text, NULL), -EINVAL);
	memset(b.compose.p, 0xff, 3); /* no UTF-8 */
	assert_int_equal(ds_bundle_encode(&b, &text, NULL), -EINVAL);
	ds_buf_done(&b.compose);
	set(&b.collateral, "[]");
	assert_int_equal(ds_bundle_encode(&b, &text, NULL), -EINVAL);
	ds_buf_done(&b.collateral);
	ds_buf_done(&b.chain);
	assert_int_equal(ds_bundle_encode(&b, &text, NULL), -EINVAL); /* nothing to judge */
	text.n = 0;
	set(&text, "{" HEAD ",\"certificate_chain\":\"");
	assert_int_equal(ds_buf_add_zero(&text, DS_MAX_CERT_PEM + 1), 0);
	memset(text.p + text.n - DS_MAX_CERT_PEM - 1, 'x', DS_MAX_CERT_PEM + 1);
	set(&text, "\"}");
	assert_int_equal(ds_bundle_parse(ds_buf_span(&text), &back, NULL), -EBADMSG);
	/* an array has a limit of its own */
	text.n = 0;
	set(&text, "{" HEAD ",\"certificate_chain\":\"x\",\"event_log\":[\"");
	assert_int_equal(ds_buf_add_zero(&text, DS_MAX_EVENT_LOG), 0);
	memset(text.p + text.n - DS_MAX_EVENT_LOG, 'x', DS_MAX_EVENT_LOG);
	set(&text, "\"]}");
	assert_in_range(text.n, DS_MAX_EVENT_LOG, DS_MAX_BUNDLE);
	assert_int_equal(ds_bundle_parse(ds_buf_span(&text), &back, NULL), -EBADMSG);
	assert_int_equal(ds_buf_add_zero(&text, DS_MAX_BUNDLE), 0);
	assert_int_equal(ds_bundle_parse(ds_buf_span(&text), &back, NULL), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(truncated),
		cmocka_unit_test(table),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
