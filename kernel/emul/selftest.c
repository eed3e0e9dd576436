// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no driver can be made to do: TDCALLs with bad operands and forged reports. Checked at load
 * in DEBUG builds, through the real instruction; a wrong answer refuses the load.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/shared/tdx.h>

#include "emul.h"
#include "uapi/tdx_emul.h"
#include "../compat/sha384.h"

#define TDG_MR_RTMR_EXTEND	2

#define NOT_RAM			BIT_ULL(47)
#define BUF_SIZE		(4 * PAGE_SIZE)
#define QUOTE_REGS		(TDX_R10 | TDX_R11 | TDX_R12 | TDX_R13)

struct regs {
	u64 rax, rcx, rdx, r8, r10, r11, r12, r13;
};

static void tdcall(struct regs *regs)
{
	register u64 r8 asm("r8") = regs->r8;
	register u64 r10 asm("r10") = regs->r10;
	register u64 r11 asm("r11") = regs->r11;
	register u64 r12 asm("r12") = regs->r12;
	register u64 r13 asm("r13") = regs->r13;

	asm volatile(".byte 0x66,0x0f,0x01,0xcc"	/* TDCALL */
		     : "+a" (regs->rax), "+c" (regs->rcx), "+d" (regs->rdx), "+r" (r8),
		       "+r" (r10), "+r" (r11), "+r" (r12), "+r" (r13)
		     :
		     : "r9", "r14", "memory", "cc");
	regs->r8 = r8;
	regs->r10 = r10;
	regs->r11 = r11;
	regs->r12 = r12;
	regs->r13 = r13;
}

static bool expect(const char *what, u64 got, u64 want)
{
	if (got != want)
		pr_err("selftest: %s: expected %#llx, got %#llx\n", what, want, got);
	return got == want;
}

/* buf is page aligned, so buf + 64 is good for a small operand and bad for a report. */
static bool bad_operands(u64 buf)
{
	const struct {
		const char *what;
		u64 rax, rcx, rdx, r8, want;
	} cases[] = {
		{ "unknown leaf", 99, 0, 0, 0, EMUL_OPERAND_INVALID | EMUL_OP_RAX },
		{ "report, RCX alignment", TDG_MR_REPORT, buf + 64, buf + 1024, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "report, RCX not RAM", TDG_MR_REPORT, NOT_RAM, buf + 1024, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "report, RCX beyond the address width", TDG_MR_REPORT, BIT_ULL(52), buf, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "report, RDX alignment", TDG_MR_REPORT, buf, buf + 1024 + 8, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RDX },
		{ "report, RDX not RAM", TDG_MR_REPORT, buf, NOT_RAM, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RDX },
		{ "report, subtype", TDG_MR_REPORT, buf, buf + 1024, 1,
		  EMUL_OPERAND_INVALID | EMUL_OP_R8 },
		{ "report, RDX alignment before RCX not RAM", TDG_MR_REPORT, NOT_RAM, buf + 8, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RDX },
		{ "report, subtype before RCX not RAM", TDG_MR_REPORT, NOT_RAM, buf, 1,
		  EMUL_OPERAND_INVALID | EMUL_OP_R8 },
		{ "extend, RCX alignment", TDG_MR_RTMR_EXTEND, buf + 16, 3, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "extend, RCX not RAM", TDG_MR_RTMR_EXTEND, NOT_RAM, 3, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "extend, index", TDG_MR_RTMR_EXTEND, buf, 4, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RDX },
		{ "read, unknown field", TDG_VM_RD, 0, 0x42, 0,
		  EMUL_FIELD_ID_INCORRECT | EMUL_OP_RDX },
		{ "vmcall, forbidden register", TDG_VP_VMCALL, QUOTE_REGS | BIT(4), 0, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "vmcall, reserved bit", TDG_VP_VMCALL, QUOTE_REGS | BIT_ULL(32), 0, 0,
		  EMUL_OPERAND_INVALID | EMUL_OP_RCX },
		{ "vmcall, XMM registers", TDG_VP_VMCALL, QUOTE_REGS | GENMASK(31, 16), 0, 0,
		  EMUL_SUCCESS },
	};
	const struct ds_tdinfo before = emul_td.info;
	bool ok = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct regs regs = {
			.rax = cases[i].rax, .rcx = cases[i].rcx,
			.rdx = cases[i].rdx, .r8 = cases[i].r8,
		};

		tdcall(&regs);
		ok &= expect(cases[i].what, regs.rax, cases[i].want);
	}
	return ok && !memcmp(&before, &emul_td.info, sizeof(before));
}

