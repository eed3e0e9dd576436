// SPDX-License-Identifier: Apache-2.0
/* Tests of CBOR, of measurement material and of SEV firmware metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/wire/cbor.h>
#include <ds/wire/material.h>

static void cbor_is_the_shortest_form(void **state)
{
	/* RFC 8949, appendix A, and forms that are longer than needed or of other types */
	static const struct {
		const char *hex;
		uint64_t num;
		enum ds_cbor_type type;
		int want;
	} v[] = {
		{ "00", 0, DS_CBOR_UINT, 0 },
		{ "17", 23, DS_CBOR_UINT, 0 },
		{ "1818", 24, DS_CBOR_UINT, 0 },
		{ "1903e8", 1000, DS_CBOR_UINT, 0 },
		{ "1a000f4240", 1000000, DS_CBOR_UINT, 0 },
		{ "1bffffffffffffffff", UINT64_MAX, DS_CBOR_UINT, 0 },
		{ "40", 0, DS_CBOR_BYTES, 0 },
		{ "6161", 1, DS_CBOR_TEXT, 0 },
		{ "83", 3, DS_CBOR_ARRAY, 0 },
		{ "a2", 2, DS_CBOR_MAP, 0 },
		{ "1817", 0, DS_CBOR_UINT, -EBADMSG },
		{ "1900ff", 0, DS_CBOR_UINT, -EBADMSG },
		{ "1a0000ffff", 0, DS_CBOR_UINT, -EBADMSG },
		{ "1b00000000ffffffff", 0, DS_CBOR_UINT, -EBADMSG },
		{ "1c", 0, DS_CBOR_UINT, -EBADMSG },
		{ "20", 0, DS_CBOR_UINT, -EBADMSG },
		{ "4261", 0, DS_CBOR_BYTES, -EBADMSG },
		{ "5f", 0, DS_CBOR_BYTES, -EBADMSG },
		{ "c0", 0, DS_CBOR_UINT, -EBADMSG },
		{ "f6", 0, DS_CBOR_UINT, -EBADMSG },
		{ "", 0, DS_CBOR_UINT, -EBADMSG },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;
		struct ds_cbor c;
		struct ds_rd rd;

		assert_int_equal(ds_hex_decode_buf(v[i].hex, strlen(v[i].hex), 64, &in), 0);
		rd = ds_rd_init(ds_buf_span(&in));
		assert_int_equal(ds_cbor_rd(&rd, &c), v[i].want);
		if (v[i].want) {
			assert_int_equal(ds_rd_pos(&rd), 0);
			continue;
		}
		assert_int_equal(c.type, v[i].type);
		assert_true(c.num == v[i].num);
		assert_int_equal(ds_cbor_add_head(&out, c.type, c.num), 0);
		assert_int_equal(ds_buf_add_span(&out, c.str), 0);
		assert_true(ds_span_eq(ds_buf_span(&in), ds_buf_span(&out)));
	}
}

/* By hand, so that reader and writer cannot agree on a mistake. */
static int add_digest(struct ds_buf *buf, const char *key, uint8_t fill)
{
	uint8_t digest[48];

	memset(digest, fill, sizeof(digest));
	DS_TRY(ds_buf_addf(buf, "%c%s\x58\x30", (char)(0x60 + strlen(key)), key));
	return ds_buf_add(buf, digest, sizeof(digest));
}

/* The witness is that of the reference's tests (spec/boot.md 5.3). */
static const uint8_t witness[] = { 0x80, 0x10, 0x09, 0x04, 0x00, 0x06,
				   0x09, 0x02, 0x0b, 0x02, 0x10, 0x10 };

