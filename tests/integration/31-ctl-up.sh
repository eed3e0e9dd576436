#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dstackctl up and the end of a machine: whoever is told of it finds the name free. The machine is a program in QEMU's place
# that says what a guest would say; that it notices when dstackctl does not wait for it needs no luck.
set -u
: "${BIN:?}"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
n=0 rc=0
ok() { n=$((n + 1)); echo "ok $n - $*"; }
nok() { n=$((n + 1)); rc=1; echo "not ok $n - $*"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else nok "$1: expected '$3', got '$2'"; fi; }
export DSTACK_STATE=$work/state FAKE_WORK=$work

mkdir "$work/bin" "$work/image"
echo '{"cmdline":"console=ttyS0"}' >"$work/image/metadata.json"
: >"$work/image/sha256sum.txt"
echo '{"manifest_version":1,"name":"n","runner":"bash"}' >"$work/compose.json"
cat >"$work/bin/qemu-system-x86_64" <<'FAKE'
#!/usr/bin/env python3
import os, select, sys
work = os.environ['FAKE_WORK']
notify = sys.argv[[i for i, a in enumerate(sys.argv) if a.endswith('notify.log')][0]][len('file:'):]
what, linger = open(work + '/do').read().split()
parent = os.pidfd_open(os.getppid())
if what == 'refuse':
    line = '{"event":"boot.error","payload":"the host lies"}'
elif what == 'run':
    line = '{"event":"boot.progress","payload":"done"}'
if what != 'silent':
    with open(notify, 'a') as f:
        f.write(line + '\n')
poll = select.poll()
poll.register(parent, select.POLLIN)
if poll.poll(int(linger)):
    open(work + '/orphan', 'w').close()
FAKE
chmod +x "$work/bin/qemu-system-x86_64"
up() { # WHAT LINGER-MS [OPTION...]
	echo "$1 $2" >"$work/do"
	shift 2
	rm -f "$work/orphan"
	PATH=$work/bin:$PATH "$BIN/dstackctl" up --name m --image "$work/image" --compose "$work/compose.json" --tee tdx "$@" >"$work/out" 2>&1
}
state() { "$BIN/dstackctl" ps --json | jq -r '.[0].running'; }

up refuse 1000
is "a refusal is told" "$? $(grep -c 'm refused to boot: the host lies' "$work/out")" "1 1"
is "once the machine has ended" "$(state) $([ -e "$work/orphan" ] && echo left alone)" "false "
up refuse 0
is "so the name can be used at once" "$? $(grep -c 'refused to boot' "$work/out")" "1 1"
up silent 60000 --timeout 1
is "a machine that says nothing in its time is stopped" "$? $(grep -c 'within 1 s: stopped' "$work/out")" "1 1"
is "and has ended" "$(state)" false
up silent 0
is "a machine that ends before its app runs" "$? $(grep -c 'ended before its app ran' "$work/out")" "1 1"
is "is no running one" "$(state)" false
# the parent is gone as soon as the app runs, and the machine goes on: this one until then
up run 60000
is "a machine whose app runs is left alone" "$?" 0
while [ "$(state)" = true ]; do read -r -t 0.05 <> <(:) || :; done
[ -e "$work/orphan" ] && ok "and noticed that" || nok "it ended before dstackctl did"
echo "1..$n"
exit $rc
