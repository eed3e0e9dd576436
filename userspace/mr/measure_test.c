// SPDX-License-Identifier: Apache-2.0
/* Tests of dstack-mr against the values of spec/boot.md 5.3 to 5.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "mr.h"

#include <ds/base/file.h>
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

static const struct ds_tdvf firmware = {
	.n = 4,
	.s = {
		{ .gpa = 0x810000, .mem_size = 0x10000, .type = DS_TDVF_TEMP_MEM },
		{ .gpa = 0x80b000, .mem_size = 0x2000, .type = DS_TDVF_TEMP_MEM },
		{ .gpa = 0x809000, .mem_size = 0x2000, .type = DS_TDVF_TD_HOB },
		{ .gpa = 0x800000, .mem_size = 0x6000, .type = DS_TDVF_TEMP_MEM },
	},
};

static void rtmr0_events_are_the_known_ones(void **state)
{
	static const char *const prefix[MR_RTMR0_EVENTS] = {
		"0b8772e5b0b41b83", "344bc51c980ba621", "9dc3a1f80bcec915", "6f2e3cbc14f9def8",
		"d607c0efb41c0d75", "08a74f8963b337ac", "18cc6e01f0c6ea99", "394341b7182cd227",
		"1dd6f7b457ad880d", "23ada07f5261f12f",
	};
	uint8_t e[MR_RTMR0_EVENTS][MR_SIZE];
	char hex[17];

	assert_int_equal(mr_rtmr0_events(&firmware, 2ull << 30, e, NULL), 0);
	for (int i = 0; i < MR_RTMR0_EVENTS; i++)
		assert_string_equal(ds_hex_encode(e[i], 8, hex), prefix[i]);
}

/* Event 0 of real quotes from machines of 2 and 64 GiB (spec/boot.md 5.3). */
static void hob_equals_real_quotes(void **state)
{
	static const struct {
		uint64_t memory;
		const char *digest;
	} v[] = {
		{ 2ull << 30, "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fd"
			      "acbb37948f821ebaf8bc9c938ba8a749" },
		{ 64ull << 30, "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2a"
			       "de19b6a62a203fc3c3bbdaae80af596d" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		uint8_t e[MR_RTMR0_EVENTS][MR_SIZE];
		char hex[2 * MR_SIZE + 1];

		assert_int_equal(mr_rtmr0_events(&firmware, v[i].memory, e, NULL), 0);
		assert_string_equal(ds_hex_encode(e[0], MR_SIZE, hex), v[i].digest);
	}
}

static void replay_is_the_extend_rule(void **state)
{
	static const uint8_t e[2][MR_SIZE] = { { 1 }, { 2 } };
	uint8_t reg[MR_SIZE], old[2 * MR_SIZE] = { 0 }, want[MR_SIZE];

	assert_int_equal(mr_replay(e, 0, reg), 0);
	assert_memory_equal(reg, old, MR_SIZE);
	memcpy(old + MR_SIZE, e[0], MR_SIZE);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(old), want), 0);
	memcpy(old, want, MR_SIZE);
	memcpy(old + MR_SIZE, e[1], MR_SIZE);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(old), want), 0);
	assert_int_equal(mr_replay(e, 2, reg), 0);
	assert_memory_equal(reg, want, MR_SIZE);
}

/* A PE file with a Linux setup header: MZ at 0, PE header behind the setup header. */
#define KERNEL_SIZE 0x800u
#define PE	    0x280u

static void make_kernel(uint8_t *k)
{
	for (size_t i = 0; i < KERNEL_SIZE; i++)
		k[i] = (uint8_t)(i * 3);
	memset(k, 0, 0x400);
	memcpy(k, "MZ", 2);
	ds_put_u32le(k + 60, PE);
	memcpy(k + 0x202, "HdrS", 4);
	ds_put_u16le(k + 0x206, 0x20f);
	k[0x211] = 1;
	ds_put_u16le(k + 0x236, 0x7f);
	memcpy(k + PE, "PE\0\0", 4);
	ds_put_u16le(k + PE + 6, 1);
	ds_put_u16le(k + PE + 20, 160);
	ds_put_u16le(k + PE + 24, 0x20b);
	ds_put_u32le(k + PE + 24 + 60, 0x400);
	ds_put_u32le(k + PE + 24 + 108, 6);
	ds_put_u32le(k + PE + 24 + 160 + 16, 0x400);
	ds_put_u32le(k + PE + 24 + 160 + 20, 0x400);
}

