// SPDX-License-Identifier: Apache-2.0
/* DER elements: tables, each row cut at every length and ending where the memory ends. */
#include "../crypto/vec_test.h"

#include "../base/edge_test.h"
#include "der.h"

/* head, then zeros: fill of them. */
static struct ds_span element(const char *head, size_t fill)
{
	static uint8_t out[1024];
	struct ds_span h = hex(head);

	memset(out, 0, sizeof(out));
	memcpy(out, h.p, h.n);
	return at_edge(out, h.n + fill);
}

static void lengths(void **state)
{
	static const struct {
		const char *head;
		size_t fill, n; /* n: SIZE_MAX when it is refused */
	} rows[] = {
		{ "0400", 0, 0 },
		{ "0400", 1, 0 }, /* what follows is not read */
		{ "047f", 127, 127 },
		{ "048180", 128, 128 },
		{ "0481ff", 255, 255 },
		{ "04820100", 256, 256 },
		{ "0482012c", 300, 300 },
		{ "", 0, SIZE_MAX },
		{ "04", 0, SIZE_MAX },
		{ "0500", 0, SIZE_MAX },     /* another tag */
		{ "0480", 200, SIZE_MAX },   /* indefinite */
		{ "04817f", 127, SIZE_MAX }, /* longer than needed */
		{ "04820000", 0, SIZE_MAX },
		{ "048200ff", 255, SIZE_MAX },
		{ "0483000100", 400, SIZE_MAX },
		{ "04ff", 400, SIZE_MAX },
		{ "0481", 0, SIZE_MAX },
		{ "0482", 0, SIZE_MAX },
		{ "048201", 0, SIZE_MAX },
		{ "0401", 0, SIZE_MAX },
		{ "047f", 126, SIZE_MAX },
		{ "04820100", 255, SIZE_MAX },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_span in = element(rows[i].head, rows[i].fill);
		struct ds_rd rd = ds_rd_init(in), got;
		const uint8_t *p = NULL;

		if (rows[i].n == SIZE_MAX) {
			assert_int_equal(ds_der_rd(&rd, DS_DER_OCTETS, &got), -EBADMSG);
			assert_int_equal(ds_der_rd_exact(&rd, DS_DER_OCTETS, 0, &p), -EBADMSG);
			assert_int_equal(ds_rd_pos(&rd), 0);
			continue;
		}
		assert_int_equal(ds_der_rd(&rd, DS_DER_OCTETS, &got), 0);
		assert_int_equal(ds_rd_left(&got), rows[i].n);
		rd = ds_rd_init(in);
		assert_int_equal(ds_der_rd_exact(&rd, DS_DER_OCTETS, rows[i].n + 1, &p), -EBADMSG);
		rd = ds_rd_init(in);
		assert_int_equal(ds_der_rd_exact(&rd, DS_DER_OCTETS, rows[i].n, &p), 0);
		assert_ptr_equal(p, got.p);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *in;
		uint32_t max;
		int64_t want; /* -1: refused */
	} rows[] = {
		{ "020100", 0, 0 },
		{ "02017f", 127, 127 },
		{ "02020080", 255, 128 },
		{ "02020100", 256, 256 },
		{ "02047fffffff", UINT32_MAX, 0x7fffffff },
		{ "020101", 0, -1 },
		{ "02020100", 255, -1 },
		{ "0200", UINT32_MAX, -1 },
		{ "020180", UINT32_MAX, -1 }, /* below zero */
		{ "0202ff00", UINT32_MAX, -1 },
		{ "02020001", UINT32_MAX, -1 }, /* longer than needed */
		{ "0203000080", UINT32_MAX, -1 },
		{ "02050100000000", UINT32_MAX, -1 },
		{ "020500ffffffff", UINT32_MAX, -1 },
		{ "0a0101", UINT32_MAX, -1 },
		{ "0201", UINT32_MAX, -1 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_rd rd = ds_rd_init(element(rows[i].in, 0));
		uint32_t v = 77;
		int r = ds_der_rd_u32(&rd, DS_DER_INTEGER, rows[i].max, &v);

		if (r != (rows[i].want < 0 ? -EBADMSG : 0) || v != (r ? 77 : rows[i].want))
			fail_msg("%s: %d, %u", rows[i].in, r, v);
	}
}

static void booleans(void **state)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = { { "010100", 0 }, { "0101ff", 1 },	  { "010101", -1 }, { "0101fe", -1 },
		     { "0100", -1 },  { "0102ffff", -1 }, { "0201ff", -1 }, { "01", -1 } };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_rd rd = ds_rd_init(element(rows[i].in, 0));
		bool v = false;
		int r = ds_der_rd_bool(&rd, &v);

		if ((r ? -1 : v) != rows[i].want)
			fail_msg("%s: %d, %d", rows[i].in, r, v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(numbers),
		cmocka_unit_test(booleans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
