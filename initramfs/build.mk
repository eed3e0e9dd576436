# SPDX-License-Identifier: Apache-2.0
progs += dstack-init
dstack-init_static := y
dstack-init_pkgs := libevent libevent_openssl libssl libcrypto jansson libsecp256k1 libkeyutils libseccomp libnl-route-3.0 libnl-3.0
dstack-init_srcs := $(addprefix initramfs/,init.c notify.c power.c supervise.c status.c holder.c modlist.c emulparams.c identity.c env.c seal.c \
	stage_modules.c stage_hostinput.c stage_identity.c stage_measure.c stage_network.c stage_keys.c stage_app.c)

ds_tests += initramfs/init_test.c
initramfs/init_test.c_objs := $(addprefix $(O)/obj/initramfs/,notify.o modlist.o emulparams.o identity.o env.o seal.o)
$(O)/test/initramfs/init_test: $(initramfs/init_test.c_objs)