static void make_tdx(struct ds_buf *buf, struct ds_span td_hob)
{
	int r = 0;

	r |= ds_buf_addf(buf, "\xa3\x67version\x03\x65image\xa3");
	r |= add_digest(buf, "cmdline_sha384", 1);
	r |= add_digest(buf, "kernel_authenticode", 2);
	r |= add_digest(buf, "initrd_sha384", 3);
	r |= ds_buf_addf(buf, "\x64tdvf\xa3\x64ovmf\x69pre202505\x64mrtd\xa2");
	r |= add_digest(buf, "single_pass", 4);
	r |= add_digest(buf, "two_pass", 5);
	r |= ds_buf_addf(buf, "\x66td_hob%c", (char)(0x40 + td_hob.n));
	r |= ds_buf_add_span(buf, td_hob);
	assert_int_equal(r, 0);
}

static void tdx_material_is_read_and_written(void **state)
{
	DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;
	struct ds_tdx_material m;
	struct ds_err err = DS_ERR_NULL;

	make_tdx(&in, DS_SPAN_ARRAY(witness));
	assert_int_equal(in.n, 384); /* as the reference's fixture */
	assert_int_equal(ds_tdx_material_parse(ds_buf_span(&in), &m, &err), 0);
	assert_int_equal(m.cmdline[0], 1);
	assert_int_equal(m.kernel[47], 2);
	assert_int_equal(m.initrd[0], 3);
	assert_int_equal(m.mrtd[0][0], 4);
	assert_int_equal(m.mrtd[1][47], 5);
	assert_int_equal(m.hob.n, 4);
	assert_true(m.hob.s[1].gpa == 0x809000 && m.hob.s[1].mem_size == 0x2000);
	assert_int_equal(m.hob.s[1].type, DS_TDVF_TD_HOB);
	assert_true(m.hob.s[3].gpa == 0x810000 && m.hob.s[3].mem_size == 0x10000);
	assert_int_equal(ds_tdx_material_add(&out, &m), 0);
	assert_true(ds_span_eq(ds_buf_span(&in), ds_buf_span(&out)));
	for (size_t i = 0; i < in.n; i++)
		assert_int_equal(ds_tdx_material_parse(DS_SPAN(in.p, i), &m, NULL), -EBADMSG);
	assert_int_equal(ds_buf_add_u8(&in, 0), 0);
	assert_int_equal(ds_tdx_material_parse(ds_buf_span(&in), &m, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "bytes behind the map"));
}

static void other_tdx_material_is_refused(void **state)
{
	static const struct {
		const char *find, *put, *text;
	} bad[] = {
		{ "version\x03", "version\x02", "version 2, expected 3" },
		{ "cmdline_sha384", "cmdline_sha385", "no 'image'" },
		{ "initrd_sha384\x58", "initrd_sha384\x78", "no 'image'" },
		{ "pre202505", "pre202506", "firmware family" },
		{ "two_pass", "two_pazs", "no 'mrtd'" },
		{ "td_hob\x4c", "td_hob\x6c", "bad 'td_hob'" },
	};
	static const struct {
		uint8_t b[8];
		size_t n;
	} hob[] = {
		{ { 0, 0, 0 }, 3 },		      /* no ranges */
		{ { 0, 1, 1, 0, 1 }, 5 },	      /* the HOB is in none */
		{ { 0, 0, 1, 0, 0 }, 5 },	      /* empty range */
		{ { 0, 0, 2, 0, 2, 1, 1 }, 7 },	      /* overlap */
		{ { 0x80, 0, 0, 1, 0, 1 }, 6 },	      /* padded number */
		{ { 0, 0, 1, 0, 1, 0 }, 6 },	      /* bytes behind */
		{ { 0, 1, 1, 1, 1 }, 5 },	      /* does not begin at its base */
		{ { 0, 0, 33, 0, 1 }, 5 },	      /* too many */
		{ { 0, 0, 1, 0, 0xff, 0xff, 1 }, 7 }, /* too large */
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		DS_BUF struct ds_buf in = DS_BUF_NULL;
		struct ds_tdx_material m;
		struct ds_err err = DS_ERR_NULL;
		uint8_t *at;

		make_tdx(&in, DS_SPAN_ARRAY(witness));
		at = memmem(in.p, in.n, bad[i].find, strlen(bad[i].find));
		assert_non_null(at);
		memcpy(at, bad[i].put, strlen(bad[i].put));
		assert_int_equal(ds_tdx_material_parse(ds_buf_span(&in), &m, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, bad[i].text));
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(hob); i++) {
		DS_BUF struct ds_buf in = DS_BUF_NULL;
		struct ds_tdx_material m;
		struct ds_err err = DS_ERR_NULL;

		make_tdx(&in, DS_SPAN(hob[i].b, hob[i].n));
		assert_int_equal(ds_tdx_material_parse(ds_buf_span(&in), &m, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "td_hob"));
	}
}

