# SPDX-License-Identifier: Apache-2.0
# The policy contracts: compiled with solc, tested on anvil, both from npm. Skipped, saying so, where there is no npm.
.PHONY: contracts check-contracts
contracts:
	$(Q)scripts/check-contracts -b $(O)/contracts
check-contracts:
	$(Q)scripts/tap contracts scripts/check-contracts $(O)/contracts
