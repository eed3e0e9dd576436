// SPDX-License-Identifier: Apache-2.0
/* Message heads and URLs: tables, every truncation, every flipped bit. */
#include "http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int request(const char *s, struct ds_http_head *head)
{
	return ds_http_request(DS_SPAN_STR(s), head, NULL);
}

static void test_request(void **state)
{
	static const struct {
		const char *in;
		int r;
		const char *path, *query;
		int64_t length; /* -1: absent */
	} t[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 0, "/", NULL, -1 },
		{ "GET /a?b=c?d HTTP/1.0\r\n\r\n", 0, "/a", "b=c?d", -1 },
		{ "GET /a? HTTP/1.1\r\n\r\n", 0, "/a", "", -1 },
		{ "POST HTTP://h:1/a?json HTTP/1.1\r\ncontent-LENGTH:\t7 \r\n\r\n", 0, "/a", "json",
		  7 },
		{ "POST http://h HTTP/1.1\r\n\r\n", 0, "/", NULL, -1 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 0, "/x",
		  NULL, 5 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", -EBADMSG,
		  NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\nContent-Length: +5\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\nContent-Length:\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", -EBADMSG,
		  NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\n folded: 5\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\nname : 5\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\n: 5\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\nno colon\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\r\na: b\x01\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1\na: b\n\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST x HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x#y HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /\xc3\xa9 HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST  /x HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/1.1 \r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "POST /x HTTP/3.0\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "P(ST /x HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "AVERYLONGMETHODNAME /x HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ " /x HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
		{ "\r\n\r\n", -EBADMSG, NULL, NULL, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_http_head h = { 0 };
		int r = request(t[i].in, &h);

		if (r != t[i].r)
			fail_msg("%s: expected %d, got %d", t[i].in, t[i].r, r);
		if (r)
			continue;
		assert_int_equal(h.head_len, strlen(t[i].in));
		assert_true(ds_span_eq(h.path, DS_SPAN_STR(t[i].path)));
		assert_int_equal(h.query.p != NULL, t[i].query != NULL);
		if (t[i].query)
			assert_true(ds_span_eq(h.query, DS_SPAN_STR(t[i].query)));
		assert_int_equal(h.has_length ? (int64_t)h.length : -1, t[i].length);
	}
}

static void test_response(void **state)
{
	static const struct {
		const char *in;
		int r, status;
	} t[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 200 },
		{ "HTTP/1.0 599\r\n\r\n", 0, 599 },
		{ "HTTP/1.1 100 Continue\r\n\r\nrest", 0, 100 },
		{ "HTTP/1.1 099 No\r\n\r\n", -EBADMSG, 0 },
		{ "HTTP/1.1 600 No\r\n\r\n", -EBADMSG, 0 },
		{ "HTTP/1.1 20 OK\r\n\r\n", -EBADMSG, 0 },
		{ "HTTP/1.1 2000 OK\r\n\r\n", -EBADMSG, 0 },
		{ "HTTP/2 200 OK\r\n\r\n", -EBADMSG, 0 },
		{ "http/1.1 200 OK\r\n\r\n", -EBADMSG, 0 },
		{ "SSH-2.0-x\r\n", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_http_head h = { 0 };

		assert_int_equal(ds_http_response(DS_SPAN_STR(t[i].in), &h, NULL), t[i].r);
		assert_int_equal(h.status, t[i].status);
	}
}

/* Every prefix asks for more; a flipped bit never reads out of bounds (checked by the sanitizers)
 * or grows the head. */
static void test_spoiled(void **state)
{
	static const char good[] =
		"POST /a?json HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
		"Content-Length: 12\r\nExpect: 100-continue\r\n\r\n";
	struct ds_http_head h;

	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		char *copy = malloc(n + 1); /* exact size, for the sanitizer */

		memcpy(copy, good, n);
		if (n)
			assert_int_equal(ds_http_request(DS_SPAN(copy, n), &h, NULL),
					 DS_HTTP_E_MORE);
		free(copy);
	}
	assert_int_equal(request(good, &h), 0);
	assert_true(h.expect_continue);
	for (size_t bit = 0; bit < 8 * (sizeof(good) - 1); bit++) {
		char copy[sizeof(good)];
		int r;

		memcpy(copy, good, sizeof(good));
		copy[bit / 8] ^= (char)(1 << bit % 8);
		r = ds_http_request(DS_SPAN(copy, sizeof(good) - 1), &h, NULL);
		assert_true(r <= DS_HTTP_E_MORE);
		if (!r)
			assert_true(h.head_len <= sizeof(good) - 1);
	}
}

static void test_limits(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_http_head h;

	assert_int_equal(ds_buf_addf(&b, "GET / HTTP/1.1\r\n"), 0);
	for (unsigned i = 0; i < DS_HTTP_MAX_FIELDS; i++)
		assert_int_equal(ds_buf_addf(&b, "a: b\r\n"), 0);
	assert_int_equal(ds_http_request(ds_buf_span(&b), &h, NULL), DS_HTTP_E_MORE);
	assert_int_equal(ds_buf_addf(&b, "a: b\r\n\r\n"), 0);
	assert_int_equal(ds_http_request(ds_buf_span(&b), &h, NULL), -EFBIG);
	b.n = 0;
	assert_int_equal(ds_buf_addf(&b, "GET / HTTP/1.1\r\na: "), 0);
	while (b.n < DS_HTTP_MAX_HEAD)
		assert_int_equal(ds_buf_add_u8(&b, 'x'), 0);
	assert_int_equal(ds_http_request(ds_buf_span(&b), &h, NULL), -EFBIG);
	b.n = 0;
	assert_int_equal(ds_buf_addf(&b, "GET /"), 0);
	for (unsigned i = 0; i < DS_HTTP_MAX_TARGET; i++)
		assert_int_equal(ds_buf_add_u8(&b, 'x'), 0);
	assert_int_equal(ds_buf_addf(&b, " HTTP/1.1\r\n\r\n"), 0);
	assert_int_equal(ds_http_request(ds_buf_span(&b), &h, NULL), -EFBIG);
}

