# SPDX-License-Identifier: Apache-2.0
# The policy contracts: compiled with solc, tested on anvil, both from npm. Skipped, saying so, where there is no npm.
.PHONY: contracts check-contracts
contracts:
	$(Q)scripts/check-contracts -b $(O)/contracts
check-contracts: $(O)/bin/dstack-kms-policy $(O)/bin/dstackctl
	$(Q)BIN=$(abspath $(O)/bin) scripts/tap contracts scripts/check-contracts $(O)/contracts

# The official JavaScript SDK, for the tests that use it where it is installed.
.PHONY: sdk
sdk:
	$(Q)mkdir -p $(O)/sdk && cp tests/sdk/package.json tests/sdk/package-lock.json $(O)/sdk/
	$(Q)cd $(O)/sdk && npm ci --ignore-scripts --no-audit --no-fund --silent
