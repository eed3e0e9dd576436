/* SPDX-License-Identifier: Apache-2.0 */
/* Expected measurements of a dstack image (spec/boot.md 5 and 8). */
#ifndef DSTACK_MR_H
#define DSTACK_MR_H

#include <ds/base/base.h>
#include <ds/wire/acpi.h>
#include <ds/wire/material.h>
#include <ds/wire/tdvf.h>

#define MR_SIZE	       48
#define MR_MAX_KERNEL  (128u << 20)
#define MR_MAX_INITRD  (1024u << 20)
#define MR_MAX_CMDLINE 4096u
#define MR_MAX_EVENTS  13u
#define MR_ACPI_BLOBS  3
#define MR_ACPI_LOG    "event-log"
#define MR_ACPI_NOTE   "note: ACPI digests as in the log, devices not verified\n"
#define MR_EV_ACPI     10u /* EV_PLATFORM_CONFIG_FLAGS: the firmware's "ACPI DATA" */
#define EXIT_DIFFERENT 1
#define EXIT_USAGE     2

/* The VM. two_pass and acpi describe the VMM that builds it. */
enum mr_platform { MR_EMULATED, MR_QEMU };

struct mr_machine {
	uint64_t memory; /* bytes */
	uint64_t cpus;
	enum mr_platform platform;
	bool two_pass;
	const char *acpi_from;		      /* MR_QEMU: "tables" or MR_ACPI_LOG */
	uint8_t acpi[MR_ACPI_BLOBS][MR_SIZE]; /* MR_QEMU: digests of loader, RSDP, tables */
};

struct mr_input {
	struct ds_span firmware, kernel, initrd;
	const char *cmdline; /* ASCII */
};

/* What the registers are made from, of files or of material. */
struct mr_source {
	uint8_t mrtd[2][MR_SIZE]; /* single pass, two passes */
	struct ds_tdvf tdvf;	  /* section data may dangle */
	uint8_t kernel[MR_SIZE], cmdline[MR_SIZE], initrd[MR_SIZE];
};

struct mr_event {
	const char *name; /* stable, for people and JSON */
	uint8_t digest[MR_SIZE];
};

struct mr_events {
	struct mr_event ev[MR_MAX_EVENTS];
	size_t n;
};

struct mr_result {
	uint8_t mrtd[MR_SIZE];
	uint8_t rtmr[3][MR_SIZE];
	struct mr_events events[3]; /* of RTMR0 to RTMR2 */
};

/* The kernel's digest depends on memory, see spec/boot.md 5.4. */
DS_MUST int mr_source_files(const struct mr_input *in, uint64_t memory, struct mr_source *ret,
			    struct ds_err *err);
/* -EBADMSG when material does not say what the kernel's digest is with this much memory. */
DS_MUST int mr_source_material(struct ds_span cbor, uint64_t memory, struct mr_source *ret,
			       struct ds_err *err);
/* What the files give, as material; its kernel digest is that of 2 GiB. */
DS_MUST int mr_material(const struct mr_input *in, struct ds_buf *ret, struct ds_err *err);

DS_MUST int mr_measure(const struct mr_source *src, const struct mr_machine *m,
		       struct mr_result *ret, struct ds_err *err);
/* Extend: reg becomes SHA-384(reg, digest). */
DS_MUST int mr_fold(uint8_t reg[MR_SIZE], const uint8_t digest[MR_SIZE]);
/* Replay on a zero register. */
DS_MUST int mr_replay(const struct mr_events *events, uint8_t ret[MR_SIZE]);
DS_MUST int mr_hob_digest(const struct ds_tdvf *tdvf, uint64_t memory, uint8_t ret[MR_SIZE],
			  struct ds_err *err);
/* Digests of loader, RSDP and tables for a blob of tables; ret_madt may be NULL. */
DS_MUST int mr_acpi_digests(struct ds_span blob, uint8_t ret[MR_ACPI_BLOBS][MR_SIZE],
			    struct ds_acpi_madt *ret_madt, struct ds_err *err);

/* One JSON object and a line feed. Appends. */
DS_MUST int mr_json(const struct mr_result *mr, const struct mr_machine *m, struct ds_buf *buf);

/* Files of an image directory; the buffers own what in borrows. firmware: used if DIR has none. */
struct mr_files {
	struct ds_buf firmware, kernel, initrd, metadata, cmdline;
	bool own_firmware;
};

#define MR_FILES_NULL ((struct mr_files){ .own_firmware = false })
void mr_files_done(struct mr_files *f);
#define MR_FILES DS_CLEANUP(mr_files_done)
DS_MUST int mr_files_load(int dir, const char *firmware, struct mr_files *ret,
			  struct mr_input *ret_in, struct ds_err *err);

/*
 * Write measurement.json and sha256sum.txt into the image directory dir; ret: SHA-256 of the
 * latter.
 */
DS_MUST int mr_image(int dir, const char *firmware, const struct mr_machine *m,
		     uint8_t ret_hash[32], struct mr_result *ret, struct ds_err *err);

/* One line of sha256sum.txt, looked at. */
enum mr_file_state { MR_FILE_OK, MR_FILE_DIFFERS, MR_FILE_ABSENT };
typedef int (*mr_file_report)(void *ctx, const char *name, enum mr_file_state state,
			      const uint8_t listed[32], const uint8_t actual[32]);
/*
 * os_image_hash of a directory: SHA-256 of its sha256sum.txt, each listed file hashed and
 * reported, digest.txt (if there) compared and reported under its name.
 */
DS_MUST int mr_image_hash(int dir, mr_file_report report, void *ctx, uint8_t ret[32],
			  struct ds_err *err);

/* SEV-SNP launch digest (spec/boot.md 8). */
struct mr_snp {
	uint32_t vcpus;
	uint32_t vcpu_sig; /* CPUID 1 EAX of the CPU model */
	uint64_t features; /* guest features: SEV_FEATURES of the VMSA */
};
#define MR_SNP_EPYC_V4	 0x800f12u
#define MR_SNP_MAX_VCPUS 512u
DS_MUST int mr_snp_launch(const struct ds_snp_material *m, const struct mr_snp *vm,
			  uint8_t ret[MR_SIZE], struct ds_err *err);
/* Launch digest behind the firmware's own pages, which end at 4 GiB. */
DS_MUST int mr_snp_firmware(struct ds_span image, uint8_t ret[MR_SIZE], struct ds_err *err);

#endif
