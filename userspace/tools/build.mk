# SPDX-License-Identifier: Apache-2.0
dstackctl_parts := $(addprefix userspace/tools/,up.c ps.c verify.c evidence.c env.c kms.c allow.c contract.c vm.c qemu.c input.c follow.c notify.c run.c)
progs += dstackctl
dstackctl_srcs := userspace/tools/main.c $(dstackctl_parts)
dstackctl_pkgs := inih jansson libcrypto libssl libevent libevent_openssl libcurl libsecp256k1
ds_tests += userspace/tools/tools_test.c
userspace/tools/tools_test.c_objs := $(patsubst %.c,$(O)/obj/%.o,$(addprefix userspace/tools/,notify.c vm.c qemu.c))
$(O)/test/userspace/tools/tools_test: $(patsubst %.c,$(O)/obj/%.o,$(addprefix userspace/tools/,notify.c vm.c qemu.c))
ds_tests += userspace/tools/allow_test.c
userspace/tools/allow_test.c_objs := $(O)/obj/userspace/tools/allow.o
$(O)/test/userspace/tools/allow_test: $(O)/obj/userspace/tools/allow.o
