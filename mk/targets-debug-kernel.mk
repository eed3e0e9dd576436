# SPDX-License-Identifier: Apache-2.0
# check-debug-kernel: the VM suites on a kernel with KASAN, UBSAN, lockdep, kmemleak and friends. It is not part of
# check: the kernel is built from source first, and everything runs several times slower.
#   VM_SUITES="a b"      only these suites (those in tests/vm/debug always run, first)
#   DEBUG_SECONDS=N      how long one suite, and one test in it, may take
# A kernel without PCI cannot start ACPI's interpreter, and takes the tables away when it fails: it is not to try.
.PHONY: debug-kernel check-debug-kernel
debug-kernel-dir := $(O)/debug-kernel
DEBUG_SECONDS ?= 1800
debug-kernel:
	$(Q)scripts/build-debug-kernel $(debug-kernel-dir)
check-debug-kernel: debug-kernel kselftest $(addprefix $(O)/bin/,dstack-emul-qe dstack-request-key dstack-verify)
	$(Q)rc=0; for s in debug/canary debug/fault debug/fault-load $(VM_SUITES); do \
		scripts/tap "debug kernel $$s" nice -n 19 tests/vm/run -o $(O) -k $(debug-kernel-dir) -T $(DEBUG_SECONDS) \
			-a initcall_blacklist=acpi_init tests/vm/$$s.vm || rc=1; done; exit $$rc
