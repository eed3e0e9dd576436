/* SPDX-License-Identifier: GPL-2.0-only */
/* cpuid_count() and friends, which have moved out of asm/processor.h's reach. */
#ifndef DS_COMPAT_CPUID_H
#define DS_COMPAT_CPUID_H

#ifdef DS_HAVE_CPUID_API
#include <asm/cpuid/api.h>
#else
#include <asm/cpuid.h>
#endif

#endif /* DS_COMPAT_CPUID_H */
