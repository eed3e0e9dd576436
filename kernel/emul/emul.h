/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tdx_emul, internal: the state of the one TD we play the TDX module for.
 *
 * TDCALL arrives as an exception with interrupts off, so everything a leaf touches is preallocated
 * and guarded by emul_td.lock, a raw spinlock always taken with interrupts off.
 */
#ifndef DS_EMUL_H
#define DS_EMUL_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "tdreport.h"

struct miscdevice;
struct pt_regs;

/* Completion status, TDX module ABI. The low half names the operand. */
#define EMUL_SUCCESS		0ULL
#define EMUL_OPERAND_INVALID	0xC000010000000000ULL
#define EMUL_OPERAND_BUSY	0x8000020000000000ULL
#define EMUL_FIELD_ID_INCORRECT	0xC0000C0000000000ULL
#define EMUL_OP_RAX		0
#define EMUL_OP_RCX		1
#define EMUL_OP_RDX		2
#define EMUL_OP_R8		8
#define EMUL_OP_RTMR		168	/* no register: what all RTMRs are locked with */

/* What R10 says after TDG.VP.VMCALL, GHCI. */
#define EMUL_VMCALL_SUCCESS	0ULL
#define EMUL_VMCALL_RETRY	1ULL
#define EMUL_VMCALL_INVALID	0x8000000000000000ULL

/* Head of the buffer shared with the VMM, GHCI "TDG.VP.VMCALL<GetQuote>". */
struct ghci_head {
	u64 version;
	u64 status;
	u32 in_len;
	u32 out_len;
	u8 data[];
};

#define GHCI_VERSION		1
#define GHCI_SUCCESS		0ULL
#define GHCI_ERROR		0x8000000000000000ULL
#define GHCI_UNAVAILABLE	0x8000000000000001ULL
#define GHCI_IN_FLIGHT		0xffffffffffffffffULL

enum emul_quote_fault {
	EMUL_FAULT_NONE,
	EMUL_FAULT_HOLD,	/* requests stay in flight */
	EMUL_FAULT_ERROR,
	EMUL_FAULT_UNAVAILABLE,
	EMUL_FAULT_STATUS,	/* a status no specification defines */
	EMUL_FAULT_ZERO,	/* success with length 0 */
	EMUL_FAULT_SHORT,	/* success with half the quote */
	EMUL_FAULT_OVERSIZE,	/* success with a length beyond the buffer */
	EMUL_FAULT_HUGE,	/* success with length 0xffffffff */
	EMUL_FAULT_GARBAGE,	/* success, right length, random bytes */
	EMUL_FAULT_EARLY,	/* success before the quote is in the buffer */
	EMUL_FAULT_RACE,	/* success, and the length goes on changing */
	EMUL_FAULT_FLAP,	/* success, then in flight again for good */
	EMUL_FAULT_NR
};

/**
 * struct emul_td - the TD as its TDX module sees it
 * @lock: guards everything below except @mac_key, which is constant after init
 * @info: TDINFO, the measurement registers among it
 * @tcb: TEE_TCB_INFO
 * @cpusvn: security version of the pretended CPU
 * @mac_key: key of REPORTMAC, new at each load
 * @busy: this many REPORT and RTMR.EXTEND calls answer OPERAND_BUSY
 * @refuse: then this many answer OPERAND_INVALID
 * @quote_retry: this many GetQuote calls answer RETRY
 * @quote_delay_us: a quote is delivered this long after its request, or later
 * @quote_took_us: how long the last quote that was delivered had been asked for
 * @trick_ms: how long faults that go on after "success" take, or wait
 * @quote_fault: what happens to quotes
 */
struct emul_td {
	raw_spinlock_t lock;
	struct ds_tdinfo info;
	struct ds_tee_tcb_info tcb;
	u8 cpusvn[16];
	u8 mac_key[SHA256_DIGEST_SIZE];
	u32 busy;
	u32 refuse;
	u32 quote_retry;
	u32 quote_delay_us;
	u32 quote_took_us;
	u32 trick_ms;
	enum emul_quote_fault quote_fault;
};

extern struct emul_td emul_td;

/* main.c: is this what CPUID leaf 0x21 says in a TD? */
bool emul_is_td_signature(u32 ebx, u32 edx, u32 ecx);

/* leaves.c */
int emul_leaves_init(void);
void emul_leaves_exit(void);
void emul_tdcall(struct pt_regs *regs);
void emul_rtmr_extend(u8 index, const u8 digest[DS_TD_MR_SIZE]);
bool emul_report_verify(const struct ds_tdreport *report);
/* Read guest memory by physical address; false if it is not RAM or not mapped. */
bool emul_read_guest(void *to, u64 gpa, size_t len);

/* quote.c */
extern struct miscdevice emul_qe_misc;
int emul_quote_init(void);
void emul_quote_exit(void);
u64 emul_get_quote(u64 gpa, u64 size);
/* A held request may be served now. */
void emul_quote_kick(void);
/* An answer may be due sooner than it was. */
void emul_quote_delay_changed(void);
#ifdef DEBUG
/* Answer the oldest genuine request "unavailable"; false if there was none. */
bool emul_quote_drop_one(void);
#endif

/* knobs.c */
void emul_knobs_init(void);

/* selftest.c: issues real TDCALLs, so all that serves them must be in place. */
#ifdef DEBUG
int __must_check emul_selftest(void);
#else
static inline int __must_check emul_selftest(void)
{
	return 0;
}
#endif

#endif /* DS_EMUL_H */
