// SPDX-License-Identifier: Apache-2.0
/* Tests of the host input blob. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/limits.h>
#include <ds/base/rd.h>
#include <ds/wire/hostinput.h>

static struct ds_buf sample(void)
{
	struct ds_hostinput hi = { 0 };
	struct ds_buf b = DS_BUF_NULL;

	hi.item[DS_HI_APP_COMPOSE] = DS_SPAN_STR("{\"name\":\"x\"}");
	hi.item[DS_HI_SYS_CONFIG] = DS_SPAN_STR("{}");
	hi.has[DS_HI_APP_COMPOSE] = hi.has[DS_HI_SYS_CONFIG] = hi.has[DS_HI_USER_CONFIG] = true;
	assert_int_equal(ds_hostinput_encode(&hi, &b, NULL), 0);
	return b;
}

static void round_trip(void **state)
{
	DS_BUF struct ds_buf b = sample();
	struct ds_hostinput hi;

	assert_int_equal(b.n, 16 + 8 + 12 + 8 + 2 + 8);
	assert_int_equal(ds_hostinput_decode(ds_buf_span(&b), &hi, NULL), 0);
	assert_true(ds_span_eq(hi.item[DS_HI_APP_COMPOSE], DS_SPAN_STR("{\"name\":\"x\"}")));
	assert_true(ds_span_eq(hi.item[DS_HI_SYS_CONFIG], DS_SPAN_STR("{}")));
	assert_true(hi.has[DS_HI_USER_CONFIG]);
	assert_false(hi.has[DS_HI_INSTANCE_INFO]);
	assert_int_equal(hi.item[DS_HI_USER_CONFIG].n, 0);
}

static void truncated_at_each_length(void **state)
{
	DS_BUF struct ds_buf b = sample();
	struct ds_hostinput hi;
	struct ds_err err;

	for (size_t n = 0; n < b.n; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		assert_non_null(cut);
		memcpy(cut, b.p, n);
		assert_int_equal(ds_hostinput_decode(DS_SPAN(cut, n), &hi, &err), -EBADMSG);
		/* the same with the header repaired, so that the items are reached */
		if (n >= 12) {
			ds_put_u32le(cut + 8, (uint32_t)n);
			assert_int_equal(ds_hostinput_decode(DS_SPAN(cut, n), &hi, &err), -EBADMSG);
		}
		free(cut);
	}
}

/* Offsets in sample(): item 1 head at 16, item 2 head at 36, item 5 head at 46. */
static const struct {
	const char *what;
	size_t at;
	uint32_t value;
	int expect;
	const char *msg;
} bad[] = {
	{ "magic", 0, 0x4b545344 + 1, -EBADMSG, "magic" },
	{ "total one more", 8, 55, -EBADMSG, "total size: header says 55, blob has 54" },
	{ "total zero", 8, 0, -EBADMSG, "total size" },
	{ "one item too few", 12, 2, -EBADMSG, "8 bytes after the last item" },
	{ "one item too many", 12, 4, -EBADMSG, "item: head is cut short" },
	{ "count beyond the kinds", 12, 7, -EBADMSG, "item count: 7, at most 6 expected" },
	{ "kind zero", 16, 0, -EBADMSG, "unknown kind 0" },
	{ "kind unknown", 16, 7, -EBADMSG, "unknown kind 7" },
	{ "kind wraps", 16, 0xffffffff, -EBADMSG, "unknown kind 4294967295" },
	{ "kind twice", 36, 1, -EBADMSG, "app-compose.json: given twice" },
	{ "compose missing", 16, 3, -EBADMSG, "app-compose.json is missing" },
	{ "config missing", 36, 4, -EBADMSG, ".sys-config.json is missing" },
	{ "length over the limit", 20, DS_MAX_APP_COMPOSE + 1, -EFBIG,
	  "app-compose.json: 1048577" },
	{ "length over what is left", 20, 31, -EBADMSG, "31 bytes declared, 30 left" },
	{ "length wraps", 40, 0xfffffffe, -EFBIG, ".sys-config.json: 4294967294" },
	{ "config empty", 40, 0, -EBADMSG, "" },
};

static void bad_fields_are_named(void **state)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		DS_BUF struct ds_buf b = sample();
		struct ds_hostinput hi;
		struct ds_err err = DS_ERR_NULL;

		ds_put_u32le(b.p + bad[i].at, bad[i].value);
		if (ds_hostinput_decode(ds_buf_span(&b), &hi, &err) != bad[i].expect ||
		    !strstr(err.msg, bad[i].msg))
			fail_msg("%s: %d %s", bad[i].what, err.code, err.msg);
	}
}

/* Every kind there is, up to its own limit; names tell them apart. */
static void each_kind(void **state)
{
	uint8_t *big = calloc(1, DS_MAX_HOST_INPUT);

	assert_non_null(big);
	for (unsigned int k = DS_HI_APP_COMPOSE; k < DS_HI_KINDS; k++) {
		struct ds_hostinput hi = { 0 }, out;
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;

		hi.has[DS_HI_APP_COMPOSE] = hi.has[DS_HI_SYS_CONFIG] = hi.has[k] = true;
		hi.item[DS_HI_APP_COMPOSE] = hi.item[DS_HI_SYS_CONFIG] = DS_SPAN(big, 1);
		hi.item[k] = DS_SPAN(big, ds_hostinput_max(k) + 1);
		assert_int_equal(ds_hostinput_encode(&hi, &b, &err), -EFBIG);
		assert_non_null(strstr(err.msg, ds_hostinput_name(k)));
		hi.item[k].n--;
		assert_int_equal(ds_hostinput_encode(&hi, &b, NULL), 0);
		assert_int_equal(ds_hostinput_decode(ds_buf_span(&b), &out, NULL), 0);
		assert_int_equal(out.item[k].n, ds_hostinput_max(k));
	}
	free(big);
	assert_string_equal(ds_hostinput_name(DS_HI_KMS_COLLATERAL), ".kms-collateral");
	assert_int_equal(ds_hostinput_max(DS_HI_KMS_COLLATERAL), DS_MAX_COLLATERAL);
	assert_null(ds_hostinput_name(DS_HI_KINDS));
	assert_int_equal(ds_hostinput_max(DS_HI_KINDS), 0);
}

static void limits_hold(void **state)
{
	struct ds_hostinput hi = { 0 }, out;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	size_t n = DS_MAX_HOST_INPUT + 1;
	uint8_t *big = calloc(1, n);

	assert_non_null(big);
	assert_int_equal(ds_hostinput_decode(DS_SPAN(big, n), &out, NULL), -EFBIG);
	hi.has[DS_HI_APP_COMPOSE] = hi.has[DS_HI_SYS_CONFIG] = true;
	hi.item[DS_HI_SYS_CONFIG] = DS_SPAN(big, 2);
	hi.item[DS_HI_APP_COMPOSE] = DS_SPAN(big, DS_MAX_APP_COMPOSE + 1);
	assert_int_equal(ds_hostinput_encode(&hi, &b, NULL), -EFBIG);
	hi.item[DS_HI_APP_COMPOSE].n--;
	assert_int_equal(ds_hostinput_encode(&hi, &b, NULL), 0);
	assert_int_equal(ds_hostinput_decode(ds_buf_span(&b), &out, NULL), 0);
	hi.has[DS_HI_SYS_CONFIG] = false;
	assert_int_equal(ds_hostinput_encode(&hi, &b, NULL), -EBADMSG);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(truncated_at_each_length),
		cmocka_unit_test(bad_fields_are_named),
		cmocka_unit_test(each_kind),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests_name("hostinput", tests, NULL, NULL);
}
