// SPDX-License-Identifier: Apache-2.0
/* Tests of the TDVF reader, the MRTD stream and the TD HOB list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/rd.h>
#include <ds/wire/tdvf.h>

#define IMAGE_SIZE 0x4000u
#define DESC_OFF   0x3000u
#define GUIDS_END  (IMAGE_SIZE - 32)
#define ENTRY_OFF  (GUIDS_END - 18 - 22) /* data of the metadata entry */

static const uint8_t footer[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
				    0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
static const uint8_t metadata[16] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
				      0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };

static void put_section(uint8_t *at, uint32_t off, uint32_t raw, uint64_t gpa, uint64_t size,
			uint32_t type, uint32_t attr)
{
	ds_put_u32le(at, off);
	ds_put_u32le(at + 4, raw);
	ds_put_u64le(at + 8, gpa);
	ds_put_u64le(at + 16, size);
	ds_put_u32le(at + 24, type);
	ds_put_u32le(at + 28, attr);
}

/*
 * Two pages of code of which one and a half are in the file, a TD HOB, two pages of temporary
 * memory.
 */
static void make_image(uint8_t *image)
{
	memset(image, 0, IMAGE_SIZE);
	for (size_t i = 0; i < 0x2000; i++)
		image[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(image + DESC_OFF, "TDVF", 4);
	ds_put_u32le(image + DESC_OFF + 4, 16 + 3 * 32);
	ds_put_u32le(image + DESC_OFF + 8, 1);
	ds_put_u32le(image + DESC_OFF + 12, 3);
	put_section(image + DESC_OFF + 16, 0, 0x1800, 0xfffff000, 0x2000, 0, DS_TDVF_MR_EXTEND);
	put_section(image + DESC_OFF + 48, 0, 0, 0x809000, 0x1000, DS_TDVF_TD_HOB, 0);
	put_section(image + DESC_OFF + 80, 0, 0, 0x800000, 0x2000, DS_TDVF_TEMP_MEM, 0);
	ds_put_u32le(image + ENTRY_OFF, IMAGE_SIZE - DESC_OFF);
	ds_put_u16le(image + ENTRY_OFF + 4, 22);
	memcpy(image + ENTRY_OFF + 6, metadata, 16);
	ds_put_u16le(image + GUIDS_END - 18, 40);
	memcpy(image + GUIDS_END - 16, footer, 16);
}

static void sections_are_read(void **state)
{
	static uint8_t image[IMAGE_SIZE];
	struct ds_err err = DS_ERR_NULL;
	struct ds_tdvf t;

	make_image(image);
	assert_int_equal(ds_tdvf_parse(DS_SPAN_ARRAY(image), &t, &err), 0);
	assert_int_equal(t.n, 3);
	assert_ptr_equal(t.s[0].data.p, image);
	assert_int_equal(t.s[0].data.n, 0x1800);
	assert_true(t.s[0].gpa == 0xfffff000 && t.s[0].mem_size == 0x2000);
	assert_int_equal(t.s[1].type, DS_TDVF_TD_HOB);
}

static void malformed_images_are_refused(void **state)
{
	static const struct {
		size_t off;
		uint32_t v;
		size_t width;
		int want;
		const char *text; /* found in the message */
	} bad[] = {
		{ GUIDS_END - 16, 0, 1, -EBADMSG, "no GUID table" },
		{ GUIDS_END - 18, 17, 2, -EBADMSG, "does not fit" },
		{ GUIDS_END - 18, 0xffff, 2, -EBADMSG, "does not fit" },
		{ GUIDS_END - 18, 18, 2, -EBADMSG, "not a TDX firmware" },
		{ ENTRY_OFF + 4, 17, 2, -EBADMSG, "entry of 17" },
		{ ENTRY_OFF + 4, 23, 2, -EBADMSG, "entry of 23" },
		{ ENTRY_OFF + 4, 18, 2, -EBADMSG, "without offset" },
		{ ENTRY_OFF + 6, 0, 1, -EBADMSG, "not a TDX firmware" },
		{ ENTRY_OFF, IMAGE_SIZE + 1, 4, -EBADMSG, "before the end" },
		{ ENTRY_OFF, 8, 4, -EBADMSG, "begin with TDVF" },
		{ ENTRY_OFF, 0, 4, -EBADMSG, "ends early" },
		{ DESC_OFF, 0, 4, -EBADMSG, "begin with TDVF" },
		{ DESC_OFF + 4, 16, 4, -EBADMSG, "3 sections" },
		{ DESC_OFF + 8, 2, 4, -EBADMSG, "version 2" },
		{ DESC_OFF + 12, 0, 4, -EBADMSG, "0 sections" },
		{ DESC_OFF + 12, 33, 4, -EBADMSG, "33 sections" },
		{ DESC_OFF + 16, 0x3000, 4, -EBADMSG, "outside the image" },
		{ DESC_OFF + 20, 0x4001, 4, -EBADMSG, "outside the image" },
		{ DESC_OFF + 20, 0x2001, 4, -EBADMSG, "section memory" },
		{ DESC_OFF + 24, 1, 4, -EBADMSG, "section memory" },
		{ DESC_OFF + 32, 0x2100, 4, -EBADMSG, "section memory" },
		{ DESC_OFF + 28, 0xffffffff, 4, -EBADMSG, "section memory" },
		{ DESC_OFF + 36, 1, 4, -EFBIG, "pages to add" },
	};
	static uint8_t image[IMAGE_SIZE];

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_tdvf t;

		make_image(image);
		for (size_t b = 0; b < bad[i].width; b++)
			image[bad[i].off + b] = (uint8_t)(bad[i].v >> (8 * b));

		assert_int_equal(ds_tdvf_parse(DS_SPAN_ARRAY(image), &t, &err), bad[i].want);
		if (!strstr(err.msg, bad[i].text))
			fail_msg("case %zu: '%s' lacks '%s'", i, err.msg, bad[i].text);
	}
}

