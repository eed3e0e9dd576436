#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An app without KMS: keys from the kernel, and no event lost or repeated while the agent is killed again and again.
. "$(dirname "$0")/guestlib"

cat >"$work/app.sh" <<'APP'
exec 2>&1
# Long values in short lines: others write to the console too.
say() { printf '%s' "$2" | base64 | sed "s/^/$1:/"; }
key=$(keyctl request2 dstack app:/demo "" @s)
echo "keyctl=$(keyctl pipe $key | od -An -v -tx1 | tr -d ' \n')"
echo "getkey=$(dstack-agent call GetKey '{"path":"/demo","purpose":"p"}')"
echo "empty=$(dstack-agent call GetKey '{}')"
echo "odd=$(dstack-agent call GetKey '{"path":"a;b@1%00/\u00e9","algorithm":"ed25519"}')"
for a in ed25519 secp256k1; do
	s=$(dstack-agent call Sign "{\"algorithm\":\"$a\",\"data\":\"0102\"}")
	f() { echo "$s" | sed -n "s/.*\"$1\":\"\([0-9a-f]*\)\".*/\1/p"; }
	echo "sign-$a=$s"
	echo "verify-$a=$(for d in 0102 0103; do dstack-agent call Verify "{\"algorithm\":\"$a\",\"data\":\"$d\",\"signature\":\"$(f signature)\",\"public_key\":\"$(f public_key)\"}"; done | tr -d '\n')"
done
echo "alg=$(dstack-agent call GetKey '{"algorithm":"rsa"}')"
ring=$(cat /sys/module/dstack_key/parameters/keyring)
root=$(keyctl list $ring | sed -n 's/ *\([0-9]*\): .*root:k256.*/\1/p')
echo "root=$(keyctl pipe $root 2>&1 | head -n 1)"
echo "disk=$(keyctl list $ring | grep -c 'root:disk')"
echo "loading=$(cat /proc/sys/kernel/modules_disabled)"
echo "lockdown=$(cat /sys/kernel/security/lockdown)"
echo "refusals=$(cat /proc/1/fdinfo/* 2>/dev/null | sed -n 's/^link_type:[[:space:]]*//p' | tr '\n' ' ')"
echo "kcore=$(head -c 16 /proc/kcore 2>&1 | tail -n 1)"
echo "forged=$(dstack-agent call EmitEvent '{"event":"app-id","payload":"00"}')"
echo "colon=$(dstack-agent call EmitEvent '{"event":"a:b","payload":"00"}')"
echo "long=$(dstack-agent call GetQuote "{\"report_data\":\"$(printf '%0130d' 0)\"}")"
echo "init=$(cat /tmp/init-ran)"
# Many at once: each gets a quote of its own.
for i in 1 2 3 4 5 6 7 8; do
	dstack-agent call GetQuote "{\"report_data\":\"0$i\"}" >/tmp/q$i &
done
wait
echo "parallel=$(cat /tmp/q[1-8] | sed 's/.*"report_data":"\(..\).*/\1/' | sort -u | tr '\n' ' ')"
# The socket answers from the first moment on, or refuses the connection: ask again until it does.
agent() { ps | awk '/dstack-agent serve/ && !/awk/ { print $1 }'; }
echo "caps=$(sed -n 's/^Cap\(Prm\|Eff\|Bnd\):\t//p' /proc/$(agent)/status | sort -u)"
holder=$(ps | awk '$2 == 65533 { print $1 }')
echo "holder=$(sed -n 's/^\(Seccomp\|NoNewPrivs\|CapPrm\|CapEff\):\t//p' /proc/$holder/status | tr '\n' ' ')$(ls /proc/$holder/fd | wc -w)"
echo "peek=$(dd if=/proc/$holder/mem of=/dev/null bs=1 count=1 2>&1 | tail -n 1)"
killer() {
	for i in 1 2 3 4 5 6 7 8; do
		sleep 0.$((i % 4 + 2))
		p=$(agent)
		[ -z "$p" ] || kill -9 $p && echo "killed=$i"
		until dstack-agent call Version >/dev/null 2>&1; do sleep 0.05; done
	done
	: >/tmp/stop
}
killer & k=$!
i=0
while [ ! -e /tmp/stop ]; do
	i=$((i + 1))
	id=$(printf '%08x' $i)
	if [ $((i % 2)) -eq 0 ]; then
		# asked once, whatever happens: at most one event, exactly one if acknowledged
		dstack-agent call EmitEvent "{\"event\":\"single\",\"payload\":\"$id\"}" >/dev/null 2>&1 && echo "acked=$id"
	else
		# asked until acknowledged: exactly one event
		until dstack-agent call EmitEvent "{\"event\":\"once\",\"payload\":\"$id\",\"once\":true}" >/dev/null 2>&1; do sleep 0.02; done
		echo "done=$id"
	fi
done
wait $k
echo "consistent=$(cat /sys/class/misc/dstack/consistent)"
say quote "$(dstack-agent call GetQuote '{"report_data":"abcd"}')"
say info "$(dstack-agent call Info)"
poweroff -f 2>/dev/null || busybox poweroff -f || kill -TERM 1
APP
sysconfig >"$work/sys.json"
compose "$work/app.sh" '.init_script = "printf 1 >>/tmp/init-ran" ' >"$work/app.json"
blob 1="$work/app.json" 2="$work/sys.json" >"$work/in.bin"
boot guest 150 $(emulated) $(input "$work/in.bin")
result $? "the guest boots, runs its app and powers off when asked"
tr -d '\r' <"$work/guest.console" >"$work/out"
get() { sed -n "s/^$1=//p" "$work/out" | head -n 1; }
long() { sed -n "s/^$1://p" "$work/out" | base64 -d; }
[ -n "$(long info)" ] || tail -n 30 "$work/out" | note


