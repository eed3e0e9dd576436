# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/attest/,eventlog.c verdict.c certs.c pckchain.c crl.c collateral.c \
	quick.c signer.c json.c tcbinfo.c qeid.c tcb.c tdpolicy.c quote.c cache.c evidence.c image.c platform.c)
ds_srcs += userspace/lib/attest/kernel.c
ds_tests += $(addprefix userspace/lib/attest/,eventlog_test.c tcb_test.c corpus_test.c)
# the forger is no test of its own but part of these
forged-tests := $(addprefix userspace/lib/attest/,verify_test documents_test policy_test evidence_test cache_test mutation_test quick_test)
ds_tests += $(addsuffix .c,$(forged-tests))
$(foreach t,$(forged-tests),$(eval $(t).c_objs := $(O)/obj/userspace/lib/attest/forge_test.o))
$(addprefix $(O)/test/,$(forged-tests)): $(O)/obj/userspace/lib/attest/forge_test.o
ds_tests += userspace/lib/attest/kernel_test.c
ds_srcs += $(addprefix userspace/lib/attest/,reason_text.c launch.c certevidence.c)
ds_tests += userspace/lib/attest/reason_test.c
# so with the forger of SEV-SNP worlds
snp-tests := $(addprefix userspace/lib/attest/,snp_test snpevidence_test)
ds_tests += $(addsuffix .c,$(snp-tests))
$(foreach t,$(snp-tests),$(eval $(t).c_objs := $(O)/obj/userspace/lib/attest/snpforge_test.o))
$(addprefix $(O)/test/,$(snp-tests)): $(O)/obj/userspace/lib/attest/snpforge_test.o
ds_srcs += $(addprefix userspace/lib/attest/,snp.c snpchain.c snppolicy.c snpevidence.c)
