# SPDX-License-Identifier: Apache-2.0
# The guest image, and tests of a whole guest in QEMU.
.PHONY: image image-production check-guest
image: userspace modules kernel-image
	$(Q)scripts/build-image -b $(O)

# The same without the emulator; scripts/build-image fails if a trace of it is inside.
image-production: userspace modules kernel-image
	$(Q)scripts/build-image -f production -b $(O)

check-guest: image
	$(Q)rc=0; for t in $(sort $(wildcard tests/vm/guest-*.sh)); do \
		BIN=$(abspath $(O)/bin) IMAGE=$(abspath $(O)/image) scripts/tap "$$t" timeout 600 "$$t" || rc=1; done; exit $$rc
