#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The gateway as an app of its own confidential VM. Words between @ are filled in before the script is measured.
# The trust anchor is part of the measured text; the collateral is not, since it is signed.
set -eu
umask 077
mkdir -p /run/gateway/state
cp /dstack/user_config /run/gateway/collateral.json
cat >/run/gateway/root-ca.pem <<'PEM'
@ROOT_CA@
PEM
cat >/run/gateway/gateway.conf <<'CONF'
[gateway]
base_domain = @BASE@
listen = 0.0.0.0:443
rpc_listen = 0.0.0.0:8000
external_port = @TLS_PORT@
state_dir = /run/gateway/state
[wireguard]
endpoint = 10.0.2.2:@WG_PORT@
ip = 10.8.0.1/16
client_ip_range = 10.8.128.0/17
[tls]
agent = /var/run/dstack.sock
[attest]
root_ca = /run/gateway/root-ca.pem
collateral = /run/gateway/collateral.json
allow_emulated = yes
CONF
exec dstack-gateway --config /run/gateway/gateway.conf
