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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_blobs_have_their_shape),
		cmocka_unit_test(tables_are_read),
		cmocka_unit_test(other_blobs_are_refused),
		cmocka_unit_test(each_truncation_is_refused),
		cmocka_unit_test(apic_entries_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
