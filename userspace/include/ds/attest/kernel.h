/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence as the kernel gives it: the guest's side of dstack_rtmr.ko (/dev/dstack and its sysfs
 * folder). The kernel holds the log and the register, so these calls keep no state and any process
 * may die between two of them.
 *
 * struct ds_kernel says where the files are; NULL means the real ones. Tests pass folders of their
 * own.
 */
#ifndef DS_ATTEST_KERNEL_H
#define DS_ATTEST_KERNEL_H

#include <ds/base/base.h>
#include <ds/wire/attestation.h>
#include <ds/wire/eventlog.h>

struct ds_kernel {
	const char *sysfs;  /* /sys/class/misc/dstack */
	const char *device; /* /dev/dstack */
};

/*
 * Measure an event into RTMR3. once: an identical event already in the log is success without a
 * second extend, which makes a restarted caller harmless. -EINVAL bad name, -EFBIG payload too
 * long, -EPERM a launch event after boot, else the kernel's errno.
 */
DS_MUST int ds_kernel_event(const struct ds_kernel *k, const char *name, struct ds_span payload,
			    bool once);
/* The phase is "runtime". */
DS_MUST int ds_kernel_is_runtime(const struct ds_kernel *k, bool *ret);

/*
 * The event log cut to its first len bytes (SIZE_MAX: all of it); the firmware's events, if it left
 * any, come first. len comes from a report or a quote, which the log then explains exactly.
 */
DS_MUST int ds_kernel_log(const struct ds_kernel *k, size_t len, struct ds_eventlog *ret,
			  struct ds_err *err);

/* A TDREPORT and how much of the log it covers. No quote is made: only this machine can check it.
 */
#define DS_KERNEL_REPORT_SIZE 1024
DS_MUST int ds_kernel_report(const struct ds_kernel *k, const uint8_t report_data[64],
			     uint8_t ret[DS_KERNEL_REPORT_SIZE], size_t *ret_log_len,
			     struct ds_err *err);

/* One quote request; poll ds_kquote_fd() for reading, then finish. */
struct ds_kquote;

DS_MUST int ds_kquote_start(const struct ds_kernel *k, const uint8_t report_data[64],
			    struct ds_kquote **ret, struct ds_err *err);
int ds_kquote_fd(const struct ds_kquote *q);
/* The quote and the log that explains it. -EAGAIN: not ready. Any other result ends the request:
 * free it. */
DS_MUST int ds_kquote_finish(struct ds_kquote *q, struct ds_buf *ret_quote,
			     struct ds_eventlog *ret_log, struct ds_err *err);
/* Cancels a request that is still under way; takes NULL, returns NULL. */
struct ds_kquote *ds_kquote_free(struct ds_kquote *q);

static inline void ds_cleanup_kquote(struct ds_kquote **q)
{
	*q = ds_kquote_free(*q);
}
#define DS_KQUOTE DS_CLEANUP(ds_cleanup_kquote)

/* All of it, waiting at most timeout_ms: a complete attestation with this report data and
 * vm_config. */
DS_MUST int ds_kernel_attest(const struct ds_kernel *k, const uint8_t report_data[64],
			     struct ds_span vm_config, int timeout_ms, struct ds_attestation *ret,
			     struct ds_err *err);
/* The same from parts; quote and log are taken over and empty afterwards, also on failure. */
DS_MUST int ds_kernel_attestation(struct ds_buf *take_quote, struct ds_eventlog *take_log,
				  const uint8_t report_data[64], struct ds_span vm_config,
				  struct ds_attestation *ret);

#endif
