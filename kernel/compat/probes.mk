# SPDX-License-Identifier: GPL-2.0-only
# What this kernel offers, asked of its headers. Answers are DS_HAVE_* macros, used only in kernel/compat.

ds-have = $(if $(shell grep -s -e '$(2)' $(srctree)/$(1)),-D$(3))

subdir-ccflags-y += $(call ds-have,include/crypto/sha2.h,^void sha384_init.,DS_HAVE_SHA384_LIB)
subdir-ccflags-y += $(call ds-have,include/crypto/sha2.h,^struct sha256_ctx,DS_HAVE_SHA256_CTX)
subdir-ccflags-y += $(call ds-have,include/linux/sysfs.h,[*]write.*const struct bin_attribute,DS_HAVE_CONST_BIN_ATTR)
subdir-ccflags-y += $(call ds-have,arch/x86/include/asm/cpuid/api.h,cpuid_count,DS_HAVE_CPUID_API)
subdir-ccflags-y += $(call ds-have,arch/x86/include/asm/tdx.h,tdx_mcall_extend_rtmr,DS_HAVE_TDX_EXTEND)
