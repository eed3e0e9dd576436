#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the operator sees of the KMS: metrics, health and Admin calls on a socket that is closed to others.
. "$(dirname "$0")/kms_lib.sh"

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
sed -i "/^release_log/a admin_socket = $work/admin" "$work/kms.conf"
start
get() { curl -s --cacert "$work/certs/root-ca.crt" "$@"; }
admin() { curl -s --unix-socket "$work/admin" "$@"; }
value() { admin http://d/metrics | sed -n "s/^dstack_kms_$1 //p"; }

is "the socket is the starter's alone" "$(stat -c '%F %a %u' "$work/admin")" "socket 600 $(id -u)"
is "health" "$(admin http://d/health) $(get "$url/health")" "OK OK"
is "nothing happened yet" "$(value release_log_entries) $(value 'requests_total{method="GetAppKey"}')" "0 "
peer
peer --method SignCert
for _ in 1 2 3; do peer --compose "$(rep 34 32)"; done
peer --spoil no-cert
get "$url/prpc/GetMeta" >/dev/null
get "$url/prpc/NoSuch?json" -d '' >/dev/null
is "calls" "$(value 'requests_total{method="GetAppKey"}') $(value 'requests_total{method="SignCert"}') $(value 'requests_total{method="GetMeta"}')" "5 1 1"
is "releases" "$(value 'releases_total{method="GetAppKey"}') $(value 'releases_total{method="SignCert"}')" "1 1"
is "denials by reason" "$(value 'denials_total{reason="compose-hash"}') $(value 'denials_total{reason="evidence-missing"}')" "3 1"
is "the release log" "$(value release_log_entries) $(value release_log_unlogged_denials)" "$(wc -l <"$work/release.log") 1"
latest=$(value release_log_latest_seconds)
[ $(($(date +%s) - latest)) -le 20 ] && ok "its last line is fresh" || nok "last line at $latest"
is "no word of a caller" "$(admin http://d/metrics | grep -c NoSuch)" 0
is "places" "$(value connections_max) $(value key_epoch)" "8 0"
hup
echo '[nonsense' >"$work/policy.conf"; hup
is "reloads" "$(value 'policy_reloads_total{result="ok"}') $(value 'policy_reloads_total{result="failed"}')" "1 1"
policy ""; hup
# every sample has its type, which comes before it, and lines are NAME{LABEL="VALUE"} NUMBER
admin http://d/metrics >"$work/metrics"
is "the text is well formed" "$(grep -v '^# ' "$work/metrics" | grep -vcE '^dstack_kms_[a-z_]+(\{[a-z]+="[A-Za-z0-9._-]+"\})? [0-9]+$')" 0
is "every metric has a type" "$(grep -v '^#' "$work/metrics" | sed 's/[{ ].*//' | sort -u | while read -r m; do grep -q "^# TYPE $m " "$work/metrics" || echo "$m"; done)" ""

# Admin
clear_cache() { admin -w ' %{http_code}' "http://d/prpc/$1" -d "$2"; }
is "ClearImageCache: there is none, so none is left" "$(clear_cache Admin.ClearImageCache?json '{"image_hash":"all","config_hash":"00ff"}')" "null 200"
is "without an argument" "$(clear_cache ClearImageCache?json '{}')" "null 200"
is "as protobuf: an empty message" "$(clear_cache ClearImageCache '')" " 200"
is "a key that is none" "$(clear_cache ClearImageCache?json '{"image_hash":"../../etc"}' | tr -d '\n')" '{  "error": "image_hash: invalid cache key"} 400'
is "the log says how little that was" "$(grep -c 'op=ClearImageCache note="there is no image cache"' "$work/kms.log")" 3
is "the KMS's own calls are not here" "$(clear_cache KMS.GetMeta?json '' | tail -c 3)" 400
# what the operator has, others have not
is "no Admin for guests" "$(get "$url/prpc/Admin.ClearImageCache?json" -d '{}' | jq -r .error)" "Service not found: Admin.ClearImageCache"
is "no metrics for guests" "$(get -o /dev/null -w '%{http_code}' "$url/metrics")" 404
stop
is "the socket goes with the service" "$(ls "$work/admin" 2>/dev/null)" ""
sed -i '/^release_log/a public_metrics = yes' "$work/kms.conf"
start
is "unless the configuration says so" "$(get "$url/metrics" | grep -c '^dstack_kms_info')" 1
stop

# two users: the socket stays root's
if [ "$(id -u)" = 0 ]; then
	sed -i '/^cert_dir/a user = nobody' "$work/kms.conf"
	chmod 755 "$work"
	rm "$work/release.log"
	start
	is "root's, not the net process's" "$(stat -c '%a %u' "$work/admin") $(value key_epoch)" "600 0 0"
	is "another user is turned away" "$(setpriv --reuid nobody --regid nogroup --clear-groups curl -sS --unix-socket "$work/admin" http://d/metrics 2>&1 |
		grep -c -i -e 'permission denied' -e 'connect to')" 1
	stop
	start
	is "a socket left behind is replaced" "$(value key_epoch)" 0
	stop
else
	ok "the socket stays root's # SKIP not root"
fi
echo "1..$n"
exit $rc
