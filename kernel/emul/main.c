// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdx_emul: a TDX module in software, for development and tests. No security whatsoever.
 *
 * TDCALL raises #UD where there is no TDX module. The kernel offers every such trap to the die
 * notifiers first; ours recognises the instruction, does what the TDX module would have done and
 * steps over it. Drivers run unchanged.
 */
#include <linux/hex.h>
#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/shared/tdx.h>
#include <asm/trapnr.h>

#include "emul.h"
#include "uapi/tdx_emul.h"
#include "../compat/cpuid.h"

/* 66 0f 01 cc as a little-endian word. */
#define TDCALL_OPCODE	0xcc010f66U
#define TDCALL_LEN	4

struct emul_td emul_td = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(emul_td.lock),
	.tcb = {
		/* What real modules of this generation report as valid. */
		.valid = { 0xff, 0x01, 0x03 },
		.tee_tcb_svn = { 0x05, 0x01, 0x03 },
		.mrseam = DSTACK_EMUL_MRSEAM,
	},
	.trick_ms = 20,
	.cpusvn = { 0x03, 0x03, 0x02, 0x02, 0x02, 0x01, 0x00, 0x03 },
};

static char *mrtd, *mrconfigid, *mrowner, *mrownerconfig, *rtmr0, *rtmr1, *rtmr2;
static char *td_attributes = "0000000010000000";	/* SEPT_VE_DISABLE */
static char *xfam = "00000000000602e7";

module_param(mrtd, charp, 0);
MODULE_PARM_DESC(mrtd, "MRTD, 96 hex digits (default zero)");
module_param(mrconfigid, charp, 0);
MODULE_PARM_DESC(mrconfigid, "MRCONFIGID, 96 hex digits (default zero)");
module_param(mrowner, charp, 0);
MODULE_PARM_DESC(mrowner, "MROWNER, 96 hex digits (default zero)");
module_param(mrownerconfig, charp, 0);
MODULE_PARM_DESC(mrownerconfig, "MROWNERCONFIG, 96 hex digits (default zero)");
module_param(rtmr0, charp, 0);
MODULE_PARM_DESC(rtmr0, "initial RTMR0, 96 hex digits (default zero)");
module_param(rtmr1, charp, 0);
MODULE_PARM_DESC(rtmr1, "initial RTMR1, 96 hex digits (default zero)");
module_param(rtmr2, charp, 0);
MODULE_PARM_DESC(rtmr2, "initial RTMR2, 96 hex digits (default zero)");
module_param(td_attributes, charp, 0);
MODULE_PARM_DESC(td_attributes, "TDATTRIBUTES, 16 hex digits, most significant first");
module_param(xfam, charp, 0);
MODULE_PARM_DESC(xfam, "XFAM, 16 hex digits, most significant first");

static int parse_hex(const char *name, const char *text, u8 *ret, size_t len)
{
	if (!text)
		return 0;
	if (strlen(text) != 2 * len) {
		pr_err("%s: expected %zu hex digits, got %zu\n", name, 2 * len, strlen(text));
		return -EINVAL;
	}
	if (hex2bin(ret, text, len)) {
		pr_err("%s: not a hex string\n", name);
		return -EINVAL;
	}
	return 0;
}

static int parse_number(const char *name, const char *text, __le64 *ret)
{
	u8 be[8] = {};
	int err = parse_hex(name, text, be, sizeof(be));

	if (!err)
		*ret = cpu_to_le64(be64_to_cpup((const __be64 *)be));
	return err;
}

static int parse_params(void)
{
	const struct {
		const char *name, *text;
		u8 *to;
	} mr[] = {
		{ "mrtd", mrtd, emul_td.info.mrtd },
		{ "mrconfigid", mrconfigid, emul_td.info.mrconfigid },
		{ "mrowner", mrowner, emul_td.info.mrowner },
		{ "mrownerconfig", mrownerconfig, emul_td.info.mrownerconfig },
		{ "rtmr0", rtmr0, emul_td.info.rtmr[0] },
		{ "rtmr1", rtmr1, emul_td.info.rtmr[1] },
		{ "rtmr2", rtmr2, emul_td.info.rtmr[2] },
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(mr); i++) {
		err = parse_hex(mr[i].name, mr[i].text, mr[i].to, DS_TD_MR_SIZE);
		if (err)
			return err;
	}
	err = parse_number("td_attributes", td_attributes, &emul_td.info.attributes);
	return err ?: parse_number("xfam", xfam, &emul_td.info.xfam);
}

bool emul_is_td_signature(u32 ebx, u32 edx, u32 ecx)
{
	const u32 sig[3] = { ebx, edx, ecx };

	static_assert(sizeof(sig) == sizeof(TDX_IDENT) - 1);
	return !memcmp(TDX_IDENT, sig, sizeof(sig));
}

static bool on_real_td(void)
{
	u32 eax, ebx, ecx, edx;

	if (cpuid_eax(0) < TDX_CPUID_LEAF_ID)
		return false;
	cpuid_count(TDX_CPUID_LEAF_ID, 0, &eax, &ebx, &ecx, &edx);
	return emul_is_td_signature(ebx, edx, ecx);
}

static int emul_trap(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;
	u32 insn;

	if (event != DIE_TRAP || args->trapnr != X86_TRAP_UD || user_mode(args->regs))
		return NOTIFY_DONE;
	if (get_kernel_nofault(insn, (u32 *)args->regs->ip) || insn != TDCALL_OPCODE)
		return NOTIFY_DONE;
	emul_tdcall(args->regs);
	args->regs->ip += TDCALL_LEN;
	return NOTIFY_STOP;
}

static struct notifier_block emul_trap_nb = {
	.notifier_call = emul_trap,
	.priority = INT_MAX,	/* ours is the cheapest test in the chain */
};

/*
 * There is no exit: the registers must not start over while a guest that measured into them runs,
 * and drivers bound to the pretended feature would meet the real #UD.
 */
static int __init emul_init(void)
{
	int err;

	if (on_real_td() || boot_cpu_has(X86_FEATURE_TDX_GUEST)) {
		pr_err("this is a TDX guest already: refusing to emulate another\n");
		return -EPERM;
	}
	err = parse_params();
	if (err)
		return err;
	get_random_bytes(emul_td.mac_key, sizeof(emul_td.mac_key));
	err = emul_leaves_init();
	if (err)
		return err;
	err = emul_quote_init();
	if (err)
		goto err_leaves;
	err = register_die_notifier(&emul_trap_nb);
	if (err)
		goto err_quote;
	err = emul_selftest();
	if (err)
		goto err_trap;
	/* Last: visible only once everything works. */
	err = misc_register(&emul_qe_misc);
	if (err)
		goto err_trap;
	emul_knobs_init();
	set_cpu_cap(&boot_cpu_data, X86_FEATURE_TDX_GUEST);
	pr_warn("EMULATED TDX: reports and quotes of this machine prove nothing\n");
	return 0;
err_trap:
	unregister_die_notifier(&emul_trap_nb);
err_quote:
	emul_quote_exit();
err_leaves:
	emul_leaves_exit();
	return err;
}
module_init(emul_init);

MODULE_DESCRIPTION("TDX module in software, for development and tests");
MODULE_LICENSE("GPL");
