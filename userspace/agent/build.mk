# SPDX-License-Identifier: Apache-2.0
progs += dstack-agent
dstack-agent_pkgs := libevent libevent_openssl libssl libcrypto jansson libsecp256k1 libkeyutils libnl-genl-3.0 \
	libnl-route-3.0 libnl-3.0
dstack-agent_srcs := $(addprefix userspace/agent/,main.c serve.c config.c evidence.c kms_session.c issue.c rpc_key.c \
	rpc_tls.c rpc_quote.c rpc_info.c secretbuf.c cli.c gateway.c caps.c rpc_sign.c rpc_kms.c)