/*
 * The table sits at the end, so cutting the front keeps the image valid until the data it names is
 * gone.
 */
static void each_length_is_safe(void **state)
{
	static uint8_t image[IMAGE_SIZE];
	struct ds_tdvf t;

	make_image(image);
	for (size_t n = 0; n < IMAGE_SIZE; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, image, n);
		assert_int_equal(ds_tdvf_parse(DS_SPAN(copy, n), &t, NULL), -EBADMSG);
		free(copy);
	}
}

static int to_buf(void *ctx, struct ds_span piece)
{
	return ds_buf_add_span(ctx, piece);
}

static int stop_at_once(void *ctx, struct ds_span piece)
{
	return -EINTR;
}

static void add_record(struct ds_buf *want, const char *name, uint64_t gpa)
{
	size_t at = want->n;

	assert_int_equal(ds_buf_add_zero(want, 128), 0);
	memcpy(want->p + at, name, strlen(name));
	ds_put_u64le(want->p + at + 16, gpa);
}

static void add_extends(struct ds_buf *want, const uint8_t *page, uint64_t gpa)
{
	for (size_t c = 0; c < 4096; c += 256) {
		add_record(want, "MR.EXTEND", gpa + c);
		assert_int_equal(ds_buf_add(want, page + c, 256), 0);
	}
}

