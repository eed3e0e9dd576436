#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The image build: same inputs, same bytes; a production image knows no emulator, whatever the host offers.
. "$(dirname "$0")/guestlib"
build=$(dirname "$BIN")

scripts/build-image -b "$build" -o "$work/again" >"$work/log" 2>&1 || note "$work/log"
for f in bzImage initramfs.cpio.gz metadata.json manifest.txt sha256sum.txt; do
	cmp -s "$IMAGE/$f" "$work/again/$f"
	result $? "$f is the same when built again"
done
(cd "$IMAGE" && sha256sum --quiet -c sha256sum.txt) >"$work/log" 2>&1 || note "$work/log"
(cd "$IMAGE" && sha256sum --quiet -c sha256sum.txt >/dev/null 2>&1)
result $? "sha256sum.txt fits the files"

scripts/build-image -f production -b "$build" -o "$work/production" >"$work/log" 2>&1 || note "$work/log"
gzip -dc "$work/production/initramfs.cpio.gz" | cpio -t --quiet >"$work/files"
grep -q '^init$' "$work/files" && ! grep -i emul "$work/files"
result $? "no file of a production image is of the emulator"
[ "$(jq -r '.flavour, .is_dev' "$work/production/metadata.json" | tr '\n' ' ')" = "production false " ]
result $? "and metadata.json says production"
[ "$(jq -r '.flavour, .is_dev' "$IMAGE/metadata.json" | tr '\n' ' ')" = "emulated true " ]
result $? "the emulated one says emulated"

# The build looks inside the files: the emulator under other names is found, the program and the module.
for smuggle in bin/dstack-gateway kernel/dstack_key.ko; do
	rm -rf "$work/b"
	mkdir -p "$work/b/bin" "$work/b/kernel"
	ln -s "$build/kernel-image" "$work/b/kernel-image"
	cp "$BIN/dstack-init" "$BIN/dstack-agent" "$BIN/dstack-request-key" "$work/b/bin/"
	cp "$build/kernel/dstack_rtmr.ko" "$build/kernel/dstack_key.ko" "$work/b/kernel/"
	case $smuggle in
	bin/*) cp "$BIN/dstack-emul-qe" "$work/b/$smuggle" ;;
	*) cp "$build/kernel/tdx_emul.ko" "$work/b/$smuggle" ;;
	esac
	scripts/build-image -f production -b "$work/b" -o "$work/smuggled" >"$work/log" 2>&1
	[ $? -ne 0 ] && grep -q 'must not hold the emulator' "$work/log"
	result $? "the emulator as $smuggle fails a production build"
done

IMAGE=$work/production
printf 'true\n' >"$work/app.sh"
compose "$work/app.sh" >"$work/app.json"
sysconfig >"$work/sys.json"
blob 1="$work/app.json" 2="$work/sys.json" >"$work/in.bin"
boot production 60 $(emulated) $(input "$work/in.bin")
result $? "a production image on a machine that offers emulation powers off"
echo "# $(reason production)"
reason production | grep -q '^modules: loading tdx-guest.ko: No such device'
result $? "and says that this is no trust domain"
finish
