#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest that ends after the KMS gave it its keys, because it failed or because it was told to, leaves none of them in
# its memory. The memory is a file here. The same search in a guest that runs finds the key in use, or finding nothing
# would mean nothing.
. "$(dirname "$0")/guestlib"
pki
make_kms kms
"$BIN/dstack-mr" measure --json --kernel "$IMAGE/bzImage" --initrd "$IMAGE/initramfs.cpio.gz" --memory $((768 << 20)) --cpus 1 \
	--cmdline "$(jq -r .cmdline "$IMAGE/metadata.json")" >"$work/mr.json"
registers() { jq -r --arg sep "$1" 'to_entries[] | select(.key == ("mrtd", "rtmr0", "rtmr1", "rtmr2")) | .key + $sep + .value' "$work/mr.json"; }
registers = >"$work/emul.txt"
image=$(sha256sum "$IMAGE/sha256sum.txt" | cut -c1-64)
{
	printf '[policy]\ntcb_status = UpToDate\nallow_emulated = yes\n[image t]\n'
	registers ' = '
	printf 'os_image_hash = %s\n' "$image"
} >"$work/kms/policy"
# app NAME SCRIPT [JQ-FILTER]: its compose file, known to the KMS
app() {
	printf '%s\n' "$2" >"$work/$1.sh"
	compose "$work/$1.sh" ".key_provider = \"kms\" | .key_provider_id = \"$(pin_of kms)\" | ${3:-.}" >"$work/$1.json"
	hash=$(sha256sum "$work/$1.json" | cut -c1-64)
	printf '[app %.40s]\ncompose_hash = %s\nimage = t\ndevice = any\n' "$hash" "$hash" >>"$work/kms/policy"
}
# The keyring of the app's session holds a key derived for it.
wait_forever='keyctl request2 dstack app:/demo "" @s >/dev/null && echo app runs; while :; do sleep 1; done'
app fails 'echo app runs' '.init_script = "keyctl request2 dstack app:/demo \"\" @s >/dev/null || exit 4; exit 3"'
app holder 'kill -9 $(ps | awk "\$2 == 65533 { print \$1 }"); sleep 60'
app stops "(sleep 1; kill -TERM 1) & $wait_forever"
app runs "$wait_forever"
serve_kms kms "$work/pki"
sysconfig "https://10.0.2.2:$(cat "$work/kms.port")" | jq -c --arg image "$image" \
	'.vm_config = ({os_image_hash: $image, cpu_count: 1} | tojson)' >"$work/sys.json"

# search NAME END: boot it, and look into its memory when END is reached (tests/vm/ram-keys)
search() {
	blob 1="$work/$1.json" 2="$work/sys.json" >"$work/$1.bin"
	boot "$1" 150 $(emulated) $(input "$work/$1.bin") -no-shutdown -qmp "unix:$work/$1.qmp,server=on,wait=off" \
		-object "memory-backend-file,id=ram,size=768M,share=on,mem-path=$work/$1.ram" -machine memory-backend=ram &
	vm=$!
	tests/vm/ram-keys "$work/$1.qmp" "$work/$1.ram" "$work/$1.console" 120 "$2" "$work/kms/keys" "$work/$1.events" >"$work/$1.found"
	rc=$?
	wait $vm || rc=1
	rm -f "$work/$1.ram"
	note "$work/$1.found"
	[ $rc -eq 0 ] || { tail -n 5 "$work/$1.console"; cat "$work/$1.qemu"; } | note
	return $rc
}
count() { awk -v form="$2" -v key="${3:-}" '$2 == form && (key == "" || $1 == key) { n += $3 } END { print n + 0 }' "$work/$1.found"; }
clean() { # NAME: all twelve rows are there, and each says 0
	[ "$(grep -cE '^(k256|demo|disk|env) (raw|hex|HEX) 0$' "$work/$1.found")" -eq 12 ]
}

search runs 'app runs'
result $? "a running guest's memory can be searched"
[ "$(count runs raw k256)" -ge 2 ] && [ "$(count runs raw demo)" -ge 1 ]
result $? "and holds the app key, in the kernel and in its holder, and the key the app asked for"
[ "$(grep -cE '^(disk|env) raw 0$' "$work/runs.found")" -eq 2 ]
result $? "but not the keys of the boot phase"
[ "$(grep -cE ' (hex|HEX) 0$' "$work/runs.found")" -eq 8 ]
result $? "and none as text"

search fails off
result $? "an init script that fails after the keys powers the guest off"
echo "# $(reason fails)"
[ "$(reason fails)" = "app: init_script 0: exit status 3" ]
result $? "by name"
clean fails
result $? "and no key is left in its memory"

search holder off && reason holder | grep -q '^run: key holder: died'
result $? "a guest whose key holder is killed powers off by name"
clean holder
result $? "and no key is left in its memory"

search stops off
result $? "a guest that is told to stop powers off"
clean stops
result $? "and no key is left in its memory"
finish
