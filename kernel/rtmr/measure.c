// SPDX-License-Identifier: GPL-2.0-only
/* Extend and log as one operation. */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "event.h"
#include "log.h"
#include "measure.h"
#include "phase.h"
#include "sysfs.h"
#include "tdcall.h"
#include "uapi/dstack.h"
#include "../compat/sha384.h"

/* Guards the log, the replayed registers, the phase and the TDCALL operands; see measure.h. */
DEFINE_MUTEX(ds_measure_lock);

DS_SHA384_DEFINE();

/*
 * What the registers must hold if nobody else extends them: their values when this module was
 * loaded, folded with the digests of the log, of which the first @replayed bytes have been. The
 * rest is folded in when somebody wants to know: most extensions are never asked about.
 */
static u8 replay[DS_TD_RTMRS][DS_TD_MR_SIZE];
static size_t replayed;

/* TDINFO when this module was loaded, constant from then on. */
static struct ds_tdinfo launch_info;

static void replay_log(void)
{
	const u8 *digest;
	u8 rtmr;

	lockdep_assert_held(&ds_measure_lock);
	while (ds_log_next(&replayed, &rtmr, &digest)) {
		ds_rtmr_fold(replay[rtmr], digest);
		cond_resched();
	}
}

static int extend_and_log(const struct ds_log_event *event)
{
	int err;

	lockdep_assert_held(&ds_measure_lock);
	err = ds_log_reserve(event->head_len + event->rest_len);
	if (err)
		return err;
	err = ds_tdcall_extend(event->rtmr, event->digest);
	if (err)
		return err;
	/* From here on nothing can fail. */
	ds_log_commit(event);
	ds_sysfs_notify_log();
	return 0;
}

static int measure_event_locked(const struct ds_event *event, const struct ds_log_event *entry,
				bool once)
{
	int err;

	lockdep_assert_held(&ds_measure_lock);
	/* Before the phase is looked at: what was measured in time stays measured. */
	if (once && ds_log_contains(entry->rtmr, entry->type, entry->digest))
		return 0;
	if (dstack_phase_get() != DSTACK_PHASE_BOOT && ds_event_is_launch(event))
		return -EPERM;
	err = extend_and_log(entry);
	if (!err && ds_event_is_ready(event))
		ds_phase_enter_runtime();
	return err;
}

static int measure_event(const struct ds_event *event, bool once)
{
	u8 head[DS_EVENT_HEAD_MAX], digest[DS_TD_MR_SIZE];
	struct ds_log_event entry = {
		.rtmr = DSTACK_EVENT_RTMR,
		.type = DSTACK_EV_RUNTIME,
		.digest = digest,
		.head = head,
		.head_len = ds_event_head(event, head),
		.rest = event->payload,
		.rest_len = event->payload_len,
	};

	/* Before the lock is taken: others need not wait for the hash of 4 KB. */
	ds_sha384_2(entry.head, entry.head_len, entry.rest, entry.rest_len, digest);
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock)
		return measure_event_locked(event, &entry, once);
}

int ds_measure_event(const struct ds_event *event)
{
	return measure_event(event, false);
}

int ds_measure_event_once(const struct ds_event *event)
{
	return measure_event(event, true);
}

static struct ds_log_mark log_mark(void)
{
	return (struct ds_log_mark){ .len = ds_log_len(), .events = ds_log_events() };
}

int ds_measure_digest(u32 rtmr, const u8 digest[DS_TD_MR_SIZE], u8 ret_value[DS_TD_MR_SIZE],
		      struct ds_log_mark *ret_mark)
{
	const struct ds_log_event entry = {
		.rtmr = rtmr,
		.type = DSTACK_EV_DIGEST_ONLY,
		.digest = digest,
	};
	int err;

	if (rtmr < DS_RTMR_FIRST_OWN || rtmr >= DS_TD_RTMRS)
		return -EINVAL;
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock) {
		/* It could be that of a launch event, for a verifier that looks at names alone. */
		if (rtmr == DSTACK_EVENT_RTMR && dstack_phase_get() != DSTACK_PHASE_BOOT)
			return -EPERM;
		err = extend_and_log(&entry);
		if (err)
			return err;
		if (ret_value) {
			replay_log();
			memcpy(ret_value, replay[rtmr], DS_TD_MR_SIZE);
		}
		if (ret_mark)
			*ret_mark = log_mark();
	}
	return 0;
}

int ds_measure_report(const u8 reportdata[DS_TD_REPORTDATA_SIZE], struct ds_tdreport *ret_report,
		      struct ds_log_mark *ret_mark)
{
	const struct ds_tdreport *report;
	int err;

	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock) {
		err = ds_tdcall_report(reportdata, &report);
		if (err)
			return err;
		*ret_report = *report;
		if (ret_mark)
			*ret_mark = log_mark();
	}
	return 0;
}

static int live_registers(const struct ds_tdreport **ret_report)
{
	static const u8 no_reportdata[DS_TD_REPORTDATA_SIZE];

	return ds_tdcall_report(no_reportdata, ret_report);
}

int ds_measure_consistent(bool *ret_consistent)
{
	const struct ds_tdreport *report;
	int err;

	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock) {
		err = live_registers(&report);
		if (err)
			return err;
		static_assert(sizeof(report->td.rtmr) == sizeof(replay));
		replay_log();
		*ret_consistent = !memcmp(report->td.rtmr, replay, sizeof(replay));
	}
	return 0;
}

const struct ds_tdinfo *ds_measure_launch_info(void)
{
	return &launch_info;
}

ssize_t ds_measure_read_log(u8 *to, loff_t off, size_t count)
{
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock)
		return ds_log_read(to, off, count);
}

int ds_measure_end_launch(void)
{
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock)
		ds_phase_enter_runtime();
	return 0;
}

static int take_baseline(void)
{
	const struct ds_tdreport *report;
	int err;

	guard(mutex)(&ds_measure_lock);
	err = live_registers(&report);
	if (err)
		return err;
	launch_info = report->td;
	memcpy(replay, report->td.rtmr, sizeof(replay));
	replayed = ds_log_len();
	if (memchr_inv(replay[DSTACK_EVENT_RTMR], 0, DS_TD_MR_SIZE))
		pr_warn("RTMR3 was extended before this module was loaded: no log replays to it\n");
	return 0;
}

int ds_measure_init(void)
{
	int err = ds_sha384_setup();

	if (err)
		return err;
	err = ds_log_init();
	if (err)
		goto err_sha384;
	err = ds_tdcall_init();
	if (err)
		goto err_log;
	err = take_baseline();
	if (err)
		goto err_tdcall;
	return 0;
err_tdcall:
	ds_tdcall_exit();
err_log:
	ds_log_exit();
err_sha384:
	ds_sha384_teardown();
	return err;
}

void ds_measure_exit(void)
{
	ds_tdcall_exit();
	ds_log_exit();
	ds_sha384_teardown();
}
