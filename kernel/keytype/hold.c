// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF programs on LSM hooks are called through ftrace, and root could disable ftrace: what refuses
 * bpf(2), and with it the reading of all kernel memory, would be gone. While a permanent user of
 * ftrace is registered the sysctl is refused, as live patching has it.
 */
#include <linux/ftrace.h>

#include "hold.h"

static void ds_hold_callback(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			     struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ds_hold_ops = {
	.func = ds_hold_callback,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/* Traced, so that nothing else is; nobody calls it afterwards. */
static noinline int ds_hold_anchor(void)
{
	return register_ftrace_function(&ds_hold_ops);
}

int ds_hold_ftrace(void)
{
	int ret;

	ret = ftrace_set_filter_ip(&ds_hold_ops, (unsigned long)ds_hold_anchor, 0, 1);
	if (ret)
		return ret;
	ret = ds_hold_anchor();
	if (ret)
		ftrace_free_filter(&ds_hold_ops);
	return ret;
}
