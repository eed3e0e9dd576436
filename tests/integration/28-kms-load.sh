#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 500 guests boot at the same moment, each with an app, a quote and a certificate of its own, and each gets its own keys: with
# room for all of them, and with the default limits, from one address, where most have to ask again.
. "$(dirname "$0")/kms_lib.sh"
guests=500
# patience is counted in seconds, and a sanitizer makes everybody several times slower
! grep -q __asan_init "$bin/dstack-kms" || guests=100
load=$bin/../test/tests/integration/kms_load

sed -i '/^\[app/,$d' "$work/policy.conf"
"$bin/kms-bench" policy $guests >>"$work/policy.conf"
"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null && ok "bootstrap" || nok "bootstrap"
limits() { # PLACES SECONDS
	 sed -i "s/^request_seconds.*/request_seconds = $2/; s/^max_connections.*/max_connections = $1/" "$work/kms.conf"
}
word() { sed -n "s/.*\<$1=\([0-9]*\).*/\1/p" "$work/tally"; }
instances() { jq -r 'select(.op == "GetAppKey" and .decision == "release") | .app_id + .instance_id' "$work/release.log" | sort -u | wc -l; }

boot() { # WHAT
	"$load" --url "$url" --keys "$work/certs" --bundle "$work/pki/emul-qe.key" --guests $guests >"$work/tally" 2>"$work/load.err"
	st=$?
	is "$1: $guests guests have the keys that are theirs ($(cat "$work/tally"))" "$st $(word right) $(word wrong) $(word failed)" "0 $guests 0 0"
	[ $st = 0 ] || sed 's/^/# /' "$work/load.err"
	is "$1: each of them is on record" "$(instances)" $guests
	is "$1: nobody was denied" "$(jq -c 'select(.decision == "deny")' "$work/release.log" | wc -l)" 0
}

limits 2048 30 # a quarter of it is for one address
start
boot "room for all"
stop
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "the log chains up" || nok "the log chains up"
rm "$work/release.log"

limits 128 10
start
boot "32 places"
again=$(word again)
[ "${again:-0}" -gt 0 ] && ok "$again had to ask again, at most $(word most-waits) times" || nok "nobody had to ask again: the limit did not bite"
stop
is "clean stop" $? 0
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "the log chains up" || nok "the log chains up"
echo "1..$n"
exit $rc
