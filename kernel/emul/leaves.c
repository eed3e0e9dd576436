// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TDCALL leaves: operands in, registers out, error codes as the TDX module ABI has them.
 *
 * Runs in the exception handler of the calling instruction: no sleeping, no allocation, no trust in
 * an address until it has been read once without faulting.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/shared/tdx.h>

#include "emul.h"
#include "../compat/sha384.h"

#define TDG_MR_RTMR_EXTEND	2	/* not in the 6.12 headers */

/* GHCI: the capabilities sub-function, answered with "nothing beyond the base set". */
#define VMCALL_GET_TDVMCALL_INFO	0x10000

/* TD-scope metadata we know, TDX module ABI. */
#define FIELD_ATTRIBUTES	0x1110000300000000ULL
#define FIELD_XFAM		0x1110000300000001ULL

/* TDG.VP.INFO reports this guest physical address width. */
#define EMUL_GPAW		48

/* RCX of TDG.VP.VMCALL: RAX, RCX and RSP cannot be passed through, the high half is reserved. */
#define VMCALL_FORBIDDEN_REGS	(BIT(0) | BIT(1) | BIT(4) | GENMASK_ULL(63, 32))
#define VMCALL_STANDARD_REGS	(TDX_R10 | TDX_R11)
#define VMCALL_GET_QUOTE_REGS	(TDX_R12 | TDX_R13)

DS_SHA384_DEFINE();

static void *guest_ptr(u64 gpa, size_t len)
{
	if (gpa >> EMUL_GPAW || !pfn_valid(PHYS_PFN(gpa)) || !pfn_valid(PHYS_PFN(gpa + len - 1)))
		return NULL;
	return phys_to_virt(gpa);
}

bool emul_read_guest(void *to, u64 gpa, size_t len)
{
	const void *from = guest_ptr(gpa, len);

	return from && !copy_from_kernel_nofault(to, from, len);
}

/*
 * In a TD, private memory that is not there is an EPT violation, which the leaf does not survive;
 * here it is as refused as an address that cannot be.
 */
static u64 check_mapped(u64 gpa, u32 operand)
{
	u8 probe;

	/* No operand is bigger than its alignment, hence in one page: one byte speaks for all. */
	return emul_read_guest(&probe, gpa, 1) ? EMUL_SUCCESS : EMUL_OPERAND_INVALID | operand;
}

static u64 check_aligned(u64 gpa, size_t align, u32 operand)
{
	return IS_ALIGNED(gpa, align) ? EMUL_SUCCESS : EMUL_OPERAND_INVALID | operand;
}

static bool count_down(u32 *knob)
{
	lockdep_assert_held(&emul_td.lock);
	if (!*knob)
		return false;
	--*knob;
	return true;
}

/* What the TDX module says about the registers, as the knobs have it. */
static u64 take_registers(void)
{
	if (count_down(&emul_td.busy))
		return EMUL_OPERAND_BUSY | EMUL_OP_RTMR;
	return count_down(&emul_td.refuse) ? EMUL_OPERAND_INVALID | EMUL_OP_RCX : EMUL_SUCCESS;
}

/* HMAC-SHA256 of the part of a report the MAC covers. */
static void report_mac(const struct ds_tdreport *report, u8 ret[SHA256_DIGEST_SIZE])
{
	struct {
		u8 pad[SHA256_BLOCK_SIZE];
		union {
			u8 covered[offsetof(struct ds_reportmac, mac)];
			u8 inner[SHA256_DIGEST_SIZE];
		};
	} msg;
	int i;

	memset(msg.pad, 0x36, sizeof(msg.pad));
	for (i = 0; i < sizeof(emul_td.mac_key); i++)
		msg.pad[i] ^= emul_td.mac_key[i];
	memcpy(msg.covered, report, sizeof(msg.covered));
	sha256((const u8 *)&msg, sizeof(msg.pad) + sizeof(msg.covered), ret);

	for (i = 0; i < sizeof(msg.pad); i++)
		msg.pad[i] ^= 0x36 ^ 0x5c;
	memcpy(msg.inner, ret, sizeof(msg.inner));
	sha256((const u8 *)&msg, sizeof(msg.pad) + sizeof(msg.inner), ret);
}

bool emul_report_verify(const struct ds_tdreport *report)
{
	u8 hash[DS_TD_MR_SIZE], mac[SHA256_DIGEST_SIZE];

	ds_sha384(&report->tcb, sizeof(report->tcb), hash);
	if (memcmp(hash, report->mac.tee_tcb_info_hash, sizeof(hash)))
		return false;
	ds_sha384(&report->td, sizeof(report->td), hash);
	if (memcmp(hash, report->mac.tee_info_hash, sizeof(hash)))
		return false;
	report_mac(report, mac);
	return !memcmp(mac, report->mac.mac, sizeof(mac));
}

/* RCX: TDREPORT out, RDX: REPORTDATA in, R8: subtype; looked at in the order of the TDX module. */
static u64 check_report(const struct pt_regs *regs)
{
	u64 err;

	err = check_aligned(regs->cx, DS_TD_REPORT_ALIGN, EMUL_OP_RCX);
	if (!err)
		err = check_aligned(regs->dx, DS_TD_OPERAND_ALIGN, EMUL_OP_RDX);
	if (!err)
		err = check_mapped(regs->dx, EMUL_OP_RDX);
	if (!err && regs->r8)
		err = EMUL_OPERAND_INVALID | EMUL_OP_R8;
	return err ?: check_mapped(regs->cx, EMUL_OP_RCX);
}

