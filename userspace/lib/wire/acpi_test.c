// SPDX-License-Identifier: Apache-2.0
/* Tests of the ACPI blobs: what follows from their layout, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/rd.h>
#include <ds/wire/acpi.h>

#define BLOB 2048u

/* Tables as QEMU lays them out; the APIC table of two CPUs, one override, PIC present. */
static size_t make_blob(uint8_t *b, struct ds_acpi *a)
{
	static const uint8_t entries[] = {
		0, 8, 0, 0, 1, 0, 0, 0, 0, 8, 1,  1, 1, 0, 0, 0, 1, 12, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0,	0,
	};
	uint8_t *p;

	ds_acpi_from_layout((struct ds_acpi_layout){ 100, 44 + sizeof(entries) }, a);
	memset(b, 0, BLOB);
	for (size_t i = 0; i < a->n; i++) {
		memcpy(b + a->t[i].off, a->t[i].sig, 4);
		ds_put_u32le(b + a->t[i].off + 4, a->t[i].len);
	}
	p = b + a->t[2].off;
	ds_put_u32le(p + 40, a->t[1].off);
	ds_put_u64le(p + 140, a->t[1].off);
	p = b + a->t[3].off;
	p[40] = 1;
	memcpy(p + 44, entries, sizeof(entries));
	p = b + a->t[6].off;
	for (uint32_t i = 0; i < 4; i++)
		ds_put_u32le(p + 36 + 4 * i, a->t[2 + i].off);
	return a->t[6].off + a->t[6].len;
}

/* Digests of real logs: compare_test.c. */
static void derived_blobs_have_their_shape(void **state)
{
	DS_BUF struct ds_buf loader = DS_BUF_NULL, rsdp = DS_BUF_NULL;
	struct ds_acpi a;

	ds_acpi_from_layout((struct ds_acpi_layout){ 100, 80 }, &a);
	assert_int_equal(ds_acpi_loader(&a, &loader), 0);
	assert_int_equal(loader.n, DS_ACPI_LOADER_SIZE);
	assert_int_equal(ds_get_u32le(loader.p + 16 * 128), 3); /* 17 commands */
	assert_int_equal(ds_get_u32le(loader.p + 17 * 128), 0);
	assert_int_equal(ds_acpi_rsdp(&a, &rsdp), 0);
	assert_int_equal(rsdp.n, DS_ACPI_RSDP_SIZE);
	assert_memory_equal(rsdp.p, "RSD PTR \0BOCHS \0", 16);
	assert_int_equal(ds_get_u32le(rsdp.p + 16), 64 + 100 + 244 + 80 + 60 + 40);
}

static void tables_are_read(void **state)
{
	uint8_t b[BLOB];
	struct ds_acpi want, a;
	struct ds_acpi_madt madt;

	make_blob(b, &want);
	assert_int_equal(ds_acpi_parse(DS_SPAN_ARRAY(b), &a, NULL), 0);
	assert_int_equal(a.n, want.n);
	for (size_t i = 0; i < a.n; i++) {
		assert_string_equal(a.t[i].sig, want.t[i].sig);
		assert_int_equal(a.t[i].off, want.t[i].off);
		assert_int_equal(a.t[i].len, want.t[i].len);
	}
	assert_int_equal(ds_acpi_madt(DS_SPAN_ARRAY(b), &a, &madt, NULL), 0);
	assert_int_equal(madt.cpus, 2);
	assert_int_equal(madt.overrides, 1);
	assert_true(madt.pic);
}

