// SPDX-License-Identifier: GPL-2.0-only
/* Extend and log as one operation. */
#include <linux/kernel.h>
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
 * loaded, folded with every digest of the log.
 */
static u8 replay[DS_TD_RTMRS][DS_TD_MR_SIZE];

/* TDINFO when this module was loaded, constant from then on. */
static struct ds_tdinfo launch_info;

/* The preimage being measured; too big for the stack. */
static u8 preimage[sizeof(__le32) + 1 + DSTACK_EVENT_NAME_MAX + 1 + DSTACK_EVENT_PAYLOAD_MAX];

static int extend_and_log(u8 rtmr, u32 type, const u8 digest[DS_TD_MR_SIZE], const void *data,
			  size_t len)
{
	int err;

	lockdep_assert_held(&ds_measure_lock);
	err = ds_log_reserve(len);
	if (err)
		return err;
	err = ds_tdcall_extend(rtmr, digest);
	if (err)
		return err;
	/* From here on nothing can fail. */
	ds_log_commit(rtmr, type, digest, data, len);
	ds_rtmr_fold(replay[rtmr], digest);
	ds_sysfs_notify_log();
	return 0;
}

static int measure_event_locked(const struct ds_event *event, bool once)
{
	size_t len = ds_event_preimage_len(event);
	u8 digest[DS_TD_MR_SIZE];
	int err;

	lockdep_assert_held(&ds_measure_lock);
	ds_event_preimage(event, preimage);
	ds_sha384(preimage, len, digest);
	/* Before the phase is looked at: what was measured in time stays measured. */
	if (once && ds_log_contains(DSTACK_EVENT_RTMR, DSTACK_EV_RUNTIME, digest))
		return 0;
	if (dstack_phase_get() != DSTACK_PHASE_BOOT && ds_event_is_launch(event))
		return -EPERM;
	err = extend_and_log(DSTACK_EVENT_RTMR, DSTACK_EV_RUNTIME, digest, preimage, len);
	if (!err && ds_event_is_ready(event))
		ds_phase_enter_runtime();
	return err;
}

int ds_measure_event(const struct ds_event *event)
{
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock)
		return measure_event_locked(event, false);
}

int ds_measure_event_once(const struct ds_event *event)
{
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock)
		return measure_event_locked(event, true);
}

static struct ds_log_mark log_mark(void)
{
	return (struct ds_log_mark){ .len = ds_log_len(), .events = ds_log_events() };
}

int ds_measure_digest(u32 rtmr, const u8 digest[DS_TD_MR_SIZE], u8 ret_value[DS_TD_MR_SIZE],
		      struct ds_log_mark *ret_mark)
{
	int err;

	if (rtmr < DS_RTMR_FIRST_OWN || rtmr >= DS_TD_RTMRS)
		return -EINVAL;
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &ds_measure_lock) {
		/* It could be that of a launch event, for a verifier that looks at names alone. */
		if (rtmr == DSTACK_EVENT_RTMR && dstack_phase_get() != DSTACK_PHASE_BOOT)
			return -EPERM;
		err = extend_and_log(rtmr, DSTACK_EV_DIGEST_ONLY, digest, NULL, 0);
		if (err)
			return err;
		if (ret_value)
			memcpy(ret_value, replay[rtmr], DS_TD_MR_SIZE);
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
