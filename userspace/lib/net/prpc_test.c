// SPDX-License-Identifier: Apache-2.0
/* Arguments of a call and their types (spec/guest-api 1.2). */
#include <ds/net/prpc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_args(void **state)
{
	static const struct {
		bool get;
		const char *query, *type, *body;
		const char *want; /* part of the error, or the object when it begins with '{' */
	} t[] = {
		{ false, "json", "", "", "{}" },
		{ false, "json", "", "{\"a\":1}", "{\"a\":1}" },
		{ false, "json=", "x/y", "{}", "{}" },
		{ false, "json=1", "", "{}", "{}" },
		{ false, "a=b&json=true", "", "{}", "{}" },
		{ false, "json=false", "", "{}", "protobuf" },
		{ false, "jsonx", "", "{}", "protobuf" },
		{ false, NULL, "application/json", "{}", "{}" },
		{ false, NULL, "Application/JSON;charset=utf-8", "{}", "{}" },
		{ false, NULL, "application/jsonp", "{}", "protobuf" },
		{ false, NULL, "", "\x0a\x01", "protobuf" },
		{ false, "json", "", "{\"a\":1,\"a\":1}", "invalid JSON" },
		{ false, "json", "", "{\"a\":{\"b\":1,\"b\":1}}", "invalid JSON" },
		{ false, "json", "", "{} {}", "invalid JSON" },
		{ false, "json", "", "{\"a\":\"\\u0000\"}", "invalid JSON" },
		{ false, "json", "", "{\"a\":\"\xff\"}", "invalid JSON" },
		{ false, "json", "", "null", "invalid JSON" },
		{ false, "json", "", "[1]", "expected a JSON object" },
		{ false, "json", "", "[[[[[[[[[[[[[[[[[[", "nested deeper" },
		{ false, "json", "", "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{\"}",
		  "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{\"}" },
		{ false, "json", "", "{\"\\u0001query\":true,\"b\":1}", "{\"b\":1}" },
		{ true, NULL, "", "junk", "{\"\\u0001query\":true}" },
		{ true, "a=1&a=2", "", "", "duplicate field" },
		{ true, "a[0]=x&a[1]=y&b[]=z", "", "",
		  "{\"a\":[\"x\",\"y\"],\"b\":[\"z\"],\"\\u0001query\":true}" },
		{ true, "a=1&a[]=2", "", "", "duplicate field" },
		{ true, "a=%zz", "", "", "not well escaped" },
		{ true, "a=%ff", "", "", "not UTF-8" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_JSON json_t *args = NULL;
		DS_FREE char *text = NULL;
		struct ds_err err = DS_ERR_NULL;
		int r = ds_prpc_args(t[i].get, t[i].query, t[i].type, DS_SPAN_STR(t[i].body), NULL,
				     &args, &err);

		if (t[i].want[0] != '{') {
			if (r != -EBADMSG || !strstr(err.msg, t[i].want))
				fail_msg("%zu: expected '%s', got %d '%s'", i, t[i].want, r,
					 err.msg);
			assert_null(args);
			continue;
		}
		assert_int_equal(r, 0);
		text = json_dumps(args, JSON_COMPACT | JSON_ENSURE_ASCII);
		assert_string_equal(text, t[i].want);
	}
}

/* "[]," is three bytes of body, and a hundred of memory once it is read. */
static void many_values(void **state)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	json_t *args = NULL;

	assert_int_equal(ds_buf_addf(&body, "{\"a\":[0"), 0);
	for (size_t i = 0; i < 65536; i++)
		assert_int_equal(ds_buf_add(&body, ",0", 2), 0);
	assert_int_equal(ds_buf_addf(&body, "]}"), 0);
	assert_int_equal(ds_prpc_args(false, "json", "", ds_buf_span(&body), NULL, &args, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "more than 65536 values"));
}

