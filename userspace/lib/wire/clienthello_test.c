// SPDX-License-Identifier: Apache-2.0
/* Tests of the ClientHello scanner and the host name grammar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/wire/clienthello.h>

static void add(struct ds_buf *b, const void *p, size_t n)
{
	assert_int_equal(ds_buf_add(b, p, n), 0);
}

static void add_u8(struct ds_buf *b, unsigned int v)
{
	assert_int_equal(ds_buf_add_u8(b, (uint8_t)v), 0);
}

static void add_u16(struct ds_buf *b, size_t v)
{
	add_u8(b, (unsigned int)(v >> 8 & 255));
	add_u8(b, (unsigned int)(v & 255));
}

/* Extension 0 with one entry of this type. */
static void add_sni(struct ds_buf *b, unsigned int type, const char *name, size_t n)
{
	add_u16(b, 0);
	add_u16(b, n + 5);
	add_u16(b, n + 3);
	add_u8(b, type);
	add_u16(b, n);
	add(b, name, n);
}

/* An unknown extension of n bytes in all. */
static void add_filler(struct ds_buf *b, size_t n)
{
	add_u16(b, 0xfafa);
	add_u16(b, n - 4);
	assert_int_equal(ds_buf_add_zero(b, n - 4), 0);
}

/* The handshake message around these extensions (NULL: none at all). */
static struct ds_buf message(const struct ds_buf *ext)
{
	struct ds_buf body = DS_BUF_NULL, msg = DS_BUF_NULL;

	add_u16(&body, 0x0303);
	assert_int_equal(ds_buf_add_zero(&body, 32), 0);
	add_u8(&body, 32);
	assert_int_equal(ds_buf_add_zero(&body, 32), 0);
	add_u16(&body, 4);
	add_u16(&body, 0x1301);
	add_u16(&body, 0x1302);
	add_u8(&body, 1);
	add_u8(&body, 0);
	if (ext) {
		add_u16(&body, ext->n);
		add(&body, ext->p, ext->n);
	}
	add_u8(&msg, 1);
	add_u8(&msg, (unsigned int)(body.n >> 16));
	add_u16(&msg, body.n & 0xffff);
	add(&msg, body.p, body.n);
	ds_buf_done(&body);
	return msg;
}

/* In records of at most chunk bytes. */
static struct ds_buf records(const struct ds_buf *msg, size_t chunk)
{
	struct ds_buf raw = DS_BUF_NULL;

	for (size_t at = 0; at < msg->n; at += chunk) {
		size_t n = msg->n - at < chunk ? msg->n - at : chunk;

		add_u8(&raw, 0x16);
		add_u16(&raw, 0x0301);
		add_u16(&raw, n);
		add(&raw, msg->p + at, n);
	}
	return raw;
}

static struct ds_buf hello(const char *name, size_t filler, size_t chunk)
{
	struct ds_buf ext = DS_BUF_NULL, msg, raw;

	if (filler)
		add_filler(&ext, filler);
	if (name)
		add_sni(&ext, 0, name, strlen(name));
	msg = message(&ext);
	raw = records(&msg, chunk);
	ds_buf_done(&ext);
	ds_buf_done(&msg);
	return raw;
}

static int scan(const struct ds_buf *b, size_t n, char host[DS_HOST_MAX + 1], size_t *need)
{
	struct ds_err err = DS_ERR_NULL;
	int r;

	*need = 0;
	strcpy(host, "untouched");
	r = ds_hello_scan(DS_SPAN(b->p, n), host, need, &err);
	if (r)
		assert_string_equal(host, "untouched");
	if (r < 0)
		assert_true(err.msg[0]);
	if (r == DS_HELLO_E_MORE)
		assert_true(*need > n);
	return r;
}

