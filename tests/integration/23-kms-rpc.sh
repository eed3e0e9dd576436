#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The KMS's calls in every form of the wire: JSON and protobuf, GET and POST, both spellings; protoc judges the messages.
. "$(dirname "$0")/kms_lib.sh"
proto=tests/integration/kms.proto

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
start
get() { curl -s --cacert "$work/certs/root-ca.crt" "$@"; }
status() { get -o "$work/reply" -w '%{http_code} %{content_type}' "$@"; }
pb() { # METHOD MESSAGE: send MESSAGE (text) as protobuf, reply in $work/reply
	protoc --encode="$2" "$proto" 2>"$work/protoc.err" >"$work/request"
	status "$url/prpc/$1" -H 'Content-Type: application/octet-stream' --data-binary "@$work/request"
}
as_text() { # BYTES-FIELD...: the JSON object on stdin as protoc reads it
	jq -r --args 'def quoted($k): if IN($k; $ARGS.positional[]) then "\"" + ([scan("..")] | map("\\x" + .) | join("")) + "\"" else @json end;
		def fields: to_entries[] | .key as $k | .value | select(. != null and . != "" and . != 0 and . != false) |
			if type == "object" then "\($k) { \([fields] | join(" ")) }"
			elif type == "array" then .[] | "\($k): \(@json)"
			elif type == "string" then "\($k): \(quoted($k))"
			else "\($k): \(.)" end;
		fields' "$@"
}
same() { # NAME MESSAGE BYTES-FIELD...: is the JSON in $work/json, written by protoc, the bytes in $work/reply?
	name=$1 message=$2
	shift 2
	as_text "$@" <"$work/json" | protoc --encode="$message" "$proto" >"$work/want" 2>"$work/protoc.err"
	if [ -s "$work/want" ] && cmp -s "$work/want" "$work/reply"; then ok "$name"; else nok "$name: $(cat "$work/protoc.err")"; fi
}

# one method in every form
want=$(get "$url/prpc/GetMeta")
is "GET" "$(jq -c '[.is_dev, .key_epoch]' <<<"$want")" '[true,0]'
for form in GetMeta?json KMS.GetMeta?json KMS.KMS.GetMeta?json=1 'GetMeta?x=y&json=true' 'GetMeta?json='; do
	is "POST $form" "$(get "$url/prpc/$form" -d '')" "$want"
done
is "POST with a JSON type" "$(get "$url/prpc/GetMeta" -H 'Content-Type: application/json' -d '')" "$want"
is "GET with the service's name" "$(get "$url/prpc/KMS.GetMeta")" "$want"
is "an Empty request's body is not read" "$(get "$url/prpc/GetMeta?json" -d 'no JSON')" "$want"
is "types of JSON" "$(status "$url/prpc/GetMeta")" "200 application/json"
is "types of protobuf" "$(status "$url/prpc/GetMeta" -d '')" "200 application/octet-stream"
is "another verb" "$(status -X PUT "$url/prpc/GetMeta")" "404 application/json"
is "no such path" "$(status "$url/prpd/GetMeta")" "404 application/json"

# the application's public key for secrets
k=$(get "$url/prpc/GetAppEnvEncryptPubKey?json" -d "{\"app_id\":\"0x$app\"}")
is "GetAppEnvEncryptPubKey" "$(jq -c '[keys_unsorted, (.public_key, .signature, .signature_v1 | length)]' <<<"$k")" \
	'[["public_key","signature","timestamp","signature_v1","key_epoch"],64,130,130]'
now=$(date +%s) at=$(jq .timestamp <<<"$k")
[ $((now - at)) -ge 0 ] && [ $((now - at)) -le 2 ] && ok "signed just now" || nok "signed at $at, it is $now"
is "by GET" "$(get "$url/prpc/GetAppEnvEncryptPubKey?app_id=$app" | jq -r .public_key)" "$(jq -r .public_key <<<"$k")"
echo "$k" >"$work/env.json"
root=$(jq -r .k256_pubkey <<<"$want")
judge() { "$bin/dstack-verify" key --json --kms-root-key "$root" --app-id "$1" "$work/env.json" | jq -r '.verdict + .reason'; }
is "dstack-verify: both signatures are the root's" "$(judge "$app")" accepted
is "for this app alone" "$(judge "$inst")" refusedkey-root
jq -c '.timestamp += 1' "$work/env.json" >"$work/e" && mv "$work/e" "$work/env.json"
is "at this time alone" "$(judge "$app" | cut -c1-7)" refused
error() { get "$url/prpc/GetAppEnvEncryptPubKey?json" -d "$1" | jq -r .error; }
is "19 bytes" "$(error "{\"app_id\":\"$(rep 11 19)\"}")" "app_id must be 20 bytes, not 19"
is "21 bytes" "$(error "{\"app_id\":\"$(rep 11 21)\"}")" 'field `app_id`: longer than 20 bytes'
is "none" "$(error "{}")" "app_id must be 20 bytes, not 0"
is "of another epoch" "$(error "{\"app_id\":\"$app\",\"key_epoch\":1}")" "key epoch 1 does not exist: this KMS has 0"
is "of the epoch there is" "$(get "$url/prpc/GetAppEnvEncryptPubKey?json" -d "{\"app_id\":\"$app\",\"key_epoch\":0}" | jq -r .public_key)" \
	"$(jq -r .public_key <<<"$k")"
