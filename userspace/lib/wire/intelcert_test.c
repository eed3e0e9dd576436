// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of lib/wire/intelcert.c on certificates and lists written here as text: hex, 'text', and
 * tag(...) for an element whose length is counted. That OpenSSL reads the same is quick_test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/wire/intelcert.h>

#define ALG   "300a06082a8648ce3d040302"
#define POINT "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"
#define AKI   "30(06(551d23)04(30(80('root'))))"
#define SKI   "30(06(551d0e)04(04('leaf')))"
#define USE   "30(06(551d0f)01(ff)04(03(0106)))"
#define BASIC "30(06(551d13)01(ff)04(30(01(ff)02(00))))"
#define URL   "30(06(551d1f)04(30(30(a0(a0(86('http://x')))))))"
#define EXT   "30(06(2a864886f84d010d01)04('ext'))"
#define SPKI  "30(30(06(2a8648ce3d0201)06(2a8648ce3d030107))03(0004" POINT "))"
#define EXTS  "a3(30(" AKI SKI USE BASIC URL EXT "))"
/* Less than a point. */
#define SHORT_EXTS                                                                                 \
	"a3(30(30(06(551d23)04(30(80('r'))))30(06(551d0e)04(04('l')))" USE                         \
	"30(06(551d13)01(ff)04(30()))))"
#define CERT                                                                                       \
	"30(30(a0(02(02))02(03e7)" ALG "30(31(30(06(55040a)13('I')))31(30(06(550403)0c('R'))))"    \
	"30(17('260102030405Z')17('491231235959Z'))"                                               \
	"30(31(30(06(550403)13('PCK'))))" SPKI EXTS ")" ALG "03(00'sig'))"

#define ONE "30(02(03)17('260101000000Z'))"
#define TWO "30(02(03e7)17('260101000000Z')30(30(06(551d15)04(0a(01)))))"
#define NUM "30(06(551d14)04(02(07)))"
#define CRL                                                                                        \
	"30(30(02(01)" ALG "30(31(30(06(550403)0c('R'))))"                                         \
	"17('260102030405Z')17('491231235959Z')"                                                   \
	"30(" ONE TWO ")a0(30(" AKI NUM ")))" ALG "03(00'sig'))"

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Up to the end or the bracket that closes; how many bytes. */
static size_t expand(const char **at, uint8_t *out)
{
	const char *p = *at;
	size_t n = 0, len, head;

	while (*p && *p != ')') {
		if (*p == '\'') {
			for (p++; *p != '\''; p++)
				out[n++] = (uint8_t)*p;
			p++;
		} else if (*p == '(') {
			p++;
			len = expand(&p, out + n + 3);
			p++;
			head = len < 0x80 ? 1 : len < 0x100 ? 2 : 3;
			memmove(out + n + head, out + n + 3, len);
			out[n] = (uint8_t)(head == 1 ? len : 0x7f + head);
			if (head > 1)
				out[n + head - 1] = (uint8_t)len;
			if (head > 2)
				out[n + 1] = (uint8_t)(len >> 8);
			n += head + len;
		} else {
			out[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
			p += 2;
		}
	}
	*at = p;
	return n;
}

/* What text stands for, find in it replaced by put; the bytes are the sanitizer's behind the end.
 */
static struct ds_span make(const char *text, const char *find, const char *put)
{
	char edited[4096];
	uint8_t der[4096], *copy;
	const char *at = strstr(text, find), *p = edited;
	size_t n;

	if (!at)
		fail_msg("%s is not there", find);
	(void)snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, put,
		       at + strlen(find));
	n = expand(&p, der);
	copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, der, n);
	return DS_SPAN(copy, n);
}

struct row {
	const char *find, *put; /* the first one */
	bool ok;
};

static void try_rows(const char *text, const struct row *rows, size_t n, bool list)
{
	for (size_t i = 0; i < n; i++) {
		struct ds_span der = make(text, rows[i].find, rows[i].put);
		struct ds_icert cert = { 0 };
		struct ds_icrl crl = { 0 };
		int r = list ? ds_icrl_parse(der, &crl) : ds_icert_parse(der, &cert);

		if (r != (rows[i].ok ? 0 : -EBADMSG))
			fail_msg("row %zu: %s -> %s: %d", i, rows[i].find, rows[i].put, r);
		if (r)
			assert_true(!cert.tbs.n && !crl.tbs.n);
		free((void *)der.p);
	}
}