static bool good_leaves(u8 *buf)
{
	struct ds_tdinfo before = emul_td.info;
	struct regs info = { .rax = TDG_VP_INFO };
	struct regs attr = { .rax = TDG_VM_RD, .rdx = 0x1110000300000000ULL };
	struct regs extend = {
		.rax = TDG_MR_RTMR_EXTEND, .rcx = virt_to_phys(buf), .rdx = 3,
	};
	bool ok;

	tdcall(&info);
	tdcall(&attr);
	memset(buf, 0x7e, DS_TD_MR_SIZE);
	tdcall(&extend);
	ok = expect("info", info.rax, 0) && expect("info, width", info.rcx, 48) &&
	     expect("info, attributes", info.rdx, le64_to_cpu(before.attributes)) &&
	     expect("read", attr.rax, 0) &&
	     expect("read, attributes", attr.r8, le64_to_cpu(before.attributes)) &&
	     expect("extend", extend.rax, 0);
	ds_rtmr_fold(before.rtmr[3], buf);
	ok = ok && !memcmp(&before, &emul_td.info, sizeof(before));
	/* As if nothing had happened: nobody has seen the register yet. */
	memset(emul_td.info.rtmr[3], 0, DS_TD_MR_SIZE);
	return ok;
}

/* The registers' lock, or a refusal, as the knobs say; each once. */
static bool bad_days(u64 buf)
{
	static const u64 leaves[] = { TDG_MR_REPORT, TDG_MR_RTMR_EXTEND };
	const struct ds_tdinfo before = emul_td.info;
	bool ok = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct regs busy = { .rax = leaves[i], .rcx = buf, .rdx = i ? 3 : buf + 1024 };
		struct regs refused = busy;

		emul_td.busy = 1;
		emul_td.refuse = 1;
		tdcall(&busy);
		tdcall(&refused);
		ok &= expect("busy", busy.rax, EMUL_OPERAND_BUSY | EMUL_OP_RTMR) &&
		      expect("refused", refused.rax, EMUL_OPERAND_INVALID | EMUL_OP_RCX) &&
		      !emul_td.busy && !emul_td.refuse;
	}
	return ok && !memcmp(&before, &emul_td.info, sizeof(before));
}

static u64 get_quote(u64 gpa, u64 size, u64 exposed)
{
	struct regs regs = {
		.rax = TDG_VP_VMCALL, .rcx = exposed, .r11 = TDVMCALL_GET_QUOTE,
		.r12 = gpa, .r13 = size,
	};

	tdcall(&regs);
	return expect("vmcall", regs.rax, 0) ? regs.r10 : ~0ULL;
}

static bool bad_vmcalls(u64 buf)
{
	struct regs unknown = { .rax = TDG_VP_VMCALL, .rcx = QUOTE_REGS, .r11 = 0x10042 };
	bool ok;

	tdcall(&unknown);
	ok = expect("unknown sub-function", unknown.r10, EMUL_VMCALL_INVALID);
	ok &= expect("quote, alignment", get_quote(buf + 64, BUF_SIZE, QUOTE_REGS),
		     EMUL_VMCALL_INVALID);
	ok &= expect("quote, no size", get_quote(buf, 0, QUOTE_REGS), EMUL_VMCALL_INVALID);
	ok &= expect("quote, odd size", get_quote(buf, 100, QUOTE_REGS), EMUL_VMCALL_INVALID);
	ok &= expect("quote, too big", get_quote(buf, TDX_EMUL_QUOTE_MAX + PAGE_SIZE, QUOTE_REGS),
		     EMUL_VMCALL_INVALID);
	ok &= expect("quote, not RAM", get_quote(NOT_RAM, BUF_SIZE, QUOTE_REGS),
		     EMUL_VMCALL_INVALID);
	ok &= expect("quote, hidden registers",
		     get_quote(buf, BUF_SIZE, TDX_R10 | TDX_R11), EMUL_VMCALL_INVALID);
	return ok;
}

