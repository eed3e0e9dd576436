# SPDX-License-Identifier: Apache-2.0
# Static, because it runs from the emulated flavour's initramfs.
progs += dstack-emul-qe
dstack-emul-qe_srcs := $(addprefix userspace/emul-qe/,main.c open.c pki.c quote.c serve.c)
dstack-emul-qe_pkgs := libcrypto
dstack-emul-qe_static := y
ds_tests += userspace/emul-qe/serve_test.c
userspace/emul-qe/serve_test.c_objs := $(addprefix $(O)/obj/userspace/emul-qe/,serve.o open.o)
$(O)/test/userspace/emul-qe/serve_test: $(userspace/emul-qe/serve_test.c_objs)
