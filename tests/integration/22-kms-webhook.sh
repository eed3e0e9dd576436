#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dstack-kms that asks an authorization API about every app: what it asks, and that whatever is no clear yes is a no.
. "$(dirname "$0")/kms_lib.sh"

api= api_port=
api() { # ADDRESS [CERT KEY]
	exec 8< <(exec python3 tests/integration/fake_auth.py "$work" "$@" 2>>"$work/api.log")
	api=$!
	read -r -t 20 -u 8 api_port
	read -r -t 20 -u 8 said
	[ "$said" = READY ] || nok "the API did not start: $(cat "$work/api.log")"
}
api_end() { kill "$api" 2>/dev/null; wait "$api" 2>/dev/null; api=; exec 8<&-; }
trap '[ -z "$kms" ] || kill "$kms" 2>/dev/null; [ -z "$api" ] || kill "$api" 2>/dev/null; kill "$notify_PID" 2>/dev/null; rm -rf "$work"' EXIT
answer() { echo "$*" >"$work/answer.new" && mv "$work/answer.new" "$work/answer"; }
conf() { # LINES OF [auth]
	cp "$work/file.conf" "$work/kms.conf"
	sed -i '/^cert_dir/a policy_backend = webhook' "$work/kms.conf"
	printf '[auth]\n%s\n' "$1" >>"$work/kms.conf"
}

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok bootstrap
cp "$work/kms.conf" "$work/file.conf"
api 0
conf "url = http://127.0.0.1:$api_port/
timeout_ms = 700"
"$bin/dstack-kms" serve --config "$work/kms.conf" --check-config 2>"$work/err"; st=$?
is "apps in the policy file would be without effect: $(sed 's/.*: \[/[/' "$work/err")" "$st $(grep -c 'sections have no effect' "$work/err")" "1 1"
sed -i '/^\[app/,$d' "$work/policy.conf"
"$bin/dstack-kms" serve --config "$work/kms.conf" --check-config && ok "--check-config" || nok "--check-config"

start
answer allow
peer
is "an app that the API allows" "$status" 200
cp "$work/body" "$work/keys"
is "is asked for on its path" "$(cut -d' ' -f1 "$work/asked")" /bootAuth/app
is "with what was proven" "$(cut -d' ' -f2- "$work/asked" | jq -c '[.teeVariant, .appId, .instanceId, .composeHash, .osImageHash, .tcbStatus, .keyProviderInfo]')" \
	"[\"dstack-tdx\",\"$app\",\"$inst\",\"$compose\",\"$image\",\"UpToDate\",\"\"]"
is "and all that the contract wants" "$(cut -d' ' -f2- "$work/asked" | jq -c 'keys')" \
	'["advisoryIds","appId","composeHash","deviceId","instanceId","keyProviderInfo","mrAggregated","mrSystem","osImageHash","tcbStatus","teeVariant"]'
peer --vm-config '{}'
is "the image asked about is the measured one, claimed or not" "$(tail -1 "$work/asked" | cut -d' ' -f2- | jq -r .osImageHash)" "$image"
answer "allow 0x$(rep AB 20)"
peer
is "gateway app id from the API" "$status $(jq -r '.gateway_app_id' "$work/body")" "200 $(rep ab 20)"
peer --method SignCert
is "certificates too" "$status" 200

: >"$work/asked"
refused "another image is refused here" "OS image is not allowed" --mrtd "$(rep 45 48)"
refused "and evidence of another session" "report-data" --spoil stolen-evidence
refused "and an app that runs already" "system-ready" --ready
is "without asking" "$(wc -l <"$work/asked")" 0

