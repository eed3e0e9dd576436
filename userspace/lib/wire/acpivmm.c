// SPDX-License-Identifier: Apache-2.0
/*
 * From the tables of a stock QEMU to those of the TDX branches that TDs run on (spec/boot.md 5.3):
 * other interrupt overrides, edges for levels, and an older PDSM. Three real TDs' tables come out
 * (docs/measurements.md), so what is here is what they had, and whatever looks different is refused.
 */
#include <ds/base/rd.h>
#include <ds/wire/acpi.h>

#define DOMAIN	   "acpi"
#define HEADER	   36u
#define MADT_FLAGS 40u
#define MADT_FIXED 44u
#define OVERRIDE   2u
#define INTERRUPTS 25 /* of LNKA-H, GSIA-H (twice each) and IQCR */
#define LEVEL	   0x09
#define EDGE	   0x0b

/* If (Arg2 == 7) of PDSM, since QEMU 9.2 and before. The name of a slot. */
static const uint8_t func7_new[] = {
	0xa0, 0x37, 0x93, 0x6a, 0x0a, 0x07, 0x70, 'A',	'I',  'D',  'X',  0x83, 0x88, 0x6c,
	0x00, 0x00, 0x83, 0x88, 0x6c, 0x01, 0x00, 0x62, 0x70, 0x12, 0x02, 0x02, 0x60, 0xa0,
	0x1a, 0x92, 0x91, 0x93, 0x62, 0x00, 0x93, 0x62, 0x0c, 0xff, 0xff, 0xff, 0xff, 0x70,
	0x62, 0x88, 0x60, 0x00, 0x00, 0x70, 0x0d, 0x00, 0x88, 0x60, 0x01, 0x00, 0xa4, 0x60,
};
static const uint8_t func7_old[] = {
	0xa0, 0x25, 0x93, 0x6a, 0x0a, 0x07, 0x70, 0x12, 0x05, 0x02, 0x00, 0x0d, 0x00,
	0x60, 0x70, 'A',  'I',	'D',  'X',  0x83, 0x88, 0x6c, 0x00, 0x00, 0x83, 0x88,
	0x6c, 0x01, 0x00, 0x62, 0x70, 0x62, 0x88, 0x60, 0x00, 0x00, 0xa4, 0x60,
};
/* Scope (_SB.PCI0) { OperationRegion (PCST, ...: its last object is PDSM. The length is skipped. */
static const uint8_t scope_head[] = { 0x2e, '_', 'S',  'B',  '_', 'P', 'C', 'I',
				      '0',  0x5b, 0x80, 'P', 'C', 'S', 'T' };
static const uint8_t pdsm_head[] = { 'P', 'D', 'S', 'M', 0x0d };

static int odd(struct ds_err *err, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, 0, "DSDT: %s: not a QEMU that is modelled", what);
}

/* Offset of a pattern behind the header, 0: it is not there. */
static size_t find(struct ds_span dsdt, const void *what, size_t n)
{
	const uint8_t *p = memmem(dsdt.p + HEADER, dsdt.n - HEADER, what, n);

	return p ? (size_t)(p - dsdt.p) : 0;
}

/* An object OP PkgLength NAME with a length of two bytes, 64 to 4095, that ends where the span does. */
static bool ends_at(struct ds_span dsdt, uint8_t op, size_t name, size_t end)
{
	const uint8_t *len = dsdt.p + name - 2;

	return name >= HEADER + 3 && dsdt.p[name - 3] == op && len[0] >> 4 == 4 &&
	       name - 2 + (len[0] & 15u) + (size_t)len[1] * 16 == end;
}

static void shrink(uint8_t len[2], size_t by)
{
	size_t n = (len[0] & 15u) + (size_t)len[1] * 16 - by;

	len[0] = (uint8_t)(0x40 | (n & 15));
	len[1] = (uint8_t)(n / 16);
}

/* The interrupts of PCI links and of nothing else: 0x89, length, flags, how many, each four bytes. */
static int trigger_by_edge(uint8_t *p, size_t n, struct ds_err *err)
{
	int found = 0;

	for (size_t i = HEADER; i + 5 <= n; i++) {
		if (p[i] != 0x89 || p[i + 2] || p[i + 3] != LEVEL || p[i + 1] != 2 + 4 * p[i + 4] ||
		    (p[i + 4] != 1 && p[i + 4] != 3))
			continue;
		p[i + 3] = EDGE;
		found++;
	}
	return found == INTERRUPTS ? 0 : odd(err, "other interrupts of PCI links");
}

