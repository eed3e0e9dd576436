#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An app with a KMS: the same keys at every boot and for every instance, certificates that lead to the KMS root, and a
# gateway that is not there, which delays nothing.
. "$(dirname "$0")/guestlib"
pki
make_kms kms
root=$work/kms/keys/root-ca.crt

cat >"$work/app.sh" <<'APP'
exec 2>&1
# Long values in short lines: others write to the console too.
say() { printf '%s' "$2" | base64 | sed "s/^/$1:/"; }
echo "key=$(keyctl pipe $(keyctl request2 dstack app:/demo "" @s) | od -An -v -tx1 | tr -d ' \n')"
echo "getkey=$(dstack-agent call GetKey '{"path":"/demo","purpose":"p"}')"
dstack-agent tls-key --out /tmp --subject demo --alt-name app.test --alt-name 10.1.2.3 --server --ra-tls --app-info
say chain "$(cat /tmp/chain.pem)"
echo "mode=$(stat -c %a /tmp/key.pem)"
echo "env=$GREETING|${UNASKED-unset}"
for f in .decrypted-env .decrypted-env.json; do
	echo "env-$f=$(stat -c %a /dstack/.host-shared/$f) $(cat /dstack/.host-shared/$f)"
done
others=$(for p in 1 $(busybox pidof dstack-agent); do tr '\0' '\n' <"/proc/$p/environ"; done)
echo "env-of-others=$(echo "$others" | grep -c ^PATH=) $(echo "$others" | grep -c GREETING)"
# the first registration is tried at once, and this one certificate may still be under way
until [ -n "$(dstack-agent call Info | sed -n 's/.*"app_cert":"\(-----BEGIN\).*/\1/p')" ]; do sleep 0.1; done
say info "$(dstack-agent call Info)"
say quote "$(dstack-agent call GetQuote '{}')"
# what only the KMS can tell, through the kernel's upcall
for name in root-ca app-ca k256-pub env-pub; do
	keyctl pipe $(keyctl request2 dstack_kms $name "" @s) | base64 | sed "s/^/$name:/"
done
echo "refused-other=$(keyctl request2 dstack_kms other "" @s 2>&1)"
sleep 4
busybox poweroff -f
APP
compose "$work/app.sh" ".key_provider = \"kms\" | .key_provider_id = \"$(pin_of kms)\" | .gateway_enabled = true | .allowed_envs = [\"GREETING\"] |
	.init_script = \"echo init=\${GREETING-unset}\"" >"$work/app.json"
app_id=$(sha256sum "$work/app.json" | cut -c1-40)
"$BIN/dstack-mr" measure --json --kernel "$IMAGE/bzImage" --initrd "$IMAGE/initramfs.cpio.gz" --memory $((768 << 20)) --cpus 1 \
	--cmdline "$(jq -r .cmdline "$IMAGE/metadata.json")" >"$work/mr.json"
jq -r 'to_entries[] | select(.key == ("mrtd", "rtmr0", "rtmr1", "rtmr2")) | "\(.key)=\(.value)"' "$work/mr.json" >"$work/emul.txt"
image=$(sha256sum "$IMAGE/sha256sum.txt" | cut -c1-64)
{
	printf '[policy]\ntcb_status = UpToDate\nallow_emulated = yes\ngateway_app_id = %040d\n[image t]\n' 7
	jq -r 'to_entries[] | select(.key == ("mrtd", "rtmr0", "rtmr1", "rtmr2")) | "\(.key) = \(.value)"' "$work/mr.json"
	printf 'os_image_hash = %s\n[app %s]\ncompose_hash = %s\nimage = t\ndevice = any\n' "$image" "$app_id" \
		"$(sha256sum "$work/app.json" | cut -c1-64)"
} >"$work/kms/policy"
serve_kms kms "$work/pki"
# A server of the same KMS root that is no app, in the gateway's place.
certificate stranger IP:10.0.2.2
mkdir "$work/stranger"
echo '{}' >"$work/stranger/RegisterCvm.json"
serve_fake stranger "$work/stranger.crt" "$work/stranger.key"
input_with() { # GATEWAY-URL
	jq -nc --arg gw "$1" --arg kms "https://10.0.2.2:$(cat "$work/kms.port")" --arg image "$image" '{kms_urls: ["https://10.0.2.2:1", $kms],
	gateway_urls: [$gw], vm_config: ({os_image_hash: $image, cpu_count: 1} | tojson),
	dstack_c: {network: {address: "10.0.2.15/24", gateway: "10.0.2.2"}}}' >"$work/sys.json"
	blob 1="$work/app.json" 2="$work/sys.json" 4="$work/env.bin" >"$work/in.bin"
}
ask() { # METHOD BODY
	curl -sS --noproxy '*' --cacert "$root" --connect-to "10.0.2.2:$(cat "$work/kms.port"):127.0.0.1:$(cat "$work/kms.port")" \
		"https://10.0.2.2:$(cat "$work/kms.port")/prpc/$1?json" -d "$2"
}
encrypt() { # APP-ID: the environment on standard input, to $work/env.bin
	ask GetAppEnvEncryptPubKey "{\"app_id\":\"$1\"}" >"$work/env.key"
	"$BIN/dstackctl" env encrypt --app-id "$1" --kms-root-key "$(ask GetMeta '' | jq -r .k256_pubkey)" --key "$work/env.key" --out "$work/env.bin"
}
printf 'GREETING=a "secret" $word\nUNASKED=1\n' | encrypt "$app_id"

