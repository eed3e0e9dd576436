#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers that are not the KMS, or not as they should be: each is refused by name, and no key or event comes of it.
. "$(dirname "$0")/guestlib"
pki
make_kms kms
serve_kms kms "$work/pki" 'allow_emulated = yes'
real=https://127.0.0.1:$(cat "$work/kms.port")
curl -sSk "$real/prpc/GetTempCaCert?json" -d '{}' >"$work/temp.json"
[ "$(jq -r '.ca_cert' "$work/temp.json" | head -n 1)" = "-----BEGIN CERTIFICATE-----" ]
result $? "the real KMS tells its temporary CA to anybody"

usage="1.3.6.1.4.1.62397.1.4=DER:04:07:6b:6d:73:3a:72:70:63" # kms:rpc
certificate self IP:10.0.2.2 "$usage"
certificate nousage IP:10.0.2.2
certificate othername DNS:kms.example "$usage"
certificate good IP:10.0.2.2 "$usage"

# fake NAME [CERTIFICATE]: a server with the real KMS's first answer
fake() {
	mkdir -p "$work/$1"
	cp "$work/temp.json" "$work/$1/GetTempCaCert.json"
	[ ! -e "$work/keys.json" ] || cp "$work/keys.json" "$work/$1/GetAppKey.json"
	if [ -n "${2:-}" ]; then set -- "$1" "$work/$2.crt" "$work/$2.key"; else set -- "$1"; fi
	name=$1
	shift
	serve_fake "$name" "$@"
}
printf 'echo app runs\n' >"$work/app.sh"
compose "$work/app.sh" ".key_provider = \"kms\" | .key_provider_id = \"$(pin_of kms)\"" >"$work/app.json"
refused() { # DESCRIPTION PATTERN NAME
	sysconfig "https://10.0.2.2:$(cat "$work/$3.port")" >"$work/sys.json"
	blob 1="$work/app.json" 2="$work/sys.json" >"$work/in.bin"
	boot "$3" 60 $(emulated) $(input "$work/in.bin")
	rc=$?
	echo "# $(reason "$3")"
	[ $rc -eq 0 ] && reason "$3" | grep -qE "$2" && ! grep -qE 'app runs|instance.info' "$work/$3.console"
	result $? "$1"
}
hex=$(printf '%064d' 0 | tr 0 a)
keys() { # JQ-FILTER
	jq -nc --arg h "$hex" "{disk_crypt_key: \$h, env_crypt_key: \$h, k256_key: \$h, k256_signature: (\$h + \$h + \"00\"),
		gateway_app_id: \"\", os_image_hash: \$h} | $1" >"$work/keys.json"
}
fake silent
refused "a server that accepts and says nothing" '^keys: client: 10.0.2.2: no connection in time' silent
keys .
fake self self
refused "a server with a certificate of its own" '^keys: tls: peer certificate refused: self-signed certificate' self
fake nousage nousage
refused "a server the root certified for something else" '^keys: tls: peer certificate refused: server certificate: usage kms:rpc expected' nousage
fake othername othername
refused "a server with another name" '^keys: tls: peer certificate refused: the certificate is not for host 10.0.2.2' othername
keys '.env_crypt_key = "aabb"'
fake shortkey good
refused "a reply with a short key" '^keys: kms: reply: env_crypt_key: 32 bytes in hex expected, found 4' shortkey
keys '.k256_signature = (.k256_signature[0:128] + "ff")'
fake badsig good
refused "a reply whose signature is none" '^keys: kms: reply: k256_signature is no signature' badsig
keys 'del(.k256_key)'
fake nokey good
refused "a reply without the app key" '^keys: kms: reply: k256_key is missing' nokey
keys .
head -c 200 "$work/keys.json" >"$work/cut" && mv "$work/cut" "$work/keys.json"
fake cut good
refused "a truncated reply" '^keys: kms: reply: ' cut
finish