static void make_snp(struct ds_snp_material *m)
{
	memset(m, 0, sizeof(*m));
	m->cmdline = DS_SPAN_LIT("console=ttyS0");
	memset(m->ovmf, 1, sizeof(m->ovmf));
	memset(m->kernel, 2, sizeof(m->kernel));
	memset(m->initrd, 3, sizeof(m->initrd));
	m->hashes_gpa = 0x80fc00;
	m->reset_eip = 0x80b004;
	m->s[0] = (struct ds_snp_section){ 0x800000, 0x9000, DS_SNP_SEC_MEMORY };
	m->s[1] = (struct ds_snp_section){ 0x80f000, 0x1000, DS_SNP_KERNEL_HASHES };
	m->n = 2;
}

static void snp_material_is_read_and_written(void **state)
{
	DS_BUF struct ds_buf in = DS_BUF_NULL, again = DS_BUF_NULL;
	struct ds_snp_material m, out;

	make_snp(&m);
	assert_int_equal(ds_snp_material_add(&in, &m), 0);
	assert_int_equal(ds_snp_material_parse(ds_buf_span(&in), &out, NULL), 0);
	assert_int_equal(out.n, 2);
	assert_true(out.hashes_gpa == 0x80fc00 && out.reset_eip == 0x80b004);
	assert_true(ds_span_eq(out.cmdline, m.cmdline));
	assert_int_equal(ds_snp_material_add(&again, &out), 0);
	assert_true(ds_span_eq(ds_buf_span(&in), ds_buf_span(&again)));
	for (size_t i = 0; i < in.n; i++)
		assert_int_equal(ds_snp_material_parse(DS_SPAN(in.p, i), &out, NULL), -EBADMSG);
}

static void other_snp_sections_are_refused(void **state)
{
	static const struct {
		struct ds_snp_section s;
		uint64_t hashes_gpa;
	} bad[] = {
		{ { 0x80f000, 0x1000, 5 }, 0x80fc00 },			   /* unknown type */
		{ { 0x80f001, 0x1000, DS_SNP_KERNEL_HASHES }, 0x80fc00 },  /* not a page */
		{ { 0x80f000, 0, DS_SNP_KERNEL_HASHES }, 0x80fc00 },	   /* empty */
		{ { 0x80f000, 0x2000, DS_SNP_KERNEL_HASHES }, 0x80fc00 },  /* two pages */
		{ { 0x80f000, 0x1000, DS_SNP_KERNEL_HASHES }, 0x80ec00 },  /* other page */
		{ { 0x80f000, 0x1000, DS_SNP_KERNEL_HASHES }, 0x80ff59 },  /* does not fit */
		{ { 0x80f000, 0x1000, DS_SNP_CPUID }, 0x80fc00 },	   /* none */
		{ { 0x80f000, 1ull << 40, DS_SNP_SEC_MEMORY }, 0x80fc00 }, /* too many pages */
	};
	struct ds_snp_material m;

	make_snp(&m);
	assert_int_equal(ds_snp_material_check(&m, NULL), 0);
	m.hashes_gpa = 0x80ff58;
	assert_int_equal(ds_snp_material_check(&m, NULL), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		make_snp(&m);
		m.s[1] = bad[i].s;
		m.hashes_gpa = bad[i].hashes_gpa;
		assert_int_equal(ds_snp_material_check(&m, NULL), -EBADMSG);
	}
	make_snp(&m);
	m.reset_eip = 1ull << 32;
	assert_int_equal(ds_snp_material_check(&m, NULL), -EBADMSG);
}

