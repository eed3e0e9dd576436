// SPDX-License-Identifier: Apache-2.0
/* Certificate extension .9. */
#include "../crypto/vec_test.h"

#include <ds/wire/appinfo.h>
#include <ds/wire/msgpack.h>

#define BASE                                                                                       \
	"99"                                                                                       \
	"c40101"                                                                                   \
	"c40102"                                                                                   \
	"c40103"                                                                                   \
	"c40104"                                                                                   \
	"c40105"                                                                                   \
	"c40106"                                                                                   \
	"c40107"                                                                                   \
	"c40108"

static const char *const names[] = { "app_id",	      "compose_hash",	  "instance_id",
				     "device_id",     "mr_system",	  "mr_aggregated",
				     "os_image_hash", "key_provider_info" };

static void array_form(void **state)
{
	static const char *const rows[] = { BASE "c0", BASE "90", BASE "92c402aabbc400" };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL, none = DS_APP_INFO_NULL;
		DS_BUF struct ds_buf out = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		struct ds_span in = hex(rows[i]);

		assert_int_equal(ds_app_info_decode(in, &info, &err), 0);
		assert_hex(info.app_id.p, info.app_id.n, "01");
		assert_hex(info.key_provider_info.p, info.key_provider_info.n, "08");
		assert_int_equal(info.has_init_script_hashes, i > 0);
		assert_int_equal(info.n_init_script_hashes, i == 2 ? 2 : 0);
		assert_int_equal(ds_app_info_encode(&info, &out), 0);
		assert_hex(out.p, out.n, rows[i]);
		for (size_t n = 0; n < in.n; n++)
			assert_int_equal(ds_app_info_decode(DS_SPAN(in.p, n), &none, &err),
					 -EBADMSG);
	}
}

/* A map, here with one more key and in another order. */
static void map_form(void **state)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL, twice = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_mp_add_map(&b, 9), 0);
	assert_int_equal(ds_mp_add_str(&b, DS_SPAN_LIT("new")), 0);
	assert_int_equal(ds_mp_add_uint(&b, 300), 0);
	for (uint8_t i = 8; i-- > 0;) {
		uint8_t v = (uint8_t)(i + 1);

		assert_int_equal(ds_mp_add_str(&b, DS_SPAN_STR(names[i])), 0);
		assert_int_equal(ds_mp_add_bin(&b, DS_SPAN(&v, 1)), 0);
	}
	assert_int_equal(ds_app_info_decode(ds_buf_span(&b), &info, &err), 0);
	assert_hex(info.instance_id.p, info.instance_id.n, "03");
	assert_false(info.has_init_script_hashes);
	/* without the last pair app_id is missing; with app_id instead of "new" it is there twice
	 */
	ds_app_info_done(&info);
	b.p[0]--;
	assert_int_equal(ds_app_info_decode(DS_SPAN(b.p, b.n - 10), &info, &err), -EBADMSG);
	assert_string_equal(err.msg, "app_id: malformed, missing or twice");
	assert_int_equal(ds_mp_add_map(&twice, 2), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ds_mp_add_str(&twice, DS_SPAN_LIT("app_id")), 0);
		assert_int_equal(ds_mp_add_bin(&twice, DS_SPAN_LIT("x")), 0);
	}
	assert_int_equal(ds_app_info_decode(ds_buf_span(&twice), &info, &err), -EBADMSG);
	/* complete, and then once more */
	b.p[0]++;
	b.p[0]++;
	assert_int_equal(ds_mp_add_str(&b, DS_SPAN_LIT("mr_system")), 0);
	assert_int_equal(ds_mp_add_bin(&b, DS_SPAN_LIT("y")), 0);
	assert_int_equal(ds_app_info_decode(ds_buf_span(&b), &info, &err), -EBADMSG);
	assert_string_equal(err.msg, "mr_system: malformed, missing or twice");
}

static void too_many_scripts_are_not_written(void **state)
{
	struct ds_buf hashes[65] = { { 0 } };
	struct ds_app_info info = { .has_init_script_hashes = true, .init_script_hashes = hashes };
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	info.n_init_script_hashes = 65;
	assert_int_equal(ds_app_info_encode(&info, &out), -EFBIG);
	assert_int_equal(out.n, 0);
	info.n_init_script_hashes = 64;
	assert_int_equal(ds_app_info_encode(&info, &out), 0);
}

static void refused(void **state)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = {
		{ "97"
		  "c400c400c400c400c400c400c400",
		  -EBADMSG },
		{ "9a"
		  "c400c400c400c400c400c400c400c400c0c0",
		  -EBADMSG },
		{ BASE "c0c0", -EBADMSG },
		{ BASE "01", -EBADMSG },
		{ BASE "91a0", -EBADMSG },
		{ BASE "dc0041", -EBADMSG },
		{ "c0", -EBADMSG },
		{ "99a0", -EBADMSG },
		{ "98"
		  "a161a161a161a161a161a161a161a161",
		  -EBADMSG },
	};
	struct ds_app_info none = DS_APP_INFO_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t big[65] = { 0 };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		assert_int_equal(ds_app_info_decode(hex(rows[i].in), &none, &err), rows[i].want);
	/* a field of 65 bytes, and 65 script hashes */
	assert_int_equal(ds_mp_add_array(&b, 8), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ds_mp_add_bin(&b, DS_SPAN(big, i == 3 ? 65 : 64)), 0);
	assert_int_equal(ds_app_info_decode(ds_buf_span(&b), &none, &err), -EFBIG);
	assert_string_equal(err.msg, "device_id: too large");
	b.n = 0;
	assert_int_equal(ds_buf_add_span(&b, hex(BASE)), 0);
	assert_int_equal(ds_mp_add_array(&b, 65), 0);
	for (int i = 0; i < 65; i++)
		assert_int_equal(ds_mp_add_bin(&b, DS_SPAN_NULL), 0);
	assert_int_equal(ds_app_info_decode(ds_buf_span(&b), &none, &err), -EFBIG);
}

/* Releases before init scripts wrote eight. */
static void eight_fields(void **state)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_app_info_decode(hex("98"
						"c400c400c400c400c400c400c400c40109"),
					    &info, &err),
			 0);
	assert_int_equal(info.key_provider_info.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_form),	cmocka_unit_test(map_form),
		cmocka_unit_test(refused),	cmocka_unit_test(too_many_scripts_are_not_written),
		cmocka_unit_test(eight_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
