#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input ends in a named refusal and a machine that is off: one boot per row.
. "$(dirname "$0")/guestlib"

printf 'echo app runs\n' >"$work/app.sh"
sysconfig >"$work/sys.json"
compose "$work/app.sh" >"$work/good.json"
pki
emu=$(emulated)

# refused DESCRIPTION PATTERN BOOT-NAME QEMU-OPTION...
refused() {
	what=$1 pattern=$2 name=$3
	shift 3
	boot "$name" 60 "$@"
	rc=$?
	said=$(reason "$name")
	echo "# $said"
	if [ $rc -eq 0 ] && echo "$said" | grep -qE "$pattern" && ! grep -q 'app runs' "$work/$name.console"; then
		result 0 "$what"
	else
		tail -n 5 "$work/$name.console" | note
		result 1 "$what (qemu status $rc)"
	fi
}
make_input() { # NAME COMPOSE-FILTER
	compose "$work/app.sh" "$2" >"$work/$1.json"
	blob 1="$work/$1.json" 2="$work/sys.json" >"$work/$1.bin"
}

refused "no host input" '^host-input: hostinput: fw_cfg item opt/dstack/host-input: No such file' none $emu

blob 1="$work/good.json" 2="$work/sys.json" >"$work/good.bin"
{ printf 'DSTKHI02'; tail -c +9 "$work/good.bin"; } >"$work/magic.bin"
refused "host input with another magic" '^host-input: hostinput: magic: expected DSTKHI01' magic $emu $(input "$work/magic.bin")

head -c -1 "$work/good.bin" >"$work/cut.bin"
refused "truncated host input" '^host-input: hostinput: total size: header says' cut $emu $(input "$work/cut.bin")

head -c $((4 * 1024 * 1024 + 1)) /dev/zero >"$work/big.bin"
refused "oversized host input" '^host-input: hostinput: blob: 4194305 bytes, at most 4194304 expected' big $emu $(input "$work/big.bin")

sed 's/"name"/"name":"x","name"/' "$work/good.json" >"$work/dup.json"
blob 1="$work/dup.json" 2="$work/sys.json" >"$work/dup.bin"
refused "duplicate key in app-compose.json" '^host-input: app-compose.json: JSON line 1: duplicate object key' dup $emu $(input "$work/dup.bin")

make_input runner '.runner = "docker-compose"'
refused "a runner this version has not" '^host-input: app-compose.json: runner: bash expected' runner $emu $(input "$work/runner.bin")

make_input nopin '.key_provider = "kms"'
refused "a KMS without a pinned key" '^host-input: app-compose.json: key_provider_id: missing' nopin $emu $(input "$work/nopin.bin")

head -c 100000 /dev/zero | tr '\0' ' ' >"$work/env"
blob 1="$work/good.json" 2="$work/sys.json" 4="$work/env" >"$work/env.bin"
refused "an encrypted environment nobody could decrypt" '^host-input: hostinput: .encrypted-env: its key comes from a KMS' env $emu $(input "$work/env.bin")

printf 'mrconfigid=01%094d\n' 7 >"$work/emul.txt"
refused "MRCONFIGID of another app" '^identity: mrconfigid: 01[0-9a-f]{64} expected, found 0100' mrconfigid $emu $(input "$work/good.bin")

printf 'mrtd=00\n' >"$work/emul.txt"
refused "malformed emulator parameters" '^modules: tdx-emul: mrtd: 96 hex digits expected, found 2' emul $emu $(input "$work/good.bin")
: >"$work/emul.txt"

refused "a machine that is no trust domain" '^modules: loading .*: No such device' notd $(input "$work/good.bin")

make_input script '.init_script = "echo first; exit 3"'
refused "an init script that fails" '^app: init_script 0: exit status 3' script $emu $(input "$work/script.bin")

# No such port on the host: QEMU's network answers with a reset.
sysconfig "https://10.0.2.2:1" >"$work/sys.json"
make_input nokms '.key_provider = "kms" | .key_provider_id = "3059"'
refused "a KMS that is not there" '^keys: client: 10.0.2.2: Connection refused' nokms $emu $(input "$work/nokms.bin")

sysconfig >"$work/sys.json"
make_input nourl '.key_provider = "kms" | .key_provider_id = "3059"'
refused "no KMS named by the host" '^keys: .sys-config.json: kms_urls: at least one expected' nourl $emu $(input "$work/nourl.bin")

# ask NAME KMS PIN: host input of an app that is sent to KMS and believes only the holder of PIN
ask() {
	sysconfig "https://10.0.2.2:$(cat "$work/$2.port")" >"$work/sys.json"
	make_input "$1" ".key_provider = \"kms\" | .key_provider_id = \"$3\""
}
"$BIN/dstack-emul-qe" pki --out "$work/old" --expired >/dev/null 2>&1
serve_kms strict "$work/pki" '# emulated evidence is not allowed unless it is said'
serve_kms expired "$work/old" 'allow_emulated = yes'

ask wrongkms strict "$(pin_of expired)"
refused "another KMS than the pinned one" '^keys: kms: wrong KMS: root key \.\.\.[0-9a-f]{32} expected \(key_provider_id\), found' \
	wrongkms $emu $(input "$work/wrongkms.bin")

ask strict strict "$(pin_of strict)"
refused "emulated evidence at a KMS that did not allow it" '^keys: kms: GetAppKey refused: .*emulated' strict $emu $(input "$work/strict.bin")

ask foreign expired "$(pin_of expired)"
refused "a quote under a PKI the KMS does not trust" '^keys: kms: GetAppKey refused: .*root-untrusted' foreign $emu $(input "$work/foreign.bin")

# the right root, and the app wants to know more: kms_attestation
demand="{mr_aggregated: [\"$(printf '%064d' 7)\"], allow_emulated: true}"
sysconfig "https://10.0.2.2:$(cat "$work/strict.port")" >"$work/sys.json"
compose "$work/app.sh" ".key_provider = \"kms\" | .key_provider_id = \"$(pin_of strict)\" | .kms_attestation = $demand" >"$work/demand.json"
blob 1="$work/demand.json" 2="$work/sys.json" >"$work/nocol.bin"
refused "attestation of the KMS demanded, no collateral from the host" '^keys: kms: server not attested: collateral-missing: .*\.kms-collateral.*found none' \
	nocol $emu $(input "$work/nocol.bin")
blob 1="$work/demand.json" 2="$work/sys.json" 6="$work/pki/collateral.json" >"$work/bare.bin"
refused "a KMS with the pinned root and no evidence in its certificate" '^keys: kms: server not attested: evidence-missing: ' bare $emu $(input "$work/bare.bin")

old="-fw_cfg name=opt/dstack/tdx-emul,file=$work/emul.txt -fw_cfg name=opt/dstack/emul-qe,file=$work/old/emul-qe.key"
refused "expired collateral" '^keys: kms: GetAppKey refused: .*(expired)' foreign2 $old $(input "$work/foreign.bin")
finish