/* Nothing of what a message does not name is there afterwards, nor room that was made for it. */
static void unknown_fields(void **state)
{
	static const struct ds_pb_field known[] = { { "n", 1, DS_PB_U32, 0, NULL },
						    { "s", 2, DS_PB_STR, 0, NULL },
						    { 0 } };
	static const struct {
		bool get;
		const char *text, *want;
	} t[] = {
		{ false, "{\"x\":[[],[]],\"s\":\"a\",\"n\":7,\"y\":1}", "{\"n\":7,\"s\":\"a\"}" },
		{ false, "{\"\\u0001query\":true,\"n\":7}", "{\"n\":7}" },
		{ false, "", "{}" },
		{ true, "n=7&x=1", "{\"\\u0001query\":true,\"n\":\"7\"}" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_JSON json_t *args = NULL;
		DS_FREE char *text = NULL;

		assert_int_equal(ds_prpc_args(t[i].get, t[i].get ? t[i].text : "json", "",
					      t[i].get ? DS_SPAN_NULL : DS_SPAN_STR(t[i].text),
					      known, &args, NULL),
				 0);
		text = json_dumps(args, JSON_COMPACT | JSON_ENSURE_ASCII);
		assert_string_equal(text, t[i].want);
	}
}

static json_t *object(bool get, const char *text)
{
	json_t *o = NULL;

	assert_int_equal(ds_prpc_args(get, get ? text : "json", "",
				      get ? DS_SPAN_NULL : DS_SPAN_STR(text), NULL, &o, NULL),
			 0);
	return o;
}

static void test_hex(void **state)
{
	static const struct {
		const char *in;
		int r;
		size_t n;
	} t[] = {
		{ "{}", 0, 0 },
		{ "{\"x\":\"\"}", 0, 0 },
		{ "{\"x\":\"0aFF\"}", 0, 2 },
		{ "{\"x\":\"0x0x0a\"}", 0, 1 },
		{ "{\"x\":\"0a0\"}", -EBADMSG, 0 },
		{ "{\"x\":\"zz\"}", -EBADMSG, 0 },
		{ "{\"x\":null}", -EBADMSG, 0 },
		{ "{\"x\":12}", -EBADMSG, 0 },
		{ "{\"x\":\"0102030405\"}", -EFBIG, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_JSON json_t *o = object(false, t[i].in);
		DS_BUF struct ds_buf b = DS_BUF_NULL;

		assert_int_equal(ds_json_hex(o, "x", 4, &b, NULL), t[i].r);
		assert_int_equal(b.n, t[i].n);
	}
}

static void test_scalars(void **state)
{
	DS_JSON json_t *o = object(
		false,
		"{\"n\":7,\"neg\":-1,\"r\":1.0,\"q\":\"7\",\"t\":true,\"f\":false,\"z\":null,"
		"\"l\":[\"a\",\"b\"],\"m\":[1]}");
	DS_JSON json_t *g = object(true, "n=7&t=true&f=false&bad=yes");
	const json_t *l = NULL;
	const char *s = NULL;
	bool b = false, there = false;
	uint64_t u = 1;

	assert_int_equal(ds_json_u64(o, "n", 7, &u, NULL), 0);
	assert_int_equal(u, 7);
	assert_int_equal(ds_json_u64(o, "n", 6, &u, NULL), -EBADMSG);
	assert_int_equal(ds_json_u64(o, "neg", 7, &u, NULL), -EBADMSG);
	assert_int_equal(ds_json_u64(o, "r", 7, &u, NULL), -EBADMSG);
	assert_int_equal(ds_json_u64(o, "q", 7, &u, NULL), -EBADMSG); /* no quoting in JSON ... */
	assert_int_equal(ds_json_u64(g, "n", 7, &u, NULL), 0); /* ... but a query is all text */
	assert_int_equal(ds_json_u64(o, "absent", 7, &u, NULL), 0);
	assert_int_equal(u, 0);
	assert_int_equal(ds_json_bool(o, "t", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(ds_json_bool(o, "q", &b, NULL), -EBADMSG);
	assert_int_equal(ds_json_bool(o, "z", &b, NULL), -EBADMSG);
	assert_int_equal(ds_json_bool(g, "f", &b, NULL), 0);
	assert_false(b);
	assert_int_equal(ds_json_bool(g, "bad", &b, NULL), -EBADMSG);
	assert_int_equal(ds_json_opt_u64(o, "z", 9, &there, &u, NULL), 0);
	assert_false(there);
	assert_int_equal(ds_json_opt_u64(o, "n", 9, &there, &u, NULL), 0);
	assert_true(there);
	assert_int_equal(ds_json_str(o, "q", 1, &s, NULL), 0);
	assert_string_equal(s, "7");
	assert_int_equal(ds_json_str(o, "q", 0, &s, NULL), -EFBIG);
	assert_int_equal(ds_json_str(o, "z", 9, &s, NULL), -EBADMSG);
	assert_int_equal(ds_json_strs(o, "l", 2, &l, NULL), 0);
	assert_int_equal(json_array_size(l), 2);
	assert_int_equal(ds_json_strs(o, "l", 1, &l, NULL), -EFBIG);
	assert_int_equal(ds_json_strs(o, "m", 2, &l, NULL), -EBADMSG);
	assert_int_equal(ds_json_strs(o, "q", 2, &l, NULL), -EBADMSG);
	assert_int_equal(ds_json_strs(o, "absent", 2, &l, NULL), 0);
	assert_null(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_values),
		cmocka_unit_test(unknown_fields),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_scalars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
