// SPDX-License-Identifier: Apache-2.0
/* Tests of lib/wire/snpreport.c on reports put together here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/rd.h>
#include <ds/wire/snpreport.h>

/* Every byte of the signed part tells where it is, except where the format has its say. */
static void make(uint8_t p[DS_SNP_REPORT_SIZE], uint32_t version)
{
	memset(p, 0, DS_SNP_REPORT_SIZE);
	for (size_t i = 0; i < DS_SNP_SIGNED_SIZE; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8));
	ds_put_u32le(p, version);
	ds_put_u32le(p + 0x34, 1);
	ds_put_u64le(p + 0x48, 0);
	for (size_t i = 0; i < 48; i++) {
		p[0x2a0 + i] = (uint8_t)(i + 1);
		p[0x2e8 + i] = (uint8_t)(i + 101);
	}
}

static int parse(const uint8_t *p, size_t n, struct ds_snp_report *r, enum ds_snp_fault *f)
{
	struct ds_err err = DS_ERR_NULL;
	int rc = ds_snp_report_parse(DS_SPAN(p, n), r, f, &err);

	assert_int_equal(!rc, *f == DS_SNP_OK);
	assert_int_equal(!rc, !err.msg[0]);
	return rc;
}

static void reads_every_field(void **state)
{
	uint8_t p[DS_SNP_REPORT_SIZE];
	enum ds_snp_fault f;
	struct ds_snp_report r;

	make(p, 5);
	p[0x48] = 1 | 2 | 1 << 2;
	assert_int_equal(parse(p, sizeof(p), &r, &f), 0);
	assert_int_equal(r.body.version, 5);
	assert_int_equal(r.body.guest_svn, ds_get_u32le(p + 4));
	assert_int_equal(r.body.policy, ds_get_u64le(p + 8));
	assert_memory_equal(r.body.family_id, p + 0x10, 16);
	assert_memory_equal(r.body.image_id, p + 0x20, 16);
	assert_int_equal(r.body.vmpl, ds_get_u32le(p + 0x30));
	assert_memory_equal(r.body.current_tcb, p + 0x38, 8);
	assert_int_equal(r.body.platform_info, ds_get_u64le(p + 0x40));
	assert_true(r.body.author_key && r.body.mask_chip_key);
	assert_int_equal(r.body.signing_key, DS_SNP_KEY_VLEK);
	assert_memory_equal(r.body.report_data, p + 0x50, 64);
	assert_memory_equal(r.body.measurement, p + 0x90, 48);
	assert_memory_equal(r.body.host_data, p + 0xc0, 32);
	assert_memory_equal(r.body.id_key_digest, p + 0xe0, 48);
	assert_memory_equal(r.body.author_key_digest, p + 0x110, 48);
	assert_memory_equal(r.body.report_id, p + 0x140, 32);
	assert_memory_equal(r.body.report_id_ma, p + 0x160, 32);
	assert_memory_equal(r.body.reported_tcb, p + 0x180, 8);
	assert_true(r.body.has_cpuid && r.body.has_mitigations);
	assert_int_equal(r.body.cpuid_family, p[0x188]);
	assert_int_equal(r.body.cpuid_model, p[0x189]);
	assert_int_equal(r.body.cpuid_stepping, p[0x18a]);
	assert_memory_equal(r.body.chip_id, p + 0x1a0, 64);
	assert_memory_equal(r.body.committed_tcb, p + 0x1e0, 8);
	assert_memory_equal(&r.body.current, p + 0x1e8, 3);
	assert_memory_equal(&r.body.committed, p + 0x1ec, 3);
	assert_memory_equal(r.body.launch_tcb, p + 0x1f0, 8);
	assert_int_equal(r.body.launch_mitigations, ds_get_u64le(p + 0x1f8));
	assert_int_equal(r.body.current_mitigations, ds_get_u64le(p + 0x200));
	assert_ptr_equal(r.signed_part.p, p);
	assert_int_equal(r.signed_part.n, 0x2a0);
	assert_ptr_equal(r.r.p, p + 0x2a0);
	assert_ptr_equal(r.s.p, p + 0x2e8);
	make(p, 2);
	assert_int_equal(parse(p, sizeof(p), &r, &f), 0);
	assert_false(r.body.has_cpuid || r.body.has_mitigations);
	assert_int_equal(r.body.cpuid_family, 0);
	make(p, 3);
	assert_int_equal(parse(p, sizeof(p), &r, &f), 0);
	assert_true(r.body.has_cpuid && !r.body.has_mitigations);
}

