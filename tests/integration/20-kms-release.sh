#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dstack-kms on loopback: bootstrap, release of keys to the one app of the policy, and a named refusal of everything else.
. "$(dirname "$0")/kms_lib.sh"

# bootstrap
"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null && ok "bootstrap" || nok "bootstrap"
is "key files are private" "$(cd "$work/certs" && stat -c %a root-ca.key root-k256.key tmp-ca.key | sort -u)" 600
sum=$(cat "$work"/certs/*.key | sha256sum)
"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>"$work/err"
is "a second bootstrap is refused" "$? $(grep -c 'never overwritten' "$work/err")" "1 1"
is "and leaves the roots alone" "$(cat "$work"/certs/*.key | sha256sum)" "$sum"
is "and nothing beside them" "$(ls -d "$work"/certs* | wc -l)" 1
"$bin/dstack-kms" bootstrap --seal development --dir "$work/other" --domain 'bad..name' 2>/dev/null
is "a bad domain is refused" "$? $(ls -d "$work"/other* 2>/dev/null | wc -l)" "1 0"
"$bin/dstack-kms" serve --config "$work/kms.conf" --check-config && ok "--check-config" || nok "--check-config"
sed 's|^policy = .*|policy = kms/kms-policy.conf|' kms/kms.conf >"$work/sample.conf"
"$bin/dstack-kms" serve --config "$work/sample.conf" --check-config && ok "the sample files" || nok "the sample files"
sed 's/^policy/polixy/' "$work/kms.conf" >"$work/bad.conf"
"$bin/dstack-kms" serve --config "$work/bad.conf" 2>"$work/err"; st=$?
is "unknown key: $(cat "$work/err")" "$st $(grep -c 'bad.conf:5: unknown key' "$work/err")" "1 1"
chmod 644 "$work/certs/root-k256.key"
"$bin/dstack-kms" serve --config "$work/kms.conf" 2>"$work/err"
is "a readable root key is refused" "$? $(grep -c 'mode 0600' "$work/err")" "1 1"
chmod 600 "$work/certs/root-k256.key"

start
curl="curl -s --cacert $work/certs/root-ca.crt"
filters() { awk '/^Seccomp_filters/ {print $2}' "/proc/$1/status"; }
is "the net process has a filter of its own" "$(filters "$kms")" $(($(filters self) + 1))
is "health" "$($curl "$url/health")" OK
$curl "$url/prpc/KMS.GetMeta?json" -d '' >"$work/meta"
is "GetMeta says development" "$(jq -c '[.is_dev, .allow_any_upgrade, (.ca_cert | startswith("-----BEGIN CERT"))]' "$work/meta")" '[true,false,true]'
is "key order of GetMeta" "$(jq -c keys_unsorted "$work/meta")" '["ca_cert","allow_any_upgrade","k256_pubkey","bootstrap_info","is_dev","gateway_app_id","kms_contract_address","chain_id","app_auth_implementation","key_epoch","seal"]'
$curl "$url/prpc/GetTempCaCert?json" -d '' >"$work/tmpca"
jq -r .temp_ca_cert "$work/tmpca" >"$work/tmpca.pem"; jq -r .temp_ca_key "$work/tmpca" >"$work/tmpca.key"
is "temporary CA: key and certificate belong together" "$(openssl x509 -in "$work/tmpca.pem" -noout -pubkey)" "$(openssl pkey -in "$work/tmpca.key" -pubout)"
is "the log shouts about the seal" "$(grep -c 'DEVELOPMENT SEAL' "$work/kms.log")" 1

# release
peer
is "GetAppKey" "$status" 200
cp "$work/body" "$work/keys"
is "fields in order" "$(jq -c keys_unsorted "$work/keys")" '["ca_cert","disk_crypt_key","env_crypt_key","k256_key","k256_signature","tproxy_app_id","gateway_app_id","os_image_hash","key_epoch"]'
is "lengths" "$(jq -c '[.disk_crypt_key, .env_crypt_key, .k256_key, .k256_signature, .os_image_hash] | map(length)' "$work/keys")" '[64,64,64,130,64]'
root=$(jq -r .k256_pubkey "$work/meta")
chain() { "$bin/dstack-verify" key --json --kms-root-key "$root" --app-id "$1" "$2" | jq -r '.verdict + .reason'; }
is "the app key leads to the KMS root" "$(chain "$app" "$work/keys")" accepted
is "as this app's alone" "$(chain "$inst" "$work/keys")" refusedkey-root
peer
is "the same identity gets the same keys" "$(cat "$work/body")" "$(cat "$work/keys")"
peer --instance-id "$(rep 23 20)"
is "another instance: another disk key, the same app key" \
	"$(jq -r .disk_crypt_key "$work/body" | grep -vc "$(jq -r .disk_crypt_key "$work/keys")") $(jq -r .k256_key "$work/body")" \
	"1 $(jq -r .k256_key "$work/keys")"
peer --instance-id ""
is "no instance id" "$status" 200
is "no key in a log" "$(cat "$work/kms.log" "$work/release.log" | grep -c -e "$(jq -r .disk_crypt_key "$work/keys")" -e "$(jq -r .k256_key "$work/keys")")" 0

# who has proven nothing writes no line: a disk full of refusals would end the releases
lines=$(wc -l <"$work/release.log")
for _ in 1 2 3; do peer --spoil stolen-evidence; done
is "refusals without evidence are not on record" "$(wc -l <"$work/release.log")" "$lines"
peer
is "but the next record counts them" "$(tail -1 "$work/release.log" | jq -c '[.decision, .unlogged_denials_before]')" '["release",3]'
peer
is "once" "$(tail -1 "$work/release.log" | jq -c '[.decision, .unlogged_denials_before]')" '["release",null]'

# refusals: the session
refused "no client certificate" "No attestation provided" --spoil no-cert
refused "certificate without evidence" "No attestation provided" --spoil no-evidence
refused "another session's evidence" "report-data" --spoil stolen-evidence
# the evidence
refused "quote short of a byte" "invalid quote: parse-" --spoil truncated-quote
refused "half a quote" "invalid quote: parse-" --spoil half-quote
refused "edited quote" "quote-signature" --spoil flipped-quote
refused "edited event log" "rtmr-replay" --spoil edited-log
refused "event that was not measured" "rtmr-replay" --spoil extra-event
refused "no app id" "event-missing" --spoil no-app-id
refused "short app id" "invalid quote: " --spoil short-app-id
refused "launch not finished" "no boot-mr-done" --spoil no-boot-mr-done
refused "app is already running" "system-ready" --ready
refused "wrong PKI" "invalid quote: " --bundle "$work/pki2/emul-qe.key"
# the policy
refused "app that is not in the policy" "App not registered (app-unknown 99" --app-id "$(rep 99 20)"
refused "changed compose file" "Compose hash not allowed (compose-hash 34" --compose "$(rep 34 32)"
refused "other image" "OS image is not allowed (os-image 45" --mrtd "$(rep 45 48)"
refused "image hash of another image" "OS image is not allowed" --vm-config "{\"os_image_hash\":\"$(rep 56 32)\"}"
refused "request and evidence name two images" "not the attestation's" --spoil two-words
# the collateral, read again when it changes
for v in expired:crl-expired unknown-status:tcbinfo-format out-of-date:tcb-status pck-revoked:pck-revoked; do
	collateral "-${v%:*}"
	refused "collateral ${v%:*}" "${v#*:}"
done
echo '{' >"$work/collateral.new" && mv "$work/collateral.new" "$work/collateral.json"
refused "collateral that is no JSON" "invalid quote: "
collateral ""
peer
is "good collateral again" "$status" 200
rm "$work/collateral.json"
peer; peer
is "collateral that is gone: the last one serves until it expires, one warning" "$status $(grep -c 'event=reload-failed.*No such file' "$work/kms.log")" "200 1"
collateral ""

# policy reload
policy "tcb_status = OutOfDate"; hup
refused "TCB status not in the list" "tcb-status"
policy "min_tcb_evaluation = 2"; hup
refused "TCB evaluation that is too old" "tcb-evaluation"
policy "min_tcb_evaluation = 1"; hup
peer; is "and one that is not" "$status" 200
policy "tcb_status = UpToDate"; tcb "tcb_status = OutOfDate"; hup
refused "TCB status that only one of the two files has" "tcb-status"
policy ""; tcb "min_tdx_module = 1:255"; hup
refused "TDX module that is too old for the TCB policy" "tcb-svn"
collateral "-out-of-date"
tcb "tcb_status = UpToDate, OutOfDate"; hup
refused "advisory that the TCB policy does not tolerate" "advisory"
tcb "tcb_status = UpToDate, OutOfDate
tolerate_advisory = DSTACK-EMUL-00001"; hup
peer; is "and one that it does" "$status" 200
collateral ""; tcb "no such key"; hup
refused "a broken TCB policy changes nothing" "App not registered" --app-id "$(rep 99 20)"
tcb "insecure_allow_debug = yes
snp_min_tcb_milan = snp:24"
printf '[image s]\nsnp_measurement = %s\nos_image_hash = %s\n' "$mrtd" "$image" >>"$work/policy.conf"; hup
is "a policy that takes debug machines is warned of" "$(grep -c insecure_allow_debug=yes "$work/kms.log")" 1
is "and one that takes SEV-SNP firmware of any age" "$(grep -c 'products=Genoa,Turin note="no snp_min_tcb' "$work/kms.log")" 1
tcb ""
policy "allow_emulated = no"; hup
refused "emulated evidence" "(emulated)"
echo "[nonsense" >"$work/policy.conf"; hup
refused "a broken policy changes nothing" "emulated"
policy "gateway_app_id = $(rep 77 20)"; hup
peer
is "gateway app id from the policy" "$status $(jq -r '.gateway_app_id + .tproxy_app_id' "$work/body")" "200 $(rep 77 40)"
# the same by command
new=$(rep 99 20)
ctl() { "$bin/dstackctl" kms "$@" --policy "$work/policy.conf" >"$work/ctl" 2>&1; }
chmod 640 "$work/policy.conf"
ctl allow compose-hash "$compose" --app "$new" && ctl allow device any --app "$new" && hup
peer --app-id "$new"
is "dstackctl kms allow: keys for another app" "$status $(stat -c %a "$work/policy.conf")" "200 640"
ctl allow compose-hash "$compose" --app "$new"
is "once more changes nothing" "$? $(grep -c already "$work/ctl") $(grep -c "^compose_hash" "$work/policy.conf")" "0 1 2"
ctl deny device any --app "$new" && hup
refused "dstackctl kms deny" "Device not allowed" --app-id "$new"
ctl deny device any --app "$new"
is "what is not there cannot be taken away" "$? $(grep -c "has no device any" "$work/ctl")" "1 1"
sum=$(sha256sum <"$work/policy.conf")
ctl allow compose-hash 12 --app "$new"; st=$?
ctl allow kms-mr "$compose" --app "$new"; st=$st$?
ctl allow colour "$compose"; st=$st$?
ctl allow device any; st=$st$?
ctl allow device any --app 12; st=$st$?
is "wrong words change nothing" "$st $(sha256sum <"$work/policy.conf")" "22222 $sum"
sed -i "s/^device = any/device = $(rep ab 32)/" "$work/policy.conf"; hup
refused "device that is not listed" "Device not allowed"
sed -i '/^device/d' "$work/policy.conf"; hup
refused "no device line allows no device" "Device not allowed"
policy ""; hup

# transport
head -c 2000000 /dev/zero | tr '\0' ' ' >"$work/big"
is "oversized body" "$($curl "$url/prpc/GetAppKey?json" --data-binary "@$work/big" | jq -r .error)" "failed to read data: payload too large"
is "unknown method" "$($curl "$url/prpc/GetNothing?json" -d "{}" | jq -r .error)" "Service not found: GetNothing"
is "duplicate key" "$($curl "$url/prpc/GetAppKey?json" -d '{"api_version":1,"api_version":1}' -w '%{http_code}' -o /dev/null)" 400
is "API version" "$($curl "$url/prpc/GetAppKey?json" -d '{"api_version":7}' | jq -r .error)" "Unsupported API version: 7"
port=${url##*:}
# twenty silent connections hold nobody up: the deadline of a second would show
for i in $(seq 20); do (exec 3<>/dev/tcp/127.0.0.1/"$port"; cat <&3 >/dev/null) & done 2>/dev/null
t0=$(date +%s%N)
is "slow clients are dropped, others served" "$($curl -m 8 "$url/health")" OK
ms=$((($(date +%s%N) - t0) / 1000000))
[ $ms -lt 800 ] && ok "after ${ms} ms" || nok "only after ${ms} ms"

# record
is "release log: every release" "$(jq -c 'select(.decision == "release") | .op' "$work/release.log" | wc -l)" "$released"
is "release log: the epoch of every key" "$(jq -c 'select(.decision == "release") | .key_epoch' "$work/release.log" | sort -u)" 0
is "release log: reasons" "$(jq -r 'select(.reason == "compose-hash") | .app_id' "$work/release.log")" "$app"
stop
is "clean stop" "$?" 0
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "log chains up" || nok "log chain"
sed 's/"app-unknown"/"app-known"/' "$work/release.log" >"$work/forged.log"
"$bin/dstack-kms" check-log "$work/forged.log" 2>"$work/err"; st=$?
is "an edited log is found: $(cat "$work/err")" "$st" 1
sed -i 3d "$work/release.log"
"$bin/dstack-kms" serve --config "$work/kms.conf" 2>"$work/err"
is "and the KMS does not append to it" "$? $(grep -c 'line 3' "$work/err")" "1 1"
rm "$work/release.log"

# a line that was cut by a crash was not acknowledged: it goes, and everybody hears of it
start
peer
stop
printf '{"op":"GetAppKey","decision":"rel' >>"$work/release.log"
start
is "a torn last line is on record" "$(tail -1 "$work/release.log" | jq -c '[.seq, .op, .decision, .removed_bytes]') $(grep -c 'event=release-log-repaired line=2' "$work/kms.log")" '[2,"Start","repair",33] 1'
peer
is "and releases go on" "$status" 200
stop
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "in one chain" || nok "log chain"

# a clock that is behind what is on record would bring back what has expired
python3 - "$work/release.log" <<'END'
import datetime, hashlib, json, sys
with open(sys.argv[1], "rb+") as f:
    last = f.read().splitlines()
    then = datetime.datetime.utcnow() + datetime.timedelta(minutes=10)
    line = {"op": "GetAppKey", "decision": "release", "seq": len(last) + 1, "time": then.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "prev": hashlib.sha256(last[-1]).hexdigest()}
    f.write(json.dumps(line).encode() + b"\n")
END
start
refused "a clock behind the release log" "the KMS's clock says"
refused "for certificates too" "the KMS's clock says" --method SignCert
stop
rm "$work/release.log"

# two users: the process that talks to the network cannot read the roots
if [ "$(id -u)" = 0 ]; then
	sed '/^cert_dir/a user = nobody' "$work/kms.conf" >"$work/user.conf"
	chmod 755 "$work"
	mv "$work/kms.conf" "$work/root.conf"; mv "$work/user.conf" "$work/kms.conf"
	start
	peer
	is "the net process is another user" "$status $(awk '/^Uid/ {print $2, $3, $4}' "/proc/$kms/status")" "200 $(id -u nobody) $(id -u nobody) $(id -u nobody)"
	is "who cannot read a root" "$(setpriv --reuid nobody --regid nogroup --clear-groups cat "$work/certs/root-ca.key" 2>&1 | grep -c 'Permission denied')" 1
	is "and gains nothing by exec" "$(grep -c '^NoNewPrivs:.1' "/proc/$kms/status")" 1
	stop
	mv "$work/root.conf" "$work/kms.conf"
	rm "$work/release.log"
else
	ok "the net process is another user # SKIP not root"
fi

# no record, no release
mkdir "$work/small"
if mount -t tmpfs -o size=4k none "$work/small" 2>/dev/null; then
	cp "$work/kms.conf" "$work/kms.conf.kept"
	sed -i "s|^release_log.*|release_log = $work/small/log|" "$work/kms.conf"
	start
	for _ in $(seq 20); do peer; [ "$status" = 200 ] || break; done
	is "a full disk ends the releases: $(jq -r .error "$work/body")" "$status $(grep -c disk_crypt_key "$work/body")" "400 0"
	: >"$work/small/log"
	peer
	is "and room on it does not bring them back: the line may be there by half" "$status $(grep -c disk_crypt_key "$work/body")" "400 0"
	stop
	umount "$work/small"
	mv "$work/kms.conf.kept" "$work/kms.conf"
else
	ok "a full disk ends the releases # SKIP cannot mount a tmpfs"
fi

# the keys process is the heart: without it nothing goes on
start
kill -9 "$(pgrep -P "$kms")"
wait "$kms"; st=$?; kms=
is "the net process does not outlive the keys process" "$st" 1
echo "1..$n"
exit $rc
