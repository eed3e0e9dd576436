#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SignCert over mutual TLS: what a certificate may say comes from the evidence, not from the request.
. "$(dirname "$0")/kms_lib.sh"

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
policy "reserved_names = gateway.apps.example
node_names = kms2.test, 192.0.2.7"
start
sign() { peer --method SignCert "$@"; jq -r '.certificate_chain[]?' "$work/body" >"$work/chain.pem" 2>/dev/null; }
text() { openssl x509 -in "$work/chain.pem" -noout "$@" 2>&1; }
ext() { # OID: the payload inside both OCTET STRINGs, in hex
	openssl x509 -in "$work/chain.pem" -outform DER -out "$work/leaf.der"
	off=$(openssl asn1parse -inform DER -in "$work/leaf.der" | grep -A1 ":1.3.6.1.4.1.62397.1.$1$" | tail -1 | cut -d: -f1)
	openssl asn1parse -inform DER -in "$work/leaf.der" -strparse "${off// /}" -noout -out "$work/ext.der"
	openssl asn1parse -inform DER -in "$work/ext.der" | sed 's/.*DUMP\]://; s/.*OCTET STRING *://; t; d' | head -1
}
csplit_chain() { rm -f "$work"/c-*; csplit -sz -f "$work/c-" "$work/chain.pem" '/-----BEGIN/' '{*}'; }

sign --san app.example --san 10.0.0.9 --san "$app-8443s.apps.example"
is "SignCert" "$status" 200
csplit_chain
is "leaf, app CA, root" "$(ls "$work"/c-* | wc -l) $(openssl x509 -in "$work/c-01" -noout -subject -issuer | tr '\n' ' ')" \
	"3 subject=O = Dstack, CN = Dstack App CA issuer=O = Dstack, CN = Dstack KMS CA "
is "the root is the KMS's" "$(openssl x509 -in "$work/c-02" -noout -fingerprint)" "$(openssl x509 -in "$work/certs/root-ca.crt" -noout -fingerprint)"
openssl verify -CAfile "$work/certs/root-ca.crt" -untrusted "$work/c-01" "$work/c-00" >/dev/null 2>&1 && ok "openssl verifies the chain" || nok "openssl verify"
is "usage app:custom" "$(text -text | grep -c 'app:custom')" 1
is "not a CA" "$(text -text | grep -c 'CA:TRUE')" 0
is "names" "$(text -ext subjectAltName | tail -1 | tr -d ' ')" "DNS:app.example,IPAddress:10.0.0.9,DNS:$app-8443s.apps.example"
is "extended key usage" "$(text -ext extendedKeyUsage | tail -1 | tr -d ' ')" "TLSWebServerAuthentication,TLSWebClientAuthentication"
is "app id from the evidence" "$(ext 3 | tr A-F a-f)" "$app"
is "app info holds the policy's image hash, not the request's word" "$(text -text | tr -d ' :\n' | grep -c "$(printf '\125%.0s' 1 2 3 4 5 6 7 8)")" 1
is "the policy bounds the lifetime" "$(( ($(date -d "$(text -enddate | cut -d= -f2)" +%s) - $(date +%s) + 43200) / 86400 ))" 90
first=$(openssl x509 -in "$work/c-01" -noout -pubkey)
sign; csplit_chain
is "the app CA's key is the app's for good" "$(openssl x509 -in "$work/c-01" -noout -pubkey)" "$first"
sign --app-id "$(rep 12 20)"; is "another app is not in the policy" "$status" 400
sign --not-after $(($(date +%s) + 86400))
is "a shorter life is granted" "$(( ($(date -d "$(text -enddate | cut -d= -f2)" +%s) - $(date +%s) + 43200) / 86400 ))" 1
days() { echo $(( ($(date -d "$(text -enddate | cut -d= -f2)" +%s) - $(date -d "$(text -startdate | cut -d= -f2)" +%s) + 43200) / 86400 )); }
sign --not-after $(($(date +%s) + 3650 * 86400))
is "a longer one is not" "$(days)" 90
sign --not-before 1 --not-after $(($(date +%s) + 86400))
is "nor one that began long ago" "$(days)" 1
sign --ready; is "also while the app runs" "$status" 200
# a session of the same instance, proven by evidence
sign --client evidence; is "client certificate with evidence of the instance" "$status" 200

S="--method SignCert"
# the app as a server that says it is the KMS: chain and name are in order, the usage is not
sign --san 127.0.0.9 --key-out "$work/app.key"
csplit_chain
mkfifo "$work/accept"
openssl s_server -www -accept 127.0.0.9:0 -cert "$work/c-00" -cert_chain "$work/c-01" -key "$work/app.key" >"$work/accept" 2>/dev/null </dev/null &
impostor=$!
exec 9<"$work/accept"
while read -r -t 20 word at <&9 && [ "$word" != ACCEPT ]; do :; done
peer --url "https://$at" --method SignCert --client none
is "certificate of an app presented as KMS" "$(echo "$status" | grep -c 'usage kms:rpc expected, found "app:custom"')" 1
kill "$impostor"; wait "$impostor" 2>/dev/null
exec 9<&-

