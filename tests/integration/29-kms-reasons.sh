#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every reason for which the KMS itself refuses (docs/kms.md, "Reasons") is given by a running KMS at least once, and counted under its
# name. The list is that of the source, so a new reason without a row there and a line here is a failure.
. "$(dirname "$0")/kms_lib.sh"

python3 - kms/*.c >"$work/source" <<'END'
import re, sys
codes = set()
for path in sys.argv[1:]:
    if path.endswith("_test.c"):
        continue
    with open(path) as f:
        text = f.read()
    calls = re.findall(r'kms_refuse\(\s*&?[\w>.-]+,\s*("[a-z-]+"|[\w()]+)', text)
    # what is no word is the verifier's (code) or the policy table's; another way to name one must be taught here
    strange = {c for c in calls if c[0] != '"'} - {"code", "kms_deny_code(d)"}
    if strange:
        sys.exit(f"{path}: reason {strange}")
    codes |= {c.strip('"') for c in calls if c[0] == '"'}
    codes |= set(re.findall(r'\[KMS_DENY_\w+\] = \{ "([a-z-]+)"', text))
print("\n".join(sorted(codes)))
END
is "the source was read" "$? $(grep -c . "$work/source") $(grep -xc -e clock -e mr-aggregated -e csr-names "$work/source")" "0 $(wc -l <"$work/source") 3"
sed -n '/^## Reasons/,/^## /s/^| `\([a-z-]*\)` |.*/\1/p' docs/kms.md | sort >"$work/docs"
is "docs/kms.md has them all, and no others" "$(diff "$work/source" "$work/docs")" ""

api= agent=
trap 'kill $kms $api $agent 2>/dev/null; kill "$notify_PID" 2>/dev/null; rm -rf "$work"' EXIT
: >"$work/seen"
collect() { curl -s --unix-socket "$work/admin" http://d/metrics | sed -n 's/^dstack_kms_denials_total{reason="\(.*\)"} [1-9].*/\1/p' >>"$work/seen"; }
"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
sed -i "/^release_log/a admin_socket = $work/admin" "$work/kms.conf"
cp "$work/kms.conf" "$work/plain.conf"
cp "$work/policy.conf" "$work/plain.policy"

# the policy file decides
head -c 8 /dev/zero >"$work/clock"
export WALL_CLOCK=$work/clock ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
LD_PRELOAD=$(CDPATH='' cd "$bin/../test/tests/integration" && pwd)/wall_clock.so start
raw() { curl -s --cacert "$work/certs/root-ca.crt" "$url/prpc/$@" | jq -r .error; }
told_why() { case $2 in *"$3"*) ok "$1: $(echo "$2" | cut -c1-90)" ;; *) nok "$1: expected '$3', got '$2'" ;; esac; }
# cert NAME EXTENSION: a client certificate with these bytes as attestation
cert() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=c -addext "1.3.6.1.4.1.62397.1.8=DER:$2" \
		-keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}
told_why api-version "$(raw GetAppKey?json -d '{"api_version":7}')" "Unsupported API version: 7"
told_why bad-request "$(raw GetAppKey?json -d '{"api_version":"x"}')" 'field `api_version`'
told_why app-id "$(raw GetAppEnvEncryptPubKey?json -d '{"app_id":"11"}')" "app_id must be 20 bytes"
told_why key-epoch "$(raw GetAppKey?json -d '{"key_epoch":3}')" "key epoch 3 does not exist"
told_why csr-format "$(raw SignCert?json -d '{"api_version":2,"csr":"00"}')" "certificate request: confirmation"
cert odd 05:00
told_why cert-format "$(raw GetAppKey?json -d '{}' --cert "$work/odd.pem" --key "$work/odd.key")" "invalid quote: client certificate: "
refused evidence-missing "No attestation provided" --spoil no-evidence
cert text 04:02:41:42
told_why evidence-format "$(raw GetAppKey?json -d '{}' --cert "$work/text.pem" --key "$work/text.key")" "invalid quote: attestation: "
refused vm-config "os_image_hash of the request is not the attestation's" --spoil two-words
refused boot-stage "no boot-mr-done" --spoil no-boot-mr-done
refused app-unknown "App not registered" --app-id "$(rep 99 20)"
refused compose-hash "Compose hash not allowed" --compose "$(rep 34 32)"
refused os-image "OS image is not allowed" --mrtd "$(rep 45 48)"
refused replication "gives its roots to nobody" --method GetKmsKey
refused csr-signature "signature is not of the key inside" --method SignCert --spoil wrong-signature
refused csr-names "neither host name nor address" --method SignCert --san 'a b'
refused csr-subject "must be an alternative name as well" --method SignCert --subject app.example
refused csr-lifetime "not_before must be earlier" --method SignCert --not-after 1000000000
refused session "mutual TLS" --method SignCert --client none
refused "quote-signature (the verifier's)" "quote-signature" --spoil flipped-quote
refused "rtmr-replay (the verifier's)" "rtmr-replay" --spoil other-log
collateral "-out-of-date"
refused tcb-status "tcb-status"
collateral ""
python3 -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("=q", -3600))' "$work/clock"
refused clock "the KMS's clock says"
head -c 8 /dev/zero | dd of="$work/clock" conv=notrunc status=none
sed -i 's/^device = .*/device = '"$(rep ab 32)"/ "$work/policy.conf"; hup
refused device "Device not allowed"
sed -i 's/^allow_emulated = .*/allow_emulated = no/' "$work/policy.conf"; hup
refused emulated "Emulated evidence is not allowed"
refused custom-root "Evidence under a root that is not" --spoil no-mark
collect
stop