static void names(void **state)
{
	static const struct {
		const char *name, *host;
	} tab[] = {
		{ "a", "a" },
		{ "App-443s.Apps.Example.COM", "app-443s.apps.example.com" },
		{ "_x.y_z.0", "_x.y_z.0" },
		{ "id-.base", "id-.base" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
		  NULL }, /* 64 */
		{ "", NULL },
		{ ".", NULL },
		{ "a.", NULL },
		{ ".a", NULL },
		{ "a..b", NULL },
		{ "a b", NULL },
		{ "a\n", NULL },
		{ "a/b", NULL },
		{ "a:1", NULL },
		{ "*.a", NULL },
		{ "\xc3\xa4.de", NULL },
		{ "[::1]", NULL },
	};
	char host[DS_HOST_MAX + 1], longest[DS_HOST_MAX + 2];
	size_t need;

	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++) {
		DS_BUF struct ds_buf b = hello(tab[i].name, 0, 16384);

		assert_int_equal(scan(&b, b.n, host, &need), tab[i].host ? 0 : -EBADMSG);
		if (tab[i].host)
			assert_string_equal(host, tab[i].host);
	}
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	assert_int_equal(ds_host_normalize(DS_SPAN(longest, 253), host), 0);
	assert_int_equal(strlen(host), 253);
	longest[253] = 'a';
	assert_int_equal(ds_host_normalize(DS_SPAN(longest, 254), host), -EBADMSG);
	assert_int_equal(ds_host_normalize(DS_SPAN("a\0b", 3), host), -EBADMSG);
}

/*
 * Every prefix asks for more and says how much; then the whole is the same whatever the record
 * size.
 */
static void truncation_and_records(void **state)
{
	static const size_t chunks[] = { 16384, 1000, 100, 40, 3 };
	char host[DS_HOST_MAX + 1];
	size_t need;

	for (size_t c = 0; c < DS_ARRAY_SIZE(chunks); c++) {
		DS_BUF struct ds_buf b =
			hello("x-8443s.apps.test", chunks[c] < 40 ? 0 : 1700, chunks[c]);

		for (size_t n = 0; n < b.n; n++)
			assert_int_equal(scan(&b, n, host, &need), DS_HELLO_E_MORE);
		assert_int_equal(scan(&b, b.n, host, &need), 0);
		assert_string_equal(host, "x-8443s.apps.test");
		add(&b, "early data", 10);
		assert_int_equal(scan(&b, b.n, host, &need), 0);
	}
}

/* Following ret_need never asks beyond the hello, and asks at most twice a record. */
static void need_is_a_useful_hint(void **state)
{
	DS_BUF struct ds_buf b = hello("need.test", 1700, 300);
	char host[DS_HOST_MAX + 1];
	size_t n = 0, need, rounds = 0;

	while (scan(&b, n, host, &need) == DS_HELLO_E_MORE) {
		assert_true(need <= b.n);
		n = need;
		rounds++;
	}
	assert_int_equal(n, b.n);
	assert_true(rounds <= 2 * (b.n / 305 + 1));
}

static void limits(void **state)
{
	char host[DS_HOST_MAX + 1];
	size_t need, fixed;

	DS_BUF struct ds_buf small = hello("big.test", 100, 16384);
	fixed = small.n - 5 - 100;
	/*
	 * exactly 16 KiB of handshake in 64 records passes, one byte more does not, one record
	 * more does not
	 */
	DS_BUF struct ds_buf most = hello("big.test", DS_MAX_CLIENT_HELLO - fixed, 256);
	assert_int_equal(most.n, DS_HELLO_RAW_MAX);
	assert_int_equal(scan(&most, most.n, host, &need), 0);
	DS_BUF struct ds_buf bigger = hello("big.test", DS_MAX_CLIENT_HELLO - fixed + 1, 1000);
	assert_int_equal(scan(&bigger, 9, host, &need), -EFBIG);
	DS_BUF struct ds_buf shreds = hello("big.test", 200, 4);
	assert_int_equal(scan(&shreds, shreds.n, host, &need), -EFBIG);
	/* a length that cannot be: refused as soon as it is seen */
	assert_int_equal(ds_hello_scan(DS_SPAN("\x16\x03\x01\x40\x01", 5), host, &need, NULL),
			 -EBADMSG);
	assert_int_equal(ds_hello_scan(DS_SPAN("\x16\x03\x01\x00\x00", 5), host, &need, NULL),
			 -EBADMSG);
	assert_int_equal(ds_hello_scan(DS_SPAN("\x16\x03\x01\x00\x09\x01\xff\xff\xff", 9), host,
				       &need, NULL),
			 -EFBIG);
}