static void test_url(void **state)
{
	static const struct {
		const char *in;
		bool ok, tls;
		const char *host;
		uint16_t port;
		const char *target, *sock;
	} t[] = {
		{ "https://kms.example/prpc/X?json", true, true, "kms.example", 443, "/prpc/X?json",
		  NULL },
		{ "http://10.0.2.2:8000", true, false, "10.0.2.2", 8000, "/", NULL },
		{ "https://[fd00::1]:9/x", true, true, "fd00::1", 9, "/x", NULL },
		{ "unix:/run/d.sock:/Info", true, false, "localhost", 0, "/Info", "/run/d.sock" },
		{ "unix:/run/d.sock", false, false, NULL, 0, NULL, NULL },
		{ "unix::/x", false, false, NULL, 0, NULL, NULL },
		{ "ftp://x/", false, false, NULL, 0, NULL, NULL },
		{ "https://", false, false, NULL, 0, NULL, NULL },
		{ "https://a b/", false, false, NULL, 0, NULL, NULL },
		{ "https://user@host/", false, false, NULL, 0, NULL, NULL },
		{ "https://host:0/", false, false, NULL, 0, NULL, NULL },
		{ "https://host:65536/", false, false, NULL, 0, NULL, NULL },
		{ "https://host:/", false, false, NULL, 0, NULL, NULL },
		{ "https://[::1/", false, false, NULL, 0, NULL, NULL },
		{ "https://[x]/", false, false, NULL, 0, NULL, NULL },
		{ "https://host?x", false, false, NULL, 0, NULL, NULL },
		{ "https://host/\r\nX: y", false, false, NULL, 0, NULL, NULL },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_url u = { 0 };
		int r = ds_url_parse(t[i].in, &u, NULL);

		if ((r == 0) != t[i].ok)
			fail_msg("%s: got %d", t[i].in, r);
		if (r)
			continue;
		assert_int_equal(u.tls, t[i].tls);
		assert_string_equal(u.host, t[i].host);
		assert_int_equal(u.port, t[i].port);
		assert_string_equal(u.target, t[i].target);
		assert_string_equal(u.unix_path ? u.unix_path : "", t[i].sock ? t[i].sock : "");
		ds_url_done(&u);
	}
}

static void test_unescape(void **state)
{
	static const struct {
		const char *in;
		bool plus;
		const char *out; /* NULL: refused */
	} t[] = {
		{ "", false, "" },	 { "a%2Fb", false, "a/b" }, { "a+b", true, "a b" },
		{ "a+b", false, "a+b" }, { "%4", false, NULL },	    { "%", false, NULL },
		{ "%4g", false, NULL },	 { "%00", false, NULL },    { "%0a", false, NULL },
		{ "%7f", false, NULL },	 { "x%41", false, "xA" },   { "%c3%a9", true, "\xc3\xa9" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_FREE char *out = NULL;
		int r = ds_http_unescape(DS_SPAN_STR(t[i].in), t[i].plus, &out);

		assert_int_equal(r, t[i].out ? 0 : -EBADMSG);
		if (t[i].out)
			assert_string_equal(out, t[i].out);
	}
}

static void test_chunk(void **state)
{
	static const struct {
		const char *in;
		bool first;
		int r;
		size_t size, used;
	} t[] = {
		{ "5\r\nabcde", true, 0, 5, 3 },
		{ "0001f\r\n", true, 0, 31, 7 },
		{ "FfFfFfFf\r\n", true, 0, 0xffffffff, 10 },
		{ "\r\na\r\n", false, 0, 10, 5 },
		{ "0\r\n\r\nmore", true, 0, 0, 5 },
		{ "\r\n00000000\r\n\r\n", false, 0, 0, 14 },
		{ "5\r\n", false, -EBADMSG, 0, 0 },
		{ "\r\n5\r\n", true, -EBADMSG, 0, 0 },
		{ "123456789\r\n", true, -EBADMSG, 0, 0 },
		{ "5 \r\n", true, -EBADMSG, 0, 0 },
		{ "5;x\r\n", true, -EBADMSG, 0, 0 },
		{ "0x5\r\n", true, -EBADMSG, 0, 0 },
		{ "-5\r\n", true, -EBADMSG, 0, 0 },
		{ "5\n", true, -EBADMSG, 0, 0 },
		{ "g\r\n", true, -EBADMSG, 0, 0 },
		{ "0\r\nX: y\r\n\r\n", true, -EBADMSG, 0, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		size_t size = 0, used = 0;

		assert_int_equal(ds_http_chunk(DS_SPAN_STR(t[i].in), t[i].first, &size, &used, NULL),
				 t[i].r);
		assert_int_equal(size, t[i].size);
		assert_int_equal(used, t[i].used);
		for (size_t n = 0; !t[i].r && n < t[i].used; n++)
			assert_int_equal(ds_http_chunk(DS_SPAN(t[i].in, n), t[i].first, &size, &used,
						       NULL),
					 DS_HTTP_E_MORE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request), cmocka_unit_test(test_response),
		cmocka_unit_test(test_spoiled), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_url),	cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