static void mrtd_stream_has_the_records(void **state)
{
	static uint8_t image[IMAGE_SIZE], code[0x2000];
	struct ds_tdvf t;

	make_image(image);
	memcpy(code, image, 0x1800); /* the rest of the second page is zero */
	assert_int_equal(ds_tdvf_parse(DS_SPAN_ARRAY(image), &t, NULL), 0);
	t.s[2].attr = DS_TDVF_PAGE_AUG; /* neither added nor measured */
	for (int two_pass = 0; two_pass < 2; two_pass++) {
		DS_BUF struct ds_buf got = DS_BUF_NULL, want = DS_BUF_NULL;

		add_record(&want, "MEM.PAGE.ADD", 0xfffff000);
		if (!two_pass)
			add_extends(&want, code, 0xfffff000);
		add_record(&want, "MEM.PAGE.ADD", 0x100000000);
		if (two_pass)
			add_extends(&want, code, 0xfffff000);
		add_extends(&want, code + 4096, 0x100000000);
		add_record(&want, "MEM.PAGE.ADD", 0x809000);
		assert_int_equal(ds_tdvf_mrtd_stream(&t, two_pass, to_buf, &got), 0);
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.p, want.p, want.n);
	}
	assert_int_equal(ds_tdvf_mrtd_stream(&t, false, stop_at_once, NULL), -EINTR);
}

/* The sections of the witness in spec/boot.md 5.3, out of order as firmware lists them. */
static const struct ds_tdvf witness = {
	.n = 5,
	.s = {
		{ .gpa = 0xffe20000, .mem_size = 0x1e0000, .attr = DS_TDVF_MR_EXTEND },
		{ .gpa = 0x810000, .mem_size = 0x10000, .type = DS_TDVF_TEMP_MEM },
		{ .gpa = 0x80b000, .mem_size = 0x2000, .type = DS_TDVF_TEMP_MEM },
		{ .gpa = 0x809000, .mem_size = 0x2000, .type = DS_TDVF_TD_HOB },
		{ .gpa = 0x800000, .mem_size = 0x6000, .type = DS_TDVF_TEMP_MEM },
	},
};

static void hob_splits_at_the_hole(void **state)
{
	static const struct {
		uint64_t memory;
		size_t resources; /* 4 accepted, 3 gaps, and the rest in one or two pieces */
	} v[] = {
		{ 0x830000, 8 },
		{ 0xAFFFF000, 8 },
		{ 0xB0000000, 9 },
		{ 3ull << 30, 9 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		DS_BUF struct ds_buf hob = DS_BUF_NULL;
		uint64_t end;

		assert_int_equal(ds_tdvf_hob(&witness, v[i].memory, &hob, NULL), 0);
		assert_int_equal((hob.n - 56) / 48, v[i].resources);
		end = ds_get_u64le(hob.p + 48);
		assert_true(end == 0x809000 + hob.n + 8);
	}
}

static void hob_refuses_what_makes_no_sense(void **state)
{
	DS_BUF struct ds_buf hob = DS_BUF_NULL;
	struct ds_tdvf t = witness;

	assert_int_equal(ds_tdvf_hob(&t, 0x81f000, &hob, NULL),
			 -EBADMSG); /* section above memory */
	assert_int_equal(ds_tdvf_hob(&t, (2ull << 30) + 1, &hob, NULL), -EBADMSG);
	assert_int_equal(ds_tdvf_hob(&t, DS_TDVF_MAX_MEMORY + 4096, &hob, NULL), -EBADMSG);
	t.s[2].gpa = 0x80a000; /* overlaps the HOB */
	assert_int_equal(ds_tdvf_hob(&t, 2ull << 30, &hob, NULL), -EBADMSG);
	t = witness;
	t.s[3].type = DS_TDVF_TEMP_MEM;
	assert_int_equal(ds_tdvf_hob(&t, 2ull << 30, &hob, NULL), -EBADMSG);
	t.s[3].type = t.s[2].type = DS_TDVF_TD_HOB;
	assert_int_equal(ds_tdvf_hob(&t, 2ull << 30, &hob, NULL), -EBADMSG);
	t = witness;
	t.s[1].gpa = UINT64_MAX - 4095;
	assert_int_equal(ds_tdvf_hob(&t, 2ull << 30, &hob, NULL), -EBADMSG);
	assert_null(hob.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_read),
		cmocka_unit_test(malformed_images_are_refused),
		cmocka_unit_test(each_length_is_safe),
		cmocka_unit_test(mrtd_stream_has_the_records),
		cmocka_unit_test(hob_splits_at_the_hole),
		cmocka_unit_test(hob_refuses_what_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