static void other_protocols(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		int r;
	} tab[] = {
		{ "G", 1, DS_HELLO_E_NOT_TLS },
		{ "GET / HTTP/1.1\r\n\r\n", 18, DS_HELLO_E_NOT_TLS },
		{ "\x15\x03\x03\x00\x02\x02\x28", 7, DS_HELLO_E_NOT_TLS },
		{ "\x80\x2e\x01\x03\x01", 5, DS_HELLO_E_NOT_TLS }, /* SSL 2 */
		{ "\x16\x02", 2, DS_HELLO_E_NOT_TLS },
		{ "\x16\x03\x01\x00\x05\x02", 6, DS_HELLO_E_NOT_TLS }, /* a ServerHello */
		{ "\x16\x03\x01\x00\x01\x01\x17", 7,
		  -EBADMSG }, /* application data inside the hello */
		{ "\x16\x03\x01\x00\x01\x01\x16\x04", 8, -EBADMSG },
	};
	char host[DS_HOST_MAX + 1];
	size_t need;

	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++)
		assert_int_equal(ds_hello_scan(DS_SPAN(tab[i].p, tab[i].n), host, &need, NULL),
				 tab[i].r);
}

static void scan_ext(struct ds_buf *ext, int want)
{
	DS_BUF struct ds_buf msg = message(ext);
	DS_BUF struct ds_buf raw = records(&msg, 16384);
	char host[DS_HOST_MAX + 1];
	size_t need;

	assert_int_equal(scan(&raw, raw.n, host, &need), want);
	if (ext)
		ds_buf_done(ext);
}

static void extensions(void **state)
{
	struct ds_buf e = DS_BUF_NULL;

	scan_ext(NULL, DS_HELLO_E_NO_NAME);
	scan_ext(&e, DS_HELLO_E_NO_NAME);
	add_filler(&e, 20);
	scan_ext(&e, DS_HELLO_E_NO_NAME);
	add_sni(&e, 7, "other", 5); /* an entry of an unknown type is not a host name */
	scan_ext(&e, DS_HELLO_E_NO_NAME);
	add_sni(&e, 0, "a.b", 3);
	add_sni(&e, 0, "c.d", 3);
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\0\0\2\0\0", 6); /* empty list */
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\0\0\x0e\0\x0c\0\0\3a.b\0\0\3c.d", 18); /* two names in one list */
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\0\0\7\0\6\0\0\3a.b", 12); /* extension one byte shorter than the list */
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\0\0\x09\0\6\0\0\3a.bx", 13); /* byte after the list */
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\0\0\x08\0\6\0\0\4a.b", 12); /* name longer than the list */
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\1\0\5abc", 7); /* extension longer than what is left */
	scan_ext(&e, -EBADMSG);
	add(&e, "\0\1\0", 3);
	scan_ext(&e, -EBADMSG);
	add_sni(&e, 0, "a.b\0evil", 8);
	scan_ext(&e, -EBADMSG);
}

/* Fields in front of the extensions, one broken at a time. */
static void body_fields(void **state)
{
	static const struct {
		size_t at;
		uint8_t v;
	} tab[] = {
		{ 4, 2 },			 /* version 2.x */
		{ 4 + 34, 33 },			 /* session id too long */
		{ 4 + 68, 3 },			 /* odd cipher list */
		{ 4 + 68, 0 },			 /* empty */
		{ 4 + 67, 0xff },		 /* beyond the end */
		{ 4 + 73, 0 },			 /* no compression method */
		{ 4 + 73, 0xff }, { 4 + 76, 0 }, /* extensions shorter than the rest */
		{ 4 + 75, 0xff },		 /* longer */
	};
	char host[DS_HOST_MAX + 1];
	size_t need;

	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++) {
		DS_BUF struct ds_buf b = hello("ok.test", 0, 16384);

		assert_int_equal(scan(&b, b.n, host, &need), 0);
		b.p[5 + tab[i].at] = tab[i].v;
		assert_int_equal(scan(&b, b.n, host, &need), -EBADMSG);
	}
	/* a second message in the same record */
	DS_BUF struct ds_buf b = hello("ok.test", 0, 16384);
	add(&b, "\x0b", 1);
	b.p[4]++;
	assert_int_equal(scan(&b, b.n, host, &need), -EBADMSG);
}

