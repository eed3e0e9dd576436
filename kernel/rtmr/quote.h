/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/dstack: one quote request per open file, and the ioctls.
 *
 * A request is queued by the write of REPORTDATA and served first come, first served by one kernel
 * thread, which is the only one to talk to the host.
 */
#ifndef DS_RTMR_QUOTE_H
#define DS_RTMR_QUOTE_H

struct miscdevice;

extern struct miscdevice ds_quote_misc;

/* Requests that wait, queued or with the host, or hold a quote, of all files together. */
#define DS_QUOTE_LIVE_MAX	64
/* Buffers the host may own at once, those of abandoned requests included. */
#define DS_QUOTE_SLOTS		4

int __must_check ds_quote_init(void);
void ds_quote_exit(void);

#endif /* DS_RTMR_QUOTE_H */
