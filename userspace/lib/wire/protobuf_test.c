// SPDX-License-Identifier: Apache-2.0
/* Protobuf messages against their JSON objects: tables, every cut, every flipped byte. */
#include "../crypto/vec_test.h"

#include <ds/wire/protobuf.h>

static const struct ds_pb_field inner[] = {
	{ "k", 1, DS_PB_BYTES, 0, NULL },
	{ 0 },
};
static const struct ds_pb_field msg[] = {
	{ "u", 1, DS_PB_U32, 0, NULL },
	{ "s", 2, DS_PB_STR, 0, NULL },
	{ "b", 3, DS_PB_BYTES, 0, NULL },
	{ "w", 4, DS_PB_U64, 0, NULL },
	{ "f", 5, DS_PB_BOOL, 0, NULL },
	{ "list", 6, DS_PB_STR, DS_PB_REPEATED, NULL },
	{ "far", 100, DS_PB_U32, 0, NULL },
	{ "os", 7, DS_PB_STR, DS_PB_OPTIONAL, NULL },
	{ "ow", 8, DS_PB_U64, DS_PB_OPTIONAL, NULL },
	{ "m", 9, DS_PB_MSG, 0, inner },
	{ "ms", 10, DS_PB_MSG, DS_PB_REPEATED, inner },
	{ 0 },
};

static void check_decode(const char *in, const char *want)
{
	struct ds_err err = DS_ERR_NULL;
	json_t *o = NULL;
	char *text;
	int r = ds_pb_decode(msg, hex(in), &o, &err);

	if (*want != '{') {
		if (r != -EBADMSG || !strstr(err.msg, want) || o)
			fail_msg("%s: expected '%s', got %d '%s'", in, want, r, err.msg);
		return;
	}
	if (r)
		fail_msg("%s: %s", in, err.msg);
	text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	assert_string_equal(text, want);
	free(text);
	json_decref(o);
}

static void decodes(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "{}" },
		{ "0801", "{\"u\":1}" },
		{ "08ffffffff0f", "{\"u\":4294967295}" },
		{ "0801120161", "{\"u\":1,\"s\":\"a\"}" },
		{ "1a0200ff", "{\"b\":\"00ff\"}" },
		{ "1a00", "{\"b\":\"\"}" },
		{ "1200", "{\"s\":\"\"}" },
		{ "20ffffffffffffffff7f", "{\"w\":9223372036854775807}" },
		{ "2801", "{\"f\":true}" },
		{ "2802", "{\"f\":true}" },
		{ "2800", "{\"f\":false}" },
		{ "a00607", "{\"far\":7}" },
		/* the last one counts; lists grow */
		{ "08010802", "{\"u\":2}" },
		{ "120161120162", "{\"s\":\"b\"}" },
		{ "320161320162", "{\"list\":[\"a\",\"b\"]}" },
		/* more bytes than needed are a number too */
		{ "08818000", "{\"u\":1}" },
		{ "888000" "05", "{\"u\":5}" },
		/* unknown fields of every type */
		{ "a80601" "a9060000000000000000" "aa060161" "ad0600000000" "0801", "{\"u\":1}" },
		{ "f8ffffff0f01", "{}" },
		/* no such thing */
		{ "0001", "no field at byte 0" },
		{ "0800" "0700", "no field at byte 2" },
		{ "8080808010" "01", "no field" },
		{ "80ffffffffffffffffff01", "no field" },
		{ "ab06ac06", "wire type 3" },
		{ "ac06", "wire type 4" },
		{ "0b", "wire type 3" },
		{ "ae06", "wire type 6" },
		{ "0e01", "wire type 6" },
		{ "0880808080808080808080", "field 1 at byte 0" },
		{ "08ffffffffffffffffff02", "field 1 at byte 0" },
		{ "08", "field 1 at byte 0" },
		{ "1202" "61", "field 2 at byte 0" },
		{ "12ffffffffffffffffff01", "field 2 at byte 0" },
		{ "a906" "00000000000000", "field 101" },
		{ "ad06" "000000", "field 101" },
		/* another type than the table's */
		{ "0a0101", "field `u`: wire type 0 expected, found 2" },
		{ "1001", "field `s`: wire type 2 expected, found 0" },
		{ "0d01000000", "field `u`: wire type 0 expected, found 5" },
		{ "3000", "field `list`: wire type 2" },
		/* another value than the type's */
		{ "088080808010", "field `u`: number out of range" },
		{ "2080808080808080808001", "field `w`: number out of range" },
		{ "1201ff", "field `s`: text" },
		{ "1202" "6100", "field `s`: text" },
		{ "120100", "field `s`: text" },
		{ "3201ff", "field `list`: text" },
		{ "4a00", "field `m`" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		check_decode(rows[i].in, rows[i].want);
}