static void what_it_says(void **state)
{
	struct ds_span der = make(CERT, "", "");
	struct ds_icert c;

	assert_int_equal(ds_icert_parse(der, &c), 0);
	assert_true(c.tbs.p == der.p + 4 && c.tbs.n > 256 && c.tbs.p[0] == 0x30);
	assert_true(ds_span_eq(c.sig, DS_SPAN_LIT("sig")));
	assert_true(ds_span_eq(c.serial, DS_SPAN_LIT("\x03\xe7")));
	assert_true(ds_span_eq(c.subject, DS_SPAN_LIT("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03"
						      "\x13\x03PCK")));
	assert_int_equal(c.issuer.n, 26);
	assert_true(ds_span_eq(c.cn, DS_SPAN_LIT("PCK")));
	assert_int_equal(c.from, 1767323045);
	assert_int_equal(c.to, 2524607999);
	assert_memory_equal(c.xy, "0123456789abcdef0123456789abcdef0123456789abcdef", 48);
	assert_true(ds_span_eq(c.aki, DS_SPAN_LIT("root")));
	assert_true(ds_span_eq(c.ski, DS_SPAN_LIT("leaf")));
	assert_int_equal(c.usage, DS_ICERT_CERT_SIGN | DS_ICERT_CRL_SIGN);
	assert_true(c.ca);
	assert_int_equal(c.pathlen, 0);
	assert_true(ds_span_eq(c.sgx, DS_SPAN_LIT("ext")));
	free((void *)der.p);

	der = make(CERT, "30(01(ff)02(00))", "30()");
	assert_int_equal(ds_icert_parse(der, &c), 0);
	assert_true(!c.ca && c.pathlen == -1);
	free((void *)der.p);
	der = make(CERT, "01(ff)02(00)", "01(ff)");
	assert_int_equal(ds_icert_parse(der, &c), 0);
	assert_true(c.ca && c.pathlen == -1);
	free((void *)der.p);
	der = make(CERT, "17('26", "17('70");
	assert_int_equal(ds_icert_parse(der, &c), 0);
	assert_int_equal(c.from, 97445); /* 1970 */
	free((void *)der.p);
}

