/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables as QEMU gives them to firmware through fw_cfg: one blob of tables
 * (etc/acpi/tables), the root pointer (etc/acpi/rsdp) and a list of commands with which the
 * firmware links them (etc/table-loader). Firmware of a TD measures all three before it follows
 * them, so checksums are zero and pointers are offsets into the blob (spec/boot.md 5.3). Root
 * pointer and commands follow from the tables. Pure.
 */
#ifndef DS_WIRE_ACPI_H
#define DS_WIRE_ACPI_H

#include <ds/base/base.h>

#define DS_ACPI_MAX_TABLES  16u
#define DS_ACPI_MAX_BLOB    (1u << 20)
#define DS_ACPI_RSDP_SIZE   20u
#define DS_ACPI_LOADER_SIZE 4096u

struct ds_acpi_table {
	char sig[5];
	uint32_t off;
	uint32_t len;
};

/* In the order of the blob: FACS, DSDT, FACP, those named by the RSDT, RSDT. */
struct ds_acpi {
	struct ds_acpi_table t[DS_ACPI_MAX_TABLES];
	size_t n;
};

/*
 * The blob's tables. Refused (-EBADMSG): another order, tables that QEMU links in another way
 * (TPM2, TCPA), pointers or checksums that firmware has already filled in, anything but zeros
 * behind the RSDT.
 */
DS_MUST int ds_acpi_parse(struct ds_span blob, struct ds_acpi *ret, struct ds_err *err);
/* etc/acpi/rsdp and etc/table-loader for tables laid out like this; appended. */
DS_MUST int ds_acpi_rsdp(const struct ds_acpi *a, struct ds_buf *ret);
DS_MUST int ds_acpi_loader(const struct ds_acpi *a, struct ds_buf *ret);

/* What the MADT says. */
struct ds_acpi_madt {
	uint32_t cpus;
	uint32_t overrides; /* interrupt source overrides */
	bool pic;	    /* PCAT_COMPAT */
};
DS_MUST int ds_acpi_madt(struct ds_span blob, const struct ds_acpi *a, struct ds_acpi_madt *ret,
			 struct ds_err *err);

/* The VMM of a TD, as far as its tables differ from those of a stock QEMU of its time. */
struct ds_acpi_vmm {
	bool before_9_2; /* a TDX branch of QEMU before 9.2 */
	bool pic;	 /* the VM has the legacy interrupt controller */
};
/*
 * The blob as that VMM would have made it, appended, from one of a stock QEMU (8.2 with its fixes,
 * to 9.2). -EBADMSG: what has to be changed does not look as there.
 */
DS_MUST int ds_acpi_for_vmm(struct ds_span blob, const struct ds_acpi_vmm *vmm, struct ds_buf *ret,
			    struct ds_err *err);

/* Sizes of the six tables of a dstack VM, from which both other blobs follow. */
struct ds_acpi_layout {
	uint32_t dsdt, apic;
};
/* A struct ds_acpi of that layout: FACS 64, FACP 244, MCFG 60, WAET 40, RSDT 52. */
void ds_acpi_from_layout(struct ds_acpi_layout l, struct ds_acpi *ret);

#endif
