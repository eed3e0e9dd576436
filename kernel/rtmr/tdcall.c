// SPDX-License-Identifier: GPL-2.0-only
/* TDG.MR.REPORT and TDG.MR.RTMR.EXTEND, patiently. */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "measure.h"
#include "tdcall.h"
#include "../compat/tdcall.h"

/* This many looks are free, a conflict on another CPU is over in microseconds. */
#define BUSY_SPINS	64

/* One page, so that no operand crosses a page boundary. */
struct operands {
	struct ds_tdreport report __aligned(DS_TD_REPORT_ALIGN);
	u8 reportdata[DS_TD_REPORTDATA_SIZE] __aligned(DS_TD_OPERAND_ALIGN);
	u8 digest[DS_TD_MR_SIZE] __aligned(DS_TD_OPERAND_ALIGN);
};

static struct operands *op;

static int try_report(u8 unused)
{
	return ds_tdx_report(op->reportdata, (u8 *)&op->report);
}

static int try_extend(u8 rtmr)
{
	return ds_tdx_extend(rtmr, op->digest);
}

static int patient(const char *leaf, int (*try)(u8 rtmr), u8 rtmr)
{
	unsigned int tries = 0;
	ktime_t limit = 0;
	int err;

	/* The clock is not looked at where nobody is busy. */
	while ((err = try(rtmr)) == -EBUSY) {
		if (!limit)
			limit = ktime_add_ms(ktime_get(), DS_TDCALL_BUSY_MS);
		else if (ktime_after(ktime_get(), limit))
			break;
		if (tries++ < BUSY_SPINS)
			cpu_relax();
		else
			usleep_range(20, 100);
	}
	if (err && err != -EBUSY)
		pr_err_ratelimited("%s: the TDX module refused, error %d\n", leaf, err);
	/* A refused operand is one of ours, and no fault of the caller's. */
	return err && err != -EBUSY ? -EIO : err;
}

int ds_tdcall_report(const u8 reportdata[DS_TD_REPORTDATA_SIZE],
		     const struct ds_tdreport **ret_report)
{
	int err;

	lockdep_assert_held(&ds_measure_lock);
	memcpy(op->reportdata, reportdata, sizeof(op->reportdata));
	err = patient("TDG.MR.REPORT", try_report, 0);
	if (!err)
		*ret_report = &op->report;
	return err;
}

int ds_tdcall_extend(u8 rtmr, const u8 digest[DS_TD_MR_SIZE])
{
	lockdep_assert_held(&ds_measure_lock);
	memcpy(op->digest, digest, sizeof(op->digest));
	return patient("TDG.MR.RTMR.EXTEND", try_extend, rtmr);
}

int ds_tdcall_init(void)
{
	static_assert(sizeof(*op) <= PAGE_SIZE);
	op = (struct operands *)get_zeroed_page(GFP_KERNEL);
	return op ? 0 : -ENOMEM;
}

void ds_tdcall_exit(void)
{
	free_page((unsigned long)op);
}
