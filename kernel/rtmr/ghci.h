/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One buffer shared with the host for TDG.VP.VMCALL<GetQuote>.
 *
 * The host may write into it at any time, and owns it from a started call until it changes the
 * status. Every field is read once and bounded before use; what is copied out is never looked at in
 * the buffer again. No locks here: one user at a time per buffer.
 */
#ifndef DS_RTMR_GHCI_H
#define DS_RTMR_GHCI_H

#include <linux/sizes.h>
#include <linux/types.h>

struct ds_tdreport;

/* A v4 or v5 quote with its certificate chain is 5 to 8 KiB. */
#define DS_GHCI_SIZE	SZ_16K

struct ds_ghci;

/*
 * Memory shared with the host. There is no free: pages the host may still write stay. -ENOMEM:
 * there is none now. -EIO: it cannot be shared and is lost, as would be that of the next call.
 */
int __must_check ds_ghci_alloc(struct ds_ghci **ret_buf);

/* 0: the host has it. -EAGAIN: the host is busy, try later. -EIO: the host refused. */
int __must_check ds_ghci_start(struct ds_ghci *buf, const struct ds_tdreport *report);

/*
 * -EINPROGRESS: the host still owns the buffer. 0: *ret_quote is the caller's, to be freed with
 * kvfree(). Every other value ends the request and frees the buffer for the next: -EIO the host
 * reports a failure, -ENODEV it has no quoting service, -EBADMSG it answered nonsense, -ENOMEM.
 */
int __must_check ds_ghci_poll(struct ds_ghci *buf, void **ret_quote, u32 *ret_len);

#endif /* DS_RTMR_GHCI_H */
