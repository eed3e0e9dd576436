#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The key server as an app of its own confidential VM, its policy on a chain. Words between @ are filled in before the script is
# measured. user_config, a tar archive, is not measured: collateral, which is signed, and what an earlier machine left behind:
# roots that only this app can open, the release log, the newest block seen.
set -eu
umask 022
mkdir -p /run/kms/chain
cd /run/kms
given() { busybox tar -xOf /dstack/user_config "$1"; }
given collateral.json >collateral.json
cat >root-ca.pem <<'PEM'
@ROOT_CA@
PEM
cat >chain-ca.pem <<'PEM'
@CHAIN_CA@
PEM
cat >policy.conf <<'CONF'
@POLICY@
CONF
cat >chain.conf <<'CONF'
[contract]
chain_id = 31337
address = @CONTRACT@
state = /run/kms/chain/seen
block = latest
proofs = all
lease_seconds = 3
timeout_ms = 10000
[api]
socket = /run/kms/chain/api
[endpoint one]
url = https://10.0.2.2:@CHAIN_PORT@
ca = /run/kms/chain-ca.pem
CONF
cat >kms.conf <<'CONF'
[kms]
cert_dir = /run/kms/certs
seal = kernel
user = kms
listen = 0.0.0.0:8000
policy = /run/kms/policy.conf
policy_backend = contract
release_log = /run/kms/release.log
agent = /var/run/dstack.sock
lease_seconds = 15
onboard_listen = 127.0.0.1:8001
onboard_token = /run/kms/token
[auth]
url = unix:/run/kms/chain/api:/
contract = @CONTRACT@
chain_id = 31337
timeout_ms = 20000
[attest]
root_ca = /run/kms/root-ca.pem
collateral = /run/kms/collateral.json
CONF

# Two more users: one for the part of the KMS that talks to guests, one for the part that talks to the chain. The kernel derives
# the key that seals the roots for neither.
printf 'kms:x:900:900::/:/bin/false\nchain:x:901:900::/:/bin/false\n' >>/etc/passwd
echo 'kms:x:900:' >>/etc/group
if given release.log >release.log 2>/dev/null; then
	given chain/seen >chain/seen
	(
		umask 077
		mkdir certs
		for f in roots.sealed root-ca.crt tmp-ca.key tmp-ca.crt rpc-domain bootstrap-info.json; do
			given "certs/$f" >"certs/$f"
		done
	)
else
	rm release.log
fi
chown -R chain:kms chain
chmod 750 chain

# The host keeps what is to be kept: nothing of it is secret.
socat TCP-LISTEN:8002,reuseaddr,fork SYSTEM:"busybox tar -cf - certs release.log chain/seen" &
busybox su -s /bin/sh chain -c "exec dstack-kms-policy --config /run/kms/chain.conf" &
dstack-kms serve --config kms.conf &
kms=$!
# Without roots: until the contract names this machine, which is up to its approvers, there is nothing to wait for but them.
while [ ! -d certs ] && kill -0 $kms; do
	dstackctl kms status --url http://127.0.0.1:8001 --token token && break
	sleep 0.2
done
while [ ! -d certs ] && kill -0 $kms; do
	dstackctl kms bootstrap --url http://127.0.0.1:8001 --token token --domain 10.0.2.2 >bootstrap && grep pubkey bootstrap && break
	sleep 1
done
wait -n
echo "kms: a part of the service ended"
exit 1