static void rtmr1_hashes_the_patched_kernel(void **state)
{
	static const char initrd[] = "not really an initrd";
	uint8_t k[KERNEL_SIZE], e[5][MR_SIZE], want[MR_SIZE];
	struct mr_input in = { .kernel = DS_SPAN_ARRAY(k), .memory = 2ull << 30 };
	struct ds_span parts[3];
	char hex[17];

	make_kernel(k);
	in.initrd = DS_SPAN(initrd, sizeof(initrd) - 1);
	assert_int_equal(mr_rtmr1_events(&in, e, NULL), 0);
	/* What the VMM writes, by hand. */
	k[0x210] = 0xb0;
	k[0x211] = 0x81;
	ds_put_u32le(k + 0x218, 0x7ffd7000);
	ds_put_u32le(k + 0x21c, sizeof(initrd) - 1);
	ds_put_u32le(k + 0x224, 0xfe00);
	ds_put_u32le(k + 0x228, 0x20000);
	parts[0] = DS_SPAN(k, PE + 24 + 64);
	parts[1] = DS_SPAN(k + PE + 24 + 68, 112 + 32 - 68);
	parts[2] = DS_SPAN(k + PE + 24 + 112 + 40, KERNEL_SIZE - (PE + 24 + 112 + 40));
	assert_int_equal(ds_sha384(parts, 3, want), 0);
	assert_memory_equal(e[0], want, MR_SIZE);
	assert_string_equal(ds_hex_encode(e[2], 8, hex),
			    "394341b7182cd227"); /* the separator again */
}

static void rtmr2_depends_on_each_byte(void **state)
{
	/* "a initrd=initrd" in UTF-16LE with its terminator */
	static const uint8_t options[] = "a\0 \0i\0n\0i\0t\0r\0d\0=\0i\0n\0i\0t\0r\0d\0\0";
	struct mr_input in = { .cmdline = "a", .initrd = DS_SPAN_LIT("i") };
	uint8_t e[2][MR_SIZE], want[MR_SIZE];
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(mr_rtmr2_events(&in, e, NULL), 0);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(options), want), 0);
	assert_memory_equal(e[0], want, MR_SIZE);
	assert_int_equal(ds_sha384_1(DS_SPAN_LIT("i"), want), 0);
	assert_memory_equal(e[1], want, MR_SIZE);
	in.cmdline = "a\n";
	assert_int_equal(mr_rtmr2_events(&in, e, &err), -EBADMSG);
	in.cmdline = "\xc3\xa9";
	assert_int_equal(mr_rtmr2_events(&in, e, &err), -EBADMSG);
}

static void put(int dir, const char *name, const void *p, size_t n)
{
	assert_int_equal(ds_write_file_atomic(dir, name, DS_SPAN(p, n), 0644), 0);
}

