// SPDX-License-Identifier: Apache-2.0
/* The MrConfigV3 document: what is read, and everything else refused. */
#include "../crypto/vec_test.h"

#include <ds/base/limits.h>
#include <ds/wire/mrconfig.h>

#define X20(s) s s s s s s s s s s s s s s s s s s s s
#define X32(s) X20(s) s s s s s s s s s s s s
#define X500(s) X20(X20(s)) X20(s) X20(s) X20(s) X20(s) X20(s)
#define HEAD   "{\"compose_hash\":\"" X32("c0") "\",\"key_provider\":\"kms\""
#define V3     ",\"version\":3}"
#define FULL                                                                                                                     \
	"{\"app_id\":\"" X20("a1") "\",\"compose_hash\":\"" X32("c0") "\",\"gpu_policy_hash\":"                                  \
								      "\"" X32("00") "\",\"init_"                                \
										     "script_"                                   \
										     "hashes\":["                                \
										     "\"" X32("0"                                \
											      "1") "\"],\"instance_id\":\"" X20( \
											     "1d") "\",\"key_provider\":\"kms\",\"key_provider_id\":\"3059aa\"" V3

static void reads_all(void **state)
{
	struct ds_mr_config m;

	assert_int_equal(ds_mr_config_parse(DS_SPAN_STR(FULL), &m, NULL), 0);
	assert_true(m.has_app_id && m.has_instance_id);
	assert_hex(m.app_id, 20, X20("a1"));
	assert_hex(m.compose_hash, 32, X32("c0"));
	assert_hex(m.instance_id, 20, X20("1d"));
	assert_int_equal(m.key_provider, DS_KP_KMS);
	assert_hex(m.key_provider_id, m.key_provider_id_len, "3059aa");
	assert_int_equal(ds_mr_config_parse(DS_SPAN_STR(HEAD V3), &m, NULL), 0);
	assert_false(m.has_app_id || m.has_instance_id || m.key_provider_id_len);
}

static void refuses_the_rest(void **state)
{
	static const struct {
		const char *in, *says;
	} rows[] = {
		{ "", "JSON" },
		{ "[]", "an object expected" },
		{ "{\"version\":3}", "compose_hash: missing" },
		{ HEAD "}", "version: expected 3" },
		{ HEAD ",\"version\":2}", "version: expected 3" },
		{ HEAD ",\"version\":\"3\"}", "version: expected 3" },
		{ HEAD ",\"extra\":1" V3, "unknown key extra" },
		{ HEAD ",\"key_provider\":\"kms\"" V3, "duplicate" },
		{ HEAD V3 " {}", "JSON" },
		{ "{\"compose_hash\":\"" X32("c0") "\"" V3, "key_provider: expected none" },
		{ "{\"compose_hash\":\"" X32("c0") "\",\"key_provider\":\"KMS\"" V3,
		  "key_provider: expected none" },
		{ "{\"compose_hash\":\"c0\",\"key_provider\":\"kms\"" V3, "64 hex digits" },
		{ HEAD ",\"app_id\":\"" X20("a") "\"" V3, "40 hex digits" },
		{ HEAD ",\"app_id\":\"\"" V3, "40 hex digits" },
		{ HEAD ",\"app_id\":null" V3, "a string expected" },
		{ HEAD ",\"instance_id\":\"00\"" V3, "40 hex digits" },
		{ HEAD ",\"key_provider_id\":\"0\"" V3, "bytes of hex" },
		{ HEAD ",\"key_provider_id\":\"xx\"" V3, "bytes of hex" },
		{ HEAD ",\"key_provider_id\":\"" X500("00") X500("00") X500("00") "\"" V3, "bytes of hex" },
		{ HEAD ",\"key_provider_id\":1" V3, "key_provider_id: a string expected" },
		{ "{\"compose_hash\":\"" X32("c0") "\",\"key_provider\":1" V3, "key_provider: a string expected" },
		{ HEAD ",\"gpu_policy_hash\":\"00\"" V3, "64 hex digits" },
		{ HEAD ",\"init_script_hashes\":[\"00\"]" V3, "64 hex digits" },
		{ HEAD ",\"init_script_hashes\":1" V3, "an array expected" },
		{ HEAD ",\"init_script_hashes\":[1]" V3, "strings expected" },
		{ HEAD ",\"init_script_hashes\":[\"\",\"\",\"\",\"\",\"\",\"\"]" V3, "at most 5" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_mr_config m;

		if (!ds_mr_config_parse(DS_SPAN_STR(rows[i].in), &m, &err))
			fail_msg("row %zu was taken", i);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("row %zu: expected '%s', got '%s'", i, rows[i].says, err.msg);
	}
}

static void size_is_bounded(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_mr_config m;

	assert_int_equal(ds_buf_add_span(&b, DS_SPAN_STR(FULL)), 0);
	while (b.n < DS_MAX_SYS_CONFIG)
		assert_int_equal(ds_buf_add_u8(&b, ' '), 0);
	assert_int_equal(ds_mr_config_parse(ds_buf_span(&b), &m, NULL), 0);
	assert_int_equal(ds_buf_add_u8(&b, ' '), 0);
	assert_int_equal(ds_mr_config_parse(ds_buf_span(&b), &m, NULL), -EFBIG);
}

static void truncated(void **state)
{
	struct ds_mr_config m;

	for (size_t n = 0; n < strlen(FULL); n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, FULL, n);
		assert_int_equal(ds_mr_config_parse(DS_SPAN(copy, n), &m, NULL), -EBADMSG);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