for m in GetAppKey SignCert GetKmsKey; do
	is "$m of another epoch" "$(get "$url/prpc/$m?json" -d '{"api_version":'$([ $m = SignCert ] && echo 2 || echo 1)',"key_epoch":7}' | jq -r .error)" \
		"key epoch 7 does not exist: this KMS has 0"
done
is "no record of what anybody may ask" "$(cat "$work/release.log" | wc -l)" 0

if ! command -v protoc >/dev/null; then
	ok "protobuf # SKIP no protoc here: apt-get install protobuf-compiler"
	stop
	echo "1..$n"
	exit $rc
fi

# the same in protobuf: what protoc makes of the JSON reply are the bytes of the other
get "$url/prpc/GetMeta" >"$work/json"
is "GetMeta" "$(status "$url/prpc/KMS.GetMeta" -d '')" "200 application/octet-stream"
same "its message" GetMetaReply k256_pubkey ca_pubkey attestation
get "$url/prpc/GetTempCaCert" >"$work/json"
status "$url/prpc/GetTempCaCert" -d '' >/dev/null
same "GetTempCaCert's message" GetTempCaCertReply
for _ in 1 2 3 4 5; do
	get "$url/prpc/GetAppEnvEncryptPubKey?json" -d "{\"app_id\":\"$app\"}" >"$work/json"
	st=$(pb GetAppEnvEncryptPubKey AppId <<<"app_id: \"$(rep '\x11' 20)\" not_known: \"ignored\"")
	[ "$(jq .timestamp "$work/json")" = "$(protoc --decode=PublicKeyReply "$proto" <"$work/reply" | sed -n 's/^timestamp: //p')" ] && break
done
is "GetAppEnvEncryptPubKey" "$st" "200 application/octet-stream"
same "its message" PublicKeyReply public_key signature signature_v1
peer; cp "$work/body" "$work/json"
peer --protobuf; cp "$work/body" "$work/reply"
is "GetAppKey" "$status" 200
same "its message" GetAppKeyReply disk_crypt_key env_crypt_key k256_key k256_signature os_image_hash
peer --protobuf --method SignCert
is "SignCert: three certificates" "$status $(protoc --decode=SignCertReply "$proto" <"$work/body" | grep -c '^certificate_chain: "-----BEGIN CERT')" "200 3"

# errors: one field of text, and the same status
why() { protoc --decode=Error "$proto" <"$work/reply" 2>&1; }
is "an error's status" "$(pb GetAppEnvEncryptPubKey AppId <<<'app_id: "short"')" "400 application/octet-stream"
is "an error's text" "$(why)" 'message: "app_id must be 20 bytes, not 5"'
pb GetAppEnvEncryptPubKey AppId <<<"app_id: \"$(rep '\x11' 20)\" key_epoch: 9" >/dev/null
is "an epoch that does not exist" "$(why)" 'message: "key epoch 9 does not exist: this KMS has 0"'
pb NoSuch AppId <<<'' >/dev/null
is "no such method" "$(why)" 'message: "Service not found: NoSuch"'
peer --protobuf --compose "$(rep 34 32)"; cp "$work/body" "$work/reply"
is "a denial" "$status $(why | grep -c 'Compose hash not allowed')" "400 1"
for bytes in '\x0a' '\x0a\x14\x11' '\x08\x01' '\x0b\x0c' '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' '{"app_id":""}'; do
	printf "$bytes" >"$work/request"
	st=$(status "$url/prpc/GetAppEnvEncryptPubKey" --data-binary "@$work/request")
	is "no message: $(why | cut -c1-70)" "$st $(why | grep -c '^message: "protobuf: ')" "400 application/octet-stream 1"
done
is "still in good health" "$(get "$url/health")" OK
stop
is "clean stop" "$?" 0

