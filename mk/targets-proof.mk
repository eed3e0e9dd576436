# SPDX-License-Identifier: Apache-2.0
# Proofs about the verifier that take too long for `make check`, or want programs that are not ours.
.PHONY: check-mutation check-removal check-differential bench-verify fuzz-long

check-mutation: $(O)/test/userspace/lib/attest/mutation_test
	$(Q)DS_MUTATION=$(or $(PASSES),1) $<

# REMOVAL_N=N looks at N sites spread over all.
check-removal:
	$(Q)tests/mutate/check-removal $(if $(REMOVAL_N),-n $(REMOVAL_N)) -o $(abspath $(O)/check-removal)

# FUZZ_ONLY="quote pckext" picks harnesses.
fuzz-long: $(fuzz-bins)
	$(Q)for f in $(fuzz-bins); do n=$${f##*/fuzz_}; \
		case " $(or $(FUZZ_ONLY),$$n) " in *" $$n "*) ;; *) continue ;; esac; \
		nice -n 19 scripts/fuzz-one "$$f" $(or $(FUZZ_SECONDS),30) | sed "s/^/$$(date -u +%F) /" | tee -a $(fuzz-o)/long.log; done

peers-o := $(abspath $(O)/peers)
$(O)/bench/judge: tests/differential/judge.c tests/differential/record.h $(O)/libds.a
$(O)/bench/bench_verify: tests/bench/bench_verify.c tests/differential/record.h $(O)/libds.a
$(O)/bench/judge $(O)/bench/bench_verify:
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ds-cflags) $(lib-pkg-cflags) -pie $(ds-ldflags) -o $@ $< $(O)/libds.a $(lib-pkg-libs)
check-differential: $(O)/bench/judge
	$(Q)BUILD=$(peers-o) JUDGE=$(abspath $(O)/bench/judge) tests/differential/run $(or $(MUTANTS),10000)
bench-verify: $(O)/bench/bench_verify static
	$(Q)BUILD=$(peers-o) BENCH=$(abspath $(O)/bench/bench_verify) STATIC=$(abspath $(O)/static/dstack-verify) tests/bench/verify
