#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three nodes of one KMS on loopback, with the evidence of emulated machines: roots are made once and handed on, to approved
# nodes only whose keys the operator has listed; what is interrupted leaves nothing; a node that is taken off the policy stops.
. "$(dirname "$0")/kms_lib.sh"
ctl=$bin/dstackctl
# what root makes here is nobody else's to write
umask 022
chmod 755 "$work"
# without root, net would be who writes replicate_to: those parts are left out, and the first node allows the stock form
root=
[ "$(id -u)" != 0 ] || root=yes
declare -A pids
trap 'kill "${pids[@]}" $agents "$notify_PID" 2>/dev/null; rm -rf "$work"' EXIT

hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
# agent NAME [OPTION...]: the agent of a machine, on $work/NAME.sock
agents=
agent() {
	local name=$1
	shift
	rm -f "$work/$name.ready"
	mkfifo "$work/$name.ready"
	"$bin/../test/tests/integration/kms_peer" --agent "$work/$name.sock" --bundle "$work/pki/emul-qe.key" --app-id "$app" --instance-id "" \
		--compose "$compose" --mrtd "$mrtd" --vm-config "{\"os_image_hash\":\"$image\"}" --ready "$@" >"$work/$name.ready" 2>"$work/$name.err" &
	agents="$agents $!"
	read -r _ <"$work/$name.ready"
}
# node NAME AGENT [LINE...]: configuration and policy of a node, started with run
node() {
	local name=$1 agent=$2
	shift 2
	mkdir -p "$work/$name"
	sed -e "s|$work/certs|$work/$name/certs|; s|$work/port|$work/$name/port|; s|$work/release.log|$work/$name/release.log|" \
		-e "s|$work/policy.conf|$work/$name/policy.conf|" "$work/kms.conf" >"$work/$name/kms.conf"
	{
		echo "[kms]"
		[ -z "$agent" ] || echo "agent = $work/$agent.sock"
		printf '%s\n' "lease_seconds = 1" "onboard_listen = 127.0.0.1:0" "onboard_token = $work/$name/token" \
			"admin_socket = $work/$name/admin" "$@"
	} >>"$work/$name/kms.conf"
	allow "$name"
}
# allow NAME [LINE...]: the policy of NAME, with these lines in [kms]
allow() {
	local name=$1
	shift
	{ cat "$work/policy.conf"; [ $# = 0 ] || printf '%s\n' "[kms]" "$@"; } >"$work/$name/policy.new"
	mv "$work/$name/policy.new" "$work/$name/policy.conf"
}
run() { # NAME
	NOTIFY_SOCKET=$work/notify "$bin/dstack-kms" serve --config "$work/$1/kms.conf" 2>>"$work/$1/log" &
	pids[$1]=$!
	told READY=1 || cat "$work/$1/log"
}
end() { # NAME
	kill "${pids[$1]}" 2>/dev/null
	wait "${pids[$1]}" 2>/dev/null
	unset "pids[$1]"
}
at() { echo "$2://127.0.0.1:$(cat "$work/$1/port")"; }
# bootstrap, onboard, status of a node without roots; output in $work/ctl
ctl_new() { # VERB NAME [OPTION...]
	local verb=$1 name=$2
	shift 2
	"$ctl" kms "$verb" --url "$(at "$name" http)" --token "$work/$name/token" "$@" >"$work/ctl" 2>"$work/ctl.err"
}
call() { # NAME METHOD JSON: an onboarding call without the tool
	curl -s "$(at "$1" http)/prpc/Onboard.$2?json" -d "$3"
}
roots() { cat "$work/$1/certs/root-ca.key" "$work/$1/certs/root-k256.key" "$work/$1/certs/tmp-ca.key" 2>/dev/null | sha256sum; }
# list NAME [LINE...]: the recipients that the operator of NAME has listed
list() {
	local name=$1
	shift
	{ [ $# = 0 ] || printf '%s\n' "$@"; } >"$work/$name/list.new"
	mv "$work/$name/list.new" "$work/$name/replicate-to"
}
# no_start WHAT TEXT: node a says why it does not start, and so does --check-config
no_start() {
	timeout 20 "$bin/dstack-kms" serve --config "$work/a/kms.conf" >"$work/out" 2>&1
	is "$1" "$? $(grep -c -- "$2" "$work/out") $("$bin/dstack-kms" serve --config "$work/a/kms.conf" --check-config 2>&1 | grep -c -- "$2")" "1 1 1"
}
hup_a() { kill -HUP "${pids[a]}" && told RELOADING=1 && told READY=1; }
leftovers() { find "$work/$1" -name 'certs*' -newer "$work/$1/kms.conf" | wc -l; }

agent one
agent other --compose "$(rep 34 32)"

# roots are sealed for keys that the operator has listed, in a file that net cannot write
node a one "replication = sealed" "user = nobody"
no_start "no file of recipients" "replication = sealed needs replicate_to"
node a one "replication = sealed" "user = nobody" "replicate_to = $work/a/replicate-to"
no_start "it is not there" "replicate-to: No such file"
list a "# none yet"
chmod 664 "$work/a/replicate-to"
no_start "others may write it" "replicate-to: mode: expected no write for group and others, got 0664"
list a "$(rep 07 31)"
no_start "it lists half a key" "replicate-to: line 1: expected 64 hex digits"
list a "# none yet"
chmod 1777 "$work/a"
no_start "others may replace it" "replicate-to, its directory: mode: expected no write"
chmod 755 "$work/a"
if [ "$root" ]; then
	chown nobody "$work/a/replicate-to"
	no_start "it is net's" "replicate-to: owner: expected user 0, got $(id -u nobody)"
	list a "# none yet"
	chown nobody "$work/a"
	no_start "its directory is" "replicate-to, its directory: owner: expected user 0, got $(id -u nobody)"
	chown 0 "$work/a"
	sed -i '/^user/d' "$work/a/kms.conf"
	no_start "net is root" "replication = sealed needs user"
else
	node a one "replication = sealed" "replicate_to = $work/a/replicate-to"
	no_start "net is who writes it" "replicate-to.*: owner: expected user 0, got $(id -u)"
	node a one "replication = stock"
fi
[ ! "$root" ] || echo "user = nobody" >>"$work/a/kms.conf"

# Bootstrap, which needs the token and the own policy
run a
is "the token is for its owner" "$(stat -c %a "$work/a/token")" 600
is "no call without it" "$(call a Bootstrap '{"domain":"kms.test"}' | jq -r .error)" "token: expected the one in the file onboard_token"
is "nor with another" "$(call a Bootstrap "{\"domain\":\"kms.test\",\"token\":\"$(rep 00 32)\"}" | jq -r .error)" "token: expected the one in the file onboard_token"
is "not even the end" "$(call a Finish '{}' | jq -r .error) $(call a Finish "{\"token\":\"$(cat "$work/a/token")\"}" | jq -r .error)" \
	"token: expected the one in the file onboard_token there are no roots yet: expected Bootstrap or Onboard first"
ctl_new status a
mr=$(sed -n 's/^mr_aggregated: //p' "$work/ctl")
seal_to=$(sed -n 's/^seal_to: //p' "$work/ctl")
is "and the key of this start, as its keys process has logged it" "${#seal_to} $(grep -c "process=keys event=recipient seal_to=$seal_to\$" "$work/a/log")" "64 1"
ctl_new status a
is "which stays" "$(sed -n 's/^seal_to: //p' "$work/ctl")" "$seal_to"
is "status says what to put into a policy" "${#mr} $(sed -n 's/^os_image_hash: //p' "$work/ctl")" "64 $image"
ctl_new bootstrap a --domain kms.test
is "a node that its own policy does not know makes no roots" "$? $(grep -c 'Aggregated MR not allowed' "$work/ctl.err") $(ls "$work/a/certs" 2>/dev/null | wc -l)" "1 1 0"
end a
allow a "mr_aggregated = $mr" "device = any"
run a
ctl_new bootstrap a --domain 'bad..name'
is "a bad domain" "$? $(grep -c "domain 'bad..name'" "$work/ctl.err")" "1 1"
ctl_new bootstrap a --domain kms.test
is "bootstrap" "$? $(cut -d: -f1 "$work/ctl" | tr '\n' ' ')" "0 ca_pubkey attestation k256_pubkey "
k256=$(sed -n 's/^k256_pubkey: //p' "$work/ctl")
told READY=1
is "the token is gone, the service is there" "$(ls "$work/a/token" 2>/dev/null) $(curl -s --cacert "$work/a/certs/root-ca.crt" "$(at a https)/health")" " OK"
is "its creation is on record" "$(tail -1 "$work/a/release.log" | jq -c '[.op, .decision, .key_epoch, .k256_pubkey]')" "[\"Bootstrap\",\"create\",0,\"$k256\"]"
is "bootstrap-info has evidence for the roots" "$(jq '.attestation | length > 5000' "$work/a/certs/bootstrap-info.json")" true
is "the server certificate has evidence" "$(openssl x509 -in "$work/a/certs/rpc.crt" -noout -text | grep -c 1.3.6.1.4.1.62397.1.8)" 1
is "its key is nowhere on disk" "$(ls "$work/a/certs" | tr '\n' ' ')" "bootstrap-info.json key-epoch root-ca.crt root-ca.key root-k256.key rpc-domain rpc.crt tmp-ca.crt tmp-ca.key "
"$ctl" kms status --url "https://127.0.0.1:$(cat "$work/a/port")" --root-ca "$work/a/certs/root-ca.crt" >"$work/ctl"
is "status of a running node" "$? $(sed -n 's/^k256_pubkey: //p' "$work/ctl") $(sed -n 's/^seal: //p' "$work/ctl")" "0 $k256 development"

# Onboarding of B from A
node b one
run b
ctl_new status b
seal_to=$(sed -n 's/^seal_to: //p' "$work/ctl")
ctl_new onboard b --source "$(at a https)" --domain b.test
is "B's policy decides about A" "$? $(grep -c 'Aggregated MR not allowed' "$work/ctl.err") $(leftovers b)" "1 1 0"
end b
allow b "mr_aggregated = $mr" "device = any"
run b
allow a "mr_aggregated = $(rep ee 32)" "device = any"
kill -HUP "${pids[a]}"; told RELOADING=1; told READY=1
ctl_new onboard b --source "$(at a https)" --domain b.test
is "a node that is off its own policy gives nothing" "$? $(grep -c 'self authorization failed' "$work/ctl.err") $(leftovers b)" "1 1 0"
allow a "mr_aggregated = $mr" "device = any"
hup_a
before=$seal_to
ctl_new status b
seal_to=$(sed -n 's/^seal_to: //p' "$work/ctl")
is "each start has a key of its own" "${#before} ${#seal_to} $([ "$before" = "$seal_to" ] && echo same)" "64 64 "
if [ "$root" ]; then
	list a "$(rep 09 32) somebody"
	ctl_new onboard b --source "$(at a https)" --domain b.test
	is "B's key is not listed" "$? $(grep -c "not in replicate_to of this KMS, where its operator can add it: seal_to $seal_to\$" "$work/ctl.err") $(leftovers b)" "1 1 0"
	is "which A has on record" "$(tail -1 "$work/a/release.log" | jq -c '[.op, .decision, .reason, .actual]')" "[\"GetKmsKey\",\"deny\",\"recipient\",\"$seal_to\"]"
	is "in its metrics" "$(curl -s --unix-socket "$work/a/admin" http://d/metrics | grep -c '^dstack_kms_denials_total{reason="recipient"} 1$')" 1
	is "and its keys process in the journal" "$(grep -c "process=keys event=export-refused recipient=$seal_to note=\"not in $work/a/replicate-to\"" "$work/a/log")" 1
	list a "$seal_to b"
	chmod 666 "$work/a/replicate-to"
	ctl_new onboard b --source "$(at a https)" --domain b.test
	is "it is, in a file that anybody could have written" "$? $(grep -c "replicate_to of this KMS cannot be used, see its journal: seal_to $seal_to\$" "$work/ctl.err") $(leftovers b)" "1 1 0"
	list a "# the second node" "$seal_to b"
fi
ctl_new onboard b --source "$(at a https)" --domain b.test
is "B joins" "$? $(sed -n 's/^k256_pubkey: //p' "$work/ctl") $(cat "$work/ctl.err")" "0 $k256 "
told READY=1
is "with the same roots" "$(roots b)" "$(roots a)"
is "A has it on record" "$(tail -1 "$work/a/release.log" | jq -c '[.op, .decision, .form, .key_epoch, .mr_aggregated]')" "[\"GetKmsKey\",\"release\",\"sealed\",0,\"$mr\"]"
is "so has B" "$(tail -1 "$work/b/release.log" | jq -c '[.op, .decision, .mr_aggregated]')" "[\"Onboard\",\"import\",\"$mr\"]"
is "and A's keys process says so too" "$(grep -c 'process=keys event=export form=sealed epoch=0' "$work/a/log")" 1
[ ! "$root" ] || is "naming the recipient" "$(grep -c "event=export form=sealed epoch=0 recipient=$seal_to name=b\$" "$work/a/log")" 1
is "B has its own name" "$(openssl x509 -in "$work/b/certs/rpc.crt" -noout -subject)" "subject=CN = b.test"

if [ "$root" ]; then
	# net is taken over: its socket to the keys process asks for another recipient than B
	taken() { "$bin/../test/tests/integration/kms_taken" "${pids[a]}" | tr '\n' ';'; }
	own=$("$bin/../test/tests/integration/kms_taken" --key)
	no="sealed: Required key not available;stock: Operation not permitted;app: its keys;"
	first=$(taken)
	if [ "$first" = "no socket: Operation not permitted;" ]; then
		ok "net that names a recipient of its own gets no roots # SKIP may not take its socket"
	else
		is "net that names a recipient of its own gets no roots" "$first" "$no"
		list a "$seal_to b" "$own"
		is "it would have them, had the operator listed it" "$(taken)" \
			"sealed: the root, sha256 $(sha256sum <"$work/a/certs/root-k256.key" | cut -d' ' -f1);stock: Operation not permitted;app: its keys;"
		list a "$seal_to b"
		is "and no more when it is off the list" "$(taken)" "$no"
		is "A still serves" "$(curl -s --cacert "$work/a/certs/root-ca.crt" "$(at a https)/health")" OK
	fi
	# a key that was listed and is not any more
	node g one
	allow g "mr_aggregated = $mr" "device = any"
	run g
	ctl_new status g
	seal_to=$(sed -n 's/^seal_to: //p' "$work/ctl")
	list a "$seal_to g"
	hup_a
	list a
	hup_a
	ctl_new onboard g --source "$(at a https)" --domain g.test
	is "a key that was taken off the list" "$? $(grep -c "not in replicate_to of this KMS, where its operator can add it: seal_to $seal_to\$" "$work/ctl.err") $(leftovers g)" "1 1 0"
	list a "$seal_to g"
	ctl_new onboard g --source "$(at a https)" --domain g.test
	told READY=1
	is "and back on it, without a signal" "$? $(roots g)" "0 $(roots a)"
	end g
fi

# one guest, both nodes
url=$(at a https)
peer --root "$work/a/certs/root-ca.crt"
cp "$work/body" "$work/keys.a"
url=$(at b https)
peer --root "$work/b/certs/root-ca.crt"
is "a guest gets the same keys from both" "$status $(jq -cS 'del(.ca_cert)' "$work/body")" "200 $(jq -cS 'del(.ca_cert)' "$work/keys.a")"

# C joins from B, when B may; kill -9 in the middle leaves nothing
node c one
allow c "mr_aggregated = $mr" "device = any"
run c
ctl_new onboard c --source "$(at b https)" --domain c.test
is "a node that gives its roots to nobody" "$? $(grep -c 'replication = off' "$work/ctl.err") $(leftovers c)" "1 1 0"
end c
end b
echo "replication = stock" >>"$work/b/kms.conf"
run b
for i in $(seq 12); do
	run c
	ctl_new onboard c --source "$(at b https)" --domain c.test &
	on=$!
	sleep "0.0$((i * 7 % 90 + 10))"
	for p in $(pgrep -P "${pids[c]}") "${pids[c]}"; do kill -9 "$p" 2>/dev/null; done
	wait "${pids[c]}" "$on" 2>/dev/null
	if [ -e "$work/c/certs" ]; then
		[ "$(roots c)" = "$(roots a)" ] && [ -e "$work/c/certs/bootstrap-info.json" ] || nok "half a KMS in round $i"
		rm -r "$work/c/certs"
	fi
done
ok "killed in the middle 12 times: all of it or nothing"
rm -f "$work/c/release.log"
mkdir -p "$work/c/certs.new" && echo x >"$work/c/certs.new/root-ca.key"
run c
is "what was left beside it is swept" "$(ls -d "$work/c/certs.new" 2>/dev/null) $(grep -c event=swept "$work/c/log" | sed 's/[1-9][0-9]*/some/')" " some"
ctl_new onboard c --source "$(at b https)" --domain c.test
is "C joins from B" "$?" 0
told READY=1
is "three nodes, one root" "$(roots c)" "$(roots a)"
is "a second onboarding has nowhere to go" "$(curl -s "$(at c http)/prpc/Onboard.Onboard" 2>&1 | wc -c)" 0

# who is not approved, and who is not who it says
url=$(at b https)
seal=$(rep 09 32)
refused "no evidence" "No attestation provided" --root "$work/b/certs/root-ca.crt" --method GetKmsKey --seal-to "$seal" --spoil no-evidence
refused "evidence of another session" "report-data" --root "$work/b/certs/root-ca.crt" --method GetKmsKey --seal-to "$seal" --spoil stolen-evidence
refused "an app that may have keys is no node" "Aggregated MR not allowed" --root "$work/b/certs/root-ca.crt" --method GetKmsKey --seal-to "$seal"
peer --root "$work/b/certs/root-ca.crt" --method GetKmsKey --seal-to "$seal" --ready --instance-id ""
is "an approved node: sealed, nothing in the clear" "$status $(jq -c '[(.sealed_keys | length), .keys, .key_epoch]' "$work/body")" "200 [248,[],0]"
peer --root "$work/b/certs/root-ca.crt" --method GetKmsKey --ready --instance-id ""
is "the stock form, where it is enabled" "$status $(jq -r '.keys[0].k256_key' "$work/body") $(jq -c '.keys | length' "$work/body")" \
	"200 $(hex "$work/b/certs/root-k256.key") 1"
is "its CA key is the root's" "$(jq -r '.keys[0].ca_key' "$work/body" | openssl pkey -pubout)" "$(openssl pkey -in "$work/b/certs/root-ca.key" -pubout)"
cp "$work/body" "$work/json"
peer --root "$work/b/certs/root-ca.crt" --method GetKmsKey --ready --instance-id "" --protobuf
# a length that was given more room than it needs: the values count, not the bytes
if command -v protoc >/dev/null; then
	is "the same in protobuf" "$status $(protoc --decode=GetKmsKeyReply tests/integration/kms.proto <"$work/body" | sed -n 's/^ *ca_key: //p' | jq -r . | openssl pkey -pubout)" \
		"200 $(openssl pkey -in "$work/b/certs/root-ca.key" -pubout)"
	is "both keys" "$(protoc --decode=GetKmsKeyReply tests/integration/kms.proto <"$work/body" | protoc --encode=GetKmsKeyReply tests/integration/kms.proto | sha256sum)" \
		"$(jq -r '"temp_ca_key: \(.temp_ca_key | @json) keys { ca_key: \(.keys[0].ca_key | @json) k256_key: \"\(.keys[0].k256_key | [scan("..")] | map("\\x" + .) | join(""))\" }"' \
			"$work/json" | protoc --encode=GetKmsKeyReply tests/integration/kms.proto | sha256sum)"
fi
url=$(at a https)
[ ! "$root" ] || refused "and where it is not" "sealed only" --root "$work/a/certs/root-ca.crt" --method GetKmsKey --ready --instance-id ""
refused "seal_to of another length" "expected 32 bytes, got 31" --root "$work/a/certs/root-ca.crt" --method GetKmsKey --ready --instance-id "" --seal-to "$(rep 09 31)"
node d other
allow d "mr_aggregated = $mr" "device = any"
run d
ctl_new onboard d --source "$(at a https)" --domain d.test
is "a node of another compose file" "$? $(grep -c 'GetKmsKey refused: Boot denied: Aggregated MR not allowed' "$work/ctl.err") $(leftovers d)" "1 1 0"
end d
# fake SPOIL: a server with evidence of an approved node; its port in $port
fake() {
	rm -f "$work/fake.port"
	mkfifo "$work/fake.port"
	"$bin/../test/tests/integration/kms_peer" --fake-kms ${1:+--spoil "$1"} --bundle "$work/pki/emul-qe.key" --app-id "$app" --instance-id "" \
		--compose "$compose" --mrtd "$mrtd" --vm-config "{\"os_image_hash\":\"$image\"}" --ready >"$work/fake.port" 2>/dev/null &
	agents="$agents $!"
	read -r port <"$work/fake.port"
}
# swap PORT PORT: the first connection goes to the first, the second to the second
swap() {
	rm -f "$work/swap.port"
	mkfifo "$work/swap.port"
	python3 -uc 'import socket, sys, threading
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
def pump(a, b):
    while True:
        d = a.recv(65536)
        if not d: break
        b.sendall(d)
    b.shutdown(socket.SHUT_WR)
for port in sys.argv[1:]:
    c, _ = s.accept()
    u = socket.create_connection(("127.0.0.1", int(port)))
    for x in ((c, u), (u, c)): threading.Thread(target=pump, args=x, daemon=True).start()
s.accept()' "$@" >"$work/swap.port" 2>/dev/null &
	agents="$agents $!"
	read -r port <"$work/swap.port"
}
node d one
allow d "mr_aggregated = $mr" "device = any"
run d
fake stolen-evidence
ctl_new onboard d --source "https://127.0.0.1:$port" --domain d.test
is "recorded evidence in another session" "$? $(grep -c 'report-data' "$work/ctl.err") $(leftovers d)" "1 1 0"
fake other-ca
ctl_new onboard d --source "https://127.0.0.1:$port" --domain d.test
is "an approved node whose certificate is not of the roots that it shows" "$? $(grep -c 'chain refused' "$work/ctl.err") $(leftovers d)" "1 1 0"
fake ""
ctl_new onboard d --source "https://127.0.0.1:$port" --domain d.test
is "roots in the clear, which are not enabled" "$? $(grep -c 'expected replication = stock' "$work/ctl.err") $(leftovers d)" "1 1 0"
end d
echo "replication = stock" >>"$work/d/kms.conf"
run d
ctl_new onboard d --source "https://127.0.0.1:$port" --domain d.test
is "roots that are not those of its certificate" "$? $(grep -c 'not those of the certificate of the node' "$work/ctl.err") $(leftovers d)" "1 1 0"
swap "$(cat "$work/a/port")" "$(cat "$work/b/port")"
ctl_new onboard d --source "https://127.0.0.1:$port" --domain d.test
is "another node on the second connection, approved as it is" "$? $(grep -c 'another key than the one whose evidence was judged' "$work/ctl.err") $(leftovers d)" "1 1 0"
end d
node e "" "replication = off"
run e
ctl_new onboard e --source "$(at a https)" --domain e.test
is "without an agent there is nothing to show" "$? $(grep -c 'no evidence of our own' "$work/ctl.err")" "1 1"
end e

# a node of development makes roots without evidence, once
node f ""
run f
token=$(cat "$work/f/token")
pub=$(call f Bootstrap "{\"domain\":\"f.test\",\"token\":\"$token\"}" | jq -r .k256_pubkey)
is "a second bootstrap before the end" "$(call f Bootstrap "{\"domain\":\"f.test\",\"token\":\"$token\"}" | jq -r .error)" \
	"there are roots already: they are never overwritten"
call f Finish "{\"token\":\"$token\"}" >/dev/null
told READY=1
is "makes roots without evidence" "$(curl -s --cacert "$work/f/certs/root-ca.crt" "$(at f https)/prpc/GetMeta?json" -d '' | jq -r .k256_pubkey)" "$pub"
is "and gives its roots to nobody" "$(curl -s --cacert "$work/f/certs/root-ca.crt" "$(at f https)/prpc/GetKmsKey?json" -d '{}' | jq -r .error)" \
	"this KMS gives its roots to nobody: replication = off"
end f
# the process that talks to the network is another user, in both lives
if [ "$root" ]; then
	node u one "replication = off" "user = nobody"
	allow u "mr_aggregated = $mr" "device = any"
	run u
	is "the onboarding has no rights of root" "$(for p in $(pgrep -P "${pids[u]}"); do awk '/^Uid/ {print $2}' "/proc/$p/status"; done)" "$(id -u nobody)"
	ctl_new onboard u --source "$(at b https)" --domain u.test
	told READY=1
	is "and gets the roots" "$? $(roots u)" "0 $(roots a)"
	end u
fi

# off the policy: within the lease
allow c "mr_aggregated = $(rep ee 32)" "device = any"
kill -HUP "${pids[c]}"; told RELOADING=1; told READY=1
url=$(at c https)
for m in GetTempCaCert GetAppKey SignCert GetKmsKey; do
	is "a node that is taken off the policy stops: $m" \
		"$(curl -s --cacert "$work/c/certs/root-ca.crt" "$url/prpc/$m?json" -d '{}' | jq -r .error | cut -c1-71)" \
		"KMS self authorization failed: Boot denied: Aggregated MR not allowed ("
done
allowed() { curl -s --unix-socket "$work/c/admin" http://d/metrics | sed -n 's/^dstack_kms_self_allowed //p'; }
is "its metrics say so" "$(allowed)" 0
is "and tells who it is still" "$(curl -s --cacert "$work/c/certs/root-ca.crt" "$url/prpc/GetMeta?json" -d '' | jq -r .k256_pubkey)" "$k256"
allow c "mr_aggregated = $mr" "device = any"
kill -HUP "${pids[c]}"; told RELOADING=1; told READY=1
peer --root "$work/c/certs/root-ca.crt"
is "back on it, it serves" "$status $(allowed)" "200 1"
# a policy that cannot be asked has not said no, until the lease is over
echo yes >"$work/auth.word"
mkfifo "$work/auth.go"
python3 - "$work/auth.port" "$work/auth.word" "$work/auth.go" <<'END' &
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        word = open(sys.argv[2]).read().strip()
        if word == "hold": # a yes, once somebody has opened the pipe
            open(sys.argv[3] + ".held", "w").close()
            word = open(sys.argv[3]).read() or "yes"
        ok = self.path == "/bootAuth/kms" and word == "yes"
        body = b'{"isAllowed":true,"gatewayAppId":"","reason":""}' if ok else b'{"isAllowed":false,"gatewayAppId":"","reason":"not today"}'
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
with open(sys.argv[1] + ".new", "w") as f: f.write(str(s.server_port))
import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
s.serve_forever()
END
auth=$!
agents="$agents $auth"
until [ -s "$work/auth.port" ]; do sleep 0.02; done
end c
sed -i 's/^lease_seconds = 1$/lease_seconds = 60/' "$work/c/kms.conf" # what is seen does not come from asking in time
{ echo "[kms]"; echo "policy_backend = webhook"; echo "[auth]"; echo "url = http://127.0.0.1:$(cat "$work/auth.port")"; } >>"$work/c/kms.conf"
sed -n '1,/^os_image_hash/p' "$work/policy.conf" >"$work/c/policy.conf"
run c
url=$(at c https)
tmpca() { curl -s --cacert "$work/c/certs/root-ca.crt" "$url/prpc/GetTempCaCert?json" -d '{}' | jq -r '.error // "served"'; }
until [ "$(tmpca)" = served ]; do sleep 0.05; done
ok "the policy is an API: it allows this node"
hup_c() { kill -HUP "${pids[c]}" && told RELOADING=1 && told READY=1; }
echo hold >"$work/auth.word"
hup_c
until [ -e "$work/auth.go.held" ]; do sleep 0.02; done
cp "$work/c/policy.conf" "$work/c/policy.good"
sed -i "s/^mrtd.*/mrtd = $(rep 45 48)/" "$work/c/policy.conf"
hup_c
echo yes >"$work/auth.word"
is "a node that is being asked about serves" "$(tmpca)" served
: >"$work/auth.go"
t0=$(date +%s%N)
while [ "$(tmpca)" = served ] && [ $((($(date +%s%N) - t0) / 1000000)) -lt 5000 ]; do sleep 0.05; done
is "not by a yes for an image that was taken away meanwhile" "$(tmpca | cut -c1-67)" \
	"KMS self authorization failed: Boot denied: OS image is not allowed"
mv "$work/c/policy.good" "$work/c/policy.conf"
hup_c
until [ "$(tmpca)" = served ]; do sleep 0.05; done
end c
sed -i 's/^lease_seconds = 60$/lease_seconds = 4/' "$work/c/kms.conf" # so that there is a rest of it to be seen
run c
url=$(at c https)
until [ "$(tmpca)" = served ]; do sleep 0.05; done
# the same API is asked about others, by both sides
api() { # NAME: the policy of this node is the API
	{ echo "[kms]"; echo "policy_backend = webhook"; echo "[auth]"; echo "url = http://127.0.0.1:$(cat "$work/auth.port")"; } >>"$work/$1/kms.conf"
	sed -n '1,/^os_image_hash/p' "$work/policy.conf" >"$work/$1/policy.conf"
}
node w one
api w
run w
echo no >"$work/auth.word"
ctl_new onboard w --source "$(at b https)" --domain w.test
is "an API that says no to the source" "$? $(grep -c 'Boot denied: not today' "$work/ctl.err") $(leftovers w)" "1 1 0"
echo yes >"$work/auth.word"
ctl_new onboard w --source "$(at b https)" --domain w.test
told READY=1
is "and yes" "$? $(roots w)" "0 $(roots a)"
end w
until [ "$(tmpca)" = served ]; do sleep 0.05; done
kill "$auth"
until grep -q "event=self-refused reason=policy-unavailable" "$work/c/log"; do sleep 0.02; done
is "when it is gone the lease goes on" "$(tmpca)" served
t0=$(date +%s%N)
while [ "$(tmpca)" = served ] && [ $((($(date +%s%N) - t0) / 1000000)) -lt 8000 ]; do sleep 0.05; done
is "and ends" "$(tmpca)" "KMS self authorization failed: authorization backend unavailable"
for v in a b c; do
	end "$v"
	"$ctl" kms log --verify "$work/$v/release.log" >/dev/null && ok "the log of $v chains up" || nok "the log of $v"
done
sed 's/"import"/"export"/' "$work/b/release.log" >"$work/forged.log"
"$ctl" kms log "$work/forged.log" >"$work/ctl" 2>"$work/ctl.err"
is "an edited one is not shown" "$? $(wc -c <"$work/ctl") $(grep -c 'not the hash' "$work/ctl.err")" "1 0 1"
"$ctl" kms onboard --url "$url" --token "$work/a/token" --domain x 2>"$work/ctl.err"; st=$?
"$ctl" kms restart 2>>"$work/ctl.err"
is "wrong usage" "$st $? $(grep -c -e '--source is needed' -e "got 'restart'" "$work/ctl.err")" "2 2 2"
is "dstackctl kms log" "$("$ctl" kms log "$work/a/release.log" | sed 1d | head -2 | cut -d' ' -f3-4 | tr '\n' ' ')" "Bootstrap deny Bootstrap create "
is "no root in a log" "$(cat "$work"/?/log "$work"/?/release.log | grep -c "$(hex "$work/a/certs/root-k256.key")")" 0
echo "1..$n"
exit $rc
