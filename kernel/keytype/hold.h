/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DS_KEY_HOLD_H
#define DS_KEY_HOLD_H

/*
 * Keep function tracing on: from here on kernel.ftrace_enabled=0 is EBUSY. 0, or an error with
 * nothing changed; without DYNAMIC_FTRACE there is nothing to hold.
 */
#ifdef CONFIG_DYNAMIC_FTRACE
int __must_check ds_hold_ftrace(void);
#else
static inline int ds_hold_ftrace(void)
{
	return 0;
}
#endif

#endif /* DS_KEY_HOLD_H */
