#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at any moment while keys are being released: whatever reply was sent has its record, and the chain goes on.
# ROUNDS says how often, 200 by default.
. "$(dirname "$0")/kms_lib.sh"
rounds=${ROUNDS:-200} clients=2

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
releases() { grep -c '"decision":"release"' "$work/release.log"; }
load() { # NUMBER: replies that came go to $work/n.NUMBER
	exec "$bin/../test/tests/integration/kms_peer" --repeat --url "$url" --root "$work/certs/root-ca.crt" --bundle "$work/pki/emul-qe.key" \
		--app-id "$app" --instance-id "$inst" --compose "$compose" --mrtd "$mrtd" >"$work/n.$1" 2>"$work/peer.err.$1"
}

lost=0 unsent=0 broken=0 replies=0 dead=0
for round in $(seq "$rounds"); do
	start
	"$bin/dstack-kms" check-log "$work/release.log" >/dev/null 2>"$work/err" || { broken=$((broken + 1)); cat "$work/err"; }
	before=$(releases)
	pids=()
	for c in $(seq $clients); do
		load "$c" &
		pids+=($!)
	done
	# any moment, from before the first handshake to long after some replies
	sleep "0.$(printf %03d $((RANDOM % 500)))"
	kill -9 "$kms"; wait "$kms" 2>/dev/null; kms=
	wait "${pids[@]}"
	got=0
	for c in $(seq $clients); do
		count=$(cat "$work/n.$c")
		got=$((got + ${count:-0}))
	done
	wrote=$(($(releases) - before))
	[ $wrote -ge $got ] || { lost=$((lost + 1)); echo "# round $round: $got replies, $wrote records"; }
	[ $wrote -le $((got + clients)) ] || unsent=$((unsent + 1))
	replies=$((replies + got)) dead=$((dead + wrote - got))
done
start
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null || broken=$((broken + 1))
stop
is "$rounds kills, $replies replies: each has its record" "$lost" 0
is "no more than one record per client without a reply ($dead in all)" "$unsent" 0
is "the chain holds after every restart" "$broken" 0
[ "$replies" -gt "$rounds" ] && ok "the KMS was busy when it was killed" || nok "only $replies replies in $rounds rounds"
ok "torn lines that were removed: $(grep -c event=release-log-repaired "$work/kms.log")"
echo "1..$n"
exit $rc
