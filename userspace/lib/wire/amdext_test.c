// SPDX-License-Identifier: Apache-2.0
/* Tests of lib/wire/amdext.c on extensions encoded here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/wire/amdext.h>

static const uint8_t base[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01 };

/* Short lengths are all that is needed, but for the outermost. */
static void tlv(struct ds_buf *b, uint8_t tag, const void *p, size_t n)
{
	assert_int_equal(ds_buf_add_u8(b, tag), 0);
	if (n > 255) {
		assert_int_equal(ds_buf_add(b, "\x82", 1), 0);
		assert_int_equal(ds_buf_add_u8(b, (uint8_t)(n >> 8)), 0);
	} else if (n > 127) {
		assert_int_equal(ds_buf_add(b, "\x81", 1), 0);
	}
	assert_int_equal(ds_buf_add_u8(b, (uint8_t)n), 0);
	assert_int_equal(ds_buf_add(b, p, n), 0);
}

/* Extension with OID base.arc1[.arc2] and this value; critical 0 or the byte of the BOOLEAN. */
static void ext(struct ds_buf *b, uint8_t arc1, uint8_t arc2, uint8_t critical, const void *p,
		size_t n)
{
	uint8_t oid[sizeof(base) + 2];
	DS_BUF struct ds_buf in = DS_BUF_NULL;

	memcpy(oid, base, sizeof(base));
	oid[sizeof(base)] = arc1;
	oid[sizeof(base) + 1] = arc2;
	tlv(&in, 0x06, oid, sizeof(oid) - !arc2);
	if (critical)
		tlv(&in, 0x01, &critical, 1);
	tlv(&in, 0x04, p, n);
	tlv(b, 0x30, in.p, in.n);
}

static void number(struct ds_buf *b, uint8_t arc1, uint8_t arc2, uint8_t v)
{
	uint8_t der[4] = { 0x02, v > 127 ? 2 : 1, 0, v };

	der[2] = v > 127 ? 0 : v;
	ext(b, arc1, arc2, 0, der, v > 127 ? 4 : 3);
}

/* What to do wrong. */
enum fault {
	FINE,
	NO_SEQUENCE,
	TRAILING,
	SPL_TWICE,
	SPL_256,
	SPL_NEGATIVE,
	SPL_PADDED,
	SPL_TRAILING,
	SPL_UNKNOWN,
	SPL_DEEP,
	SPL_NO_ARC,
	VERSION_TWICE,
	PRODUCT_TWICE,
	PRODUCT_EMPTY,
	PRODUCT_LONG,
	PRODUCT_CONTROL,
	PRODUCT_UTF8,
	HWID_63,
	HWID_TWICE,
	HWID_WRAPPED_63,
	HWID_WRAPPED_TRAILING,
	CSP_TWICE,
	BAD_BOOLEAN,
	SPL_ZERO,
	VERSION_256,
	PRODUCT_DEL,
	CSP_CONTROL,
	EXT_SET,
	EXT_NO_OID,
	EXT_NO_VALUE,
	EXT_TRAILING,
	FAULTS
};

static void add_spls(struct ds_buf *b, enum fault f)
{
	/* 3.2.5 */
	static const uint8_t deep[] = {
		0x30, 0x12, 0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c,
		0x78, 0x01, 0x03, 0x02, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00
	};
	static const uint8_t zero[] = { 0x30, 0x11, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c,
					0x78, 0x01, 0x03, 0x00, 0x04, 0x03, 0x02, 0x01, 0x00 };

	number(b, 3, 1, 1);
	if (f == SPL_256)
		ext(b, 3, 2, 0, "\2\2\1\0", 4);
	else if (f == SPL_NEGATIVE)
		ext(b, 3, 2, 0, "\2\1\x80", 3);
	else if (f == SPL_PADDED)
		ext(b, 3, 2, 0, "\2\2\0\1", 4);
	else if (f == SPL_TRAILING)
		ext(b, 3, 2, 0, "\2\1\1\0", 4);
	else if (f == SPL_DEEP)
		assert_int_equal(ds_buf_add(b, deep, sizeof(deep)), 0);
	else
		number(b, 3, 2, 2);
	for (uint8_t i = 3; i <= 9; i++)
		number(b, 3, i, (uint8_t)(i == 8 ? 0xd5 : i));
	if (f == SPL_TWICE)
		number(b, 3, 2, 2);
	if (f == SPL_ZERO)
		assert_int_equal(ds_buf_add(b, zero, sizeof(zero)), 0);
	if (f == SPL_UNKNOWN)
		number(b, 3, 10, 0);
	if (f == SPL_NO_ARC)
		number(b, 3, 0, 0);
}

