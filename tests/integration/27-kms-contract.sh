#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dstack-kms, dstack-kms-policy and the contracts on a chain of their own: keys for whom the contracts name, and for nobody else.
cd "$(dirname "$0")/../.." || exit 2
packages=$(CDPATH='' cd "${BIN:-build/bin}/.." && pwd)/contracts
skip=$(scripts/check-contracts -b "$packages" | grep SKIP) && { echo "$skip"; exit 0; }
. tests/integration/kms_lib.sh

policy= chain= agent= b=
trap 'kill $agent $b 2>/dev/null; [ -z "$kms" ] || kill "$kms" 2>/dev/null; [ -z "$policy" ] || kill "$policy" 2>/dev/null; [ -z "$chain" ] || { exec 5>&-; wait "$chain"; }; kill "$notify_PID" 2>/dev/null; rm -rf "$work"' EXIT
mkfifo "$work/say"
exec 6< <(NODE_MODULES=$packages/node_modules CONTRACTS=$packages/out exec node tests/integration/contract_chain.mjs "$image" "$compose" <"$work/say" 2>>"$work/chain.log")
chain=$!
exec 5>"$work/say"
read -r -t 60 -u 6 contract app node0 node1 node2 || { nok "no chain: $(cat "$work/chain.log")"; exit 1; }
change() { echo "$*" >&5 && read -r -t 20 -u 6 _; }

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
[endpoint n0]
url = $node0
[endpoint n1]
url = $node1
[endpoint n2]
url = $node2
END
policy_start() {
	NOTIFY_SOCKET=$work/notify "$bin/dstack-kms-policy" --config "$work/contract.conf" 2>>"$work/policy.log" &
	policy=$!
	told READY=1 || cat "$work/policy.log"
}
policy_start
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

# one of three endpoints lies to the KMS's policy. A device of its own makes each question a new one, outside of any lease.
lies=0
lying() { # ANSWER
	for n3 in 0 1 2; do
		lies=$((lies + 1))
		change lie $n3 "$1"
		"$2" "$3 (endpoint $n3 of three lies \"$1\")" --instance-id "$(printf '%040x' $lies)"
		change honest
	done
}
stays() { local name=$1; shift; peer "$@"; is "$name" "$status" 200; }
closed() { local name=$1; shift; refused "$name" "Boot denied: Compose hash not allowed" "$@"; }
lying no stays "an application that the contracts allow"
change deny
t0=$(date +%s%N)
while peer; [ "$status" = 200 ] && [ $((($(date +%s%N) - t0) / 1000000)) -lt 5000 ]; do :; done
lying yes closed "an application that they do not allow"
# who answers when the others have agreed already is not heard
grep -q 'event=endpoint-disagrees name=n[0-2]' "$work/policy.log" && ok "the log of dstack-kms-policy names who" || nok "nobody is named: $(cat "$work/policy.log")"
change allow
kill "$policy"; wait "$policy"; st=$?; policy=
is "dstack-kms-policy stops cleanly" "$st" 0
refused "without it nobody gets keys" "authorization backend unavailable"
policy_start

# nodes of the KMS: the contract says who may have the roots, and for how long one may serve
mkfifo "$work/ready"
"$bin/../test/tests/integration/kms_peer" --agent "$work/agent" --bundle "$work/pki/emul-qe.key" --app-id "$app" --instance-id "" \
	--compose "$compose" --mrtd "$mrtd" --vm-config "{\"os_image_hash\":\"$image\"}" --ready >"$work/ready" &
agent=$!
read -r _ <"$work/ready"
stop
printf '%s\n' "[kms]" "agent = $work/agent" "replication = stock" "lease_seconds = 1" >>"$work/kms.conf"
node_b() {
	mkdir -p "$work/b"
	sed -e "s|$work/certs|$work/b/certs|; s|$work/release.log|$work/b/release.log|; s|$work/port|$work/b/port|; s|^replication.*|replication = off|" \
		"$work/kms.conf" >"$work/b/kms.conf"
	printf '%s\n' "onboard_listen = 127.0.0.1:0" "onboard_token = $work/b/token" >>"$work/b/kms.conf"
	NOTIFY_SOCKET=$work/notify "$bin/dstack-kms" serve --config "$work/b/kms.conf" 2>>"$work/b/log" &
	b=$!
	told READY=1
}
ctl() { # VERB [OPTION...]
	local verb=$1
	shift
	"$bin/dstackctl" kms "$verb" --url "http://127.0.0.1:$(cat "$work/b/port")" --token "$work/b/token" "$@" >"$work/ctl" 2>"$work/ctl.err"
}
serves() { curl -s --cacert "$work/certs/root-ca.crt" "$url/prpc/GetTempCaCert?json" -d '{}' | jq -r '.error // "served"'; }
until_says() { # TEXT
	t0=$(date +%s%N)
	until case $(serves) in *"$1"*) ;; *) false ;; esac || [ $((($(date +%s%N) - t0) / 1000000)) -gt 15000 ]; do :; done
	ms=$((($(date +%s%N) - t0) / 1000000))
}
node_b
ctl status
mr=$(sed -n 's/^mr_aggregated: //p' "$work/ctl") device=$(sed -n 's/^device_id: //p' "$work/ctl")
start
until_says "Aggregated MR not allowed"
is "a node that the contract does not know serves nothing" "$(serves)" "KMS self authorization failed: Boot denied: Aggregated MR not allowed"
change kms "$mr" "$device"
until_says served
is "approved, it serves" "$(serves)" served
change unkms "$mr"
until_says "Aggregated MR not allowed"
[ $ms -lt 5000 ] && ok "removed, it stops within its lease and the policy's ($ms ms)" || nok "removed, it stops after $ms ms: $(serves)"
ctl onboard --source "$url" --domain b.test
is "and a node that is not approved gets no roots" "$? $(grep -c 'Aggregated MR not allowed' "$work/ctl.err") $(ls "$work/b/certs" 2>/dev/null | wc -l)" "1 1 0"
change kms "$mr" "$device"
until_says served
ctl onboard --source "$url" --domain b.test
is "approved again, it gets them: $(tail -1 "$work/ctl.err")" "$? $(cat "$work/b/certs/root-k256.key" | sha256sum)" "0 $(cat "$work/certs/root-k256.key" | sha256sum)"
told READY=1
is "the block that said so is on record, on both sides" "$(tail -qn 1 "$work/release.log" "$work/b/release.log" | jq -c '[.op, .ruling.contract]' | tr '\n' ' ')" \
	"[\"GetKmsKey\",\"$contract\"] [\"Onboard\",\"$contract\"] "
kill "$b"; wait "$b"; b=

kill "$policy"; wait "$policy"; policy=
until_says "authorization backend unavailable"
is "without dstack-kms-policy a node stops when its lease is over" "$(serves)" "KMS self authorization failed: authorization backend unavailable"
stop
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "one chain of records" || nok "log chain"
echo "1..$n"
exit $rc
