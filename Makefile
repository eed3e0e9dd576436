# SPDX-License-Identifier: Apache-2.0
# The front door. ./dev installs what is missing and calls this; see README.md.
.DEFAULT_GOAL := all
SHELL := /bin/sh
# Kbuild reads the root Kbuild, not this file, so nothing here concerns the kernel build.
include mk/flags.mk
include mk/deps.mk

ds_srcs :=
ds_tests :=
progs :=
fuzzers :=
include $(wildcard userspace/lib/*/build.mk userspace/*/build.mk kms/build.mk gateway/build.mk initramfs/build.mk tests/fuzz/build.mk)
include mk/rules.mk
include mk/layers.mk
-include $(wildcard mk/targets-*.mk)

.PHONY: all modules check help clean
all: userspace modules

modules:
	$(Q)$(MAKE) --no-print-directory -C kernel O=$(abspath $(O)/kernel)

# Everything, cheap things first. Each stage appends its counts to one file; the last line adds them up. Then stages with
# machines, which mostly use one core, beside the others; what both need is built before.
check-first := check-style check-layers check-unit
check-lanes := machines daemons
check-machines := check-vm check-guest check-e2e
check-daemons := check-modules check-contracts check-integration fuzz-smoke
# The + hands make's jobs on: no $(MAKE) is seen in a line that is a call.
stages = +$(Q)for s in $1; do printf '\n== %s\n' $$s; DS_TALLY=$(abspath $(O)/tally) $(MAKE) --no-print-directory $$s || \
		echo "0 1 0 stage $$s" >>$(O)/tally; done
check: all
	$(Q)rm -f $(O)/tally
	$(call stages,$(check-first))
	$(call stages,image kselftest fuzz-build)
	$(Q)$(MAKE) --no-print-directory $(check-lanes:%=lane/%)
	$(Q)echo; scripts/tally $(O)/tally
.PHONY: $(check-lanes:%=lane/%)
$(check-lanes:%=lane/%): lane/%:
	$(call stages,$(check-$*))

help:
	@sed -n 's/^#: //p' Makefile

clean:
	$(Q)rm -rf $(O)

#: make              build the modules and all programs into build/
#: make demo         the main job: KMS, gateway and app VM end to end (KEEP=1 leaves it up)
#: make check        all tests; the last line counts them
#: make check-unit   unit tests            make check-vm           kernel tests in QEMU
#: make check-guest  a whole guest in QEMU: refusals, image, agent killed at any moment
#: make check-e2e    the demo as a test    make check-integration  daemons on loopback
#: make tdx-run PROGRAM="./a.out ARGS"  a TDX guest program in QEMU, see docs/tdx-emulator.md
#: make check-debug-kernel               the kernel tests on a kernel with KASAN, UBSAN, lockdep, kmemleak (built first)
#: make deb          Debian packages into build/deb; ./dev deb installs what that needs first
#: make check-deb    and installs, upgrades and purges them in clean roots of Debian 12 and 13
#: make bench        ours beside what it replaces (make bench-kernel: the modules); docs/performance.md
#: make bench-kms    releases of keys per second and core, latencies and memory, against the handshake and the signatures
#: make check-asan   unit and integration tests under address and undefined behaviour sanitizers
#: make check-conformance the KMS against protoc and the official SDK (needs npm)
#: make check-contracts   the policy contracts on a chain of their own (needs npm)
#: make check-chain       the KMS in a VM, its policy on a chain: approve, release, upgrade, revoke (needs npm)
#: make fuzz-smoke   each fuzz harness for FUZZ_SECONDS (default: 30 for those of evidence, 5 for the others)
#: make check-style check-modules          what a reviewer should not have to look for; W=1, sparse, checkpatch, kernel-doc
#: make install      library, headers and verifier programs under DESTDIR and prefix (docs/verify.md); make static: one file
#: make check-mutation                    every byte of every accepted sample changed (half an hour)
#: make check-removal                     every check of the verifier removed one at a time: which test notices
#: make check-differential bench-verify   against dcap-qvl and go-tdx-guest (need cargo, go and a network)
#: make fuzz-long FUZZ_SECONDS=3600       each harness for so long, one line each into build/fuzz/long.log
#: make image        the guest image into build/image (image-production: without the emulator; image-kms: with the KMS)
#: Variables: V=1 shows commands, O=DIR builds elsewhere, CC CFLAGS LDFLAGS as usual.

# Of programs that let nobody trace them, leaks cannot be told.
.PHONY: check-asan
asan-reports := $(abspath $(O))/asan/reports
# Only one of the two run-time libraries writes to log_path, the one that is told last: the other's finding reaches it as
# an abort, with the words before on standard error.
asan-options := exitcode=99:log_path=$(asan-reports)/report
asan = +$(Q)DS_TALLY=$(abspath $(O))/asan/tally ASAN_OPTIONS=$(asan-options):handle_abort=1:detect_leaks=$1 \
	UBSAN_OPTIONS=$(asan-options):abort_on_error=1:print_stacktrace=1 \
	$(MAKE) --no-print-directory O=$(O)/asan SAN=address,undefined $2 || echo "0 1 0 stage $2" >>$(O)/asan/tally
check-asan:
	$(Q)rm -rf $(asan-reports) $(O)/asan/tally
	$(Q)mkdir -p $(asan-reports) && chmod 1777 $(asan-reports)
	$(call asan,1,check-unit)
	$(call asan,0,check-integration)
	$(call asan,0,check-reports)
	$(Q)scripts/tally $(O)/asan/tally
.PHONY: check-reports
check-reports: $(O)/test/tests/asan/canary
	$(Q)scripts/tap "reports of the sanitizers" scripts/check-reports $(abspath $(O))/reports $<
