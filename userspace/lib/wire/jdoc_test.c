// SPDX-License-Identifier: Apache-2.0
/* Tests of lib/wire/jdoc.c: what is a document and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include <ds/wire/jdoc.h>

#define ROOM (1u << 20)

/* n bytes of text with nothing behind them that can be read. */
static const uint8_t *at_the_edge(const char *text, size_t n)
{
	static uint8_t *room;

	if (!room) {
		room = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		assert_true(room != MAP_FAILED);
		assert_int_equal(mprotect(room + ROOM, ROOM, PROT_NONE), 0);
	}
	assert_true(n <= ROOM);
	return memcpy(room + ROOM - n, text, n);
}

static int parse(const char *text, size_t n, bool nul)
{
	DS_JDOC struct ds_jdoc doc = DS_JDOC_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_jdoc_parse(DS_SPAN(at_the_edge(text, n), n), nul, &doc, &err);

	assert_true(r ? r == -EBADMSG && err.msg[0] && !doc.root : doc.root != NULL);
	assert_true(!!strstr(err.msg, "empty") == !n);
	return r;
}

static void accepted_or_not(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "{}", true },
		{ " \t\r\n[ ] \n", true },
		{ "{\"a\":1,\"b\":[true,false,null,-0.5e+10,\"\"]}", true },
		{ "", false },
		{ " ", false },
		{ "1", false },
		{ "\"a\"", false },
		{ "true", false },
		{ "{} x", false },
		{ "{}{}", false },
		{ "[1,]", false },
		{ "[,1]", false },
		{ "[1 2]", false },
		{ "{\"a\":1,}", false },
		{ "{\"a\"}", false },
		{ "{\"a\" 1}", false },
		{ "{a:1}", false },
		{ "{a\":1}", false },
		{ "{1:1}", false },
		{ "{\"\xc3\":1}", false },
		{ "{\"a\":1,\"a\":1}", false },
		{ "{\"a\":1,\"\\u0061\":1}", false },
		{ "{\"a\":{\"b\":1},\"c\":{\"b\":1}}", true },
		{ "[[1]", false },
		{ "[1]]", false },
		{ "[1}", false },
		{ "[tru]", false },
		{ "[trux]", false },
		{ "[True]", false },
		{ "[nan]", false },
		{ "[\f1]", false },
		{ "[01]", false },
		{ "[-]", false },
		{ "[+1]", false },
		{ "[.5]", false },
		{ "[1.]", false },
		{ "[1.e1]", false },
		{ "[1e]", false },
		{ "[1e+]", false },
		{ "[0x1]", false },
		{ "[-0]", true },
		{ "[9223372036854775807,-9223372036854775808]", true },
		{ "[9223372036854775808]", false },
		{ "[-9223372036854775809]", false },
		{ "[18446744073709551617]", false },
		{ "[\"a]", false },
		{ "[\"\n\"]", false },
		{ "[\"\nn\"]", false },
		{ "[\"12345678\n2345678\"]", false },
		{ "[\"\x7f\"]", true },
		{ "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", true },
		{ "[\"\\a\"]", false },
		{ "[\"\\u12\"]", false },
		{ "[\"\\u12g4\"]", false },
		{ "[\"\\ud800\"]", false },
		{ "[\"\\ud800\\u0041\"]", false },
		{ "[\"\\ud800\\ue000\"]", false },
		{ "[\"\\ud800xudc00\"]", false },
		{ "[\"\\ud800\\xdc00\"]", false },
		{ "[\"\\udc00\"]", false },
		{ "[\"\\ud83d\\ude00\"]", true },
		{ "[\"\xc3\xa4\"]", true },
		{ "[\"\xc3\"]", false },
		{ "[\"\xc0\xaf\"]", false },
		{ "[\"\xed\xa0\x80\"]", false },
		{ "[\"\xf5\x80\x80\x80\"]", false },
		{ "[\"\\u0000\"]", false },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		if (!parse(rows[i].text, strlen(rows[i].text), false) != rows[i].ok)
			fail_msg("row %zu: %s", i, rows[i].text);
	assert_int_equal(parse("[\"\\u0000\"]", 10, true), 0);
	assert_int_equal(parse("{\"\\u0000\":1}", 12, true), -EBADMSG);
	assert_int_equal(parse("[\"\\u12g4\"]", 10, true), -EBADMSG);
	assert_int_equal(parse("[\"\0\"]", 5, true), -EBADMSG);
}

