# SPDX-License-Identifier: Apache-2.0
# Shared by the KMS tests; sourced by bash. Sets up a private directory with test PKI, policy and configuration.
set -u
cd "$(dirname "$0")/../.." || exit 2
bin=${BIN:-build/bin}
n=0 rc=0 kms= released=0
work=$(mktemp -d) || exit 2
ok() { n=$((n + 1)); echo "ok $n - $*"; }
nok() { n=$((n + 1)); rc=1; echo "not ok $n - $*"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else nok "$1: expected '$3', got '$2'"; fi; }
rep() { printf "$1%.0s" $(seq "$2"); }

app=$(rep 11 20) inst=$(rep 22 20) compose=$(rep 33 32) mrtd=$(rep 44 48) zero=$(rep 00 48) image=$(rep 55 32)

policy() { # [EXTRA LINES OF [policy]]
	local trust="allow_emulated = yes"
	case $1 in allow_emulated*) trust= ;; esac # a key is there once
	cat >"$work/policy.new" <<-END
		[policy]
		$trust
		$1
		[image demo]
		mrtd = $mrtd
		rtmr0 = $zero
		rtmr1 = $zero
		rtmr2 = $zero
		os_image_hash = $image
		[app $app]
		compose_hash = $compose
		device = any
	END
	mv "$work/policy.new" "$work/policy.conf"
}
collateral() { cp "$work/pki/collateral$1.json" "$work/collateral.new" && mv "$work/collateral.new" "$work/collateral.json"; }

# What the KMS tells its service manager, one line each: the only thing the tests wait for.
coproc notify { exec python3 -uc 'import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
print("BOUND")
while True:
    print(s.recv(4096).decode())' "$work/notify"; }
trap '[ -z "$kms" ] || kill "$kms" 2>/dev/null; kill "$notify_PID" 2>/dev/null; umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT
told() { # WORD
	while read -r -t 20 -u "${notify[0]}" said; do
		[ "$said" != "$1" ] || return 0
	done
	nok "the KMS never said $1"
	return 1
}
told BOUND

start() {
	NOTIFY_SOCKET=$work/notify "$bin/dstack-kms" serve --config "$work/kms.conf" 2>>"$work/kms.log" &
	kms=$!
	told READY=1 || cat "$work/kms.log"
	url=https://127.0.0.1:$(cat "$work/port")
}
stop() { kill "$kms" 2>/dev/null; wait "$kms"; st=$?; kms=; return $st; }
hup() {
	kill -HUP "$kms"
	told RELOADING=1 && told READY=1
}
peer() { # [OPTION...]: status in $status, body in $work/body
	"$bin/../test/tests/integration/kms_peer" --url "$url" --root "$work/certs/root-ca.crt" --bundle "$work/pki/emul-qe.key" --app-id "$app" \
		--instance-id "$inst" --compose "$compose" --mrtd "$mrtd" --vm-config "{\"os_image_hash\":\"$image\"}" "$@" \
		>"$work/out" 2>"$work/peer.err" || { status="- $(cat "$work/peer.err")"; : >"$work/body"; return; }
	status=$(head -1 "$work/out")
	tail -n +2 "$work/out" >"$work/body"
	[ "$status" != 200 ] || released=$((released + 1))
}
refused() { # NAME TEXT [OPTION...]
	name=$1 text=$2
	shift 2
	peer "$@"
	got=$(jq -r .error "$work/body" 2>/dev/null)
	case $got in
	*"$text"*) is "$name: $(echo "$got" | cut -c1-110)" "$status" 400 ;;
	*) nok "$name: expected '$text', got $status '$got'" ;;
	esac
}

"$bin/dstack-emul-qe" pki --out "$work/pki" --variants && "$bin/dstack-emul-qe" pki --out "$work/pki2" ||
	{ echo "not ok 1 - no test PKI"; exit 1; }
cat >"$work/kms.conf" <<END
[kms]
cert_dir = $work/certs
listen = 127.0.0.1:0
port_file = $work/port
policy = $work/policy.conf
release_log = $work/release.log
alt_names = 127.0.0.1
seal = development
request_seconds = 1
max_connections = 8
[attest]
root_ca = $work/pki/root-ca.pem
collateral = $work/collateral.json
tcb_policy = $work/tcb.conf
END
tcb() { printf '[policy]\n%s\n' "$1" >"$work/tcb.new" && mv "$work/tcb.new" "$work/tcb.conf"; }
tcb ""
policy ""
collateral ""