answer deny Compose hash not allowed
refused "a reason comes through" "App not allowed: Boot denied: Compose hash not allowed"
refused "for certificates" "App not allowed: Boot denied: Compose hash not allowed" --method SignCert
is "and is on record" "$(tail -1 "$work/release.log" | jq -c '[.decision, .reason, .app_id]')" "[\"deny\",\"policy-denied\",\"$app\"]"
no="authorization backend unavailable"
answer status 500; refused "status 500, whatever it says" "$no"
answer status 302; refused "a redirection" "$no"
answer raw '{"isAllowed":"true","gatewayAppId":"","reason":""}'; refused "a word for a truth" "$no"
answer raw '{"isAllowed":true}'; refused "half an answer" "$no"
answer raw 'allowed'; refused "no JSON" "$no"
answer raw '{"isAllowed":true,"gatewayAppId":"any","reason":""}'; refused "any gateway" "$no"
answer big; refused "a long answer" "$no"
is "is not even read" "$(tail -1 "$work/release.log" | jq -r .actual | grep -c 'reply is too large')" 1
answer close; refused "no answer" "$no"
answer hang
t0=$(date +%s%N)
refused "an answer that does not come" "$no"
ms=$((($(date +%s%N) - t0) / 1000000))
[ $ms -ge 600 ] && [ $ms -lt 3000 ] && ok "in its time: $ms ms" || nok "after $ms ms"
is "why is on record" "$(tail -1 "$work/release.log" | jq -r .actual | grep -c 'in time')" 1
answer lie; refused "an answer that does not end" "$no"
answer chunked; peer
is "a yes in chunks" "$status" 200
# others are served while the API takes its time
answer hang
peer & waiting=$!
# the question is on its way when it is on the API's list
until [ "$(tail -1 "$work/asked" | cut -c1-9)" = /bootAuth ]; do read -r -t 0.02 <> <(:) || :; done
is "health while one waits" "$(curl -s --cacert "$work/certs/root-ca.crt" "$url/health")" OK
wait $waiting
answer allow
peer
is "and a clear yes again" "$status $(jq -r .disk_crypt_key "$work/body")" "200 $(jq -r .disk_crypt_key "$work/keys")"

meta() { curl -s --cacert "$work/certs/root-ca.crt" "$url/prpc/GetMeta?json" -d '{}'; }
is "GetMeta says what the API says" "$(meta | jq -c '[.gateway_app_id, .kms_contract_address, .chain_id, .app_auth_implementation]')" \
	"[\"$(rep ab 20)\",\"0x$(rep cc 20)\",31337,\"0x$(rep dd 20)\"]"
: >"$work/asked"
for _ in 1 2 3; do meta >/dev/null; done
is "anybody may ask it, the API is not asked each time" "$(wc -l <"$work/asked")" 0
stop
start
answer hang
: >"$work/asked"
asking=()
for i in 1 2 3 4; do
	meta | jq -r .error >"$work/meta.$i" &
	asking+=($!)
done
wait "${asking[@]}"
is "who asks at the same time waits for one answer" "$(wc -l <"$work/asked") $(sort -u "$work"/meta.?)" "1 $no"
stop
start
: >"$work/asked"
answer status 500
for _ in 1 2 3; do meta | jq -r .error; done | sort -u >"$work/out"
is "nor when it fails" "$(wc -l <"$work/asked") $(cat "$work/out")" "1 $no"
answer allow
t0=$(date +%s%N)
until [ "$(meta | jq -r .chain_id)" = 31337 ] || [ $((($(date +%s%N) - t0) / 1000000)) -gt 9000 ]; do :; done
is "after a while it is asked again" "$(meta | jq -r .chain_id)" 31337
api_end
refused "the API is down" "$no"
# a question that is open when the service ends
api "$api_port"
answer hang
peer & waiting=$!
: >"$work/asked"
until [ "$(tail -1 "$work/asked" | cut -c1-9)" = /bootAuth ]; do read -r -t 0.02 <> <(:) || :; done
stop
is "clean stop with an open question" "$?" 0
is "whose end is on record, and the journal names the last line" "$(grep -o 'event=stop .*' "$work/kms.log" | tail -1)" \
	"event=stop release_log_entries=$(wc -l <"$work/release.log") head=$(tail -1 "$work/release.log" | tr -d '\n' | sha256sum | cut -c1-64)"
wait $waiting
api_end