static void certificates(void **state)
{
	static const struct row rows[] = {
		{ "", "", true },
		{ "sig'))", "sig'))00", false },
		{ "sig'))", "sig')00)", false },
		{ "03(00'sig')", "", false },
		{ "03(00'sig')", "03()", false },
		{ "03(00'sig')", "03(01'sig')", false },
		{ "03(00'sig')", "04(00'sig')", false },
		{ ALG "03(00'", "03(00'", false },
		{ ALG "03(00'", "300a06082a8648ce3d04030303(00'", false },
		{ "30(30(a0", "31(30(a0", false },
		{ "30(30(a0", "30(31(a0", false },
		/* version and serial number */
		{ "a0(02(02))", "", false },
		{ "a0(02(02))", "a0(02(01))", false },
		{ "02(03e7)", "02(00e7)", true },
		{ "02(03e7)", "02(00)", true },
		{ "02(03e7)", "02()", false },
		{ "02(03e7)", "02(83e7)", false },
		{ "02(03e7)", "02(0067)", false },
		{ "02(03e7)", "04(03e7)", false },
		{ "02(03e7)", "02('123456789012345678901')", true },
		{ "02(03e7)", "02('1234567890123456789012')", false },
		{ ALG, "", false },
		{ ALG, "300a06082a8648ce3d040303", false },
		{ ALG, "300c06082a8648ce3d0403020500", false },
		/* names */
		{ "30(31(30(06(55040a", "31(31(30(06(55040a", false },
		{ "31(30(06(55040a", "30(30(06(55040a", false },
		{ "30(06(55040a", "31(06(55040a", false },
		{ "06(55040a)", "04(55040a)", false },
		{ "06(55040a)", "06(55050a)", false },
		{ "06(55040a)", "06(54040a)", false },
		{ "06(55040a)", "06(55)", false },
		{ "06(55040a)", "06(5504)", false },
		{ "06(55040a)", "06(55048a)", false },
		{ "06(55040a)", "06(55040a01)", false },
		{ "06(55040a)", "06(550403)", false },
		{ "06(550403)", "06(550404)", false },
		{ "13('I')", "", false },
		{ "13('I')", "13()", false },
		{ "13('I')", "16('I')", false },
		{ "13('I')", "13(1f)", false },
		{ "13('I')", "13('I'7f)", false },
		{ "13('I')", "13('I')00", false },
		{ "13('I'))", "13('I'))00", false },
		{ "0c('R')", "0c(c3a4)", false },
		{ "0c('R')", "", false },
		{ "30(06(550403)13('PCK'))", "30(06(550403)13('PCK'))00", false },
		{ "31(30(06(550403)13('PCK')))", "", false },
		{ "31(30(06(550403)13('PCK')))", "31(30(06(550404)13('PCK')))", false },
		{ "31(30(06(550403)13('PCK')))", "31()", false },
		/* dates */
		{ "30(17('26", "31(17('26", false },
		{ "17('260102030405Z')", "", false },
		{ "17('491231235959Z')", "", false },
		{ "17('491231235959Z')", "17('491231235959Z')00", false },
		{ "17('260102030405Z')", "16('260102030405Z')", false },
		{ "17('260102030405Z')", "17('260102030405')", false },
		{ "17('260102030405Z')", "17('260102030405Z'00)", false },
		{ "17('260102030405Z')", "17('260102030405X')", false },
		{ "17('260102030405Z')", "17('261302030405Z')", false },
		{ "17('260102030405Z')", "17('2601020304xxZ')", false },
		{ "17('260102030405Z')", "18('20260102030405Z')", false },
		{ "17('260102030405Z')", "18('20491231235959Z')", false },
		{ "17('260102030405Z')", "18('20500101000000Z')", true },
		{ "17('260102030405Z')", "18('20500101000000.5Z')", false },
		{ "17('260102030405Z')", "18('20500101000000Z'00)", false },
		{ "17('260102030405Z')", "18('2')", false },
		{ "17('491231235959Z')", "17('491231235960Z')", false },
		/* the key */
		{ "2a8648ce3d030107", "2b81040022", false },
		{ "03(0004", "03(0002", false },
		{ "def')", "de')", false },
		{ "def')", "deff')", false },
		{ EXTS, SHORT_EXTS, true },
		{ SPKI EXTS, "3059301306072a8648ce3d020106082a8648ce3d03010703420004" SHORT_EXTS,
		  false },
		/* extensions */
		{ "a3(30(", "a3(31(", false },
		{ "a3(30(", "a0(30(", false },
		{ "'ext')))", "'ext'))00)", false },
		{ "'ext'))))", "'ext')))00)", false },
		{ "'ext'))))", "'ext'))))00", false },
		{ AKI, "", false },
		{ SKI, "", false },
		{ USE, "", false },
		{ BASIC, "", false },
		{ URL, "", true },
		{ EXT, "", true },
		{ AKI, AKI AKI, false },
		{ SKI, SKI SKI, false },
		{ USE, USE USE, false },
		{ BASIC, BASIC BASIC, false },
		{ URL, URL URL, false },
		{ EXT, EXT EXT, false },
		{ EXT, NUM, false },
		{ EXT, "30(06(551d12)04(00))", false },
		{ EXT, "30(06(551d00)04(00))", false },
		{ EXT, "30(06(551d25)04(00))", false },
		{ EXT, "30(06(551d40)04(00))", false },
		{ EXT, "30(06(551e0e)04(00))", false },
		{ EXT, "30(06(561d0e)04(00))", false },
		{ EXT, "30(06(551d)04(00))", false },
		{ EXT, "30(06(2a864886f84d010d02)04('ext'))", false },
		{ "30(06(2a86", "31(06(2a86", false },
		{ "06(2a864886f84d01", "04(2a864886f84d01", false },
		{ "04('ext')", "04()", false },
		{ "04('ext')", "05('ext')", false },
		{ "04('ext')", "04('ext')00", false },
		{ "04('ext')", "01(ff)04('ext')", false },
		{ "04('ext')", "01(00)04('ext')", false },
		{ "04('ext')", "01(01)04('ext')", false },
		{ "06(551d23)", "06(551d23)01(ff)", false },
		{ "06(551d0e)", "06(551d0e)01(ff)", false },
		{ "06(551d0f)01(ff)", "06(551d0f)", false },
		{ "06(551d13)01(ff)", "06(551d13)", false },
		{ "06(551d1f)", "06(551d1f)01(ff)", false },
		{ "30(80('root'))", "31(80('root'))", false },
		{ "30(80('root'))", "30(80('root'))00", false },
		{ "80('root')", "", false },
		{ "80('root')", "80()", false },
		{ "80('root')", "81('root')", false },
		{ "80('root')", "80('root')82(01)", false },
		{ "04('leaf')", "", false },
		{ "04('leaf')", "04()", false },
		{ "04('leaf')", "03('leaf')", false },
		{ "04('leaf')", "04('leaf')00", false },
		{ "03(0106)", "03(0006)", true },
		{ "03(0106)", "03(0780)", true },
		{ "03(0106)", "04(0106)", false },
		{ "03(0106)", "03()", false },
		{ "03(0106)", "03(01)", false },
		{ "03(0106)", "03(0206)", false },
		{ "03(0106)", "03(0106)00", false },
		{ "03(0106)", "03(010600)", false },
		{ "03(0106)", "03(0000)", false },
		{ "03(0106)", "03(0880)", false },
		{ "04(30(01(ff)02(00)))", "04()", false },
		{ "30(01(ff)02(00))", "31(01(ff)02(00))", false },
		{ "30(01(ff)02(00))", "30(01(ff)02(00))00", false },
		{ "30(01(ff)02(00))", "30(01(00))", false },
		{ "30(01(ff)02(00))", "30(01(01))", false },
		{ "30(01(ff)02(00))", "30(02(00))", false },
		{ "30(01(ff)02(00))", "30(01(ff)02(00ff))", true },
		{ "30(01(ff)02(00))", "30(01(ff)02(0100))", false },
		{ "30(01(ff)02(00))", "30(01(ff)02(ff))", false },
		{ "30(01(ff)02(00))", "30(01(ff)02(00)00)", false },
		{ "30(30(a0(a0(86('http://x')))))", "31(30(a0(a0(86('http://x')))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(31(a0(a0(86('http://x')))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a1(a0(86('http://x')))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a0(a1(86('http://x')))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a0(a0(82('http://x')))))", false },
		{ "86('http://x')))", "86('http://x'))00)", false },
		{ "86('http://x'))))", "86('http://x')))00)", false },
		{ "86('http://x')))))", "86('http://x'))))00)", false },
		{ "86('http://x'))))))", "86('http://x')))))00)", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a0(a0(86()))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a0(a0(86(0a)))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a0(a0(86('x')86('y')))))", false },
		{ "30(30(a0(a0(86('http://x')))))", "30(30(a0(a0(86('x')))82(00)))", false },
	};

	try_rows(CERT, rows, DS_ARRAY_SIZE(rows), false);
}

