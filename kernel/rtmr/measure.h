/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measurement: the one place where registers are extended and the log grows, under one lock.
 *
 * ds_measure_lock guards the log, the replayed registers, the phase and the TDCALL operands. It may
 * be held for DS_TDCALL_BUSY_MS. It is the innermost lock of this module; the phase listeners of
 * other modules run under it.
 */
#ifndef DS_RTMR_MEASURE_H
#define DS_RTMR_MEASURE_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "tdreport.h"

/* Registers a guest may extend; 0 and 1 belong to the firmware and the kernel loader. */
#define DS_RTMR_FIRST_OWN	2

struct ds_event;

extern struct mutex ds_measure_lock;

/* How far the log went when something was measured. */
struct ds_log_mark {
	u64 len;
	u64 events;
};

int __must_check ds_measure_init(void);
void ds_measure_exit(void);

/*
 * All of these sleep, and return -ERESTARTSYS with nothing done if a signal arrives while they wait
 * for the lock. Extending functions: -EBUSY, -EIO, -ENOSPC, -ENOMEM, with the register and the log
 * unchanged.
 */

/* Extend RTMR3 with a named event. -EPERM: a launch name in phase RUNTIME. */
int __must_check ds_measure_event(const struct ds_event *event);
/* The same, and success without an extension if the log has this very event already. */
int __must_check ds_measure_event_once(const struct ds_event *event);

/*
 * Extend a register with a bare digest. ret_value is the replayed register, ret_mark the log with
 * this event; both may be NULL. -EPERM: RTMR3 in phase RUNTIME.
 */
int __must_check ds_measure_digest(u32 rtmr, const u8 digest[DS_TD_MR_SIZE],
				   u8 ret_value[DS_TD_MR_SIZE], struct ds_log_mark *ret_mark);

/* A report and the log it covers. ret_mark may be NULL. */
int __must_check ds_measure_report(const u8 reportdata[DS_TD_REPORTDATA_SIZE],
				   struct ds_tdreport *ret_report, struct ds_log_mark *ret_mark);

/* Does every live RTMR equal its value at load, folded with what we logged since? */
int __must_check ds_measure_consistent(bool *ret_consistent);

/* TDINFO when the module was loaded. Any context, never fails. */
const struct ds_tdinfo *ds_measure_launch_info(void);

ssize_t ds_measure_read_log(u8 *to, loff_t off, size_t count);

int __must_check ds_measure_end_launch(void);

#endif /* DS_RTMR_MEASURE_H */
