#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The encrypted environment: dstackctl encrypts to a key that the KMS signed, the app's key opens it; the official SDK
# takes either side where it is installed (make sdk).
. "$(dirname "$0")/kms_lib.sh"
modules=${SDK:-$bin/../sdk}/node_modules

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
start
get() { curl -s --cacert "$work/certs/root-ca.crt" "$@"; }
root=$(get "$url/prpc/GetMeta" | jq -r .k256_pubkey)
get "$url/prpc/GetAppEnvEncryptPubKey?json" -d "{\"app_id\":\"$app\"}" >"$work/key.json"
peer
is "the app's keys" "$status" 200
jq -r .env_crypt_key "$work/body" >"$work/secret"
encrypt() { # [OPTION...] <environment
	"$bin/dstackctl" env encrypt --app-id "$app" --kms-root-key "$root" --key "$work/key.json" --out "$work/env" "$@" 2>"$work/err"
}
open() { "$bin/../test/tests/integration/env_open" "$work/env" "$1" <"$work/secret" 2>&1; }

printf 'FOO=bar baz\n# not this\nTOKEN=a="b"$c\\\n' | encrypt
is "encrypted: $(cat "$work/err")" "$? $(stat -c %s "$work/env")" "0 $((60 + $(printf '{"env":[{"key":"FOO","value":"bar baz"},{"key":"TOKEN","value":"a=\\"b\\"$c\\\\"}]}' | wc -c)))"
is "nothing to read in it" "$(grep -c -e FOO -e baz -e TOKEN "$work/env")" 0
is "the app reads it" "$(open '["FOO","TOKEN"]')" '{"FOO":"bar baz","TOKEN":"a=\"b\"$c\\"} 0'
is "only what it allows" "$(open '["FOO","OTHER"]')" '{"FOO":"bar baz"} 1'
is "nothing when it allows nothing" "$(open '[]')" '{} 2'
cp "$work/env" "$work/kept"
echo '{"env":[{"key":"A","value":"x\ny"}]}' >"$work/in.json"
encrypt --in "$work/in.json" && ok "JSON from a file" || nok "JSON from a file: $(cat "$work/err")"
is "and what is in it" "$(open '["A"]')" '{"A":"x\ny"} 0'
for bit in 0 40 70; do
	python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[int(sys.argv[2])] ^= 1
open(sys.argv[3], "wb").write(b)' "$work/kept" $bit "$work/env"
	is "a flipped bit of byte $bit" "$(open '["FOO"]')" "env_open: made for another app or KMS, or damaged"
done

fails() { # NAME TEXT [OPTION...] <environment
	name=$1 text=$2
	shift 2
	rm -f "$work/env"
	encrypt "$@"
	st=$?
	case $(cat "$work/err") in
	*"$text"*) is "$name: $(cut -c1-100 "$work/err")" "$st $(ls "$work/env" 2>/dev/null | wc -l)" "1 0" ;;
	*) nok "$name: expected '$text', got $st '$(cat "$work/err")'" ;;
	esac
}
fails "another root key" "not signed by this root key for this app: signed by $root" --kms-root-key "02$(rep 11 32)" <<<A=1
fails "a key for another app" "not signed by this root key for this app" --app-id "$inst" <<<A=1
fails "a line that is none" "line 1: KEY=VALUE expected" <<<export
fails "a key that is none" "entry 0: key" <<<9=1
fails "too much" "File too large" < <(head -c 262145 /dev/zero | tr '\0' 'x')
fails "half a JSON" "error in line 1" < <(printf '{"env":[{"key":"T0PS3CRET","value":"T0PS3CRET"},')
is "and no word of it is repeated" "$(grep -c T0PS3CRET "$work/err")" 0
cp "$work/key.json" "$work/good.json"
jq -c '.timestamp += 1' "$work/good.json" >"$work/key.json"
fails "another time than the signed one" "not signed by this root key" <<<A=1
jq -c 'del(.signature_v1)' "$work/good.json" >"$work/key.json"
fails "without the signature that has a time" "no signature with a time" <<<A=1
jq -c '.public_key = "'"$(rep 22 32)"'"' "$work/good.json" >"$work/key.json"
fails "another public key" "not signed by this root key" <<<A=1
cp "$work/body" "$work/key.json"
fails "another reply" "a reply to GetAppEnvEncryptPubKey expected" <<<A=1
cp "$work/good.json" "$work/key.json"

if [ -d "$modules/@phala/dstack-sdk" ] && command -v node >/dev/null; then
	NODE_MODULES=$(cd "$modules" && pwd)
	export NODE_MODULES
	sdk() { node tests/sdk/env.mjs "$@" 2>&1; }
	is "SDK: both signatures are the root's" "$(sdk verify "$app" <"$work/key.json")" "0x$root 0x$root"
	is "SDK: not for another app" "$(sdk verify "$inst" <"$work/key.json" | grep -c "$root")" 0
	echo '{"env":[{"key":"FROM_SDK","value":"über alles"},{"key":"B","value":""}]}' |
		sdk encrypt "$(jq -r .public_key "$work/key.json")" |
		python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >"$work/env"
	is "SDK encrypts, we read" "$(open '["FROM_SDK","B"]')" '{"B":"","FROM_SDK":"über alles"} 0'
	printf 'FROM_US=grüße "x"\n' | encrypt
	is "we encrypt, the SDK's algorithm reads" "$(sdk decrypt "$work/env" <"$work/secret")" '{"env":[{"key":"FROM_US","value":"grüße \"x\""}]}'
else
	ok "official SDK # SKIP not installed: make sdk"
fi
stop
echo "1..$n"
exit $rc