static int add_dsdt(struct ds_span dsdt, bool before_9_2, struct ds_buf *ret, struct ds_err *err)
{
	size_t pdsm = find(dsdt, pdsm_head, sizeof(pdsm_head)), start = ret->n;
	size_t scope = find(dsdt, scope_head, sizeof(scope_head));
	size_t at = find(dsdt, func7_new, sizeof(func7_new)), end = at + sizeof(func7_new);
	const size_t less = sizeof(func7_new) - sizeof(func7_old);

	if (pdsm && !at && !(before_9_2 && find(dsdt, func7_old, sizeof(func7_old))))
		return odd(err, "PDSM");
	if (!before_9_2 || !at) {
		DS_TRY(ds_buf_add_span(ret, dsdt));
	} else {
		if (!pdsm || !ends_at(dsdt, 0x14, pdsm, end) || !ends_at(dsdt, 0x10, scope, end))
			return odd(err, "PDSM");
		DS_TRY(ds_buf_add(ret, dsdt.p, at));
		DS_TRY(ds_buf_add(ret, func7_old, sizeof(func7_old)));
		DS_TRY(ds_buf_add(ret, dsdt.p + end, dsdt.n - end));
		shrink(ret->p + start + pdsm - 2, less);
		shrink(ret->p + start + scope - 2, less);
	}
	return before_9_2 ? trigger_by_edge(ret->p + start, ret->n - start, err) : 0;
}

/* Active high, by edge: the timer at 2, the others where they are. */
static int add_overrides(struct ds_buf *ret)
{
	for (uint8_t i = 0; i < 16; i++) {
		const uint8_t entry[] = { OVERRIDE, 10, 0, i, i ? i : 2, 0, 0, 0, 5, 0 };

		DS_TRY(ds_buf_add(ret, entry, sizeof(entry)));
	}
	return 0;
}

static int add_apic(struct ds_span apic, const struct ds_acpi_vmm *vmm, struct ds_buf *ret,
		    struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(apic), head, entry;
	size_t start = ret->n;
	bool done = false;
	uint8_t len;

	if (ds_rd_block(&rd, MADT_FIXED, &head))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "APIC of %zu bytes", apic.n);
	DS_TRY(ds_buf_add(ret, apic.p, MADT_FIXED));
	ret->p[start + MADT_FLAGS] = vmm->pic; /* PCAT_COMPAT; stock QEMU sets it always before 9.0 */
	while (ds_rd_left(&rd)) {
		const uint8_t *p = apic.p + ds_rd_pos(&rd);

		len = ds_rd_left(&rd) < 2 ? 0 : p[1];
		if (len < 2 || ds_rd_block(&rd, len, &entry))
			return ds_err_set(err, -EBADMSG, DOMAIN, 0, "APIC entry does not fit");
		if (p[0] != OVERRIDE || !vmm->before_9_2)
			DS_TRY(ds_buf_add(ret, p, len));
		else if (!done)
			DS_TRY(add_overrides(ret));
		done |= p[0] == OVERRIDE;
	}
	return done ? 0 : ds_err_set(err, -EBADMSG, DOMAIN, 0, "APIC without overrides");
}

static int add_table(struct ds_span t, const char *sig, const struct ds_acpi_vmm *vmm,
		     struct ds_buf *ret, struct ds_err *err)
{
	if (!strcmp(sig, "DSDT"))
		return add_dsdt(t, vmm->before_9_2, ret, err);
	return strcmp(sig, "APIC") ? ds_buf_add_span(ret, t) : add_apic(t, vmm, ret, err);
}

int ds_acpi_for_vmm(struct ds_span blob, const struct ds_acpi_vmm *vmm, struct ds_buf *ret,
		    struct ds_err *err)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	uint32_t off[DS_ACPI_MAX_TABLES];
	struct ds_acpi a;

	DS_TRY(ds_acpi_parse(blob, &a, err));
	for (size_t i = 0; i < a.n; i++) {
		off[i] = (uint32_t)out.n;
		DS_TRY(add_table(DS_SPAN(blob.p + a.t[i].off, a.t[i].len), a.t[i].sig, vmm, &out,
				 err));
		ds_put_u32le(out.p + off[i] + 4, (uint32_t)out.n - off[i]);
	}
	for (size_t i = 2; i + 1 < a.n; i++)
		ds_put_u32le(out.p + off[a.n - 1] + HEADER + 4 * (i - 2), off[i]);
	if (out.n < blob.n)
		DS_TRY(ds_buf_add_zero(&out, blob.n - out.n));
	DS_TRY(ds_acpi_parse(ds_buf_span(&out), &a, err));
	return ds_buf_add_span(ret, ds_buf_span(&out));
}