refused "no client certificate" "mutual TLS" $S --client none
refused "a stranger's session" "No attestation provided" $S --client stranger
refused "another instance's session" "another instance" $S --client other-evidence
refused "signature of another key" "signature is not of the key inside" $S --spoil wrong-signature
refused "evidence for another key" "report-data" $S --spoil stolen-evidence
refused "truncated quote" "invalid quote: parse-" $S --spoil truncated-quote
refused "edited log" "rtmr-replay" $S --spoil edited-log
refused "launch not finished" "no boot-mr-done" $S --spoil no-boot-mr-done
refused "wrong PKI" "root-untrusted" $S --bundle "$work/pki2/emul-qe.key"
refused "compose hash" "Compose hash not allowed" $S --compose "$(rep 34 32)"
refused "image" "OS image is not allowed" $S --mrtd "$(rep 45 48)"
refused "the KMS's own name" "is the KMS's own" $S --san KMS.test
refused "the KMS's other name" "is the KMS's own" $S --san 127.0.0.1
refused "a wildcard over the KMS" "is the KMS's own" $S --san '*.test'
refused "another spelling of the KMS's address" "is the KMS's own" $S --san ::ffff:7f00:1
refused "the KMS's name as subject" "is the KMS's own" $S --subject kms.test
refused "the name of another node" "is the KMS's own" $S --san kms2.test
refused "the address of another node" "is the KMS's own" $S --san 192.0.2.7
refused "a wildcard of an app" "only the gateway may have a wildcard" $S --san '*.apps.example'
refused "another app's host name" "is another app's" $S --san "$(rep 12 20)-443s.apps.example"
refused "another app's host name in capitals" "is another app's" $S --san "$(rep AB 20).apps.example"
refused "another app's name as subject" "is another app's" $S --subject "$(rep 12 20)-443s.apps.example"
refused "a wildcard as subject" "only the gateway may have a wildcard" $S --subject '*.apps.example'
refused "a host name as subject alone" "must be an alternative name as well" $S --subject app.example
sign --subject app.example --san app.example; is "a host name as subject and name" "$status" 200
refused "the gateway's name" "reserved for the gateway" $S --san gateway.apps.example
refused "the gateway's name as subject" "reserved for the gateway" $S --subject gateway.apps.example --san app.example
sign --san "$inst.apps.example" --san "$(rep 12 20)0.example"; is "the instance's own name, and one that only looks like an id" "$status" 200
refused "a name that is none" "neither host name nor address" $S --san 'a b'
refused "a name with a blank label" "neither host name nor address" $S --san a..b
refused "too many names" "at most 16" $S $(for i in $(seq 17); do echo "--san n$i.example"; done)
refused "a subject with control characters" "printable ASCII" $S --subject "$(printf 'a\nb')"
refused "a life that is over" "not_before must be earlier" $S --not-after 1000000000
is "release log: what was signed" "$(jq -r 'select(.op == "SignCert" and .decision == "release") | .spki_sha256' "$work/release.log" | grep -c '^[0-9a-f]\{64\}$')" 10

# version 1: guests before 0.5.6 (spec/kms 2.6). The same checks: none of them depends on what the request looks like.
V="$S --csr-v1"
peer $V --san app.example --vm-config ""
jq -r '.certificate_chain[]?' "$work/body" >"$work/chain.pem"
is "version 1" "$status $(text -ext subjectAltName | tail -1 | tr -d ' ')" "200 DNS:app.example"
csplit_chain
openssl verify -CAfile "$work/certs/root-ca.crt" -untrusted "$work/c-01" "$work/c-00" >/dev/null 2>&1 && ok "openssl verifies the chain" || nok "openssl verify"
is "app id from the evidence, usage app:custom, no app info, the policy's lifetime" \
	"$(ext 3 | tr A-F a-f) $(text -text | grep -c 'app:custom') $(text -text | grep -c '62397.1.9') $(days)" "$app 1 0 90"
is "its evidence is in it" "$(text -text | grep -c '62397.1.8')" 1
refused "version 1: no client certificate" "mutual TLS" $V --client none
refused "version 1: a stranger's session" "No attestation provided" $V --client stranger
refused "version 1: signature of another key" "signature is not of the key inside" $V --spoil wrong-signature
refused "version 1: evidence for another key" "report-data" $V --spoil stolen-evidence
refused "version 1: quote for another session" "report-data" $V --spoil other-quote
refused "version 1: quote of another app" "rtmr-replay" $V --spoil other-log
refused "version 1: truncated quote" "invalid quote: parse-" $V --spoil truncated-quote
refused "version 1: edited log" "rtmr-replay" $V --spoil edited-log
refused "version 1: launch not finished" "no boot-mr-done" $V --spoil no-boot-mr-done
refused "version 1: compose hash" "Compose hash not allowed" $V --compose "$(rep 34 32)"
refused "version 1: image" "OS image is not allowed" $V --mrtd "$(rep 45 48)"
refused "version 1: the KMS's own name" "is the KMS's own" $V --san KMS.test
refused "version 1: another app's host name as subject" "is another app's" $V --subject "$(rep 12 20)-443s.apps.example"
is "version 3" "$(curl -s --cacert "$work/certs/root-ca.crt" "$url/prpc/SignCert?json" -d '{"api_version":3}' | jq -r .error)" "Unsupported API version: 3"

sed -i "s/^\[policy\]/&\ngateway_app_id = $app/" "$work/policy.conf"
stop; start
sign --san '*.apps.example'; is "the gateway's wildcard" "$status" 200
sign --subject gateway.apps.example --san gateway.apps.example; is "the gateway's reserved name" "$status" 200
sed -i '/^release_log/a sign_cert_client_cert = optional' "$work/kms.conf"
stop; start
sign --client none; is "stock guests without a client certificate, when the configuration says so" "$status" 200
stop
is "clean stop" "$?" 0
echo "1..$n"
exit $rc