/*
 * No flip of a byte makes the scanner read outside (sanitizers watch) or invent another good name.
 */
static void flips(void **state)
{
	DS_BUF struct ds_buf b = hello("flip.test", 30, 50);
	char host[DS_HOST_MAX + 1];
	size_t need;

	for (size_t i = 0; i < b.n; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1u << bit);
			if (!scan(&b, b.n, host, &need))
				assert_int_equal(strlen(host), 9);
			b.p[i] ^= (uint8_t)(1u << bit);
		}
}

/* spec/gateway 1.2, every row. */
static void routes(void **state)
{
	static const struct {
		const char *host;
		int r;
		const char *id;
		unsigned int port;
		enum ds_route_mode mode;
	} tab[] = {
		{ "ab12.b.test", 0, "ab12", 80, DS_ROUTE_TERMINATE },
		{ "ab12-.b.test", 0, "ab12", 80, DS_ROUTE_TERMINATE },
		{ "ab12-8080.b.test", 0, "ab12", 8080, DS_ROUTE_TERMINATE },
		{ "ab12-g.b.test", 0, "ab12", 80, DS_ROUTE_TERMINATE_GRPC },
		{ "ab12-50051g.b.test", 0, "ab12", 50051, DS_ROUTE_TERMINATE_GRPC },
		{ "ab12-s.b.test", 0, "ab12", 443, DS_ROUTE_PASSTHROUGH },
		{ "ab12-8443s.b.test", 0, "ab12", 8443, DS_ROUTE_PASSTHROUGH },
		{ "ab12-65535s.b.test", 0, "ab12", 65535, DS_ROUTE_PASSTHROUGH },
		{ "gateway.b.test", 0, "gateway", 80, DS_ROUTE_TERMINATE },
		{ "ab12-80sg.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-80gs.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-sg.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-ss.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-1-2.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12--.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-80s-.b.test", -EBADMSG, NULL, 0, 0 },
		{ "-80.b.test", -EBADMSG, NULL, 0, 0 },
		{ "-.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-65536s.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-0s.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-x.b.test", -EBADMSG, NULL, 0, 0 },
		{ "ab12-99999999999999999999s.b.test", -EBADMSG, NULL, 0, 0 },
		{ "b.test", DS_ROUTE_E_FOREIGN, NULL, 0, 0 },
		{ "test", DS_ROUTE_E_FOREIGN, NULL, 0, 0 },
		{ "x.ab12.b.test", DS_ROUTE_E_FOREIGN, NULL, 0, 0 },
		{ "ab12.c.test", DS_ROUTE_E_FOREIGN, NULL, 0, 0 },
		{ "ab12.b.test2", DS_ROUTE_E_FOREIGN, NULL, 0, 0 },
		{ "ab12.xb.test", DS_ROUTE_E_FOREIGN, NULL, 0, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(tab); i++) {
		struct ds_route route = { .id = "untouched" };
		struct ds_err err = DS_ERR_NULL;

		assert_int_equal(ds_route_parse(tab[i].host, "b.test", &route, &err), tab[i].r);
		if (tab[i].r) {
			assert_string_equal(route.id, "untouched");
			continue;
		}
		assert_string_equal(route.id, tab[i].id);
		assert_int_equal(route.port, tab[i].port);
		assert_int_equal(route.mode, tab[i].mode);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(truncation_and_records),
		cmocka_unit_test(need_is_a_useful_hint),
		cmocka_unit_test(limits),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(extensions),
		cmocka_unit_test(body_fields),
		cmocka_unit_test(flips),
		cmocka_unit_test(routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
