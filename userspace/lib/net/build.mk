# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/net/,ip4.c nl.c link.c wg.c)
ds_tests += $(addprefix userspace/lib/net/,ip4_test.c)

ds_srcs += userspace/lib/net/peer.c

ds_srcs += userspace/lib/net/kms.c

ds_srcs += $(addprefix userspace/lib/net/,loop.c http.c tls.c listen.c server.c client.c prpc.c config.c)
ds_tests += $(addprefix userspace/lib/net/,net_test.c http_test.c prpc_test.c config_test.c)

ds_srcs += userspace/lib/net/gwreg.c

# wg.c and link.c against a real kernel, inside a test VM
progs += wg-vmtest
wg-vmtest_srcs := userspace/lib/net/wg_vmtest.c
wg-vmtest_pkgs := libnl-genl-3.0 libnl-3.0 libcrypto
wg-vmtest_static := y
check-vm: $(O)/bin/wg-vmtest
