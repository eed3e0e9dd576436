// SPDX-License-Identifier: Apache-2.0
/* RLP: the examples of the yellow paper, and everything that is not canonical. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/text.h>
#include <ds/eth/rlp.h>

static void items(void **state)
{
	static const struct {
		const char *hex;
		bool list;
		size_t body; /* bytes of it */
	} t[] = {
		{ "83646f67", false, 3 },	 { "c88363617483646f67", true, 8 },
		{ "80", false, 0 },		 { "c0", true, 0 },
		{ "00", false, 1 },		 { "0f", false, 1 },
		{ "7f", false, 1 },		 { "8180", false, 1 },
		{ "820400", false, 2 },		 { "c7c0c1c0c3c0c1c0", true, 7 },
		{ "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572"
		  "206164697069736963696e6720656c6974",
		  false, 56 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_rlp item;
		uint8_t in[80];
		size_t n = strlen(t[i].hex) / 2;

		assert_int_equal(ds_hex_decode_exact(t[i].hex, in, n), 0);
		assert_int_equal(ds_rlp_single(DS_SPAN(in, n), &item, &err), 0);
		assert_int_equal(item.list, t[i].list);
		assert_int_equal(item.body.n, t[i].body);
		assert_int_equal(item.whole.n, n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(ds_rlp_single(DS_SPAN(in, k), &item, &err), -EBADMSG);
		in[n] = 0;
		assert_int_equal(ds_rlp_single(DS_SPAN(in, n + 1), &item, &err), -EBADMSG);
	}
}

static void bad(void **state)
{
	static const struct {
		const char *hex;
		int r;
	} t[] = {
		{ "8100", -EBADMSG }, { "817f", -EBADMSG }, /* one byte stands for itself */
		{ "b801ff", -EBADMSG }, /* short enough for the short form */
		{ "b837", -EBADMSG },	{ "b90038", -EBADMSG }, /* length with a zero in front */
		{ "bf0000000000000001", -EFBIG }, { "ffffffffffffffffff", -EFBIG },
		{ "bbffffffff", -EFBIG },	  { "baffffff", -EBADMSG },
		{ "f801c0", -EBADMSG },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_rlp item;
		uint8_t in[80] = { 0 };

		assert_int_equal(ds_hex_decode_exact(t[i].hex, in, strlen(t[i].hex) / 2), 0);
		if (ds_rlp_single(DS_SPAN(in, strlen(t[i].hex) / 2), &item, &err) != t[i].r)
			fail_msg("%s: %s", t[i].hex, err.msg);
	}
}

static void lists(void **state)
{
	static const uint8_t three[] = { 0x01, 0x80, 0xc1, 0x02 };
	struct ds_err err = DS_ERR_NULL;
	struct ds_rlp item[3];
	size_t n = 9;

	assert_int_equal(ds_rlp_items(DS_SPAN_ARRAY(three), item, 3, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_true(item[2].list);
	assert_int_equal(ds_rlp_items(DS_SPAN_ARRAY(three), item, 2, &n, &err), -EBADMSG);
	assert_int_equal(ds_rlp_items(DS_SPAN(three, 3), item, 3, &n, &err), -EBADMSG);
	assert_int_equal(ds_rlp_items(DS_SPAN_NULL, item, 3, &n, &err), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items),
		cmocka_unit_test(bad),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