# an API decides, about this node too
exec 8< <(exec python3 tests/integration/fake_auth.py "$work" 0 2>>"$work/api.log")
api=$!
read -r -t 20 -u 8 port; read -r -t 20 -u 8 _
answer() { echo "$*" >"$work/answer.new" && mv "$work/answer.new" "$work/answer"; }
answer allow
mkfifo "$work/ready"
"$bin/../test/tests/integration/kms_peer" --agent "$work/agent" --bundle "$work/pki/emul-qe.key" --app-id "$app" --instance-id "" --compose "$compose" \
	--mrtd "$mrtd" --vm-config "{\"os_image_hash\":\"$image\"}" --ready >"$work/ready" &
agent=$!
read -r _ <"$work/ready"
sed '/^\[app/,$d' "$work/plain.policy" >"$work/policy.conf"
{ cat "$work/plain.conf"; printf '%s\n' "[kms]" "policy_backend = webhook" "agent = $work/agent" "[auth]" "url = http://127.0.0.1:$port"; } >"$work/kms.conf"
start
until_asked() { until [ "$(grep -c bootAuth/kms "$work/asked" 2>/dev/null)" -ge "$1" ]; do read -r -t 0.02 <> <(:) || :; done; }
until_asked 1
until peer; [ "$status" = 200 ]; do :; done
ok "an API that allows both"
answer deny not today
refused policy-denied "App not allowed: Boot denied: not today"
answer close
refused policy-unavailable "App not allowed: authorization backend unavailable"
answer deny not today
asked=$(grep -c bootAuth/kms "$work/asked")
hup; until_asked $((asked + 1))
until case $(raw GetTempCaCert?json -d '{}') in *self*) ;; *) false ;; esac; do :; done
told_why self "$(raw GetAppKey?json -d '{}')" "KMS self authorization failed: Boot denied: not today"
collect
stop

# the policy file decides about nodes; net is another user, for whom the list of recipients is closed
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$work"
	: >"$work/recipients"
	cp "$work/plain.policy" "$work/policy.conf"
	{ sed '/^cert_dir/a user = nobody' "$work/plain.conf"; printf '%s\n' "[kms]" "agent = $work/agent" "replication = sealed" "replicate_to = $work/recipients"; } >"$work/kms.conf"
	node="--method GetKmsKey --instance-id= --ready --seal-to $(rep 09 32)"
	rm -f "$work/release.log"
	start
	raw GetTempCaCert?json -d '{}' >"$work/err"
	mr=$(sed -n 's/.*(mr-aggregated \([0-9a-f]*\)).*/\1/p' "$work/err")
	printf '[kms]\nmr_aggregated = %s\ndevice = any\n' "$mr" >>"$work/policy.conf"; hup
	refused recipient "not in replicate_to of this KMS" $node
	refused mr-aggregated "Boot denied: Aggregated MR not allowed" $node --compose "$(rep 34 32)"
	collect
	stop
else
	ok "recipient, mr-aggregated # SKIP not root"
	printf 'recipient\nmr-aggregated\n' >>"$work/seen"
fi
is "every reason of the KMS was seen" "$(sort -u "$work/seen" | comm -13 - "$work/source" | tr '\n' ' ')" ""
is "and these are the verifier's" "$(sort -u "$work/seen" | comm -23 - "$work/source" | tr '\n' ' ')" "quote-signature rtmr-replay "
echo "1..$n"
exit $rc