# the policy is read again while the API is being asked: its yes was to a question of the old one
api 0
conf "url = http://127.0.0.1:$api_port"
mkfifo "$work/go"
images() { # which IMAGE is allowed, and what the line of it is
	policy "" && sed -i -e '/^\[app/,$d' -e "s/^mrtd.*/mrtd = $1/" "$work/policy.conf"
}
held() { # [OPTION...]: a peer that waits for the API
	answer hold
	: >"$work/asked"
	peer "$@" & waiting=$!
	until [ "$(tail -1 "$work/asked" | cut -c1-9)" = /bootAuth ]; do read -r -t 0.02 <> <(:) || :; done
}
go() { # ANSWER to what is asked next
	answer "$@"
	: >"$work/go"
	wait $waiting
	got="$(head -1 "$work/out") $(jq -r '.error // "keys"' "$work/body")"
}
start
for method in GetAppKey SignCert; do
	images "$mrtd"; hup
	held --method $method
	images "$(rep 45 48)"; hup
	go allow
	is "$method: an image taken away meanwhile" "${got%% (*}" "400 App not allowed: Boot denied: OS image is not allowed"
	is "$method: is on record so" "$(tail -1 "$work/release.log" | jq -c '[.op, .decision, .reason]')" "[\"$method\",\"deny\",\"os-image\"]"
	is "$method: asked once" "$(grep -c bootAuth "$work/asked")" 1
done
held --mrtd "$(rep 45 48)"
hup
go allow
is "the same policy read again: asked again, and released" "$got $(grep -c bootAuth "$work/asked")" "200 keys 2"
held --mrtd "$(rep 45 48)"
hup
go deny changed its mind
is "by what the API says now" "$got" "400 App not allowed: Boot denied: changed its mind"
held --mrtd "$(rep 45 48)"
echo nonsense >>"$work/policy.conf"; hup
go deny not asked
is "a policy with an error changes nothing" "$got $(grep -c bootAuth "$work/asked")" "200 keys 1"
images "$mrtd"; hup
held
images "$(rep 45 48)"; hup
answer allow
stop
is "clean stop with an answer that would not count, and no other question" "$? $(grep -c 'asking again' "$work/kms.log")" "0 4"
: >"$work/go"; wait $waiting
images "$mrtd"
api_end

# the contract back end wants the contract's answer
answer allow
api 0
conf "url = http://127.0.0.1:$api_port
contract = $(rep cc 20)
chain_id = 31337"
sed -i 's/^policy_backend.*/policy_backend = contract/' "$work/kms.conf"
start
refused "an answer that names no block" "$no"
chain() { echo "raw {\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":\"\",\"chainId\":$1,\"kmsContractAddr\":\"0x$2\",\"blockNumber\":77,\"blockHash\":\"0x$(rep ee 32)\"}"; }
answer "$(chain 1 "$(rep cc 20)")"; refused "another chain" "$no"
answer "$(chain 31337 "$(rep cd 20)")"; refused "another contract" "$no"
answer "$(chain 31337 "$(rep cc 20)")"
peer
is "the contract's own" "$status $(tail -1 "$work/release.log" | jq -c '[.decision, .ruling.block, .ruling.block_hash]')" "200 [\"release\",77,\"$(rep ee 32)\"]"
stop; api_end

# TLS: the API must be who the configuration says
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=auth -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$work/api.key" -out "$work/api.pem" 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=auth -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$work/other.key" -out "$work/other.pem" 2>/dev/null
answer allow
api 0 "$work/api.pem" "$work/api.key"
conf "url = https://127.0.0.1:$api_port
ca = $work/api.pem"
start
peer
is "over TLS" "$status" 200
cp "$work/other.pem" "$work/api.new" && mv "$work/api.new" "$work/api.pem"
refused "under another root, read again" "$no"
stop; api_end

# a Unix socket
api "$work/api.sock"
conf "url = unix:$work/api.sock:/"
start
peer
is "over a Unix socket" "$status" 200
stop; api_end
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "one chain of records" || nok "log chain"
echo "1..$n"
exit $rc
