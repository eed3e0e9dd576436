/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two TDCALLs of measurement, TDG.MR.REPORT and TDG.MR.RTMR.EXTEND.
 *
 * Both use operand buffers that exist once: the caller holds ds_measure_lock. They may sleep. The
 * TDX module answers "busy" while somebody else uses the same resource, the in-tree driver for
 * example; that is waited for up to DS_TDCALL_BUSY_MS and only then becomes -EBUSY.
 */
#ifndef DS_RTMR_TDCALL_H
#define DS_RTMR_TDCALL_H

#include "tdreport.h"

#define DS_TDCALL_BUSY_MS	1000

int __must_check ds_tdcall_init(void);
void ds_tdcall_exit(void);

/* -EBUSY or -EIO. *ret_report is valid until the next call. */
int __must_check ds_tdcall_report(const u8 reportdata[DS_TD_REPORTDATA_SIZE],
				  const struct ds_tdreport **ret_report);

/* -EBUSY or -EIO; the register is unchanged on every error. */
int __must_check ds_tdcall_extend(u8 rtmr, const u8 digest[DS_TD_MR_SIZE]);

#endif /* DS_RTMR_TDCALL_H */
