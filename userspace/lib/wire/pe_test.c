// SPDX-License-Identifier: Apache-2.0
/* Tests of the Authenticode coverage and of the direct-boot patch, on an image made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/rd.h>
#include <ds/wire/linuxboot.h>
#include <ds/wire/pe.h>

#define PE	 0x40u
#define OPT	 (PE + 24)
#define OPT_SIZE 160u
#define CHECKSUM (OPT + 64)
#define SECURITY (OPT + 112 + 32)
#define SECTIONS (OPT + OPT_SIZE)
#define HEADERS	 0x200u
#define FIRST	 HEADERS
#define SECOND	 0x300u
#define CERT	 0x3f4u /* not a multiple of 8: the hash is padded */
#define CERT_LEN 0x40u
#define SIZE	 (CERT + CERT_LEN)

static void put_section(uint8_t *s, uint32_t size, uint32_t off)
{
	ds_put_u32le(s + 16, size);
	ds_put_u32le(s + 20, off);
}

/*
 * Sections listed in the wrong order, one empty, 0x14 bytes between the last one and the
 * certificate table.
 */
static void make_image(uint8_t *p)
{
	for (size_t i = 0; i < SIZE; i++)
		p[i] = (uint8_t)(i * 5 + i / 256);
	memset(p, 0, HEADERS);
	memcpy(p, "MZ", 2);
	ds_put_u32le(p + 60, PE);
	memcpy(p + PE, "PE\0\0", 4);
	ds_put_u16le(p + PE + 6, 3);
	ds_put_u16le(p + PE + 20, OPT_SIZE);
	ds_put_u16le(p + OPT, 0x20b);
	ds_put_u32le(p + OPT + 60, HEADERS);
	ds_put_u32le(p + CHECKSUM, 0x11223344);
	ds_put_u32le(p + OPT + 108, 6);
	ds_put_u32le(p + SECURITY, CERT);
	ds_put_u32le(p + SECURITY + 4, CERT_LEN);
	put_section(p + SECTIONS, 0xe0, SECOND);
	put_section(p + SECTIONS + 40, 0, 0xffffffff);
	put_section(p + SECTIONS + 80, 0x100, FIRST);
}

static void join(const struct ds_pe_parts *parts, struct ds_buf *ret)
{
	for (size_t i = 0; i < parts->n; i++)
		assert_int_equal(ds_buf_add_span(ret, parts->part[i]), 0);
}

static void coverage_leaves_out_what_it_must(void **state)
{
	DS_BUF struct ds_buf got = DS_BUF_NULL, want = DS_BUF_NULL;
	static uint8_t image[SIZE];
	struct ds_err err = DS_ERR_NULL;
	struct ds_pe_parts parts;

	make_image(image);
	assert_int_equal(ds_pe_authenticode(DS_SPAN_ARRAY(image), &parts, &err), 0);
	join(&parts, &got);
	assert_int_equal(ds_buf_add(&want, image, CHECKSUM), 0);
	assert_int_equal(ds_buf_add(&want, image + CHECKSUM + 4, SECURITY - CHECKSUM - 4), 0);
	assert_int_equal(ds_buf_add(&want, image + SECURITY + 8, HEADERS - SECURITY - 8), 0);
	assert_int_equal(ds_buf_add(&want, image + FIRST, 0x100), 0);
	/*
	 * The trailing part begins after as many bytes as were hashed, here just behind the second
	 * section.
	 */
	assert_int_equal(ds_buf_add(&want, image + SECOND, CERT - SECOND), 0);
	assert_int_equal(ds_buf_add_zero(&want, 8 - SIZE % 8), 0);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

static void signature_and_checksum_do_not_count(void **state)
{
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	static uint8_t image[SIZE];
	struct ds_pe_parts parts;

	make_image(image);
	assert_int_equal(ds_pe_authenticode(DS_SPAN_ARRAY(image), &parts, NULL), 0);
	join(&parts, &a);
	for (size_t i = 0; i < SIZE; i++) {
		bool free_byte = (i >= CHECKSUM && i < CHECKSUM + 4) ||
				 (i >= SECURITY && i < SECURITY + 4) || i >= CERT;
		DS_BUF struct ds_buf b = DS_BUF_NULL;

		image[i] ^= 0x01;
		if (!ds_pe_authenticode(DS_SPAN_ARRAY(image), &parts, NULL)) {
			join(&parts, &b);
			if (ds_span_eq(ds_buf_span(&a), ds_buf_span(&b)) != free_byte)
				fail_msg("byte 0x%zx: %s", i,
					 free_byte ? "counts" : "does not count");
		} else if (free_byte) {
			fail_msg("byte 0x%zx is parsed", i);
		}
		image[i] ^= 0x01;
	}
}

static void malformed_images_are_refused(void **state)
{
	static const struct {
		size_t off;
		uint32_t v;
		size_t width;
	} bad[] = {
		{ 0, 0, 1 },
		{ 60, 0xffffffff, 4 },
		{ 60, SIZE - 8, 4 },
		{ PE, 0, 1 },
		{ PE + 6, 97, 2 },
		{ PE + 6, 90, 2 },
		{ PE + 20, 0xffff, 2 },
		{ PE + 20, 60, 2 },
		{ PE + 20, 100, 2 },
		{ PE + 20, 148, 2 },
		{ OPT, 0x107, 2 },
		{ OPT + 60, SIZE + 1, 4 },
		{ OPT + 60, SECTIONS, 4 },
		{ SECURITY + 4, SIZE + 1, 4 },
		{ SECURITY + 4, CERT_LEN + 0x21, 4 },
		{ SECTIONS + 20, SIZE + 1, 4 },
		{ SECURITY + 4, 0, 4 },
	};
	static uint8_t image[SIZE];
	struct ds_pe_parts parts;

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		make_image(image);
		for (size_t b = 0; b < bad[i].width; b++)
			image[bad[i].off + b] = (uint8_t)(bad[i].v >> (8 * b));
		if (ds_pe_authenticode(DS_SPAN_ARRAY(image), &parts, NULL) != -EBADMSG)
			fail_msg("case %zu accepted", i);
	}
	make_image(image);
	for (size_t n = 0; n < SIZE; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, image, n);
		/*
		 * A file cut inside the certificate table is another file whose table overlaps its
		 * sections.
		 */
		if (!ds_pe_authenticode(DS_SPAN(copy, n), &parts, NULL))
			assert_true(n >= SECOND + 0xe0 + CERT_LEN);
		free(copy);
	}
}