/* A fresh report in the shared buffer, then one byte of it flipped; at < 0 flips none. */
static bool quote_of_report(struct ghci_head *head, u8 *scratch, int at, u64 want)
{
	struct regs report = {
		.rax = TDG_MR_REPORT, .rcx = virt_to_phys(scratch),
		.rdx = virt_to_phys(scratch + sizeof(struct ds_tdreport)),
	};
	bool genuine;

	tdcall(&report);
	memset(head, 0, BUF_SIZE);
	head->version = GHCI_VERSION;
	head->in_len = sizeof(struct ds_tdreport);
	memcpy(head->data, scratch, head->in_len);
	if (at >= 0)
		head->data[at] ^= 1;
	if (!expect("report", report.rax, 0) ||
	    !expect("quote", get_quote(virt_to_phys(head), BUF_SIZE, QUOTE_REGS), 0) ||
	    !expect("quote, in flight", head->status, GHCI_IN_FLIGHT))
		return false;
	genuine = emul_quote_drop_one();
	return expect("quote, verified", genuine, at < 0) &&
	       expect("quote, status", head->status, want);
}

static bool forged_reports(struct ghci_head *head, u8 *scratch)
{
	/* The fixed part, REPORTDATA, MAC, TEE_TCB_INFO, MRTD, RTMR3. */
	static const int at[] = { 0, 16, 128, 191, 224, 255, 264, 280, 528, 864, 1023 };
	bool ok = quote_of_report(head, scratch, -1, GHCI_UNAVAILABLE);
	int i;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		ok &= quote_of_report(head, scratch, at[i], GHCI_ERROR);

	memset(head, 0, BUF_SIZE);
	head->version = GHCI_VERSION + 1;
	head->in_len = sizeof(struct ds_tdreport);
	ok &= expect("quote, version", get_quote(virt_to_phys(head), BUF_SIZE, QUOTE_REGS), 0) &&
	      expect("quote, version", head->status, GHCI_ERROR);
	head->version = GHCI_VERSION;
	head->in_len--;
	head->status = 0;
	ok &= expect("quote, length", get_quote(virt_to_phys(head), BUF_SIZE, QUOTE_REGS), 0) &&
	      expect("quote, length", head->status, GHCI_ERROR);
	return ok && !emul_quote_drop_one();
}

static bool td_signature(void)
{
	return emul_is_td_signature(0x65746e49, 0x5844546c, 0x20202020) &&
	       !emul_is_td_signature(0x756e6547, 0x49656e69, 0x6c65746e) &&
	       !emul_is_td_signature(0, 0, 0);
}

int emul_selftest(void)
{
	u8 *buf = alloc_pages_exact(BUF_SIZE + PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	u8 *scratch = buf + BUF_SIZE;
	bool ok;

	if (!buf)
		return -ENOMEM;
	ok = td_signature();
	ok &= bad_operands(virt_to_phys(scratch));
	ok &= bad_days(virt_to_phys(scratch));
	ok &= good_leaves(scratch);
	ok &= bad_vmcalls(virt_to_phys(buf));
	ok &= forged_reports((struct ghci_head *)buf, scratch);
	free_pages_exact(buf, BUF_SIZE + PAGE_SIZE);
	pr_info("selftest: %s\n", ok ? "pass" : "FAIL");
	return ok ? 0 : -ENOTRECOVERABLE;
}
