# SPDX-License-Identifier: Apache-2.0
.PHONY: check-layers
check-layers:
	$(Q)scripts/tap layers scripts/check-layers
.PHONY: check-style
check-style:
	$(Q)scripts/tap style scripts/check-style
