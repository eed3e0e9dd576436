/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels we build on, included before every source file of ours.
 *
 * Feature code is written as if only the newest kernel existed. The DS_HAVE_* macros come from
 * probes.mk and are used in this folder only.
 */
#ifndef DS_COMPAT_H
#define DS_COMPAT_H

/* Not a difference, but the one place before the first include: messages name their module. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* Binary sysfs attributes are passed to their callbacks as const since 6.17. */
#ifdef DS_HAVE_CONST_BIN_ATTR
#define ds_bin_const const
#else
#define ds_bin_const
#endif

#endif /* DS_COMPAT_H */