static u64 leaf_report(const struct pt_regs *regs)
{
	struct ds_tdreport *out;
	struct ds_reportmac mac = { .type = DS_TD_REPORT_TYPE };
	u64 err;

	err = check_report(regs);
	if (err)
		return err;
	out = phys_to_virt(regs->cx);
	memcpy(mac.reportdata, phys_to_virt(regs->dx), sizeof(mac.reportdata));

	raw_spin_lock(&emul_td.lock);
	err = take_registers();
	if (err) {
		raw_spin_unlock(&emul_td.lock);
		return err;
	}
	memset(out, 0, sizeof(*out));
	out->tcb = emul_td.tcb;
	out->td = emul_td.info;
	raw_spin_unlock(&emul_td.lock);

	memcpy(mac.cpusvn, emul_td.cpusvn, sizeof(mac.cpusvn));
	ds_sha384(&out->tcb, sizeof(out->tcb), mac.tee_tcb_info_hash);
	ds_sha384(&out->td, sizeof(out->td), mac.tee_info_hash);
	out->mac = mac;
	report_mac(out, out->mac.mac);
	return EMUL_SUCCESS;
}

void emul_rtmr_extend(u8 index, const u8 digest[DS_TD_MR_SIZE])
{
	lockdep_assert_held(&emul_td.lock);
	ds_rtmr_fold(emul_td.info.rtmr[index], digest);
}

/* RCX: digest, RDX: register index. */
static u64 leaf_rtmr_extend(const struct pt_regs *regs)
{
	u64 err;

	err = check_aligned(regs->cx, DS_TD_OPERAND_ALIGN, EMUL_OP_RCX);
	if (!err)
		err = check_mapped(regs->cx, EMUL_OP_RCX);
	if (!err && regs->dx >= DS_TD_RTMRS)
		err = EMUL_OPERAND_INVALID | EMUL_OP_RDX;
	if (err)
		return err;

	raw_spin_lock(&emul_td.lock);
	err = take_registers();
	if (!err)
		emul_rtmr_extend(regs->dx, phys_to_virt(regs->cx));
	raw_spin_unlock(&emul_td.lock);
	return err;
}

static u64 leaf_vp_info(struct pt_regs *regs)
{
	regs->cx = EMUL_GPAW;
	regs->dx = le64_to_cpu(emul_td.info.attributes);
	regs->r8 = (u64)num_possible_cpus() << 32 | num_online_cpus();
	regs->r9 = raw_smp_processor_id();
	regs->r10 = 0;
	regs->r11 = 0;
	return EMUL_SUCCESS;
}

/* RDX: field identifier; R8: its value. */
static u64 leaf_vm_rd(struct pt_regs *regs)
{
	switch (regs->dx) {
	case FIELD_ATTRIBUTES:
		regs->r8 = le64_to_cpu(emul_td.info.attributes);
		return EMUL_SUCCESS;
	case FIELD_XFAM:
		regs->r8 = le64_to_cpu(emul_td.info.xfam);
		return EMUL_SUCCESS;
	case TDCS_CONFIG_FLAGS:
	case TDCS_TD_CTLS:
	case TDCS_NOTIFY_ENABLES:
		regs->r8 = 0;
		return EMUL_SUCCESS;
	default:
		regs->r8 = 0;
		return EMUL_FIELD_ID_INCORRECT | EMUL_OP_RDX;
	}
}

/*
 * RCX: the registers shown to the VMM, R10: 0 for a standard call, R11: sub-function; the VMM's
 * answer comes back in R10. A register outside the mask never reaches the VMM. It may name XMM
 * registers, which our VMM does not look at.
 */
static u64 leaf_vmcall(struct pt_regs *regs)
{
	u64 exposed = regs->cx;

	if (exposed & VMCALL_FORBIDDEN_REGS)
		return EMUL_OPERAND_INVALID | EMUL_OP_RCX;
	if ((exposed & VMCALL_STANDARD_REGS) != VMCALL_STANDARD_REGS || regs->r10) {
		regs->r10 = EMUL_VMCALL_INVALID;
		return EMUL_SUCCESS;
	}
	switch (regs->r11) {
	case VMCALL_GET_TDVMCALL_INFO:
		regs->r10 = EMUL_VMCALL_SUCCESS;
		regs->r11 = 0;
		regs->r12 = 0;
		regs->r13 = 0;
		regs->r14 = 0;
		break;
	case TDVMCALL_GET_QUOTE:
		if ((exposed & VMCALL_GET_QUOTE_REGS) == VMCALL_GET_QUOTE_REGS)
			regs->r10 = emul_get_quote(regs->r12, regs->r13);
		else
			regs->r10 = EMUL_VMCALL_INVALID;
		break;
	default:
		regs->r10 = EMUL_VMCALL_INVALID;
		break;
	}
	return EMUL_SUCCESS;
}

void emul_tdcall(struct pt_regs *regs)
{
	switch (regs->ax) {
	case TDG_VP_VMCALL:
		regs->ax = leaf_vmcall(regs);
		break;
	case TDG_VP_INFO:
		regs->ax = leaf_vp_info(regs);
		break;
	case TDG_MR_RTMR_EXTEND:
		regs->ax = leaf_rtmr_extend(regs);
		break;
	case TDG_MR_REPORT:
		regs->ax = leaf_report(regs);
		break;
	case TDG_VM_RD:
		regs->ax = leaf_vm_rd(regs);
		break;
	default:
		regs->ax = EMUL_OPERAND_INVALID | EMUL_OP_RAX;
		break;
	}
}

int emul_leaves_init(void)
{
	return ds_sha384_setup();
}

void emul_leaves_exit(void)
{
	ds_sha384_teardown();
}