eq() { # DESCRIPTION EXPECTED ACTUAL
	[ "$2" = "$3" ]
	rc=$?
	[ $rc -eq 0 ] || printf '# expected %s, found %s\n' "$2" "$3"
	result $rc "$1"
}
key=$(get keyctl)
eq "keyctl gives 32 bytes" 64 "${#key}"
eq "GetKey gives the same bytes" "$key" "$(get getkey | jq -r .key)"
eq "with two signatures, the KMS's empty" '[130,0]' "$(get getkey | jq -c '[.signature_chain[] | length]')"
eq "the empty path has a key" 64 "$(get empty | jq -r '.key | length')"
eq "and so has a path that needs escapes" 64 "$(get odd | jq -r '.key | length')"
for a in ed25519 secp256k1; do
	eq "Sign with $a gives a chain of three" '[128,130,0]' "$(get sign-$a | jq -c '[.signature_chain[] | length]')"
	eq "and Verify tells its message from another" '{"valid":true}{"valid":false}' "$(get verify-$a)"
done
grep -q 'dstack-agent: Unsupported algorithm' "$work/out"
result $? "an unknown algorithm is refused"
grep -qE 'Permission denied|Operation not supported' <<END
$(get root)
END
result $? "a root key cannot be read"
eq "the disk key is gone once the system is ready" 0 "$(get disk)"
eq "the agent has no capability" 0000000000000000 "$(get caps)"
eq "the key holder has none, a system call filter, and two descriptors beside stdio" \
	"0000000000000000 0000000000000000 1 2 5" "$(get holder)"
get peek | grep -qE "can't open.*(Permission denied|Operation not permitted)"
result $? "root cannot read the key holder's memory"
eq "no module can be loaded any more" 1 "$(get loading)"
eq "the kernel is locked down" "none integrity [confidentiality]" "$(get lockdown)"
eq "pid 1 holds the two programs that refuse bpf(2) and perf_event_open(2)" "tracing tracing " "$(get refusals)"
get kcore | grep -q 'Operation not permitted'
result $? "root cannot read the kernel's memory"
grep -q 'dstack-agent: event: this name belongs to the boot' "$work/out"
result $? "a launch event cannot be forged"
grep -q 'dstack-agent: event: Invalid argument' "$work/out"
result $? "an event name with a colon is refused"
grep -q 'dstack-agent: Report data is too long' "$work/out"
result $? "65 bytes of report data are refused"

eq "the init script ran before the app" 1 "$(get init)"
eq "eight quotes at once" "01 02 03 04 05 06 07 08 " "$(get parallel)"
long quote | jq -r .quote >"$work/quote"
long quote | jq -r .event_log >"$work/log"
long info | jq -r .tcb_info | jq -c .event_log >"$work/info.log"
eq "its hash is measured" "$(printf 'printf 1 >>/tmp/init-ran' | sha256sum | cut -c1-64)" \
	"$(jq -r '.[] | select(.event == "init-script-hash") | .event_payload' "$work/log")"
eq "the log is consistent with the register" 1 "$(get consistent)"
eq "Info and GetQuote tell the same log" "$(jq -Sc . "$work/log")" "$(jq -Sc . "$work/info.log")"
"$BIN/dstack-verify" log --event-log "$work/log" --quote "$work/quote" >"$work/verify" 2>&1 || { note "$work/verify"; false; }
result $? "the log replays to the quote"
"$BIN/dstack-verify" quote --collateral "$work/pki/collateral.json" --root-ca "$work/pki/root-ca.pem" "$work/quote" >"$work/verify" 2>&1 ||
	{ note "$work/verify"; false; }
result $? "the quote verifies under the test PKI"

# Every acknowledged event is in the log exactly once; one that was not acknowledged, once at most.
count() { jq -r ".[] | select(.event == \"$1\") | .event_payload" "$work/log" | sort | uniq -c | sort -rn; }
sed -n 's/^done=//p' "$work/out" | sort >"$work/done"
sed -n 's/^acked=//p' "$work/out" | sort >"$work/acked"
count once | awk '{ print $2 }' | sort >"$work/logged.once"
count single | awk '{ print $2 }' | sort >"$work/logged.single"
kills=$(grep -c '^killed=' "$work/out")
echo "# $kills kills, $(wc -l <"$work/done") events asked until acknowledged, $(wc -l <"$work/acked") acknowledged at once"
[ "$kills" -ge 6 ] && [ -s "$work/done" ] && [ -s "$work/acked" ]
result $? "the agent was killed while events were emitted"
eq "no event is in the log twice" 1 "$({ count once; count single; } | awk '$1 > m { m = $1 } END { print m }')"
cmp -s "$work/done" "$work/logged.once"
result $? "events asked until acknowledged are in the log, each once, and no others"
eq "no acknowledged event is lost" "" "$(comm -23 "$work/acked" "$work/logged.single")"
finish
