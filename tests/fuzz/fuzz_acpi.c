// SPDX-License-Identifier: Apache-2.0
/*
 * ds_acpi_parse() and what is derived from its result. A second run repairs what a blob has to
 * have: lengths that fit, zero checksums, pointers, zeros at the end, so that the MADT is reached.
 */
#include <stdlib.h>

#include <ds/base/rd.h>
#include <ds/wire/acpi.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void run(struct ds_span in)
{
	DS_BUF struct ds_buf loader = DS_BUF_NULL, rsdp = DS_BUF_NULL, other = DS_BUF_NULL;
	const struct ds_acpi_vmm vmm = { .before_9_2 = in.n & 1, .pic = in.n & 2 };
	struct ds_acpi_madt madt;
	struct ds_acpi a;

	if (ds_acpi_parse(in, &a, NULL))
		return;
	if (a.n < 4 || a.n > DS_ACPI_MAX_TABLES)
		abort();
	for (size_t i = 0; i < a.n; i++)
		if (a.t[i].off > in.n || a.t[i].len > in.n - a.t[i].off || strlen(a.t[i].sig) != 4)
			abort();
	if (ds_acpi_loader(&a, &loader) || ds_acpi_rsdp(&a, &rsdp) ||
	    loader.n % DS_ACPI_LOADER_SIZE || rsdp.n != DS_ACPI_RSDP_SIZE)
		abort();
	if (!ds_acpi_for_vmm(in, &vmm, &other, NULL) && (!other.n || other.n < in.n))
		abort();
	if (!ds_acpi_madt(in, &a, &madt, NULL) && (madt.cpus > in.n || madt.overrides > in.n))
		abort();
}

/* One table of the input's bytes behind its header. */
static int add_table(struct ds_buf *b, const char *sig, const uint8_t *p, size_t n)
{
	DS_TRY(ds_buf_add(b, sig, 4));
	DS_TRY(ds_buf_add_u32le(b, (uint32_t)(36 + n)));
	DS_TRY(ds_buf_add_zero(b, 28));
	return ds_buf_add(b, p, n);
}

static int make(const uint8_t *p, size_t n, struct ds_buf *b)
{
	static const uint8_t zero[208];
	size_t half = n / 2, dsdt = 64, facp = dsdt + 36 + half, apic = facp + 244;
	uint8_t rsdt[8];

	DS_TRY(add_table(b, "FACS", zero, 28));
	DS_TRY(add_table(b, "DSDT", p, half));
	DS_TRY(add_table(b, "FACP", zero, 208));
	DS_TRY(add_table(b, "APIC", p + half, n - half));
	ds_put_u32le(b->p + facp + 40, (uint32_t)dsdt);
	ds_put_u64le(b->p + facp + 140, dsdt);
	ds_put_u32le(rsdt, (uint32_t)facp);
	ds_put_u32le(rsdt + 4, (uint32_t)apic);
	DS_TRY(add_table(b, "RSDT", rsdt, sizeof(rsdt)));
	return ds_buf_add_zero(b, n % 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	run(DS_SPAN(p, n));
	if (n && n < 65536 && !make(p, n, &b))
		run(ds_buf_span(&b));
	return 0;
}
