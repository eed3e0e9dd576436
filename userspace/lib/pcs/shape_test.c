// SPDX-License-Identifier: Apache-2.0
/* Answers of a service taken apart: what is cut is what stood there, and nothing else passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>
#include <ds/pcs/shape.h>

#define X4(s)  s s s s
#define SIG    X4(X4("0123aBcD"))
#define SIGNED ",\"signature\":\"" SIG "\"}"

static void cut_table(void **state)
{
	static const struct {
		const char *body, *doc; /* NULL: refused */
	} rows[] = {
		{ "{\"tcbInfo\":{\"a\":1}" SIGNED, "{\"a\":1}" },
		{ " { \"tcbInfo\" :\t{ \"a\" : [ { } ] }\r\n" SIGNED "\n", "{ \"a\" : [ { } ] }" },
		{ "{\"signature\":\"" SIG "\",\"tcbInfo\":{}}", "{}" },
		{ "{\"x\":-1.5e+3,\"y\":null,\"z\":[\"]\"],\"tcbInfo\":{}" SIGNED, "{}" },
		/* brackets, quotes and escapes in strings end nothing */
		{ "{\"tcbInfo\":{\"}\\\"]\":\"{\\\\\"}" SIGNED, "{\"}\\\"]\":\"{\\\\\"}" },
		{ "{\"x\":\"\\\"tcbInfo\\\":{}\",\"tcbInfo\":{\"b\":2}" SIGNED, "{\"b\":2}" },
		{ "{\"x\":{\"tcbInfo\":{\"b\":3}},\"tcbInfo\":{\"b\":4}" SIGNED, "{\"b\":4}" },
		{ "{\"tcbInfo\":{},\"tcbInfo\":{}" SIGNED, NULL },
		{ "{\"tcbInfo\":{},\"signature\":\"" SIG "\"" SIGNED, NULL },
		{ "{\"tcb\\u0049nfo\":{},\"tcbInfo\":{}" SIGNED, NULL },
		{ "{\"tcbInfo\":[]" SIGNED, NULL },
		{ "{\"tcbInfo\":\"{}\"" SIGNED, NULL },
		{ "{\"tcbinfo\":{}" SIGNED, NULL },
		{ "{\"tcbInfo\":{}}", NULL },
		{ "{\"tcbInfo\":{},\"signature\":\"" SIG "0\"}", NULL },
		{ "{\"tcbInfo\":{},\"signature\":\"" SIG "\"}x", NULL },
		{ "{\"tcbInfo\":{},\"signature\":\"" SIG "\",}", NULL },
		{ "{\"tcbInfo\":{}\"signature\":\"" SIG "\"}", NULL },
		{ "{\"tcbInfo\":{]" SIGNED, NULL },
		{ "{\"tcbInfo\":{}}" SIGNED, NULL },
		{ "{\"tcbInfo\":{\"a\n\":1}" SIGNED, NULL },
		{ "[]", NULL },
		{ "", NULL },
		{ "<html>", NULL },
	};
	uint8_t sig[64];

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_span doc;
		int r = ds_pcs_cut(DS_SPAN_STR(rows[i].body), "tcbInfo", &doc, sig, &err);

		if (!r != !!rows[i].doc)
			fail_msg("row %zu: %s", i, r ? err.msg : "taken");
		if (!r && !ds_span_eq(doc, DS_SPAN_STR(rows[i].doc)))
			fail_msg("row %zu: cut '%.*s'", i, (int)doc.n, doc.p);
		if (!r)
			assert_memory_equal(sig, "\x01\x23\xab\xcd\x01\x23\xab\xcd", 8);
	}
}

static void deep(struct ds_buf *body, unsigned int depth)
{
	body->n = 0;
	assert_int_equal(ds_buf_addf(body, "{\"tcbInfo\":{\"a\":"), 0);
	for (unsigned int i = 1; i < depth; i++)
		assert_int_equal(ds_buf_add_u8(body, '['), 0);
	for (unsigned int i = 1; i < depth; i++)
		assert_int_equal(ds_buf_add_u8(body, ']'), 0);
	assert_int_equal(ds_buf_addf(body, "}" SIGNED), 0);
}

static void nesting(void **state)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	struct ds_span doc;
	uint8_t sig[64];

	deep(&body, 32);
	assert_int_equal(ds_pcs_cut(ds_buf_span(&body), "tcbInfo", &doc, sig, NULL), 0);
	deep(&body, 33);
	assert_int_equal(ds_pcs_cut(ds_buf_span(&body), "tcbInfo", &doc, sig, NULL), -EBADMSG);
}

static void cut_short(void **state)
{
	static const char body[] = "{\"x\":[true,\"\\\\\"],\"tcbInfo\":{\"a\":{\"b\":[1,2]}}" SIGNED;
	struct ds_span doc;
	uint8_t sig[64];

	for (size_t n = 0; n < sizeof(body) - 1; n++) {
		/* a buffer of exactly that size, for the sanitizers */
		DS_FREE char *part = malloc(n + !n);

		memcpy(part, body, n);
		if (ds_pcs_cut(DS_SPAN(part, n), "tcbInfo", &doc, sig, NULL) != -EBADMSG)
			fail_msg("%zu bytes are taken", n);
	}
	assert_int_equal(ds_pcs_cut(DS_SPAN_STR(body), "tcbInfo", &doc, sig, NULL), 0);
}

