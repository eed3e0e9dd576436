/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurement material of an image: what is needed to compute a VM's expected registers without
 * the image itself (spec/boot.md 1.6). measurement.tdx.cbor for TDX, measurement.snp.cbor for
 * SEV-SNP. Pure; texts point into the input. Whether material belongs to an image is for the
 * caller: its SHA-256 is in the sha256sum.txt whose hash is os_image_hash.
 */
#ifndef DS_WIRE_MATERIAL_H
#define DS_WIRE_MATERIAL_H

#include <ds/base/base.h>
#include <ds/wire/tdvf.h>

#define DS_MATERIAL_MAX (64u << 10)
#define DS_SNP_SECTIONS 64u
#define DS_SNP_PAGES	16777216u

struct ds_tdx_material {
	uint8_t cmdline[48]; /* digests as the kernel extends them into RTMR2 */
	uint8_t initrd[48];
	uint8_t kernel[48];  /* Authenticode digest as patched for 2 GiB, or 2816 MiB and more */
	uint8_t mrtd[2][48]; /* single pass, two passes */
	struct ds_tdvf hob;  /* the sections that make the TD HOB, and no others */
};

/* -EBADMSG with what and where; anything but the exact keys in their order is refused. */
DS_MUST int ds_tdx_material_parse(struct ds_span in, struct ds_tdx_material *ret,
				  struct ds_err *err);
DS_MUST int ds_tdx_material_add(struct ds_buf *buf, const struct ds_tdx_material *m);

enum ds_snp_section_type {
	DS_SNP_SEC_MEMORY = 1,
	DS_SNP_SECRETS = 2,
	DS_SNP_CPUID = 3,
	DS_SNP_SVSM_CAA = 4,
	DS_SNP_KERNEL_HASHES = 0x10
};

struct ds_snp_section {
	uint64_t gpa;
	uint64_t size; /* whole pages */
	uint32_t type; /* enum ds_snp_section_type */
};

struct ds_snp_material {
	struct ds_span cmdline;
	uint8_t ovmf[48]; /* launch digest behind the firmware's own pages */
	uint8_t kernel[32];
	uint8_t initrd[32];
	uint64_t hashes_gpa;
	uint64_t reset_eip;
	struct ds_snp_section s[DS_SNP_SECTIONS];
	size_t n;
};

DS_MUST int ds_snp_material_parse(struct ds_span in, struct ds_snp_material *ret,
				  struct ds_err *err);
DS_MUST int ds_snp_material_add(struct ds_buf *buf, const struct ds_snp_material *m);
/* Types known, whole pages, at most DS_SNP_PAGES, one page of kernel hashes that holds the table.
 */
DS_MUST int ds_snp_material_check(const struct ds_snp_material *m, struct ds_err *err);

/*
 * SEV metadata of a firmware image ("ASEV", version 1) and its table footer: sections, hashes_gpa
 * and reset_eip of ret are filled, the rest is left alone.
 */
DS_MUST int ds_snp_firmware(struct ds_span image, struct ds_snp_material *ret, struct ds_err *err);

#endif
