#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dstack-kms, dstack-kms-policy and the contracts on a chain of their own: keys for whom the contracts name, and for nobody else.
cd "$(dirname "$0")/../.." || exit 2
packages=$(CDPATH='' cd "${BIN:-build/bin}/.." && pwd)/contracts
skip=$(scripts/check-contracts -b "$packages" | grep SKIP) && { echo "$skip"; exit 0; }
. tests/integration/kms_lib.sh

policy= chain=
trap '[ -z "$kms" ] || kill "$kms" 2>/dev/null; [ -z "$policy" ] || kill "$policy" 2>/dev/null; [ -z "$chain" ] || { exec 5>&-; wait "$chain"; }; kill "$notify_PID" 2>/dev/null; rm -rf "$work"' EXIT
mkfifo "$work/say"
exec 6< <(NODE_MODULES=$packages/node_modules CONTRACTS=$packages/out exec node tests/integration/contract_chain.mjs "$image" "$compose" <"$work/say" 2>>"$work/chain.log")
chain=$!
exec 5>"$work/say"
read -r -t 60 -u 6 chain_url contract app || { nok "no chain: $(cat "$work/chain.log")"; exit 1; }
change() { echo "$1" >&5 && read -r -t 20 -u 6 _; }

cat >"$work/contract.conf" <<END
[contract]
chain_id = 31337
address = $contract
state = $work/seen
block = latest
proofs = all
lease_seconds = 2
[api]
socket = $work/policy.sock
[endpoint anvil]
url = $chain_url
END
NOTIFY_SOCKET=$work/notify "$bin/dstack-kms-policy" --config "$work/contract.conf" 2>"$work/policy.log" &
policy=$!
told READY=1 || cat "$work/policy.log"
"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok bootstrap
sed -i '/^cert_dir/a policy_backend = contract' "$work/kms.conf"
printf '[auth]\nurl = unix:%s:/\ncontract = 0x%s\nchain_id = 31337\n' "$work/policy.sock" "$contract" >>"$work/kms.conf"
sed -i '/^\[app/,$d' "$work/policy.conf"
start

peer
is "keys for an application that the contracts allow" "$status" 200
is "the block that said so is on record" "$(tail -1 "$work/release.log" | jq -c '[.decision, .ruling.chain_id, .ruling.contract, .ruling.block > 0]')" \
	"[\"release\",31337,\"$contract\",true]"
refused "another compose hash" "Boot denied: Compose hash not allowed" --compose "$(rep 34 32)"
refused "an application that has no contract" "Boot denied: App not registered" --app-id "$(rep 99 20)"
peer --method SignCert
is "a certificate" "$status" 200
is "GetMeta names the contract" "$(curl -s --cacert "$work/certs/root-ca.crt" "$url/prpc/GetMeta?json" -d '{}' | jq -c '[.kms_contract_address, .chain_id]')" "[\"0x$contract\",31337]"
change deny
# its lease is the only thing that keeps the old answer alive
t0=$(date +%s%N)
while peer; [ "$status" = 200 ] && [ $((($(date +%s%N) - t0) / 1000000)) -lt 5000 ]; do :; done
ms=$((($(date +%s%N) - t0) / 1000000))
is "a removal takes effect within the lease ($ms ms): $(jq -r .error "$work/body")" "$status $((ms < 3000))" "400 1"
change allow
t0=$(date +%s%N)
while peer; [ "$status" != 200 ] && [ $((($(date +%s%N) - t0) / 1000000)) -lt 5000 ]; do :; done
is "and so does an approval" "$status" 200
kill "$policy"; wait "$policy"; st=$?; policy=
is "dstack-kms-policy stops cleanly" "$st" 0
refused "without it nobody gets keys" "authorization backend unavailable"
stop
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "one chain of records" || nok "log chain"
echo "1..$n"
exit $rc