/* A firmware of one descriptor: TD HOB and one page of code. */
static void make_firmware(uint8_t *fw, size_t n)
{
	static const uint8_t tail[] = {
		0,    0,    0,	  0,	22,   0,    0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
		0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2, 40,   0,    0xde, 0x82, 0xb5, 0x96,
		0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d
	};
	uint8_t *d = fw + n - 0x200;

	memset(fw, 0x5a, n);
	memcpy(fw + n - 32 - sizeof(tail), tail, sizeof(tail));
	ds_put_u32le(fw + n - 32 - sizeof(tail), 0x200);
	memset(d, 0, 16 + 64);
	memcpy(d, "TDVF", 4);
	ds_put_u32le(d + 4, 16 + 64);
	ds_put_u32le(d + 8, 1);
	ds_put_u32le(d + 12, 2);
	ds_put_u32le(d + 16 + 4, 0x1000);
	ds_put_u32le(d + 16 + 8, 0xfffff000);
	ds_put_u32le(d + 16 + 16, 0x1000);
	ds_put_u32le(d + 16 + 28, DS_TDVF_MR_EXTEND);
	ds_put_u32le(d + 48 + 8, 0x809000);
	ds_put_u32le(d + 48 + 16, 0x2000);
	ds_put_u32le(d + 48 + 24, DS_TDVF_TD_HOB);
}

static void image_hash_is_that_of_the_list(void **state)
{
	static const char meta[] = "{\"cmdline\":\"console=ttyS0\",\"kernel\":\"bzImage\"}";
	static const struct mr_machine m = { 2ull << 30, 1 };
	char tmp[] = "/tmp/mr-test-XXXXXX", hex[65], path[64];
	DS_BUF struct ds_buf list = DS_BUF_NULL, json = DS_BUF_NULL, json2 = DS_BUF_NULL,
			     want = DS_BUF_NULL;
	static const char *const names[] = { "ovmf.fd",		  "bzImage",
					     "initramfs.cpio.gz", "metadata.json",
					     "measurement.json",  "sha256sum.txt" };
	uint8_t k[KERNEL_SIZE], fw[0x2000], hash[32], again[32];
	struct ds_err err = DS_ERR_NULL;
	struct mr_result mr;
	int dir;

	assert_non_null(mkdtemp(tmp));
	dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	make_kernel(k);
	make_firmware(fw, sizeof(fw));
	put(dir, "bzImage", k, sizeof(k));
	put(dir, "metadata.json", meta, sizeof(meta) - 1);
	put(dir, "ovmf.fd", fw, sizeof(fw));
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "initramfs.cpio.gz"));
	put(dir, "initramfs.cpio.gz", "x", 1);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), 0);

	assert_int_equal(ds_read_file(dir, "measurement.json", 4096, &json), 0);
	assert_int_equal(mr_json(&mr, &m, &json2), 0);
	assert_true(ds_span_eq(ds_buf_span(&json), ds_buf_span(&json2)));
	assert_int_equal(ds_read_file(dir, "sha256sum.txt", 4096, &list), 0);
	for (int i = 0; i < 5; i++) {
		DS_BUF struct ds_buf f = DS_BUF_NULL;

		assert_int_equal(ds_read_file(dir, names[i], 1 << 20, &f), 0);
		assert_int_equal(ds_sha256_1(ds_buf_span(&f), again), 0);
		assert_int_equal(
			ds_buf_addf(&want, "%s  %s\n", ds_hex_encode(again, 32, hex), names[i]), 0);
	}
	assert_true(ds_span_eq(ds_buf_span(&list), ds_buf_span(&want)));
	assert_int_equal(ds_sha256_1(ds_buf_span(&list), again), 0);
	assert_memory_equal(hash, again, 32);

	put(dir, "metadata.json", "{\"cmdline\":\"a\",\"kernel\":\"other\"}", 32);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	put(dir, "metadata.json", "{\"cmdline\":\"a\",\"cmdline\":\"b\"}", 29);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	put(dir, "metadata.json", "{\"cmdline\":\"a\\u0000b\"}", 22);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	put(dir, "metadata.json", "[]", 2);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", tmp, names[i]);
		unlink(path);
	}
	close(dir);
	assert_int_equal(rmdir(tmp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtmr0_events_are_the_known_ones),
		cmocka_unit_test(hob_equals_real_quotes),
		cmocka_unit_test(replay_is_the_extend_rule),
		cmocka_unit_test(rtmr1_hashes_the_patched_kernel),
		cmocka_unit_test(rtmr2_depends_on_each_byte),
		cmocka_unit_test(image_hash_is_that_of_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