# Onboard.*, which is there while a node has no roots: $work/a makes them, $work/b takes them
mkfifo "$work/ready"
"$bin/../test/tests/integration/kms_peer" --agent "$work/agent" --bundle "$work/pki/emul-qe.key" --app-id "$app" --instance-id "" --compose "$compose" \
	--mrtd "$mrtd" --vm-config "{\"os_image_hash\":\"$image\"}" --ready >"$work/ready" &
agent=$!
read -r _ <"$work/ready"
a= b=
trap 'kill $kms $agent $a $b 2>/dev/null; kill "$notify_PID" 2>/dev/null; rm -rf "$work"' EXIT
fresh() { # NAME [LINE...]: a node without roots; its pid in $kms, its URL in $url
	local name=$1
	shift
	mkdir "$work/$name"
	sed -e "s|$work/certs|$work/$name/certs|; s|$work/release.log|$work/$name/release.log|" "$work/kms.conf" >"$work/$name.conf"
	printf '%s\n' "[kms]" "agent = $work/agent" "onboard_listen = 127.0.0.1:0" "onboard_token = $work/token" "$@" >>"$work/$name.conf"
	NOTIFY_SOCKET=$work/notify "$bin/dstack-kms" serve --config "$work/$name.conf" 2>>"$work/kms.log" &
	kms=$!
	told READY=1 || cat "$work/kms.log"
	url=http://127.0.0.1:$(cat "$work/port")
	token=$(cat "$work/token")
}
fresh a "replication = stock"
a=$kms kms=
filters() { awk '/^Seccomp_filters/ {print $2}' "/proc/$1/status"; }
if grep -q __asan_init "$bin/dstack-kms"; then
	ok "who will make the roots has closed itself in # SKIP a sanitizer does what the filter forbids"
else
	is "who will make the roots has closed itself in" \
		"$(filters "$(pgrep -x -P "$(pgrep -P "$a")" dstack-kms-keys)")" $(($(filters self) + 1))
fi
get "$url/prpc/Onboard.GetAttestationInfo?json" -d "{\"token\":\"$token\"}" >"$work/json"
is "GetAttestationInfo has the reference's fields, and seal_to" "$(jq -c 'keys' "$work/json")" \
	'["device_id","eth_rpc_url","kms_contract_address","mr_aggregated","os_image_hash","ppid","seal_to","site_name","tee_variant"]'
is "Onboard.GetAttestationInfo" "$(pb Onboard.GetAttestationInfo Token <<<"token: \"$token\"")" "200 application/octet-stream"
same "its message" GetAttestationInfoReply device_id mr_aggregated os_image_hash ppid seal_to
pb Bootstrap BootstrapRequest <<<'domain: "a.test"' >/dev/null
is "a token is asked for in this form too" "$(why)" 'message: "token: expected the one in the file onboard_token"'
pb Bootstrap BootstrapRequest <<<"domain: \"a.test\" token: \"$token\"" >/dev/null
is "a denial" "$(why | grep -c 'Aggregated MR not allowed')" 1
printf '[kms]\nmr_aggregated = %s\ndevice = any\n' "$(jq -r .mr_aggregated "$work/json")" >>"$work/policy.conf"
kill "$a"; wait "$a"
rm -r "$work/a"
fresh a "replication = stock"
a=$kms kms=
is "Onboard.Bootstrap" "$(pb Onboard.Bootstrap BootstrapRequest <<<"domain: \"a.test\" token: \"$token\"")" "200 application/octet-stream"
cp "$work/a/certs/bootstrap-info.json" "$work/json"
same "its message" Info ca_pubkey k256_pubkey attestation
is "Onboard.Finish: an empty message" "$(pb Onboard.Finish Token <<<"token: \"$token\"") $(stat -c %s "$work/reply")" "200 application/octet-stream 0"
told READY=1
from=https://127.0.0.1:$(cat "$work/port")
fresh b
b=$kms kms=
is "Onboard.Finish without roots" "$(pb Onboard.Finish Token <<<"token: \"$token\"") $(why)" \
	'400 application/octet-stream message: "there are no roots yet: expected Bootstrap or Onboard first"'
is "Onboard.Onboard" "$(pb Onboard.Onboard OnboardRequest <<<"source_url: \"$from/prpc\" domain: \"b.test\" token: \"$token\"")" "200 application/octet-stream"
jq '{k256_pubkey}' "$work/a/certs/bootstrap-info.json" >"$work/json"
same "its message: the key of the other node" OnboardReply k256_pubkey
is "as JSON: null" "$(get "$url/prpc/Onboard.Finish?json" -d "{\"token\":\"$token\"}")" null
told READY=1
is "one root" "$(cat "$work/b/certs/root-k256.key" | sha256sum)" "$(cat "$work/a/certs/root-k256.key" | sha256sum)"
echo "1..$n"
exit $rc
