# SPDX-License-Identifier: Apache-2.0
progs += dstack-verify
verifier-parts := $(addprefix userspace/verifier/,options.c input.c output.c output_snp.c cmd_quote.c cmd_snp.c cmd_log.c cmd_cert.c expect.c text.c explain.c collateral.c)
verifier-parts += $(addprefix userspace/verifier/,cmd_key.c bundle.c serve.c serve_req.c serve_reply.c serve_fetch.c serve_jail.c)
dstack-verify_srcs := userspace/verifier/main.c $(verifier-parts)
dstack-verify_pkgs := libcrypto jansson inih libcurl sqlite3 libsecp256k1 libevent libevent_openssl libssl libseccomp
# the world of files is no test of its own but part of these
verifier-tests := $(addprefix userspace/verifier/,verify_test expect_test text_test key_test bundle_test serve_test snp_test fetch_test serve_fetch_test serve_run_test)
verifier-objs := $(patsubst %.c,$(O)/obj/%.o,$(verifier-parts) userspace/verifier/world_test.c userspace/verifier/run_test.c userspace/lib/attest/forge_test.c userspace/lib/attest/snpforge_test.c)
ds_tests += $(addsuffix .c,$(verifier-tests))
$(foreach t,$(verifier-tests),$(eval $(t).c_objs := $(verifier-objs)))
# a service of their own in place of lib/pcs
verifier-pcs := $(O)/obj/userspace/verifier/fake_pcs_test.o
$(foreach t,fetch serve_fetch serve_run,$(eval userspace/verifier/$(t)_test.c_objs += $(verifier-pcs)))
$(foreach t,fetch serve_fetch serve_run,$(eval $(O)/test/userspace/verifier/$(t)_test: $(verifier-pcs)))
# this one includes the file that it tests
userspace/verifier/serve_fetch_test.c_objs := $(filter-out %/serve_fetch.o,$(userspace/verifier/serve_fetch_test.c_objs))
$(addprefix $(O)/test/,$(verifier-tests)): $(verifier-objs)
