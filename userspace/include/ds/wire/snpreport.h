/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMD SEV-SNP attestation reports, versions 2 to 5, byte by byte (spec/dcap 9.1). Pure: bytes in,
 * fields out; no allocation. The spans of struct ds_snp_report borrow the caller's buffer, so that
 * the bytes verified are the bytes that were parsed; the body is a copy.
 */
#ifndef DS_WIRE_SNPREPORT_H
#define DS_WIRE_SNPREPORT_H

#include <ds/base/base.h>

#define DS_SNP_REPORT_SIZE 1184
#define DS_SNP_SIGNED_SIZE 0x2a0
#define DS_SNP_CHIP_ID	   64
#define DS_SNP_SCALAR_SIZE 72 /* R and S: little-endian, zero-padded */

/* Product lines, each with its own AMD root key. */
enum ds_snp_product { DS_SNP_MILAN, DS_SNP_GENOA, DS_SNP_TURIN, DS_SNP_PRODUCTS };

/* "Milan", "Genoa", "Turin". */
const char *ds_snp_product_name(enum ds_snp_product product);
/* 0, or -ENOENT for a name that is not in the list. */
DS_MUST int ds_snp_product_parse(struct ds_span name, enum ds_snp_product *ret);
/* From CPUID family and model, as reports of version 3 and later carry them; -ENOENT. */
DS_MUST int ds_snp_product_from_cpuid(uint8_t family, uint8_t model, enum ds_snp_product *ret);

/* Who signed: bits 4:2 of the flags. */
enum ds_snp_key { DS_SNP_KEY_VCEK = 0, DS_SNP_KEY_VLEK = 1, DS_SNP_KEY_NONE = 7 };

/* Guest policy. */
#define DS_SNP_POLICY_ABI	      0xffffull
#define DS_SNP_POLICY_SMT	      (1ull << 16)
#define DS_SNP_POLICY_ONE	      (1ull << 17) /* always set */
#define DS_SNP_POLICY_MIGRATE_MA      (1ull << 18)
#define DS_SNP_POLICY_DEBUG	      (1ull << 19)
#define DS_SNP_POLICY_SINGLE_SOCKET   (1ull << 20)
#define DS_SNP_POLICY_CXL	      (1ull << 21)
#define DS_SNP_POLICY_AES_256_XTS     (1ull << 22)
#define DS_SNP_POLICY_RAPL_DIS	      (1ull << 23)
#define DS_SNP_POLICY_CIPHERTEXT      (1ull << 24)
#define DS_SNP_POLICY_PAGE_SWAP_DIS   (1ull << 25)
#define DS_SNP_PLATFORM_ALIAS_CHECKED (1ull << 5) /* of the platform info: against BadRAM */

/* One TCB version taken apart; bytes that a product does not use are in spare, by their number. */
struct ds_snp_tcb {
	bool has_fmc; /* Turin */
	uint8_t fmc, boot_loader, tee, snp, microcode;
	uint8_t spare[8]; /* [4] to [7]: spl_4 to spl_7 of the certificates */
};

struct ds_snp_version {
	uint8_t build, minor, major;
};

/* The fields, byte strings in the order of the report. */
struct ds_snp_body {
	uint32_t version, guest_svn;
	uint64_t policy;
	uint8_t family_id[16], image_id[16];
	uint32_t vmpl, sig_algo;
	uint64_t platform_info;
	bool author_key, mask_chip_key;
	enum ds_snp_key signing_key;
	uint8_t report_data[64], measurement[48], host_data[32];
	uint8_t id_key_digest[48], author_key_digest[48];
	uint8_t report_id[32], report_id_ma[32];
	uint8_t current_tcb[8], reported_tcb[8], committed_tcb[8], launch_tcb[8];
	bool has_cpuid; /* version 3 and later */
	uint8_t cpuid_family, cpuid_model, cpuid_stepping;
	uint8_t chip_id[DS_SNP_CHIP_ID];
	struct ds_snp_version current, committed;
	bool has_mitigations; /* version 5 */
	uint64_t launch_mitigations, current_mitigations;
};

struct ds_snp_report {
	struct ds_snp_body body;
	struct ds_span signed_part; /* 0x2a0 bytes */
	struct ds_span r, s;	    /* DS_SNP_SCALAR_SIZE each */
};

/* Why a report did not parse; names and order of spec/dcap 9.3, rows 1 and 2. */
enum ds_snp_fault {
	DS_SNP_OK = 0,
	DS_SNP_F_LENGTH,
	DS_SNP_F_VERSION,
	DS_SNP_F_SIG_ALGO,
	DS_SNP_F_SIGNING_KEY, /* neither VCEK nor VLEK */
	DS_SNP_F_RESERVED,    /* flags, or bytes that nobody signs, are not zero */
};

/* 0, or -EBADMSG with err (may be NULL) saying where and what; ret_fault is always written. */
DS_MUST int ds_snp_report_parse(struct ds_span in, struct ds_snp_report *ret,
				enum ds_snp_fault *ret_fault, struct ds_err *err);

void ds_snp_tcb_read(const uint8_t raw[8], enum ds_snp_product product, struct ds_snp_tcb *ret);

#endif