static void refuses_the_rest(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum ds_snp_fault want;
	} rows[] = {
		{ 0, 1, DS_SNP_F_VERSION },
		{ 0, 6, DS_SNP_F_VERSION },
		{ 3, 1, DS_SNP_F_VERSION },
		{ 0x34, 0, DS_SNP_F_SIG_ALGO },
		{ 0x37, 1, DS_SNP_F_SIG_ALGO },
		{ 0x48, 2 << 2, DS_SNP_F_SIGNING_KEY },
		{ 0x48, 7 << 2, DS_SNP_F_SIGNING_KEY },
		{ 0x48, 0x20, DS_SNP_F_RESERVED },
		{ 0x4b, 0x80, DS_SNP_F_RESERVED },
		{ 0x4c, 1, DS_SNP_F_RESERVED },
		{ 0x4f, 1, DS_SNP_F_RESERVED },
		{ 0x330, 1, DS_SNP_F_RESERVED },
		{ 0x49f, 1, DS_SNP_F_RESERVED },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		uint8_t p[DS_SNP_REPORT_SIZE];
		enum ds_snp_fault f;
		struct ds_snp_report r;

		make(p, 3);
		p[rows[i].at] = rows[i].value;
		assert_int_equal(parse(p, sizeof(p), &r, &f), -EBADMSG);
		if (f != rows[i].want)
			fail_msg("byte 0x%zx: fault %d", rows[i].at, f);
	}
}

static void exactly_one_length(void **state)
{
	for (size_t n = 0; n < DS_SNP_REPORT_SIZE + 3; n++) {
		uint8_t *copy = calloc(1, n ? n : 1), whole[DS_SNP_REPORT_SIZE];
		enum ds_snp_fault f;
		struct ds_snp_report r;

		assert_non_null(copy);
		make(whole, 3);
		memcpy(copy, whole, n < sizeof(whole) ? n : sizeof(whole));
		assert_int_equal(parse(copy, n, &r, &f), n == DS_SNP_REPORT_SIZE ? 0 : -EBADMSG);
		assert_int_equal(f, n == DS_SNP_REPORT_SIZE ? DS_SNP_OK : DS_SNP_F_LENGTH);
		free(copy);
	}
}

static void tcb_layouts(void **state)
{
	static const uint8_t raw[8] = { 10, 11, 12, 13, 14, 15, 16, 17 };
	struct ds_snp_tcb t;

	for (int i = DS_SNP_MILAN; i <= DS_SNP_GENOA; i++) {
		ds_snp_tcb_read(raw, (enum ds_snp_product)i, &t);
		assert_false(t.has_fmc);
		assert_int_equal(t.boot_loader, 10);
		assert_int_equal(t.tee, 11);
		assert_int_equal(t.snp, 16);
		assert_int_equal(t.microcode, 17);
		assert_memory_equal(t.spare + 4, raw + 2, 4);
	}
	ds_snp_tcb_read(raw, DS_SNP_TURIN, &t);
	assert_true(t.has_fmc);
	assert_int_equal(t.fmc, 10);
	assert_int_equal(t.boot_loader, 11);
	assert_int_equal(t.tee, 12);
	assert_int_equal(t.snp, 13);
	assert_int_equal(t.microcode, 17);
	assert_memory_equal(t.spare + 5, raw + 4, 3);
	assert_int_equal(t.spare[4], 0);
}

static void products(void **state)
{
	static const struct {
		uint8_t family, model;
		int want; /* negative: none */
	} rows[] = {
		{ 0x19, 0x00, DS_SNP_MILAN }, { 0x19, 0x0f, DS_SNP_MILAN },
		{ 0x19, 0x10, DS_SNP_GENOA }, { 0x19, 0x1f, DS_SNP_GENOA },
		{ 0x19, 0x20, -ENOENT },      { 0x19, 0x9f, -ENOENT },
		{ 0x19, 0xa0, DS_SNP_GENOA }, { 0x19, 0xaf, DS_SNP_GENOA },
		{ 0x19, 0xb0, -ENOENT },      { 0x1a, 0x00, DS_SNP_TURIN },
		{ 0x1a, 0x11, DS_SNP_TURIN }, { 0x1a, 0x12, -ENOENT },
		{ 0x00, 0x00, -ENOENT },      { 0x17, 0x01, -ENOENT },
	};
	enum ds_snp_product p;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		int r = ds_snp_product_from_cpuid(rows[i].family, rows[i].model, &p);

		assert_int_equal(r ? r : (int)p, rows[i].want);
	}
	assert_int_equal(ds_snp_product_parse(DS_SPAN_LIT("Genoa"), &p), 0);
	assert_int_equal(p, DS_SNP_GENOA);
	assert_int_equal(ds_snp_product_parse(DS_SPAN_LIT("Genoa-B0"), &p), -ENOENT);
	assert_int_equal(ds_snp_product_parse(DS_SPAN_NULL, &p), -ENOENT);
	assert_string_equal(ds_snp_product_name(DS_SNP_TURIN), "Turin");
	assert_string_equal(ds_snp_product_name(DS_SNP_PRODUCTS), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),  cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(exactly_one_length), cmocka_unit_test(tcb_layouts),
		cmocka_unit_test(products),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
