# SPDX-License-Identifier: Apache-2.0
# The policy contracts: compiled with solc, tested on anvil, both from npm. Skipped, saying so, where there is no npm.
.PHONY: contracts check-contracts
contracts:
	$(Q)scripts/check-contracts -b $(O)/contracts
check-contracts: $(O)/bin/dstack-kms-policy $(O)/bin/dstackctl
	$(Q)BIN=$(abspath $(O)/bin) scripts/tap contracts scripts/check-contracts $(O)/contracts

# The official JavaScript SDK, for the tests that use it where it is installed.
.PHONY: sdk check-conformance
sdk:
	$(Q)mkdir -p $(O)/sdk && cp tests/sdk/package.json tests/sdk/package-lock.json $(O)/sdk/
	$(Q)cd $(O)/sdk && npm ci --ignore-scripts --no-audit --no-fund --silent

# Against programs of others; docs/conformance.md says what.
check-conformance: userspace sdk $(O)/test/tests/integration/kms_peer $(O)/test/tests/integration/env_open
	$(Q)rc=0; for t in 23-kms-rpc 24-kms-replicate 26-kms-env; do \
		BIN=$(abspath $(O)/bin) scripts/tap $$t timeout 300 tests/integration/$$t.sh || rc=1; done; exit $$rc