static void add_texts(struct ds_buf *b, enum fault f)
{
	static const char long_name[] = "\x16\x20"
					"Milan-0123456789012345678901234567";
	const char *product = f == PRODUCT_CONTROL ? "\x16\x05Mil\1n"
			      : f == PRODUCT_DEL   ? "\x16\x05Mil\x7fn"
			      : f == PRODUCT_UTF8  ? "\x0c\x05Milan"
						   : "\x16\x08Milan-B0";

	if (f == PRODUCT_LONG)
		ext(b, 2, 0, 0, long_name, 2 + 0x20);
	else if (f == PRODUCT_EMPTY)
		ext(b, 2, 0, 0, "\x16\0", 2);
	else
		ext(b, 2, 0, 0, product, 2 + (size_t)product[1]);
	if (f == PRODUCT_TWICE)
		ext(b, 2, 0, 0, product, 2 + (size_t)product[1]);
	ext(b, 5, 0, 0,
	    f == CSP_CONTROL ? "\x16\x0f"
			       "CN=cloud.exa\1ple"
			     : "\x16\x0f"
			       "CN=cloud.example",
	    2 + 15);
	if (f == CSP_TWICE)
		ext(b, 5, 0, 0, "\x16\1x", 3);
}

static void add_hwid(struct ds_buf *b, enum fault f, size_t n, bool wrapped)
{
	uint8_t id[64];
	DS_BUF struct ds_buf in = DS_BUF_NULL;

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(0xa0 + i);
	if (wrapped)
		tlv(&in, 0x04, id, f == HWID_WRAPPED_63 ? n - 1 : n);
	else
		assert_int_equal(ds_buf_add(&in, id, f == HWID_63 ? n - 1 : n), 0);
	if (f == HWID_WRAPPED_TRAILING)
		assert_int_equal(ds_buf_add_u8(&in, 0), 0);
	ext(b, 4, 0, 0, in.p, in.n);
	if (f == HWID_TWICE)
		ext(b, 4, 0, 0, in.p, in.n);
}

static void build(enum fault f, size_t hwid, bool wrapped, struct ds_buf *out)
{
	static const uint8_t key_usage[] = { 0x30, 0x0b, 0x06, 0x03, 0x55, 0x1d, 0x0f,
					     0x04, 0x04, 0x03, 0x02, 0x07, 0x80 };
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(ds_buf_add(&b, key_usage, sizeof(key_usage)), 0);
	if (f == VERSION_256)
		ext(&b, 1, 0, 0xff, "\2\2\1\0", 4);
	else
		ext(&b, 1, 0, f == BAD_BOOLEAN ? 1 : 0xff, "\2\1\1", 3);
	/* extensions of somebody else, wrong in themselves */
	if (f == EXT_SET)
		tlv(&b, 0x31, key_usage + 2, sizeof(key_usage) - 2);
	if (f == EXT_NO_OID)
		tlv(&b, 0x30, key_usage + 7, sizeof(key_usage) - 7);
	if (f == EXT_NO_VALUE)
		tlv(&b, 0x30, key_usage + 2, 5);
	if (f == EXT_TRAILING)
		tlv(&b, 0x30, "\6\1\1\4\1\0\0", 7);
	if (f == VERSION_TWICE)
		number(&b, 1, 0, 0);
	add_texts(&b, f);
	add_spls(&b, f);
	if (hwid)
		add_hwid(&b, f, hwid, wrapped);
	ext(&b, 6, 0, 0, "whatever", 8); /* unknown: skipped */
	ext(&b, 7, 1, 0, "whatever", 8);
	tlv(out, f == NO_SEQUENCE ? 0x31 : 0x30, b.p, b.n);
	if (f == TRAILING)
		assert_int_equal(ds_buf_add_u8(out, 0), 0);
}

static void reads_all_items(void **state)
{
	for (int wrapped = 0; wrapped < 2; wrapped++) {
		for (size_t n = 8; n <= 64; n += 56) {
			DS_BUF struct ds_buf b = DS_BUF_NULL;
			struct ds_amd_ext e;

			build(FINE, n, wrapped, &b);
			assert_int_equal(ds_amd_ext_parse(ds_buf_span(&b), &e, NULL), 0);
			assert_true(e.has_version);
			assert_int_equal(e.version, 1);
			assert_string_equal(e.product, "Milan-B0");
			assert_string_equal(e.csp_id, "CN=cloud.exampl");
			assert_int_equal(e.has_spl, 0x3fe);
			for (unsigned int i = 1; i <= 9; i++)
				assert_int_equal(e.spl[i], i == 8 ? 0xd5 : i);
			assert_int_equal(e.hwid_len, n);
			assert_int_equal(e.hwid[0], 0xa0);
			assert_int_equal(e.hwid[n - 1], 0xa0 + n - 1);
		}
	}
}

static void absent_items_are_told(void **state)
{
	struct ds_amd_ext e;

	assert_int_equal(ds_amd_ext_parse(DS_SPAN_LIT("\x30\0"), &e, NULL), 0);
	assert_false(e.has_version || e.product[0] || e.has_spl || e.hwid_len || e.csp_id[0]);
}

static void refuses_the_rest(void **state)
{
	for (enum fault f = FINE + 1; f < FAULTS; f++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		struct ds_amd_ext e;

		build(f, 64, f == HWID_WRAPPED_63 || f == HWID_WRAPPED_TRAILING, &b);
		if (ds_amd_ext_parse(ds_buf_span(&b), &e, &err) != -EBADMSG || !err.msg[0])
			fail_msg("fault %d was accepted", f);
	}
}

static void truncated(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_amd_ext e;

	build(FINE, 64, true, &b);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, b.p, n);
		assert_int_equal(ds_amd_ext_parse(DS_SPAN(copy, n), &e, NULL), -EBADMSG);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_items),
		cmocka_unit_test(absent_items_are_told),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
