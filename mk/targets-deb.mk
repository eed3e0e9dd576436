# SPDX-License-Identifier: Apache-2.0
# Debian packages. check-deb installs them in clean roots of Debian 12 and 13, see docs/packages.md; it is not part of check,
# because it fetches two systems with two compilers and their kernels.
.PHONY: deb check-deb
deb:
	$(Q)scripts/build-deb $(O)/deb
check-deb: deb kselftest
	$(Q)scripts/tap deb tests/deb/check $(O)
