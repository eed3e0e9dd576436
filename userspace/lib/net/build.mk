# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/net/,ip4.c nl.c link.c wg.c)
ds_tests += $(addprefix userspace/lib/net/,ip4_test.c)

ds_srcs += userspace/lib/net/peer.c

ds_srcs += userspace/lib/net/kms.c

ds_srcs += $(addprefix userspace/lib/net/,loop.c http.c tls.c listen.c server.c client.c prpc.c config.c)
ds_tests += $(addprefix userspace/lib/net/,net_test.c)

ds_srcs += userspace/lib/net/gwreg.c