/* Firmware with the three entries; GUIDs as text in the comments of sevmeta.c. */
#define IMAGE 0x2000u
#define META  0x1000u

static void make_firmware(uint8_t *fw)
{
	static const uint8_t table[] = {
		/* metadata: distance from the end, 22, GUID */
		0x00, 0x10, 0, 0, 22, 0, 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e,
		0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc,
		/* kernel hashes: base, size, 26, GUID */
		0x00, 0xfc, 0x80, 0, 0, 4, 0, 0, 26, 0, 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04,
		0x4b, 0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54,
		/* reset vector, 22, GUID */
		0x04, 0xb0, 0x80, 0, 22, 0, 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f, 0x89,
		0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e,
		/* footer: length of all, GUID */
		22 + 26 + 22 + 18, 0, 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea,
		0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d
	};

	memset(fw, 0, IMAGE);
	memcpy(fw + IMAGE - 32 - sizeof(table), table, sizeof(table));
	memcpy(fw + META, "ASEV", 4);
	ds_put_u32le(fw + META + 4, 16 + 2 * 12);
	ds_put_u32le(fw + META + 8, 1);
	ds_put_u32le(fw + META + 12, 2);
	ds_put_u32le(fw + META + 16, 0x800000);
	ds_put_u32le(fw + META + 20, 0x9000);
	ds_put_u32le(fw + META + 24, DS_SNP_SEC_MEMORY);
	ds_put_u32le(fw + META + 28, 0x80f000);
	ds_put_u32le(fw + META + 32, 0x1000);
	ds_put_u32le(fw + META + 36, DS_SNP_KERNEL_HASHES);
}

static void firmware_metadata_is_read(void **state)
{
	static const struct {
		size_t off;
		uint8_t v;
		const char *text;
	} bad[] = {
		{ META, 'X', "not ASEV" },
		{ META + 8, 2, "not ASEV" },
		{ META + 12, 3, "3 sections in metadata of 40 bytes" },
		{ META + 24, 9, "type 0x9" },
		{ IMAGE - 32 - 88 + 6, 0, "no SEV metadata" },
		{ IMAGE - 32 - 66 + 10, 0, "no table for kernel hashes" },
		{ IMAGE - 32 - 40 + 6, 0, "no reset vector" },
		{ IMAGE - 32 - 1, 0, "no GUID table" },
	};
	struct ds_snp_material m = { .n = 0 };
	struct ds_err err;
	uint8_t fw[IMAGE];

	make_firmware(fw);
	assert_int_equal(ds_snp_firmware(DS_SPAN_ARRAY(fw), &m, NULL), 0);
	assert_int_equal(m.n, 2);
	assert_true(m.hashes_gpa == 0x80fc00 && m.reset_eip == 0x80b004);
	assert_true(m.s[0].gpa == 0x800000 && m.s[0].size == 0x9000);
	assert_int_equal(m.s[1].type, DS_SNP_KERNEL_HASHES);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		make_firmware(fw);
		fw[bad[i].off] = bad[i].v;
		err = DS_ERR_NULL;
		assert_int_equal(ds_snp_firmware(DS_SPAN_ARRAY(fw), &m, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, bad[i].text));
	}
	make_firmware(fw);
	for (size_t i = 0; i < IMAGE; i++) /* whole pages that hold the metadata */
		assert_int_equal(ds_snp_firmware(DS_SPAN(fw + i, IMAGE - i), &m, NULL),
				 i && i != META ? -EBADMSG : 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cbor_is_the_shortest_form),
		cmocka_unit_test(tdx_material_is_read_and_written),
		cmocka_unit_test(other_tdx_material_is_refused),
		cmocka_unit_test(snp_material_is_read_and_written),
		cmocka_unit_test(other_snp_sections_are_refused),
		cmocka_unit_test(firmware_metadata_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
