# SPDX-License-Identifier: Apache-2.0
progs += dstack-verify
verifier-parts := $(addprefix userspace/verifier/,options.c input.c output.c policy.c cmd_quote.c cmd_log.c cmd_cert.c expect.c)
dstack-verify_srcs := userspace/verifier/main.c $(verifier-parts)
dstack-verify_pkgs := libcrypto jansson inih
ds_tests += userspace/verifier/verify_test.c
userspace/verifier/verify_test.c_objs := $(patsubst %.c,$(O)/obj/%.o,$(verifier-parts) userspace/verifier/world_test.c userspace/lib/attest/forge_test.c)
$(O)/test/userspace/verifier/verify_test: $(userspace/verifier/verify_test.c_objs)
