# SPDX-License-Identifier: Apache-2.0
# bench: ours beside what it replaces, one row each: "what | ours | peer | its number | ratio", above 1 where we are
# better. Results with their dates are in docs/performance.md.
.PHONY: bench bench-kernel bench-kms
bench: bench-kernel bench-verify bench-kms

# All in one VM in one run, on the kernel whose own driver can extend RTMRs.
#   BENCH_ROUNDS=N   how often each side has its turn     BENCH_CPUS=N   of the VM     BENCH_WHAT=extend   only that
BENCH_KERNEL ?= 7.3
BENCH_ROUNDS ?= 5
BENCH_CPUS ?= 2
BENCH_WHAT ?=
kernel-bench_srcs := $(addprefix tests/bench/kernel/,main.c ops.c keys.c)
kernel-bench_pkgs := libsecp256k1 libkeyutils libcrypto
kernel-bench_static := y
$(eval $(call prog-rule,kernel-bench))
-include $(patsubst %.c,$(O)/obj/%.d,$(kernel-bench_srcs))

bench-kernel: $(O)/bin/kernel-bench $(O)/bin/dstack-agent $(O)/kselftest/qe_echo $(O)/kselftest/vm-init
	$(Q)scripts/build-kernel $(BENCH_KERNEL) $(O)/kernel-$(BENCH_KERNEL)
	$(Q)mkdir -p $(O)/bench
	$(Q)sed 's/^test kernel-bench$$/& $(BENCH_ROUNDS) $(BENCH_WHAT)/' tests/bench/kernel.vm >$(O)/bench/kernel.vm
	$(Q)cp tests/bench/kernel.pre $(O)/bench/
	$(Q)tests/vm/run -o $(O) -k $(O)/kernel-$(BENCH_KERNEL) -c $(BENCH_CPUS) -T 3600 $(O)/bench/kernel.vm >$(O)/bench/kernel.log 2>&1 || \
		{ cat $(O)/bench/kernel.log; exit 1; }
	$(Q)echo "kernel $$(cat $(O)/kernel-$(BENCH_KERNEL)/version), $(BENCH_CPUS) vCPUs, $$(date -u +%F)"
	$(Q)sed -n 's/^# \(.*|.*\)/\1/p' $(O)/bench/kernel.log

# A KMS on loopback under load, against a TLS handshake and the signature of a quote.
#   BENCH_REQUESTS=N   a row    BENCH_GUESTS=N   with quotes of their own    BENCH_MEMORY=N   requests between two looks at memory, 0: none
kms-bench_srcs := $(addprefix tests/bench/kms/,main.c load.c floor.c guests.c)
kms-bench_pkgs := libevent libevent_openssl libssl libcrypto jansson libsecp256k1
$(eval $(call prog-rule,kms-bench))
-include $(patsubst %.c,$(O)/obj/%.d,$(kms-bench_srcs))

bench-kms: $(addprefix $(O)/bin/,dstack-kms dstack-emul-qe kms-bench)
	$(Q)BIN=$(abspath $(O)/bin) BENCH=$(abspath $(O)/bin/kms-bench) tests/bench/kms-load
