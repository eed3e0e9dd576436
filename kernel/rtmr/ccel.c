// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI table CCEL: where firmware has left its event log.
 *
 * The table is the host's, so its address is taken only if the memory map calls the whole area ACPI
 * memory: that is mapped as private memory of the TD, and is neither a device nor memory of this
 * kernel.
 */
#include <linux/acpi.h>
#include <linux/array_size.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ccel.h"
#include "tcg2.h"

#define CCEL_TYPE_TDX	2
/* Firmware in use reserves 64 KiB. */
#define CCEL_MAX	(1024 * 1024)

/* As in the UEFI specification, "Confidential Computing Event Log". */
struct ccel_table {
	struct acpi_table_header header;
	u8 type;
	u8 subtype;
	__le16 reserved;
	__le64 area_len;
	__le64 area_start;
} __packed;

/* The first resource of its kind with something of the area must have the whole of it. */
static int has_whole(struct resource *part, void *arg)
{
	const struct resource *area = arg;

	return part->start == area->start && part->end == area->end;
}

/* Not region_intersects(), which is content with a part of the area if there is nothing else. */
static bool is_acpi_memory(u64 start, u64 len)
{
	static const unsigned long kinds[] = { IORES_DESC_ACPI_NV_STORAGE, IORES_DESC_ACPI_TABLES };
	struct resource area = { .start = start, .end = start + len - 1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (walk_iomem_res_desc(kinds[i], IORESOURCE_MEM, area.start, area.end, &area,
					has_whole) > 0)
			return true;
	}
	return false;
}

/* The host may change the table and, in vain, the log: each is read once. */
static u8 *copy_area(u64 start, u64 len)
{
	void *area, *copy;

	if (!len || len > CCEL_MAX || start + len < start || !is_acpi_memory(start, len)) {
		pr_warn("CCEL: %llu bytes at %#llx are no log area\n", len, start);
		return NULL;
	}
	area = memremap(start, len, MEMREMAP_WB);
	if (!area) {
		pr_warn("CCEL: cannot map %llu bytes at %#llx\n", len, start);
		return NULL;
	}
	copy = kvmemdup(area, len, GFP_KERNEL);
	memunmap(area);
	return copy;
}

u8 *ds_ccel_copy(struct ds_tcg2_extent *ret_extent)
{
	struct acpi_table_header *table;
	struct ccel_table ccel;
	u64 len;
	u8 *log;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_CCEL, 0, &table)))
		return NULL;
	if (table->length < sizeof(ccel)) {
		pr_warn("CCEL: table of %u bytes\n", table->length);
		acpi_put_table(table);
		return NULL;
	}
	memcpy(&ccel, table, sizeof(ccel));
	acpi_put_table(table);
	if (ccel.type != CCEL_TYPE_TDX) {
		pr_warn("CCEL: type %u, expected %u\n", ccel.type, CCEL_TYPE_TDX);
		return NULL;
	}
	len = le64_to_cpu(ccel.area_len);
	log = copy_area(le64_to_cpu(ccel.area_start), len);
	if (!log)
		return NULL;
	if (ds_tcg2_measure(log, len, ret_extent)) {
		pr_warn("CCEL: not a SHA-384 event log of RTMR0 to RTMR2, left out of eventlog\n");
		kvfree(log);
		return NULL;
	}
	return log;
}
