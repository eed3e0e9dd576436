# SPDX-License-Identifier: Apache-2.0
# Kernel tests: check-vm boots Debian's stock cloud kernel in QEMU for each suite in tests/vm/*.vm;
# check-modules builds our modules the strict way.

# Static, because the VM holds nothing else. The linker's remarks about libcrypto's name lookups are noise here.
# Every .c file of tests/kselftest is a program, *_util.c are linked into all of them, and NAME/*.c into NAME_test.
kst-utils := $(wildcard tests/kselftest/*_util.c)
kst-srcs := $(filter-out $(kst-utils),$(wildcard tests/kselftest/*.c))
kst-bins := $(patsubst tests/kselftest/%.c,$(O)/kselftest/%,$(kst-srcs)) $(O)/kselftest/vm-init
# The tests hand the kernel sizes and pointers that do not fit, on purpose.
kst-warn := -Wno-stringop-overflow -Wno-stringop-overread
kst-cflags = -std=gnu11 -D_GNU_SOURCE -O2 -g $(warn-flags) $(kst-warn) $(werror) -Ikernel/include \
	-Iuserspace/include -ffunction-sections -ffile-prefix-map=$(CURDIR)=.
kst-ldflags = -static -Wl,--gc-sections $(call cc-option,-Wl$(comma)--no-warnings)

# Compared with the kernel's derivation is the library's.
kst-libs-key_test := -lsecp256k1
$(O)/kselftest/key_test: $(O)/libds.a
# What pid 1 of the guest does is tried where its kernel can be attacked.
$(O)/kselftest/seal_test: initramfs/seal.c $(O)/libds.a

.SECONDEXPANSION:
$(O)/kselftest/%: tests/kselftest/%.c $(kst-utils) $$(wildcard tests/kselftest/$$(subst _test,,$$*)/*.[ch]) \
		$(wildcard tests/kselftest/*.h kernel/include/uapi/*.h)
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(kst-cflags) -o $@ $(filter %.c %.a,$^) $(kst-ldflags) $(kst-libs-$*) -lcrypto -lkeyutils
$(O)/kselftest/vm-init: tests/vm/init.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(kst-cflags) -o $@ $< $(kst-ldflags)

.PHONY: kselftest kernel-image modules-debug check-vm check-modules
# For the files of targets that are read before this one, and would see an empty kst-bins.
kselftest: $(kst-bins)
modules-debug:
	$(Q)$(MAKE) --no-print-directory -C kernel O=$(abspath $(O)/kernel-debug) DEBUG=1
kernel-image:
	$(Q)scripts/fetch-kernel $(O)/kernel-image

# The modules under test are built with their self-tests, which run at load. VM_SUITES="a b" runs only
# tests/vm/a.vm and b.vm. A full run ends with what docs/tdx-emulator.md tells a stranger to do.
# Before a release: VM_KERNELS="6.12 7.3" VM_CPUS="1 4", every suite on both kernels, with 1 and 4 CPUs. The everyday
# run has every suite on 6.12 and those of VM_FEW, where the kernels differ, on 7.3.
VM_CPUS ?= 4
VM_FEW := emul rtmr key quote coexist
vm-few := $(if $(filter undefined,$(origin VM_KERNELS)),$(VM_FEW))
VM_KERNELS ?= 6.12 7.3
vm-all := $(basename $(notdir $(wildcard tests/vm/*.vm)))
VM_SUITES ?= $(vm-all)
vm-modules := $(O)/kernel-debug
check-vm: kernel-image modules userspace kselftest
	$(Q)$(MAKE) --no-print-directory -C kernel O=$(abspath $(vm-modules)) DEBUG=1
	$(Q)rc=0; tests/vm/all -o $(O) -m $(vm-modules) -k "$(VM_KERNELS)" -c "$(VM_CPUS)" -f "$(vm-few)" $(VM_SUITES) || rc=1; \
	[ -n "$(filter-out $(vm-all),$(VM_SUITES))$(filter-out $(VM_SUITES),$(vm-all))" ] || \
		scripts/tap "docs/tdx-emulator.md" tests/vm/tdx-run-doc $(O) || rc=1; exit $$rc

# make tdx-run PROGRAM="./program arguments": docs/tdx-emulator.md.
.PHONY: tdx-run
tdx-run: kernel-image modules userspace $(O)/kselftest/vm-init
	$(Q)scripts/tdx-run -o $(O) $(PROGRAM)

# W=1 and sparse without a word, in a folder of their own: a checked object must not be taken for a built one.
check-modules:
	$(Q)scripts/tap modules tests/vm/check-modules $(abspath $(O))/kernel-check