static void lists(void **state)
{
	static const struct row rows[] = {
		{ "", "", true },
		{ "sig'))", "sig'))00", false },
		{ "02(01)", "", false },
		{ "02(01)", "02(00)", false },
		{ "02(01)", "02(02)", false },
		{ ALG, "", false },
		{ ALG, "300a06082a8648ce3d040303", false },
		{ "30(31(30(06(550403)0c('R'))))", "", false },
		{ "30(31(30(06(550403)0c('R'))))", "30()", false },
		{ "17('260102030405Z')", "", false },
		{ "17('260102030405Z')", "17('260102030405X')", false },
		{ "17('491231235959Z')", "17('491231235959X')", false },
		{ "30(" ONE TWO ")", "", true },
		{ "30(" ONE TWO ")", "30()", true },
		{ "30(" ONE TWO ")", "31(" ONE TWO ")", false },
		{ ONE, "31()", false },
		{ ONE, "30(17('260101000000Z'))", false },
		{ ONE, "30(02(83)17('260101000000Z'))", false },
		{ ONE, "30(02(03))", false },
		{ ONE, "30(02(03)16('260101000000Z'))", false },
		{ ONE, "30(02(03)18('20500101000000Z'))", true },
		{ ONE, "30(02(03)17('260101000000Z')00)", false },
		{ "30(30(06(551d15)", "31(30(06(551d15)", false },
		{ "30(06(551d15)04(0a(01)))", "", false },
		{ "30(06(551d15)04(0a(01)))", "31(06(551d15)04(0a(01)))", false },
		{ "30(06(551d15)04(0a(01)))", "30(06(551d15)04(0a(01)))00", false },
		{ "30(30(06(551d15)04(0a(01))))", "30(30(06(551d15)04(0a(01))))00", false },
		{ "06(551d15)", "06(551d14)", false },
		{ "06(551d15)", "06(551d15)01(ff)", false },
		{ "04(0a(01))", "04(0a(06))", true },
		{ "04(0a(01))", "04(0a(07))", false }, /* none has this number */
		{ "04(0a(01))", "04(0a(08))", false }, /* taken back */
		{ "04(0a(01))", "04(0a(01))00", false },
		{ "04(0a(01))", "04(02(01))", false },
		{ "04(0a(01))", "04()", false },
		{ "04(0a(01))", "04(0a(01)00)", false },
		{ "a0(30(30", "a3(30(30", false },
		{ "a0(30(30", "a0(31(30", false },
		{ "04(02(07))))", "04(02(07)))00)", false },
		{ "04(02(07)))))", "04(02(07))))00)", false },
		{ "04(02(07)))))", "04(02(07)))))00", false },
		{ "04(30(80('root')))", "04(30(80('root')))00", false },
		{ AKI, "", false },
		{ NUM, "", false },
		{ AKI, AKI AKI, false },
		{ NUM, NUM NUM, false },
		{ NUM, NUM SKI, false },
		{ NUM, NUM "31()", false },
		{ NUM, NUM "30(06(551d1b)04(02(01)))", false }, /* a delta */
		{ NUM, NUM "30(06(551d1c)01(ff)04(30()))", false },
		{ "06(551d14)", "06(551d14)01(ff)", false },
		{ "06(551d23)", "06(551d23)01(ff)", false },
		{ "80('root')", "80()", false },
		{ "04(02(07))", "04()", false },
		{ "04(02(07))", "04(04(07))", false },
		{ "04(02(07))", "04(02(87))", false },
		{ "04(02(07))", "04(02(07)00)", false },
	};
	struct ds_span der = make(CRL, "", "");
	struct ds_icrl c;

	try_rows(CRL, rows, DS_ARRAY_SIZE(rows), true);
	assert_int_equal(ds_icrl_parse(der, &c), 0);
	assert_true(c.tbs.p == der.p + 3 && ds_span_eq(c.sig, DS_SPAN_LIT("sig")));
	assert_int_equal(c.issuer.n, 14);
	assert_int_equal(c.from, 1767323045);
	assert_int_equal(c.to, 2524607999);
	assert_true(ds_span_eq(c.aki, DS_SPAN_LIT("root")));
	assert_true(ds_icrl_lists(&c, DS_SPAN_LIT("\x03")));
	assert_true(ds_icrl_lists(&c, DS_SPAN_LIT("\x03\xe7")));
	assert_false(ds_icrl_lists(&c, DS_SPAN_LIT("\x03\xe8")));
	assert_false(ds_icrl_lists(&c, DS_SPAN_LIT("\xe7")));
	free((void *)der.p);
	der = make(CRL, "30(" ONE TWO ")", "");
	assert_int_equal(ds_icrl_parse(der, &c), 0);
	assert_false(ds_icrl_lists(&c, DS_SPAN_LIT("\x03")));
	free((void *)der.p);
}

static void truncated(void **state)
{
	struct ds_span cert = make(CERT, "", ""), crl = make(CRL, "", "");
	struct ds_icert c;
	struct ds_icrl l;

	for (int list = 0; list < 2; list++) {
		struct ds_span all = list ? crl : cert;

		for (size_t n = 0; n < all.n; n++) {
			uint8_t *copy = malloc(n ? n : 1);

			assert_non_null(copy);
			memcpy(copy, all.p, n);
			assert_int_equal(list ? ds_icrl_parse(DS_SPAN(copy, n), &l)
					      : ds_icert_parse(DS_SPAN(copy, n), &c),
					 -EBADMSG);
			free(copy);
		}
		free((void *)all.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says),
		cmocka_unit_test(certificates),
		cmocka_unit_test(lists),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
