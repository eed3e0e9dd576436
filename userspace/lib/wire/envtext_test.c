// SPDX-License-Identifier: Apache-2.0
/* Text of an environment: tables of what is taken, dropped, refused and written. */
#include "../crypto/vec_test.h"

#include <ds/wire/envtext.h>

static json_t *allowed(const char *text)
{
	return text ? json_loads(text, 0, NULL) : NULL;
}

static void check_written(const struct ds_env *env, enum ds_env_form form, const char *want)
{
	DS_SECRET struct ds_secret *s = NULL;
	size_t n = 0;

	assert_int_equal(ds_env_write(env, form, &s, &n), 0);
	if (n != strlen(want) || memcmp(s->p, want, n))
		fail_msg("expected '%s', got '%.*s'", want, (int)n, (const char *)s->p);
}

#define A_B "[\"A\",\"B\"]"

static void parses(void **state)
{
	static const struct {
		const char *in, *allowed;
		const char *want; /* flat, or part of the error */
		size_t dropped;
	} rows[] = {
		{ "{\"env\":[]}", A_B, "{}", 0 },
		{ "{\"env\":[{\"key\":\"A\",\"value\":\"1\"}],\"x\":1}", A_B, "{\"A\":\"1\"}", 0 },
		{ "{\"env\":[{\"key\":\"B\",\"value\":\"2\"},{\"key\":\"A\",\"value\":\"1\"}]}", A_B,
		  "{\"A\":\"1\",\"B\":\"2\"}", 0 },
		/* the last one counts */
		{ "{\"env\":[{\"key\":\"A\",\"value\":\"1\"},{\"key\":\"A\",\"value\":\"2\"}]}", A_B,
		  "{\"A\":\"2\"}", 0 },
		/* what is not allowed is not looked at */
		{ "{\"env\":[{\"key\":\"C\",\"value\":\"1\"},{\"key\":\"no key\",\"value\":\"\"}]}", A_B,
		  "{}", 2 },
		{ "{\"env\":[{\"key\":\"A\",\"value\":\"1\"}]}", "[]", "{}", 1 },
		{ "{\"env\":[{\"key\":\"A\",\"value\":\"1\"}]}", NULL, "{}", 1 },
		{ "{\"env\":[{\"key\":\"a\",\"value\":\"1\"}]}", A_B, "{}", 1 },
		{ "{\"env\":[{\"key\":\"9\",\"value\":\"\"}]}", "[\"9\"]", "entry 0: key: [A-Za-z_]", 0 },
		{ "{\"env\":[{\"key\":\"\",\"value\":\"\"}]}", "[\"\"]", "entry 0: key: [A-Za-z_]", 0 },
		{ "{\"env\":[{\"key\":\"A=\",\"value\":\"\"}]}", "[\"A=\"]", "entry 0: key: [A-Za-z_]", 0 },
		{ "", A_B, "object expected", 0 },
		{ "[]", A_B, "object expected", 0 },
		{ "[{\"key\":\"A\",\"value\":\"1\"}]", A_B, "object expected", 0 },
		{ "{}", A_B, "env: missing", 0 },
		{ "{\"env\":{}}", A_B, "env: an array expected", 0 },
		{ "{\"env\":null}", A_B, "env: an array expected", 0 },
		{ "{\"env\":[1]}", A_B, "entry 0: an object", 0 },
		{ "{\"env\":[{\"key\":\"A\"}]}", A_B, "entry 0: value: missing", 0 },
		{ "{\"env\":[{\"value\":\"A\"}]}", A_B, "entry 0: key: missing", 0 },
		{ "{\"env\":[{\"key\":\"A\",\"value\":1}]}", A_B, "value: a string expected", 0 },
		{ "{\"env\":[{\"key\":\"A\",\"value\":\"\\u0000\"}]}", A_B, "object expected", 0 },
		{ "{\"env\":[],\"env\":[]}", A_B, "object expected", 0 },
		{ "{\"env\":[]} x", A_B, "object expected", 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_ENV struct ds_env env = DS_ENV_NULL;
		struct ds_err err = DS_ERR_NULL;
		json_t *list = allowed(rows[i].allowed);
		int r = ds_env_parse(DS_SPAN_STR(rows[i].in), false, list, &env, &err);

		json_decref(list);
		if (rows[i].want[0] == '{') {
			if (r || env.dropped != rows[i].dropped)
				fail_msg("%zu: %d '%s', %zu dropped", i, r, err.msg, env.dropped);
			check_written(&env, DS_ENV_FLAT, rows[i].want);
		} else if (r != -EBADMSG || !strstr(err.msg, rows[i].want)) {
			fail_msg("%zu: expected '%s', got %d '%s'", i, rows[i].want, r, err.msg);
		}
	}
}

/* An error goes to the host: nothing of the text may be in it. */
static void errors_tell_nothing(void **state)
{
	static const char text[] =
		"{\"env\":[{\"key\":\"S3CRET\",\"value\":\"S3CRET\"},{\"key\":\"S3CRET-\",\"value\":\"S3CRET\"}]}";
	json_t *list = allowed("[\"S3CRET\",\"S3CRET-\"]");

	for (size_t n = 0; n < sizeof(text); n++) {
		DS_ENV struct ds_env env = DS_ENV_NULL;
		struct ds_err err = DS_ERR_NULL;
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, text, n);
		assert_int_equal(ds_env_parse(DS_SPAN(exact, n), false, list, &env, &err), -EBADMSG);
		assert_true(err.msg[0]);
		assert_null(strstr(err.msg, "S3CRET"));
		free(exact);
	}
	json_decref(list);
}

