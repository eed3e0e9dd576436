# SPDX-License-Identifier: Apache-2.0
progs += dstack-request-key
dstack-request-key_static := y
dstack-request-key_pkgs := libevent libevent_openssl libssl libcrypto jansson libkeyutils libsecp256k1
dstack-request-key_srcs := $(addprefix userspace/request-key/,main.c)
