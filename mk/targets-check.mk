# SPDX-License-Identifier: Apache-2.0
# Integration tests: each script prints TAP, starts its own daemons in a private directory and ends them. One after the other:
# some count what happens in their time, and 500 guests at once leave nothing for others.
.PHONY: check-integration check-e2e demo demo-stop
# With sanitizers, not the one that looks at the libraries as they are installed.
integration-tests := $(filter-out $(if $(SAN),%/16-library),$(sort $(wildcard tests/integration/[0-9][0-9]-*)))
check-integration: userspace $(addprefix $(O)/test/,$(verifier-tests))
	$(Q)rc=0; for t in $(integration-tests); do \
		BIN=$(abspath $(O)/bin) scripts/tap "$$t" timeout $(if $(SAN),900,300) "$$t" || rc=1; done; exit $$rc

# The main job. `make demo KEEP=1` leaves the machines up and says how to reach them.
demo: all image
	$(Q)BIN=$(abspath $(O)/bin) IMAGE=$(abspath $(O)/image) WORK=$(abspath $(O)/demo) KEEP=$(KEEP) tests/e2e/demo

# Ends what `make demo KEEP=1` left running.
demo-stop:
	$(Q)BIN=$(abspath $(O)/bin) IMAGE=- WORK=$(abspath $(O)/demo) tests/e2e/demo --stop

# The same as a test: every step an assertion.
check-e2e: all image
	$(Q)BIN=$(abspath $(O)/bin) IMAGE=$(abspath $(O)/image) WORK=$(abspath $(O)/e2e) \
		scripts/tap e2e timeout 600 tests/e2e/demo --tap

# The image of a key server: the guest's, and what the app runs. `make image-kms` for a key server in a VM of its own.
.PHONY: image-kms check-chain
image-kms: image
	$(Q)scripts/build-image -p dstack-kms -p dstack-kms-policy -p dstackctl -b $(O) -o $(O)/image-kms

# Key server and apps in machines, the policy on a chain.
check-chain: image-kms
	$(Q)BIN=$(abspath $(O)/bin) IMAGE=$(abspath $(O)/image) KMS_IMAGE=$(abspath $(O)/image-kms) CONTRACTS=$(abspath $(O)/contracts) \
		WORK=$(abspath $(O)/chain) scripts/tap chain timeout 1800 tests/e2e/chain