static json_t *item(size_t k, size_t v)
{
	char *key = malloc(k + 1), *value = malloc(v + 1);
	json_t *o;

	memset(key, 'K', k);
	memset(value, 'v', v);
	o = json_pack("{s:s#,s:s#}", "key", key, (int)k, "value", value, (int)v);
	free(key);
	free(value);
	return o;
}

static int parse_these(json_t *list, struct ds_err *err)
{
	DS_ENV struct ds_env env = DS_ENV_NULL;
	json_t *o = json_pack("{s:o}", "env", list);
	char *text = json_dumps(o, JSON_COMPACT);
	int r = ds_env_parse(DS_SPAN_STR(text), true, NULL, &env, err);

	json_decref(o);
	free(text);
	return r;
}

static void limits(void **state)
{
	static const struct {
		size_t k, v, times;
		int want;
	} rows[] = {
		{ 255, 1, 1, 0 },
		{ 256, 1, 1, -EFBIG },
		{ 1, 128 << 10, 1, 0 },
		{ 1, (128 << 10) + 1, 1, -EFBIG },
		{ 1, 0, 1024, 0 },
		{ 1, 0, 1025, -EFBIG },
		{ 1, (128 << 10) - 1, 8, 0 },
		{ 1, 128 << 10, 8, -EFBIG },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		json_t *list = json_array();
		int r;

		for (size_t j = 0; j < rows[i].times; j++)
			json_array_append_new(list, item(rows[i].k, rows[i].v));
		r = parse_these(list, &err);
		if (r != rows[i].want)
			fail_msg("%zu: %d '%s'", i, r, err.msg);
	}
}

static void lines(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "{\"env\":[]}" },
		{ "A=1\n", "{\"env\":[{\"key\":\"A\",\"value\":\"1\"}]}" },
		{ "# no\n\nA= \"x\" #=\r\nB=", "{\"env\":[{\"key\":\"A\",\"value\":\" \\\"x\\\" #=\\r\"},"
						 "{\"key\":\"B\",\"value\":\"\"}]}" },
		{ "A=1\nA=2", "{\"env\":[{\"key\":\"A\",\"value\":\"2\"}]}" },
		{ "export", "line 1: KEY=VALUE" },
		{ "A=1\nB", "line 2: KEY=VALUE" },
		{ "export A=1", "entry 0: key" },
		{ "=1", "entry 0: key" },
		{ "A=\xff", "line 1: not UTF-8" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_ENV struct ds_env env = DS_ENV_NULL;
		struct ds_err err = DS_ERR_NULL;
		int r = ds_env_parse_lines(DS_SPAN_STR(rows[i].in), &env, &err);

		if (rows[i].want[0] == '{') {
			if (r)
				fail_msg("%zu: %s", i, err.msg);
			check_written(&env, DS_ENV_TEXT, rows[i].want);
		} else if (r != -EBADMSG || !strstr(err.msg, rows[i].want)) {
			fail_msg("%zu: expected '%s', got %d '%s'", i, rows[i].want, r, err.msg);
		}
	}
	assert_int_equal(ds_env_parse_lines(DS_SPAN("A=\0", 3), &(struct ds_env){ 0 }, NULL), -EBADMSG);
}

static void quoting(void **state)
{
	static const char in[] = "A=plain\nB=two words\nC=$x`y\"z\\\nD='\nE=\nF=a#b=c";
	static const char want[] = "A=plain\nB=\"two words\"\nC=\"\\$x\\`y\\\"z\\\\\"\nD=\"'\"\nE=\nF=a#b=c\n";
	DS_ENV struct ds_env env = DS_ENV_NULL, nl = DS_ENV_NULL;

	assert_int_equal(ds_env_parse_lines(DS_SPAN_STR(in), &env, NULL), 0);
	check_written(&env, DS_ENV_LINES, want);
	assert_int_equal(ds_env_parse(DS_SPAN_LIT("{\"env\":[{\"key\":\"A\",\"value\":\"x\\ny\"}]}"),
				      true, NULL, &nl, NULL),
			 0);
	check_written(&nl, DS_ENV_LINES, "A=\"x\\ny\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses), cmocka_unit_test(errors_tell_nothing),
		cmocka_unit_test(limits), cmocka_unit_test(lines),
		cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
