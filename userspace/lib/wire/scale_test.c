// SPDX-License-Identifier: Apache-2.0
/* SCALE lengths, strings and flags: tables. */
#include "../crypto/vec_test.h"

#include <ds/wire/scale.h>

#include "../base/edge_test.h"

static void compact_round_trip(void **state)
{
	static const struct {
		size_t n;
		const char *want;
	} rows[] = {
		{ 0, "00" },	       { 1, "04" },
		{ 63, "fc" },	       { 64, "0101" },
		{ 16383, "fdff" },     { 16384, "02000100" },
		{ 65535, "feff0300" }, { (1u << 30) - 1, "feffffff" },
	};
	size_t n;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_rd rd;

		assert_int_equal(ds_scale_add_compact(&b, rows[i].n), 0);
		assert_hex(b.p, b.n, rows[i].want);
		rd = ds_rd_init(ds_buf_span(&b));
		assert_int_equal(ds_scale_rd_compact(&rd, &n), 0);
		assert_int_equal(n, rows[i].n);
		assert_int_equal(ds_rd_end(&rd), 0);
		for (size_t cut = 0; cut < b.n; cut++) {
			rd = ds_rd_init(at_edge(b.p, cut));
			assert_int_equal(ds_scale_rd_compact(&rd, &n), -EBADMSG);
			assert_int_equal(ds_rd_pos(&rd), 0);
		}
	}
}

static void compact_refused(void **state)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = {
		{ "0100", -EBADMSG },	  /* 0 in two bytes */
		{ "fd00", -EBADMSG },	  /* 63 in two bytes */
		{ "02000000", -EBADMSG }, /* 0 in four */
		{ "feff0000", -EBADMSG }, /* 16383 in four */
		{ "0300000040", -EFBIG }, /* the big mode */
	};
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	size_t n = 77;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_rd rd = ds_rd_init(hex(rows[i].in));

		assert_int_equal(ds_scale_rd_compact(&rd, &n), rows[i].want);
		assert_int_equal(n, 77);
		assert_int_equal(ds_rd_pos(&rd), 0);
	}
	assert_int_equal(ds_scale_add_compact(&b, 1u << 30), -EFBIG);
}

static void strings_and_flags(void **state)
{
	struct ds_rd rd = ds_rd_init(hex("0c616263"));
	struct ds_span s;
	char *text = NULL;
	bool flag;

	assert_int_equal(ds_scale_rd_bytes(&rd, 2, &s), -EFBIG);
	assert_int_equal(ds_scale_rd_str(&rd, 3, &text), 0);
	assert_string_equal(text, "abc");
	free(text);
	rd = ds_rd_init(hex("0c6162"));
	assert_int_equal(ds_scale_rd_bytes(&rd, 9, &s), -EBADMSG);
	assert_int_equal(ds_scale_rd_str(&rd, 9, &text), -EBADMSG);
	rd = ds_rd_init(hex("0c610062"));
	assert_int_equal(ds_scale_rd_str(&rd, 9, &text), -EBADMSG);
	rd = ds_rd_init(hex("00"));
	assert_int_equal(ds_scale_rd_str(&rd, 9, &text), 0);
	assert_string_equal(text, "");
	free(text);
	rd = ds_rd_init(hex("0001"));
	assert_int_equal(ds_scale_rd_bool(&rd, &flag), 0);
	assert_false(flag);
	assert_int_equal(ds_scale_rd_bool(&rd, &flag), 0);
	assert_true(flag);
	assert_int_equal(ds_scale_rd_bool(&rd, &flag), -EBADMSG); /* the end */
	rd = ds_rd_init(hex("02"));
	assert_int_equal(ds_scale_rd_bool(&rd, &flag), -EBADMSG);
}

static void utf8(void **state)
{
	static const struct {
		const char *in;
		bool ok;
	} rows[] = {
		{ "", true },	       { "01", true },	      { "7f", true },
		{ "c280", true },      { "dfbf", true },      { "e0a080", true },
		{ "ed9fbf", true },    { "ee8080", true },    { "f0908080", true },
		{ "f48fbfbf", true },  { "00", false },	      { "6100", false },
		{ "80", false },       { "c2", false },	      { "c1bf", false },
		{ "e09fbf", false },   { "eda080", false },   { "edbfbf", false },
		{ "f08fbfbf", false }, { "f4908080", false }, { "f8888080", false },
		{ "c2c2", false },     { "e0a0", false },     { "ff", false },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		assert_int_equal(ds_utf8_ok(hex(rows[i].in)), rows[i].ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compact_round_trip),
		cmocka_unit_test(compact_refused),
		cmocka_unit_test(strings_and_flags),
		cmocka_unit_test(utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
