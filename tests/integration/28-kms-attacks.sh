#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Attacks on a running KMS that the other tests have no room for: sound quotes of another app, requests that drip, a clock that is set
# back. docs/kms.md has the table of attacks and where each one is tried.
. "$(dirname "$0")/kms_lib.sh"

"$bin/dstack-kms" bootstrap --seal development --dir "$work/certs" --domain kms.test 2>/dev/null || nok "bootstrap"
sed -i "/^release_log/a admin_socket = $work/admin" "$work/kms.conf"
# clock SECONDS: from now on the wall clock of the KMS is off by that much
clock() { python3 -c 'import struct, sys
with open(sys.argv[1], "r+b") as f: f.write(struct.pack("=q", int(sys.argv[2])))' "$work/clock" "$1"; }
head -c 8 /dev/zero >"$work/clock"
export WALL_CLOCK=$work/clock ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
preload() { LD_PRELOAD=$(CDPATH='' cd "$bin/../test/tests/integration" && pwd)/wall_clock.so start; }
denied() { curl -s --unix-socket "$work/admin" http://d/metrics | sed -n "s/^dstack_kms_denials_total{reason=\"$1\"} //p"; }
days=86400

# quote of another app: sound as such, and not this app's or not this session's
start
for m in GetAppKey SignCert; do
	refused "quote of another app under this app's event log: $m" "rtmr-replay" --method $m --spoil other-log
	refused "this app's quote in another app's certificate: $m" "report-data" --method $m --spoil stolen-evidence
	refused "the same, and the attestation says that it is for this key: $m" "report-data" --method $m --spoil other-quote
	refused "another app that says that it runs this one's image and files: $m" "App not registered" --method $m --app-id "$(rep 77 20)"
done

# slow: a byte now and then keeps nobody's place beyond the deadline of a second
drip=$(python3 - "${url##*:}" <<'END'
import socket, ssl, sys, time
c = ssl.create_default_context()
c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
t0 = time.monotonic()
try:
    for b in b"POST /prpc/GetAppKey?json HTTP/1.1\r\n" + b"x" * 200:
        s.sendall(bytes([b]))
        s.settimeout(0.1)
        try:
            if s.recv(4096) == b"":
                break
        except TimeoutError:
            pass
except OSError:
    pass
print(int((time.monotonic() - t0) * 1000))
END
)
[ "$drip" -ge 500 ] && [ "$drip" -lt 2500 ] && ok "a request that drips is cut off after $drip ms" || nok "a request that drips: after $drip ms, expected 1000"
stop

# clock set back while the KMS runs. Nothing is on record yet, so only what it saw itself can tell.
rm -f "$work/release.log"
preload
refused "before anything is on record: another session's evidence" "report-data" --spoil stolen-evidence
clock -3600
refused "clock set back by an hour, GetAppKey" "the KMS's clock says"
refused "clock set back by an hour, SignCert" "the KMS's clock says" --method SignCert
is "the reason is clock" "$(denied clock) $(wc -l <"$work/release.log")" "2 0"
clock 0
peer
is "the clock is back: keys again" "$status" 200
clock -30
peer
is "a correction by half a minute is none" "$status" 200
# what it would be good for: collateral that has expired since
clock 0
collateral "-expired"
refused "collateral that ended yesterday" "crl-expired"
before=$(grep -c '"decision":"release"' "$work/release.log")
clock $((-3 * days))
refused "clock set back to when it was good" "the KMS's clock says"
is "and nothing was released" "$(grep -c '"decision":"release"' "$work/release.log")" "$before"
clock 0
collateral ""
peer
is "keys again with both in order" "$status" 200
stop
is "clean stop" "$?" 0

# a host decides when each process runs. An answer for one app that the keys process gives after the net process has stopped waiting for
# it must not be there when the next app asks.
start
before=$(grep -c '"decision":"release"' "$work/release.log")
keys=$(pgrep -P "$kms")
kill -STOP "$keys"
peer
is "keys process held up: no keys" "$([ "$status" = 200 ] && echo keys)" ""
peer --instance-id "$(rep 23 20)"
is "nor for the next who asks" "$([ "$status" = 200 ] && echo keys)" ""
kill -CONT "$keys"
wait "$kms"
is "the service has ended" "$? $(grep -c keys-process-gone "$work/kms.log")" "1 1"
kms=
is "and nothing was released" "$(grep -c '"decision":"release"' "$work/release.log")" "$before"
"$bin/dstack-kms" check-log "$work/release.log" >/dev/null && ok "one chain of records" || nok "log chain"
echo "1..$n"
exit $rc