static void other_blobs_are_refused(void **state)
{
	uint8_t b[BLOB];
	struct ds_acpi a, out;
	struct ds_err err;
	size_t n = make_blob(b, &a);
	const struct {
		size_t off;
		uint8_t value;
		const char *text;
	} bad[] = {
		{ a.t[0].off, 'X', "table 0 is XACS" },
		{ a.t[1].off, 0, "no table where one should begin" },
		{ a.t[1].off + 4, 1, "DSDT of 1 bytes" },
		{ a.t[1].off + 6, 1, "DSDT of 65636 bytes" },
		{ a.t[1].off + 9, 1, "DSDT has a checksum" },
		{ a.t[2].off + 36, 1, "FACP points elsewhere" },
		{ a.t[2].off + 40, 1, "FACP points elsewhere" },
		{ a.t[2].off + 147, 1, "FACP points elsewhere" },
		{ a.t[5].off, 'T', "RSDT does not point" },
		{ a.t[6].off + 36, 1, "RSDT does not point to FACP" },
		{ a.t[6].off + 4, 56, "RSDT of 56 bytes for 4 tables" },
		{ n, 1, "bytes behind the RSDT" },
		{ BLOB - 1, 1, "bytes behind the RSDT" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		make_blob(b, &a);
		b[bad[i].off] = bad[i].value;
		err = DS_ERR_NULL;
		if (bad[i].off == a.t[5].off) {
			/* a table that the RSDT names is not refused for its name, a TPM's is */
			assert_int_equal(ds_acpi_parse(DS_SPAN_ARRAY(b), &out, &err), 0);
			memcpy(b + bad[i].off, "TPM2", 4);
			assert_int_equal(ds_acpi_parse(DS_SPAN_ARRAY(b), &out, &err), -EBADMSG);
			assert_non_null(strstr(err.msg, "TPM2"));
			continue;
		}
		assert_int_equal(ds_acpi_parse(DS_SPAN_ARRAY(b), &out, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, bad[i].text));
	}
}

static void each_truncation_is_refused(void **state)
{
	uint8_t b[BLOB];
	struct ds_acpi a, out;
	size_t n = make_blob(b, &a);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(ds_acpi_parse(DS_SPAN(b, i), &out, NULL), -EBADMSG);
	for (size_t i = n; i <= BLOB; i++)
		assert_int_equal(ds_acpi_parse(DS_SPAN(b, i), &out, NULL), 0);
}

static void apic_entries_are_bounded(void **state)
{
	uint8_t b[BLOB];
	struct ds_acpi a;
	struct ds_acpi_madt madt;
	uint32_t off, full;

	make_blob(b, &a);
	off = a.t[3].off;
	full = a.t[3].len;
	for (uint32_t len = 36; len < full; len++) {
		bool whole = len == 44 || len == 52 || len == 60 || len == 72;

		a.t[3].len = len;
		assert_int_equal(ds_acpi_madt(DS_SPAN_ARRAY(b), &a, &madt, NULL),
				 whole ? 0 : -EBADMSG);
	}
	a.t[3].len = full;
	b[off + 45] = 1; /* shorter than its own head: would not advance */
	assert_int_equal(ds_acpi_madt(DS_SPAN_ARRAY(b), &a, &madt, NULL), -EBADMSG);
	memcpy(a.t[3].sig, "XXXX", 4);
	assert_int_equal(ds_acpi_madt(DS_SPAN_ARRAY(b), &a, &madt, NULL), -EBADMSG);
}

/* If (Arg2 == 7) of PDSM as QEMU has it since 9.2. */
static const uint8_t func7[] = {
	0xa0, 0x37, 0x93, 0x6a, 0x0a, 0x07, 0x70, 'A',	'I',  'D',  'X',  0x83, 0x88, 0x6c,
	0x00, 0x00, 0x83, 0x88, 0x6c, 0x01, 0x00, 0x62, 0x70, 0x12, 0x02, 0x02, 0x60, 0xa0,
	0x1a, 0x92, 0x91, 0x93, 0x62, 0x00, 0x93, 0x62, 0x0c, 0xff, 0xff, 0xff, 0xff, 0x70,
	0x62, 0x88, 0x60, 0x00, 0x00, 0x70, 0x0d, 0x00, 0x88, 0x60, 0x01, 0x00, 0xa4, 0x60,
};
#define LINKS 25

/* A DSDT of what is changed in one: the scope that ends in PDSM, and the links' interrupts. */
static void q35_dsdt(struct ds_buf *b, bool pdsm)
{
	static const uint8_t head[] = { 0x2e, '_', 'S',	 'B',  '_', 'P', 'C', 'I',
					'0',  0x5b, 0x80, 'P', 'C', 'S', 'T' };
	static const uint8_t link[] = { 0x89, 0x06, 0x00, 0x09, 0x01, 16, 0, 0, 0 };
	const size_t method = 2 + 5 + sizeof(func7), scope = 2 + sizeof(head) + 1 + method;
	const uint8_t scope_len[] = { 0x10, (uint8_t)(0x40 | (scope & 15)), (uint8_t)(scope / 16) };
	const uint8_t method_len[] = { 0x14, (uint8_t)(0x40 | (method & 15)), (uint8_t)(method / 16) };

	assert_int_equal(ds_buf_add(b, "DSDT\0\0\0\0", 8), 0);
	assert_int_equal(ds_buf_add_zero(b, 28), 0);
	if (pdsm) {
		assert_int_equal(ds_buf_add(b, scope_len, 3), 0);
		assert_int_equal(ds_buf_add(b, head, sizeof(head)), 0);
		assert_int_equal(ds_buf_add(b, method_len, 3), 0);
		assert_int_equal(ds_buf_add(b, "PDSM\r", 5), 0);
		assert_int_equal(ds_buf_add(b, func7, sizeof(func7)), 0);
	}
	for (int i = 0; i < LINKS; i++)
		assert_int_equal(ds_buf_add(b, link, sizeof(link)), 0);
	ds_put_u32le(b->p + 4, (uint32_t)b->n);
}

/* make_blob() with that DSDT in the place of its own. */
static void q35_blob(struct ds_buf *ret, bool pdsm)
{
	DS_BUF struct ds_buf dsdt = DS_BUF_NULL;
	struct ds_acpi a;
	uint8_t b[BLOB];
	size_t n = make_blob(b, &a);
	uint32_t more;

	q35_dsdt(&dsdt, pdsm);
	more = (uint32_t)dsdt.n - a.t[1].len;
	for (uint32_t i = 0; i < 4; i++)
		ds_put_u32le(b + a.t[6].off + 36 + 4 * i, a.t[2 + i].off + more);
	assert_int_equal(ds_buf_add(ret, b, a.t[1].off), 0);
	assert_int_equal(ds_buf_add_span(ret, ds_buf_span(&dsdt)), 0);
	assert_int_equal(ds_buf_add(ret, b + a.t[2].off, n - a.t[2].off), 0);
	assert_int_equal(ds_buf_add_zero(ret, 64), 0);
}

/* Real tables: 13-measurements, where a QEMU that made such is at hand. */
static void tables_of_another_vmm(void **state)
{
	static const struct {
		bool pdsm;
		struct ds_acpi_vmm vmm;
	} rows[] = {
		{ true, { .before_9_2 = true, .pic = true } },
		{ false, { .before_9_2 = true, .pic = true } },
		{ true, { .pic = false } },
		{ false, { .pic = true } },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;
		const bool old = rows[i].vmm.before_9_2, less = old && rows[i].pdsm;
		struct ds_acpi was, is;
		struct ds_acpi_madt madt;
		const uint8_t *p;

		q35_blob(&in, rows[i].pdsm);
		assert_int_equal(ds_acpi_parse(ds_buf_span(&in), &was, NULL), 0);
		assert_int_equal(ds_acpi_for_vmm(ds_buf_span(&in), &rows[i].vmm, &out, NULL), 0);
		assert_int_equal(ds_acpi_parse(ds_buf_span(&out), &is, NULL), 0);
		assert_int_equal(ds_acpi_madt(ds_buf_span(&out), &is, &madt, NULL), 0);
		assert_int_equal(was.t[1].len - is.t[1].len, less ? 18 : 0);
		assert_int_equal(madt.overrides, old ? 16 : 1);
		assert_true(madt.pic == rows[i].vmm.pic && madt.cpus == 2);
		p = out.p + is.t[1].off + is.t[1].len - 9;
		assert_int_equal(p[3], old ? 0x0b : 0x09);
		p = out.p + is.t[1].off + 36;
		if (rows[i].pdsm) /* lengths of scope and method */
			assert_true(p[2] * 16 + (p[1] & 15) == 81 - (less ? 18 : 0) &&
				    p[20] * 16 + (p[19] & 15) == 63 - (less ? 18 : 0));
		p = out.p + is.t[3].off + is.t[3].len - 10;
		if (old) /* the last override, for 15 */
			assert_memory_equal(p, "\2\12\0\17\17\0\0\0\5\0", 10);
	}
}

static void other_tables_are_not_changed(void **state)
{
	const struct {
		size_t at; /* in the DSDT, or behind it in the blob with from_apic */
		uint8_t value;
		bool pdsm, before_9_2, from_apic;
		const char *text;
	} rows[] = {
		{ 36 + 5, 0x08, false, true, false, NULL },
		{ 36 + 3, 0x08, false, true, false, "other interrupts" },
		{ 36 + 3, 0x08, false, false, false, NULL },
		{ 36 + 26 + 6, 0x71, true, true, false, "DSDT: PDSM" },	 /* another function 7 */
		{ 36 + 26 + 6, 0x71, true, false, false, "DSDT: PDSM" },
		{ 36 + 19, 0x40, true, true, false, "DSDT: PDSM" },	 /* a method that goes on */
		{ 36 + 1, 0x40, true, true, false, "DSDT: PDSM" },	 /* a scope that goes on */
		{ 36, 0x11, true, true, false, "DSDT: PDSM" },
		{ 36 + 18, 0x11, true, true, false, "DSDT: PDSM" },
		{ 72, 3, false, true, true, "APIC without overrides" },
		{ 73, 11, false, true, true, "APIC entry does not fit" },
		{ 73, 1, false, true, true, "APIC entry does not fit" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const struct ds_acpi_vmm vmm = { .before_9_2 = rows[i].before_9_2 };
		DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		struct ds_acpi a;
		int r;

		q35_blob(&in, rows[i].pdsm);
		assert_int_equal(ds_acpi_parse(ds_buf_span(&in), &a, NULL), 0);
		in.p[a.t[rows[i].from_apic ? 3 : 1].off + rows[i].at] = rows[i].value;
		r = ds_acpi_for_vmm(ds_buf_span(&in), &vmm, &out, &err);
		if (r != (rows[i].text ? -EBADMSG : 0) ||
		    (rows[i].text && (!strstr(err.msg, rows[i].text) || out.n)))
			fail_msg("row %zu: %d '%s'", i, r, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_blobs_have_their_shape),
		cmocka_unit_test(tables_are_read),
		cmocka_unit_test(other_blobs_are_refused),
		cmocka_unit_test(each_truncation_is_refused),
		cmocka_unit_test(apic_entries_are_bounded),
		cmocka_unit_test(tables_of_another_vmm),
		cmocka_unit_test(other_tables_are_not_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
