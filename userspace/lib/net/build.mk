# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/net/,ip4.c nl.c link.c wg.c)
ds_tests += $(addprefix userspace/lib/net/,ip4_test.c)

ds_srcs += userspace/lib/net/peer.c

ds_srcs += $(addprefix userspace/lib/net/,kms.c kms_ask.c kms_secret.c kmsattest.c)

ds_srcs += $(addprefix userspace/lib/net/,loop.c http.c tls.c listen.c server.c admit.c client.c prpc.c config.c)
ds_tests += $(addprefix userspace/lib/net/,net_test.c admit_test.c client_test.c http_test.c prpc_test.c config_test.c)

ds_srcs += userspace/lib/net/gwreg.c userspace/lib/net/tcbpolicy.c userspace/lib/net/tcbpolicy_snp.c
ds_tests += userspace/lib/net/tcbpolicy_test.c

# wg.c and link.c against a real kernel: a static program for tests/vm
$(O)/kselftest/wg-vmtest: $(O)/obj/userspace/lib/net/wg_vmtest.o $(O)/libds.a
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -static-pie $(ds-ldflags) $(call cc-option,-Wl$(comma)--no-warnings) -o $@ $^ \
		$(shell $(PKG_CONFIG) --static --libs libnl-genl-3.0 libnl-3.0 libcrypto)
.SECONDARY: $(O)/obj/userspace/lib/net/wg_vmtest.o
check-vm check-debug-kernel: $(O)/kselftest/wg-vmtest
ds_tests += $(addprefix userspace/lib/net/,kms_test.c gwreg_test.c)
# the forgers are part of this one
ds_tests += userspace/lib/net/kmsattest_test.c
userspace/lib/net/kmsattest_test.c_objs := $(addprefix $(O)/obj/userspace/lib/attest/,forge_test.o snpforge_test.o)
$(O)/test/userspace/lib/net/kmsattest_test: $(userspace/lib/net/kmsattest_test.c_objs)
