// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDG.MR.REPORT and TDG.MR.RTMR.EXTEND.
 *
 * The instruction is issued here rather than through tdx_mcall_*(): 6.12 exports no helper for the
 * extension, and its report helper makes "busy" indistinguishable from a failure.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "measure.h"
#include "tdcall.h"

/* Leaves and completion codes, TDX module ABI. */
#define TDG_MR_RTMR_EXTEND	2
#define TDG_MR_REPORT		4
#define STATUS_CLASS(status)	((status) >> 32)
#define OPERAND_INVALID		0xc0000100ULL
#define OPERAND_BUSY		0x80000200ULL

/* This many looks are free, a conflict on another CPU is over in microseconds. */
#define BUSY_SPINS	64

/* One page, so that no operand crosses a page boundary. */
struct operands {
	struct ds_tdreport report __aligned(DS_TD_REPORT_ALIGN);
	u8 reportdata[DS_TD_REPORTDATA_SIZE] __aligned(DS_TD_OPERAND_ALIGN);
	u8 digest[DS_TD_MR_SIZE] __aligned(DS_TD_OPERAND_ALIGN);
};

static struct operands *op;

static u64 tdcall(u64 leaf, u64 rcx, u64 rdx)
{
	/* R8 is the report subtype, zero for the only one there is. */
	register u64 r8 asm("r8") = 0;

	asm volatile(".byte 0x66,0x0f,0x01,0xcc"	/* TDCALL */
		     : "+a" (leaf), "+c" (rcx), "+d" (rdx), "+r" (r8)
		     :
		     : "r9", "r10", "r11", "memory", "cc");
	return leaf;
}

static int tdcall_patient(u64 leaf, u64 rcx, u64 rdx)
{
	ktime_t limit = ktime_add_ms(ktime_get(), DS_TDCALL_BUSY_MS);
	unsigned int tries = 0;
	u64 status;

	for (;;) {
		status = tdcall(leaf, rcx, rdx);
		if (!status)
			return 0;
		if (STATUS_CLASS(status) == OPERAND_INVALID)
			return -EINVAL;
		if (STATUS_CLASS(status) != OPERAND_BUSY) {
			pr_err_ratelimited("TDCALL leaf %llu: status %#llx\n", leaf, status);
			return -EIO;
		}
		if (ktime_after(ktime_get(), limit))
			return -EBUSY;
		if (tries++ < BUSY_SPINS)
			cpu_relax();
		else
			usleep_range(20, 100);
	}
}

int ds_tdcall_report(const u8 reportdata[DS_TD_REPORTDATA_SIZE],
		     const struct ds_tdreport **ret_report)
{
	int err;

	lockdep_assert_held(&ds_measure_lock);
	memcpy(op->reportdata, reportdata, sizeof(op->reportdata));
	err = tdcall_patient(TDG_MR_REPORT, virt_to_phys(&op->report),
			     virt_to_phys(op->reportdata));
	if (!err)
		*ret_report = &op->report;
	return err;
}

int ds_tdcall_extend(u8 rtmr, const u8 digest[DS_TD_MR_SIZE])
{
	lockdep_assert_held(&ds_measure_lock);
	memcpy(op->digest, digest, sizeof(op->digest));
	return tdcall_patient(TDG_MR_RTMR_EXTEND, virt_to_phys(op->digest), rtmr);
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
