/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event log in TCG2 crypto-agile format: a Spec ID header, then TCG_PCR_EVENT2 records with a
 * SHA-384 digest each. Append-only and bounded; a byte once readable never changes.
 *
 * Where ACPI has a CCEL table, the firmware's header and events come first.
 *
 * No locking here: every function is called with ds_measure_lock held. Adding is two steps so that
 * nothing can fail between extending a register and logging it: ds_log_reserve() makes room,
 * ds_log_commit() fills it.
 */
#ifndef DS_RTMR_LOG_H
#define DS_RTMR_LOG_H

#include <linux/types.h>

#include "tdreport.h"

/* One event to be logged; its data is the head and then the rest. */
struct ds_log_event {
	u8 rtmr;
	u32 type;
	const u8 *digest;
	const u8 *head, *rest;
	size_t head_len, rest_len;
};

int __must_check ds_log_init(void);
void ds_log_exit(void);

/* Room for one event with this much data. -ENOSPC: the log is full. -ENOMEM. */
int __must_check ds_log_reserve(size_t data_len);
void ds_log_commit(const struct ds_log_event *event);

size_t ds_log_len(void);
u32 ds_log_events(void);
ssize_t ds_log_read(u8 *to, loff_t off, size_t count);
bool ds_log_contains(u8 rtmr, u32 type, const u8 digest[DS_TD_MR_SIZE]);
/* The record at *at, where one of ours begins or the log ends; moves *at behind it. */
bool ds_log_next(size_t *at, u8 *ret_rtmr, const u8 **ret_digest);

#endif /* DS_RTMR_LOG_H */