static void encodes(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: -EINVAL */
	} rows[] = {
		{ "{}", "" },
		{ "{\"u\":1,\"nobody\":2}", "0801" },
		/* nothing is the default, but for who says so */
		{ "{\"u\":0,\"s\":\"\",\"b\":\"\",\"w\":0,\"f\":false,\"list\":[],\"far\":0}", "" },
		{ "{\"os\":\"\",\"ow\":0}", "3a00" "4000" },
		{ "{\"os\":null,\"ow\":null,\"m\":null}", "" },
		{ "{\"m\":{}}", "4a00" },
		{ "{\"m\":{\"k\":\"01\"}}", "4a03" "0a0101" },
		{ "{\"ms\":[{\"k\":\"01\"},{}]}", "5203" "0a0101" "5200" },
		{ "{\"list\":[\"\",\"a\"]}", "3200" "320161" },
		{ "{\"w\":9223372036854775807}", "20ffffffffffffffff7f" },
		{ "{\"f\":true,\"far\":128}", "2801" "a0068001" },
		{ "{\"b\":\"00ff\"}", "1a0200ff" },
		{ "{\"b\":\"0\"}", NULL },
		{ "{\"b\":\"zz\"}", NULL },
		{ "{\"b\":1}", NULL },
		{ "{\"u\":-1}", NULL },
		{ "{\"u\":\"1\"}", NULL },
		{ "{\"f\":1}", NULL },
		{ "{\"s\":1}", NULL },
		{ "{\"m\":1}", NULL },
		{ "{\"list\":\"a\"}", NULL },
		{ "{\"list\":[1]}", NULL },
		{ "[]", NULL },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf out = DS_BUF_NULL;
		json_t *o = json_loads(rows[i].in, 0, NULL);
		int r = ds_pb_encode(msg, o, &out);

		json_decref(o);
		if (r != (rows[i].want ? 0 : -EINVAL))
			fail_msg("%s: %d", rows[i].in, r);
		if (rows[i].want)
			assert_hex(out.p, out.n, rows[i].want);
	}
}

/* A head that the caller completes is what the encoder writes. */
static void heads(void **state)
{
	uint8_t head[DS_PB_HEAD_MAX];

	assert_hex(head, ds_pb_head(1, 0, head), "0a00");
	assert_hex(head, ds_pb_head(100, 128, head), "a2068001");
	assert_hex(head, ds_pb_head((1u << 29) - 1, SIZE_MAX, head), "faffffff0fffffffffffffffffff01");
	assert_string_equal(ds_pb_find(msg, "far")->name, "far");
	assert_null(ds_pb_find(msg, "none"));
}

static void cut_and_flipped(void **state)
{
	static const char all[] = "08ac02" "120568656c6c6f" "1a0300ff10" "2080808080808001" "2801"
				  "320161" "320162" "a00607";
	struct ds_span whole = hex(all);
	uint8_t copy[64];

	memcpy(copy, whole.p, whole.n);
	for (size_t cut = 0; cut < whole.n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* a read beyond it is seen */
		struct ds_err err = DS_ERR_NULL;
		json_t *o = NULL;
		int r;

		memcpy(exact, copy, cut);
		r = ds_pb_decode(msg, DS_SPAN(exact, cut), &o, &err);
		assert_true(r == 0 || (r == -EBADMSG && err.msg[0] && !o));
		json_decref(o);
		free(exact);
	}
	for (size_t i = 0; i < whole.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			json_t *o = NULL;
			int r;

			copy[i] ^= (uint8_t)(1u << bit);
			r = ds_pb_decode(msg, DS_SPAN(copy, whole.n), &o, NULL);
			assert_true(r == 0 || (r == -EBADMSG && !o));
			json_decref(o);
			copy[i] ^= (uint8_t)(1u << bit);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(encodes),
		cmocka_unit_test(heads),
		cmocka_unit_test(cut_and_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