static const char sample[] =
	"{\"s\":\"a\\u00e4\\\"\\ud83d\\ude00\",\"n\":-12,\"x\":[1,{\"y\":[[],7]},"
	"\"z\"],\"r\":1.0,\"e\":\"\",\"w\":[true,false,null],\"o\":{},\"last\":{\"in\":\"deep\"}}";

static void says_what_it_says(void **state)
{
	DS_JDOC struct ds_jdoc doc = DS_JDOC_NULL;
	const struct ds_jnode *x, *v;

	assert_int_equal(ds_jdoc_parse(DS_SPAN_STR(sample), false, &doc, NULL), 0);
	assert_true(ds_span_eq(ds_jtext(ds_jget(doc.root, "s")),
			       DS_SPAN_LIT("a\xc3\xa4\"\xf0\x9f\x98\x80")));
	assert_int_equal(ds_jget(doc.root, "n")->integer, -12);
	assert_true(ds_jis(ds_jget(doc.root, "r"), DS_JREAL));
	assert_true(ds_jis(ds_jget(doc.root, "e"), DS_JSTRING));
	x = ds_jget(doc.root, "x");
	assert_int_equal(ds_jcount(x), 3);
	v = ds_jfirst(x);
	assert_int_equal(v->integer, 1);
	v = ds_jnext(v);
	assert_int_equal(ds_jcount(ds_jget(v, "y")), 2);
	assert_int_equal(ds_jnext(ds_jfirst(ds_jget(v, "y")))->integer, 7);
	v = ds_jnext(v);
	assert_true(ds_span_eq(ds_jtext(v), DS_SPAN_LIT("z")));
	assert_null(ds_jnext(v));
	assert_true(ds_span_eq(ds_jtext(ds_jget(ds_jget(doc.root, "last"), "in")),
			       DS_SPAN_LIT("deep")));
	assert_int_equal(ds_jcount(ds_jget(doc.root, "w")), 3);
	assert_null(ds_jget(ds_jget(doc.root, "o"), "last"));
	assert_null(ds_jget(doc.root, "las"));
	assert_null(ds_jget(doc.root, "lastt"));
	assert_null(ds_jget(ds_jget(doc.root, "nobody"), "in"));
	assert_null(ds_jget(x, "y"));
	assert_null(ds_jfirst(doc.root));
	assert_null(ds_jfirst(NULL));
	assert_int_equal(ds_jtext(ds_jget(doc.root, "n")).n, 0);
}

static void truncated(void **state)
{
	for (size_t n = 0; n < sizeof(sample) - 1; n++)
		assert_int_equal(parse(sample, n, false), -EBADMSG);
}

/* A document with n times text between open and close. */
static int repeated(const char *open, bool keys, const char *text, unsigned int n,
		    const char *close)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(ds_buf_addf(&b, "%s", open), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(
			keys ? ds_buf_addf(&b, "\"k%u\":0,", i) : ds_buf_addf(&b, "%s", text), 0);
	assert_int_equal(ds_buf_addf(&b, "%s", close), 0);
	return parse((const char *)b.p, b.n, false);
}

static void bounded(void **state)
{
	static const char *const kinds[] = {
		"{}", "[]", "\"\"", "true", "false", "null",
	};
	char close[DS_JDOC_DEPTH + 3] = "", last[8];

	assert_int_equal(repeated("{", true, "", DS_JDOC_KEYS - 1, "\"z\":0}"), 0);
	assert_int_equal(repeated("{", true, "", DS_JDOC_KEYS, "\"z\":0}"), -EBADMSG);
	assert_int_equal(repeated("[", false, "0,", DS_JDOC_NODES - 2, "0]"), 0);
	assert_int_equal(repeated("[", false, "0,", DS_JDOC_NODES - 1, "0]"), -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(kinds); i++) {
		(void)snprintf(last, sizeof(last), "%s]", kinds[i]);
		assert_int_equal(repeated("[", false, "0,", DS_JDOC_NODES - 2, last), 0);
		assert_int_equal(repeated("[", false, "0,", DS_JDOC_NODES - 1, last), -EBADMSG);
	}
	memset(close, ']', DS_JDOC_DEPTH + 1);
	assert_int_equal(repeated("", false, "[", DS_JDOC_DEPTH + 1, close), 0);
	memset(close, ']', DS_JDOC_DEPTH + 2);
	assert_int_equal(repeated("", false, "[", DS_JDOC_DEPTH + 2, close), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_or_not),
		cmocka_unit_test(says_what_it_says),
		cmocka_unit_test(truncated),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