eq() { # DESCRIPTION EXPECTED ACTUAL
	[ "$2" = "$3" ]
	rc=$?
	[ $rc -eq 0 ] || printf '# expected %s, found %s\n' "$2" "$3"
	result $rc "$1"
}
get() { sed -n "s/^$2=//p" "$work/$1.out" | head -n 1; }
long() { sed -n "s/^$2://p" "$work/$1.out" | base64 -d; }
run() {
	boot "$1" 120 $(emulated) $(input "$work/in.bin")
	rc=$?
	tr -d '\r' <"$work/$1.console" >"$work/$1.out"
	[ -n "$(long "$1" quote)" ] || { tail -n 20 "$work/$1.out"; tail -n 5 "$work/kms/log"; } | note
	result $rc "$1: boots past a KMS that is not there, runs its app, powers off"
}
input_with https://10.0.2.2:1
run first
input_with "https://10.0.2.2:$(cat "$work/stranger.port")"
run second
key=$(get first key)
eq "the app key has 32 bytes" 64 "${#key}"
eq "the same in another instance" "$key" "$(get second key)"
eq "and through the socket" "$key" "$(get first getkey | jq -r .key)"
eq "with the KMS's signature" '[130,130]' "$(get first getkey | jq -c '[.signature_chain[] | length]')"
one=$(long first info | jq -r .instance_id) two=$(long second info | jq -r .instance_id)
[ -n "$one" ] && [ "$one" != "$two" ]
result $? "instances without a stored seed differ"

{ long first chain; echo; } >"$work/chain.pem"
csplit -s -z -f "$work/cert." "$work/chain.pem" '/BEGIN CERT/' '{*}'
openssl verify -CAfile "$root" -untrusted "$work/cert.01" "$work/cert.00" >"$work/log" 2>&1 || note "$work/log"
openssl verify -CAfile "$root" -untrusted "$work/cert.01" "$work/cert.00" >/dev/null 2>&1
result $? "openssl accepts the certificate under the KMS root"
openssl x509 -in "$work/cert.00" -noout -ext subjectAltName | grep -q 'DNS:app.test, IP Address:10.1.2.3'
result $? "with the names asked for"
eq "the key file is closed to others" 600 "$(get first mode)"
"$BIN/dstack-verify" app --cert "$work/chain.pem" --compose "$work/app.json" --image "$work/mr.json" --kms-root "$root" \
	--collateral "$work/pki/collateral.json" --root-ca "$work/pki/root-ca.pem" >"$work/verify" 2>&1 || note "$work/verify"
