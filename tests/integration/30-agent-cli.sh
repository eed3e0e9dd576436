#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dstack-agent on a machine without a TEE: usage errors, the socket and its refusals. The rest needs a guest (tests/vm).
set -u
: "${BIN:?}"
agent=$BIN/dstack-agent
work=$(mktemp -d) || exit 2
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
n=0 failed=0
check() { # DESCRIPTION STATUS-WANTED PATTERN COMMAND...
	what=$1 want=$2 pattern=$3
	shift 3
	"$@" >"$work/out" 2>&1 </dev/null
	rc=$?
	n=$((n + 1))
	if [ $rc -eq "$want" ] && grep -qE "$pattern" "$work/out"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what (status $rc)"
		sed 's/^/# /' "$work/out"
		failed=$((failed + 1))
	fi
}
check "help goes to standard output" 0 '^usage: dstack-agent COMMAND' "$agent" --help
check "version" 0 '^dstack-agent [0-9]' "$agent" --version
check "no command is a usage error" 2 '^usage:' "$agent"
check "an unknown command is named" 2 "no command 'sing'" "$agent" sing
check "tls-key wants --out" 2 'usage: dstack-agent tls-key' "$agent" tls-key
check "dstack-request-key says what it is for" 0 '^usage: dstack-request-key' "$BIN/dstack-request-key" --help
check "and wants a key" 2 '^usage: dstack-request-key' "$BIN/dstack-request-key"
check "call wants a method" 2 'usage: dstack-agent call' "$agent" call
check "serve without pid 1's files names the missing one" 1 'agent.json: No such file' "$agent" serve --run-dir "$work" --socket "$work/s"
check "a descriptor that is not open is a usage error" 2 'holder-fd 77: not an open' "$agent" serve --holder-fd 77
check "call without an agent" 1 'dstack-agent: .*No such file' "$agent" call --socket "$work/none" Version

echo '{"app_id":"00"}' >"$work/agent.json"
check "a short app id is refused" 1 'app_id: 20 bytes expected, found 1' "$agent" serve --run-dir "$work" --socket "$work/s"
printf '{"app_id":"%040d","instance_id":"","kms_url":"","key_provider_id":"","k256_signature":"","gateway_app_id":"","nameserver":"","gateway_urls":[]}' 7 >"$work/agent.json"
printf '{"manifest_version":1,"name":"n","runner":"bash"}' >"$work/app-compose.json"
printf '{}' >"$work/vm-config.json"
: >"$work/kms-root.pem"
mkfifo "$work/ready"
socat -u "UNIX-RECV:$work/notify" "PIPE:$work/ready" &
relay=$!
while [ ! -S "$work/notify" ]; do kill -0 $relay || exit 2; sleep 0.02; done
NOTIFY_SOCKET=$work/notify "$agent" serve --run-dir "$work" --socket "$work/s" >"$work/log" 2>&1 &
pid=$!
timeout 10 head -c 7 "$work/ready" >"$work/said"
check "the agent says when it is ready" 0 '^READY=1' cat "$work/said"
kill $relay 2>/dev/null

check "Version by the agent's own client" 0 '^\{"version":"[0-9.]+","rev":"unknown"\}$' "$agent" call --socket "$work/s" Version
check "and by curl, with a length and no chunks" 0 '^Content-Length: [0-9]+' curl -sS -i --unix-socket "$work/s" http://d/Version -d '{}'
check "the long path of the RPC" 0 'version' curl -sS --unix-socket "$work/s" 'http://d/prpc/DstackGuest.Version?json' -d ''
check "an unknown method" 1 'Service not found: Sing' "$agent" call --socket "$work/s" Sing
check "an algorithm nobody knows" 1 '^dstack-agent: Unsupported algorithm' "$agent" call --socket "$work/s" GetKey '{"algorithm":"rsa"}'
check "null for a string" 1 'path' "$agent" call --socket "$work/s" GetKey '{"path":null}'
check "a key without the kernel module" 1 'key of this path' "$agent" call --socket "$work/s" GetKey '{"path":"/x"}'
check "bad hex" 1 'report_data' "$agent" call --socket "$work/s" GetQuote '{"report_data":"xyz"}'
check "65 bytes of report data" 1 'Report data is too long' "$agent" call --socket "$work/s" GetQuote "{\"report_data\":\"$(printf '%0130d' 0)\"}"
check "a quote without a TEE names the device" 1 '/dev/dstack' "$agent" call --socket "$work/s" GetQuote '{}'
check "an event without a name" 1 'a name expected' "$agent" call --socket "$work/s" EmitEvent '{}'
check "times the wrong way round" 1 'not_before must be earlier than not_after' "$agent" call --socket "$work/s" GetTlsKey '{"not_before":2,"not_after":1}'
check "a TLS key without a KMS" 1 'this app has no KMS' "$agent" call --socket "$work/s" GetTlsKey '{}'
status() { curl -sS -o "$work/reply" -w '%{http_code} ' --unix-socket "$work/s" -H 'Content-Type: application/json' http://d/GetKmsItem -d "$1"; cat "$work/reply"; }
check "what a KMS tells, without a KMS" 0 '^404 .*|this app has no KMS' status '{"name":"root-ca"}'
check "a name that no KMS knows" 0 '^400 .*|root-ca, app-ca, k256-pub or env-pub expected' status '{"name":"other"}'
check "and no name" 0 '^400 ' status '{}'
check "a protobuf body is refused in words" 0 '400 Bad Request.*|protobuf' curl -sS -i --unix-socket "$work/s" http://d/GetKey -H 'Content-Type: application/octet-stream' --data-binary 'x'
kill -TERM "$pid"
wait "$pid"
check "SIGTERM ends it in order" 0 '^0$' echo $?
pid=
check "nothing was logged as an error" 0 '^0$' sh -c "grep -c '^<3>' '$work/log' || :"
echo "1..$n"
exit $((failed > 0))