static void chains(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} rows[] = {
		{ "a%20b%0Ac%0d%0a", "a b\nc\r\n" },
		{ "MII+/=%2B", "MII+/=+" }, /* a literal plus stays a plus */
		{ "%25%2541", "%%41" },	    /* once only */
		{ "%4", NULL },
		{ "%", NULL },
		{ "%4g", NULL },
		{ "% 1", NULL },
		{ "%00", NULL },
		{ "%7f", NULL },
		{ "%c3%a9", NULL },
		{ "a\tb", NULL },
		{ "", NULL },
	};
	DS_BUF struct ds_buf big = DS_BUF_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf out = DS_BUF_NULL;
		int r = ds_pcs_chain_decode(DS_SPAN_STR(rows[i].in), &out, NULL);

		if (!r != !!rows[i].out)
			fail_msg("row %zu: %d", i, r);
		if (!r && !ds_span_eq(ds_buf_span(&out), DS_SPAN_STR(rows[i].out)))
			fail_msg("row %zu: '%.*s'", i, (int)out.n, out.p);
	}
	for (size_t i = 0; i <= DS_PCS_MAX_HEADER; i++)
		assert_int_equal(ds_buf_add_u8(&big, 'A'), 0);
	assert_int_equal(ds_pcs_chain_decode(ds_buf_span(&big), &(struct ds_buf){ 0 }, NULL),
			 -EBADMSG);
}

static void crls(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out; /* NULL: refused */
	} rows[] = {
		{ "0\x02\n\n", 4, "0\x02\n\n" }, /* DER is taken as it is */
		{ "30020a0a\r\n", 10, "0\x02\n\n" },
		{ "30020A0A", 8, "0\x02\n\n" },
		{ "30020", 5, NULL },
		{ "3002 0a0a", 9, NULL },
		{ "0x30020a0a", 10, "0x30020a0a" }, /* 'begins like DER': the next check refuses it */
		{ "31020a0a", 8, NULL },
		{ "-----BEGIN X509 CRL-----", 24, NULL },
		{ "", 0, NULL },
		{ "\n", 1, NULL },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf out = DS_BUF_NULL;
		int r = ds_pcs_crl_decode(DS_SPAN(rows[i].in, rows[i].n), &out, NULL);

		if (!r != !!rows[i].out)
			fail_msg("row %zu: %d", i, r);
		if (!r && memcmp(out.p, rows[i].out, out.n))
			fail_msg("row %zu: other bytes", i);
	}
}

static void dates(void **state)
{
	int64_t from = 0, to = 0;

	assert_int_equal(ds_pcs_dates(DS_SPAN_LIT("{\"issueDate\":\"2026-02-18T10:58:51Z\","
						  "\"nextUpdate\":\"2026-03-20T10:58:51Z\"}"),
				      &from, &to),
			 0);
	assert_int_equal(to - from, 30 * 86400);
	assert_int_equal(ds_pcs_dates(DS_SPAN_LIT("{\"issueDate\":\"2026-02-18T10:58:51Z\"}"), &from,
				      &to),
			 -EBADMSG);
	assert_int_equal(ds_pcs_dates(DS_SPAN_LIT("{\"issueDate\":1,\"nextUpdate\":2}"), &from, &to),
			 -EBADMSG);
	assert_int_equal(ds_pcs_dates(DS_SPAN_LIT("{"), &from, &to), -EBADMSG);
}

/* The genuine bodies, when they are there. */
static void real_bodies(void **state)
{
	const char *base = getenv("DSTACK_TESTDATA");
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	DS_FREE char *path = NULL;
	struct ds_span doc;
	uint8_t sig[64];
	int64_t from, to;

	if (asprintf(&path, "%s/dcap/pcs/tcb.body", base ? base : "../shared/testdata") < 0)
		fail_msg("no memory");
	if (ds_read_file(AT_FDCWD, path, DS_PCS_MAX_BODY, &body)) {
		printf("# SKIP no %s\n", path);
		skip();
	}
	assert_int_equal(ds_pcs_cut(ds_buf_span(&body), "tcbInfo", &doc, sig, NULL), 0);
	assert_int_equal(ds_pcs_dates(doc, &from, &to), 0);
	for (size_t n = 0; n < body.n; n += n < body.n - 300 ? 97 : 1)
		assert_int_equal(ds_pcs_cut(DS_SPAN(body.p, n), "tcbInfo", &doc, sig, NULL),
				 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_table), cmocka_unit_test(nesting),
		cmocka_unit_test(cut_short), cmocka_unit_test(chains),
		cmocka_unit_test(crls),	     cmocka_unit_test(dates),
		cmocka_unit_test(real_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
