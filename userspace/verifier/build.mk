# SPDX-License-Identifier: Apache-2.0
progs += dstack-verify
dstack-verify_srcs := $(addprefix userspace/verifier/,main.c options.c input.c output.c policy.c cmd_quote.c cmd_log.c cmd_cert.c)
dstack-verify_pkgs := libcrypto jansson inih
