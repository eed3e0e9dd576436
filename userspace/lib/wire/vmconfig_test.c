// SPDX-License-Identifier: Apache-2.0
/* vm_config: a table. */
#include "../crypto/vec_test.h"

#include <ds/wire/vmconfig.h>

#define H "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void table(void **state)
{
	static const struct {
		const char *in;
		int want;
		bool hash;
		uint32_t cpus;
		uint64_t memory;
	} rows[] = {
		{ "", 0, false, 0, 0 },
		{ "{}", 0, false, 0, 0 },
		{ "{\"os_image_hash\":\"" H "\",\"cpu_count\":4,\"memory_size\":8589934592,"
		  "\"spec_version\":1}",
		  0, true, 4, 8589934592 },
		{ "{\"os_image_hash\":\"\"}", 0, false, 0, 0 },
		{ "{\"kms_urls\":[],\"vm_config\":\"{\\\"os_image_hash\\\":\\\"" H
		  "\\\",\\\"cpu_count\\\":2}\"}",
		  0, true, 2, 0 },
		/* wrapped once, not twice */
		{ "{\"vm_config\":\"{\\\"vm_config\\\":\\\"{}\\\",\\\"cpu_count\\\":3}\"}", 0,
		  false, 3, 0 },
		{ "{\"vm_config\":\"\",\"cpu_count\":3}", 0, false, 0, 0 },
		{ "[]", -EBADMSG, false, 0, 0 },
		{ "{", -EBADMSG, false, 0, 0 },
		{ "{} x", -EBADMSG, false, 0, 0 },
		{ "{\"cpu_count\":1,\"cpu_count\":2}", -EBADMSG, false, 0, 0 },
		{ "{\"cpu_count\":-1}", -EBADMSG, false, 0, 0 },
		{ "{\"cpu_count\":4294967296}", -EBADMSG, false, 0, 0 },
		{ "{\"cpu_count\":\"4\"}", -EBADMSG, false, 0, 0 },
		{ "{\"memory_size\":1.5}", -EBADMSG, false, 0, 0 },
		{ "{\"os_image_hash\":\"00\"}", -EBADMSG, false, 0, 0 },
		{ "{\"os_image_hash\":7}", -EBADMSG, false, 0, 0 },
		{ "{\"vm_config\":{}}", -EBADMSG, false, 0, 0 },
		{ "{\"vm_config\":\"[]\"}", -EBADMSG, false, 0, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_vm_config got = { .cpu_count = 99 };
		struct ds_err err = DS_ERR_NULL;

		assert_int_equal(ds_vm_config_parse(DS_SPAN_STR(rows[i].in), &got, &err),
				 rows[i].want);
		if (rows[i].want) {
			assert_int_equal(got.cpu_count, 99);
			continue;
		}
		assert_int_equal(got.has_os_image_hash, rows[i].hash);
		assert_int_equal(got.cpu_count, rows[i].cpus);
		assert_true(got.memory_size == rows[i].memory);
		if (rows[i].hash)
			assert_hex(got.os_image_hash, 32, H);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