grep -q '^accepted' "$work/verify" || grep -q 'accepted: TCB UpToDate' "$work/verify"
result $? "dstack-verify accepts its evidence, image and compose file"
get first getkey >"$work/getkey.json"
"$BIN/dstack-verify" key --kms-root-key "$(jq -r .k256_pubkey "$work/kms/keys/bootstrap-info.json")" --app-id "$app_id" --purpose p \
	"$work/getkey.json" >"$work/verify" 2>&1 || note "$work/verify"
grep -q '^accepted' "$work/verify"
result $? "GetKey's signature chain leads to the KMS root"
long first quote >"$work/reply.json"
"$BIN/dstackctl" evidence --reply "$work/reply.json" --compose "$work/app.json" --measurement "$work/mr.json" --kms-root "$root" \
	--collateral "$work/pki/collateral.json" -o "$work/quote-only.json" &&
	jq --rawfile c "$work/chain.pem" '.certificate_chain = $c' "$work/quote-only.json" >"$work/bundle.json"
"$BIN/dstack-verify" app --bundle "$work/bundle.json" --root-ca "$work/pki/root-ca.pem" --nonce "$(printf '00%.0s' $(seq 64))" --app-id "$app_id" \
	--kms-root-hash "$(openssl x509 -in "$root" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c1-64)" \
	>"$work/verify" 2>&1 || note "$work/verify"
grep -q '^accepted: TCB UpToDate' "$work/verify"
result $? "the same from one file, the KMS root named by its hash"
eq "Info names the image" "$image" "$(long first info | jq -r .os_image_hash)"
eq "events after the keys" '["os-image-hash","key-provider","storage-fs","system-ready"]' \
	"$(long first quote | jq -r .event_log | jq -c '[.[].event][7:]')"
eq "key-provider is the pinned key" "{\"name\":\"kms\",\"id\":\"$(pin_of kms)\"}" "$(long first info | jq -r .key_provider_info)"
fingerprint() { openssl x509 "$@" -noout -fingerprint -sha256; }
eq "dstack_kms root-ca is the KMS's root certificate" "$(fingerprint -in "$root")" "$(long first root-ca | fingerprint)"
# the KMS signs it anew with each certificate: the key is what stays
eq "app-ca has the key that signed the app's certificate" "$(openssl x509 -in "$work/cert.01" -noout -pubkey)" \
	"$(long first app-ca | openssl x509 -noout -pubkey)"
long first k256-pub | od -An -v -tx1 | tr -d ' \n' >"$work/k256"
eq "k256-pub is what the KMS says it is" "$(ask GetMeta '' | jq -r .k256_pubkey)" "$(cat "$work/k256")"
eq "env-pub is the key for this app's environment" "$(ask GetAppEnvEncryptPubKey "{\"app_id\":\"$app_id\"}" | jq -r .public_key)" \
	"$(long first env-pub | od -An -v -tx1 | tr -d ' \n')"
eq "the app has the variable that its compose file allows, and no other" 'a "secret" $word|unset' "$(get first env)"
eq "in a file, too" '600 GREETING="a \"secret\" \$word"' "$(get first env-.decrypted-env)"
eq "and as JSON" '600 {"GREETING":"a \"secret\" $word"}' "$(get first env-.decrypted-env.json)"
eq "an init script has it not" unset "$(get first init)"
# both agents have a PATH: so they were looked at
eq "pid 1 and the agents neither" "2 0" "$(get first env-of-others)"
eq "a name that nobody knows" "request_key: Invalid argument" "$(get first refused-other)"
grep -q '"gateway: not registered: client: 10.0.2.2: Connection refused"' "$work/first.events"
result $? "a gateway that is not there is reported"
grep -q '"gateway: not registered: tls: peer certificate refused: certificate: app id 0*7 expected, found none"' "$work/second.events"
result $? "a server that is not the gateway's app is refused and reported"

printf 'GREETING=for another app\n' | encrypt "$(printf '%040d' 9)"
input_with https://10.0.2.2:1
boot third 120 $(emulated) $(input "$work/in.bin")
eq "an environment for another app ends the boot" "keys: .encrypted-env: made for another app or KMS, or damaged" "$(reason third)"
finish