#define KERNEL_SIZE 0x400u

static void make_kernel(uint8_t *k, uint16_t version, uint8_t loadflags, uint16_t xloadflags,
			uint32_t initrd_max)
{
	memset(k, 0, KERNEL_SIZE);
	memcpy(k + 0x202, "HdrS", 4);
	ds_put_u16le(k + 0x206, version);
	k[0x211] = loadflags;
	ds_put_u32le(k + 0x22c, initrd_max);
	ds_put_u16le(k + 0x236, xloadflags);
}

static void patch_follows_the_protocol(void **state)
{
	static const struct {
		uint16_t version;
		uint8_t loadflags;
		uint16_t xlf;
		uint32_t initrd_max;
		uint64_t memory;
		uint32_t ramdisk, cmdline, heap;
	} v[] = {
		/* 2 GiB: below 0x80000000 - 0x28000 - 1, and one page less for 0x1001 bytes */
		{ 0x20f, 1, 0x7f, 0x7fffffff, 2ull << 30, 0x7ffd6000, 0x20000, 0xfe00 },
		{ 0x20f, 1, 0x7f, 0x7fffffff, 4ull << 30, 0x7ffd6000, 0x20000, 0xfe00 },
		{ 0x20f, 1, 0x7f, 0x7fffffff, 64ull << 30, 0x7ffd6000, 0x20000, 0xfe00 },
		{ 0x20f, 1, 0x7f, 0x7fffffff, 0xAFFFF000, 0xAFFD5000, 0x20000, 0xfe00 },
		{ 0x20f, 1, 0x02, 0x7fffffff, 2ull << 30, 0x37ffe000, 0x20000, 0xfe00 },
		{ 0x20b, 1, 0x7f, 0x1fffffff, 2ull << 30, 0x1fffe000, 0x20000, 0xfe00 },
		{ 0x203, 0, 0x7f, 0, 2ull << 30, 0x37ffe000, 0x9a000, 0x9e00 },
	};
	uint8_t k[KERNEL_SIZE];

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		make_kernel(k, v[i].version, v[i].loadflags, v[i].xlf, v[i].initrd_max);
		assert_int_equal(ds_linux_patch(k, sizeof(k), 0x1001, v[i].memory, NULL), 0);
		assert_int_equal(k[0x210], 0xb0);
		assert_int_equal(k[0x211], v[i].loadflags | 0x80);
		assert_int_equal(ds_get_u32le(k + 0x218), v[i].ramdisk);
		assert_int_equal(ds_get_u32le(k + 0x21c), 0x1001);
		assert_int_equal(ds_get_u32le(k + 0x224), v[i].heap);
		assert_int_equal(ds_get_u32le(k + 0x228), v[i].cmdline);
	}
}

static void patch_refuses_what_cannot_boot(void **state)
{
	uint8_t k[KERNEL_SIZE];

	make_kernel(k, 0x20f, 1, 0x7f, 0);
	assert_int_equal(ds_linux_patch(k, 0x267, 1, 2ull << 30, NULL), -EBADMSG);
	assert_int_equal(ds_linux_patch(k, sizeof(k), 0, 2ull << 30, NULL), -EFBIG);
	assert_int_equal(ds_linux_patch(k, sizeof(k), 2ull << 30, 2ull << 30, NULL), -EFBIG);
	assert_int_equal(ds_linux_patch(k, sizeof(k), 1ull << 40, 2ull << 30, NULL), -EFBIG);
	assert_int_equal(ds_linux_patch(k, sizeof(k), 1, 0x28000, NULL), -EFBIG);
	make_kernel(k, 0x202, 1, 0x7f, 0);
	assert_int_equal(ds_linux_patch(k, sizeof(k), 1, 2ull << 30, NULL), -EBADMSG);
	make_kernel(k, 0x20f, 1, 0x7f, 0);
	k[0x202] = 'h';
	assert_int_equal(ds_linux_patch(k, sizeof(k), 1, 2ull << 30, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage_leaves_out_what_it_must),
		cmocka_unit_test(signature_and_checksum_do_not_count),
		cmocka_unit_test(malformed_images_are_refused),
		cmocka_unit_test(patch_follows_the_protocol),
		cmocka_unit_test(patch_refuses_what_cannot_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
