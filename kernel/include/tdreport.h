/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TDREPORT as TDG.MR.REPORT writes it (Intel TDX Module ABI, TDREPORT_STRUCT). Written by the
 * emulator, read by dstack_rtmr. The module aligns the operand; every field is naturally aligned
 * except inside TEE_TCB_INFO, hence __packed there.
 */
#ifndef DS_TDREPORT_H
#define DS_TDREPORT_H

#include <crypto/sha2.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define DS_TD_MR_SIZE		SHA384_DIGEST_SIZE
#define DS_TD_RTMRS		4
#define DS_TD_REPORTDATA_SIZE	64
#define DS_TD_REPORT_ALIGN	1024
#define DS_TD_OPERAND_ALIGN	64	/* REPORTDATA and the digest to extend */
#define DS_TD_REPORT_TYPE	0x81

struct ds_reportmac {
	u8 type, subtype, version, reserved0;
	u8 reserved1[12];
	u8 cpusvn[16];
	u8 tee_tcb_info_hash[DS_TD_MR_SIZE];
	u8 tee_info_hash[DS_TD_MR_SIZE];
	u8 reportdata[DS_TD_REPORTDATA_SIZE];
	u8 reserved2[32];
	u8 mac[SHA256_DIGEST_SIZE];
};

struct ds_tee_tcb_info {
	u8 valid[8];
	u8 tee_tcb_svn[16];
	u8 mrseam[DS_TD_MR_SIZE];
	u8 mrsignerseam[DS_TD_MR_SIZE];
	u8 attributes[8];
	u8 tee_tcb_svn2[16];
	u8 reserved[95];
} __packed;

struct ds_tdinfo {
	__le64 attributes;
	__le64 xfam;
	u8 mrtd[DS_TD_MR_SIZE];
	u8 mrconfigid[DS_TD_MR_SIZE];
	u8 mrowner[DS_TD_MR_SIZE];
	u8 mrownerconfig[DS_TD_MR_SIZE];
	u8 rtmr[DS_TD_RTMRS][DS_TD_MR_SIZE];
	u8 servtd_hash[DS_TD_MR_SIZE];
	u8 reserved[64];
};

struct ds_tdreport {
	struct ds_reportmac mac;
	struct ds_tee_tcb_info tcb;
	u8 reserved[17];
	struct ds_tdinfo td;
};

static_assert(offsetof(struct ds_reportmac, mac) == 224);
static_assert(offsetof(struct ds_tdreport, tcb) == 256);
static_assert(sizeof(struct ds_tee_tcb_info) == 239);
static_assert(offsetof(struct ds_tdreport, td) == 512);
static_assert(offsetof(struct ds_tdreport, td.rtmr) == 720);
static_assert(sizeof(struct ds_tdreport) == 1024);

#endif /* DS_TDREPORT_H */
