/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TDG.MR.REPORT and TDG.MR.RTMR.EXTEND, one try each. Operands are aligned and directly mapped, see
 * tdreport.h. Return: 0, -EBUSY, -ENXIO (refused operand) or -EIO.
 *
 * Kernels since 6.16 export helpers. 6.12 has none for the extension, and its report helper makes
 * "busy" indistinguishable from a failure, so the instruction is issued here.
 */
#ifndef DS_COMPAT_TDCALL_H
#define DS_COMPAT_TDCALL_H

#include <linux/errno.h>
#include <linux/types.h>

#ifdef DS_HAVE_TDX_EXTEND

#include <asm/tdx.h>

static inline int ds_tdx_report(u8 *reportdata, u8 *tdreport)
{
	return tdx_mcall_get_report0(reportdata, tdreport);
}

static inline int ds_tdx_extend(u8 rtmr, u8 *digest)
{
	return tdx_mcall_extend_rtmr(rtmr, digest);
}

#else

#include <linux/io.h>

/* Leaves and completion codes, TDX module ABI. */
#define DS_TDG_MR_RTMR_EXTEND	2
#define DS_TDG_MR_REPORT	4
#define DS_TDX_STATUS(status)	((status) >> 32)
#define DS_TDX_OPERAND_INVALID	0xc0000100ULL
#define DS_TDX_OPERAND_BUSY	0x80000200ULL

static inline int ds_tdcall(u64 leaf, u64 rcx, u64 rdx)
{
	/* R8 is the report subtype, zero for the only one there is. */
	register u64 r8 asm("r8") = 0;

	asm volatile(".byte 0x66,0x0f,0x01,0xcc"	/* TDCALL */
		     : "+a" (leaf), "+c" (rcx), "+d" (rdx), "+r" (r8)
		     :
		     : "r9", "r10", "r11", "memory", "cc");
	if (!leaf)
		return 0;
	if (DS_TDX_STATUS(leaf) == DS_TDX_OPERAND_BUSY)
		return -EBUSY;
	return DS_TDX_STATUS(leaf) == DS_TDX_OPERAND_INVALID ? -ENXIO : -EIO;
}

static inline int ds_tdx_report(u8 *reportdata, u8 *tdreport)
{
	return ds_tdcall(DS_TDG_MR_REPORT, virt_to_phys(tdreport), virt_to_phys(reportdata));
}

static inline int ds_tdx_extend(u8 rtmr, u8 *digest)
{
	return ds_tdcall(DS_TDG_MR_RTMR_EXTEND, virt_to_phys(digest), rtmr);
}

#endif

#endif /* DS_COMPAT_TDCALL_H */
