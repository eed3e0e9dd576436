// SPDX-License-Identifier: Apache-2.0
/* MessagePack heads, skipping and bytes: tables. */
#include "../crypto/vec_test.h"

#include <ds/wire/msgpack.h>

static void heads(void **state)
{
	static const struct {
		const char *in;
		int want;
		enum ds_mp_type type;
		uint64_t num;
		size_t str;
	} rows[] = {
		{ "00", 0, DS_MP_UINT, 0, 0 },
		{ "7f", 0, DS_MP_UINT, 127, 0 },
		{ "ccff", 0, DS_MP_UINT, 255, 0 },
		{ "cd0100", 0, DS_MP_UINT, 256, 0 },
		{ "ce00010000", 0, DS_MP_UINT, 65536, 0 },
		{ "cfffffffffffffffff", 0, DS_MP_UINT, UINT64_MAX, 0 },
		{ "c0", 0, DS_MP_NIL, 0, 0 },
		{ "c2", 0, DS_MP_BOOL, 0, 0 },
		{ "c3", 0, DS_MP_BOOL, 1, 0 },
		{ "a161", 0, DS_MP_STR, 0, 1 },
		{ "d90161", 0, DS_MP_STR, 0, 1 },
		{ "da000161", 0, DS_MP_STR, 0, 1 },
		{ "db0000000161", 0, DS_MP_STR, 0, 1 },
		{ "c40161", 0, DS_MP_BIN, 0, 1 },
		{ "c5000161", 0, DS_MP_BIN, 0, 1 },
		{ "c60000000161", 0, DS_MP_BIN, 0, 1 },
		{ "9100", 0, DS_MP_ARRAY, 1, 0 },
		{ "dc000100", 0, DS_MP_ARRAY, 1, 0 },
		{ "dd0000000100", 0, DS_MP_ARRAY, 1, 0 },
		{ "810000", 0, DS_MP_MAP, 1, 0 },
		{ "de00010000", 0, DS_MP_MAP, 1, 0 },
		{ "df000000010000", 0, DS_MP_MAP, 1, 0 },
		/* counts and lengths that the input cannot hold */
		{ "92c0", -EBADMSG, 0, 0, 0 },
		{ "81c0", -EBADMSG, 0, 0, 0 },
		{ "ddffffffffc0c0", -EBADMSG, 0, 0, 0 },
		{ "dfffffffffc0c0", -EBADMSG, 0, 0, 0 },
		{ "c6ffffffff00", -EBADMSG, 0, 0, 0 },
		{ "dbffffffff00", -EBADMSG, 0, 0, 0 },
		/* types that evidence does not use */
		{ "c1", -EBADMSG, 0, 0, 0 },
		{ "ff", -EBADMSG, 0, 0, 0 },
		{ "d0ff", -EBADMSG, 0, 0, 0 },
		{ "ca00000000", -EBADMSG, 0, 0, 0 },
		{ "cb0000000000000000", -EBADMSG, 0, 0, 0 },
		{ "c70000", -EBADMSG, 0, 0, 0 },
		{ "d40000", -EBADMSG, 0, 0, 0 },
		{ "", -EBADMSG, 0, 0, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_span in = hex(rows[i].in);
		struct ds_rd rd = ds_rd_init(in);
		struct ds_mp mp;

		assert_int_equal(ds_mp_rd(&rd, &mp), rows[i].want);
		if (rows[i].want) {
			assert_int_equal(ds_rd_pos(&rd), 0);
			continue;
		}
		assert_int_equal(mp.type, rows[i].type);
		assert_true(mp.num == rows[i].num);
		assert_int_equal(mp.str.n, rows[i].str);
		rd = ds_rd_init(in);
		assert_int_equal(ds_mp_skip(&rd), 0);
		assert_int_equal(ds_rd_end(&rd), 0);
		for (size_t n = 0; n < in.n; n++) {
			rd = ds_rd_init(DS_SPAN(in.p, n));
			assert_int_equal(ds_mp_skip(&rd), -EBADMSG);
		}
	}
}

static void skipping_is_bounded(void **state)
{
	uint8_t deep[64];
	struct ds_rd rd;

	memset(deep, 0x91, sizeof(deep)); /* arrays of one array of one ... */
	deep[15] = 0xc0;
	rd = ds_rd_init(DS_SPAN(deep, 16));
	assert_int_equal(ds_mp_skip(&rd), 0);
	deep[15] = 0x91;
	deep[16] = 0xc0;
	rd = ds_rd_init(DS_SPAN(deep, 17));
	assert_int_equal(ds_mp_skip(&rd), -EBADMSG);
	rd = ds_rd_init(hex("9281a16192c00180c3"));
	assert_int_equal(ds_mp_skip(&rd), 0);
	assert_int_equal(ds_rd_left(&rd), 1);
}

static void bytes(void **state)
{
	static const struct {
		const char *in;
		int want;
		const char *out;
	} rows[] = {
		{ "c403010203", 0, "010203" },
		{ "9301cc80ccff", 0, "0180ff" },
		{ "90", 0, "" },
		{ "c400", 0, "" },
		{ "c40501020304ff", -EFBIG, NULL },
		{ "950102030405", -EFBIG, NULL },
		{ "92cd010000", -EBADMSG, NULL },
		{ "91a161", -EBADMSG, NULL },
		{ "9201c1", -EBADMSG, NULL }, /* a byte, and what is no value */
		{ "92c101", -EBADMSG, NULL },
		{ "a3616263", -EBADMSG, NULL },
		{ "", -EBADMSG, NULL },
		{ "c0", -EBADMSG, NULL },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf out = DS_BUF_NULL;
		struct ds_rd rd = ds_rd_init(hex(rows[i].in));

		assert_int_equal(ds_mp_rd_bytes(&rd, 4, &out), rows[i].want);
		if (!rows[i].want)
			assert_hex(out.p, out.n, rows[i].out);
	}
}

static void writing_reads_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000 };
	static uint8_t zero[70000];

	for (size_t i = 0; i < DS_ARRAY_SIZE(sizes); i++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_span s = DS_SPAN(zero, sizes[i]);
		struct ds_mp mp[5];
		struct ds_rd rd;

		assert_int_equal(ds_mp_add_uint(&b, sizes[i]), 0);
		assert_int_equal(ds_mp_add_str(&b, s), 0);
		assert_int_equal(ds_mp_add_bin(&b, s), 0);
		assert_int_equal(ds_mp_add_array(&b, (uint32_t)sizes[i]), 0);
		assert_int_equal(ds_buf_add(&b, zero, sizes[i]), 0);
		assert_int_equal(ds_mp_add_map(&b, (uint32_t)sizes[i]), 0);
		assert_int_equal(ds_buf_add(&b, zero, sizes[i]), 0);
		assert_int_equal(ds_buf_add(&b, zero, sizes[i]), 0);
		rd = ds_rd_init(ds_buf_span(&b));
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(ds_mp_rd(&rd, &mp[k]), 0);
		assert_int_equal(ds_rd_skip(&rd, sizes[i]), 0);
		assert_int_equal(ds_mp_rd(&rd, &mp[4]), 0);
		assert_int_equal(ds_rd_left(&rd), 2 * sizes[i]);
		assert_int_equal(mp[0].num, sizes[i]);
		assert_int_equal(mp[1].str.n, sizes[i]);
		assert_int_equal(mp[2].str.n, sizes[i]);
		assert_int_equal(mp[3].num, sizes[i]);
		assert_int_equal(mp[4].num, sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(skipping_is_bounded),
		cmocka_unit_test(bytes),
		cmocka_unit_test(writing_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
