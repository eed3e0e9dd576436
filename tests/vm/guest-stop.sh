#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How a running guest ends: asked by the host, asked by the guest, or because the key holder is gone; and what it says
# when a service dies.
. "$(dirname "$0")/guestlib"
sysconfig >"$work/sys.json"
pki
guest() { # NAME SCRIPT-FILE: its input
	compose "$2" >"$work/$1.json"
	blob 1="$work/$1.json" 2="$work/sys.json" >"$work/$1.bin"
}
cat >"$work/wait.sh" <<'APP'
trap 'echo app stopped in order; exit 0' TERM
echo app runs
while :; do sleep 1 & wait $!; done
APP
guest host "$work/wait.sh"
EVENTS="unix:$work/sock,server=on,wait=off"
: >"$work/host.console"
boot host 60 $(emulated) $(input "$work/host.bin") &
vm=$!
tries=0
until grep -q 'app runs' "$work/host.console" || [ $tries -gt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
# half a word first: it must not count
printf 'shut\nshutdown\n' | timeout 20 socat STDIO,ignoreeof "UNIX-CONNECT:$work/sock" >"$work/said" 2>/dev/null
wait $vm
result $? "a guest that the host asks to stop powers off"
grep -q 'app stopped in order' "$work/host.console"
result $? "its app was told first"
grep -q '"event":"shutdown.progress","payload":"powering off"' "$work/said"
result $? "and the host is told"
EVENTS=

cat >"$work/app.sh" <<'APP'
trap 'echo app stopped in order; exit 0' TERM
kill -9 $(ps | awk '/dstack-agent serve/ && !/awk/ { print $1 }')
until dstack-agent call Version >/dev/null 2>&1; do sleep 0.1; done
kill -TERM 1
while :; do sleep 1 & wait $!; done
APP
guest self "$work/app.sh"
boot self 60 $(emulated) $(input "$work/self.bin")
result $? "SIGTERM to pid 1 powers off"
grep -q 'app stopped in order' "$work/self.console"
result $? "in order, too"
grep -q '"agent: exited, signal=9: started again in 100 ms"' "$work/self.events"
result $? "a dead service is reported"

cat >"$work/holder.sh" <<'APP'
echo app runs
kill -9 $(ps | awk '$2 == 65533 { print $1 }')
sleep 30
APP
guest holder "$work/holder.sh"
boot holder 60 $(emulated) $(input "$work/holder.bin")
result $? "without its key holder a guest powers off"
echo "# $(reason holder)"
reason holder | grep -q '^run: key holder: died (signal=9)'
result $? "and says why"

cat >"$work/fail.sh" <<'APP'
(sleep 2; kill -TERM 1) &
exit 7
APP
guest fail "$work/fail.sh"
boot fail 60 $(emulated) $(input "$work/fail.bin")
result $? "a guest whose app failed stays up until it is stopped"
eq_said=$(reason fail)
[ "$eq_said" = "app: exited, status=7" ]
result $? "and the app's exit status is reported"

# The console is the host's: an app's words go there only when its compose file says public_logs.
printf 'echo private words\necho private words >&2\nkill -TERM 1\n' >"$work/quiet.sh"
compose "$work/quiet.sh" '.public_logs = false' >"$work/quiet.json"
blob 1="$work/quiet.json" 2="$work/sys.json" >"$work/quiet.bin"
boot quiet 60 $(emulated) $(input "$work/quiet.bin")
grep -q 'running main script' "$work/quiet.events" && ! grep -q 'private words' "$work/quiet.console"
result $? "an app without public_logs says nothing to the host"
finish
