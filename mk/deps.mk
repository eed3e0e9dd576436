# SPDX-License-Identifier: Apache-2.0
# Libraries and the oldest versions we accept (Debian 12 has them). One place, through pkg-config.
ds-pkgs := libcrypto>=3.0 libssl>=3.0 libevent>=2.1.12 libevent_openssl>=2.1.12 jansson>=2.14 \
	libsecp256k1>=0.2 libkeyutils>=1.6 inih libnl-3.0>=3.7 libnl-genl-3.0>=3.7 libnl-route-3.0>=3.7 \
	libseccomp>=2.5 libcurl>=7.88 sqlite3>=3.40
ds-pkg-names := $(foreach p,$(ds-pkgs),$(firstword $(subst >, ,$(p))))

.PHONY: check-deps
check-deps:
	$(Q)for p in $(foreach p,$(ds-pkgs),'$(subst >=, >= ,$(p))'); do \
		$(PKG_CONFIG) --exists "$$p" || { echo "missing library: $$p (run ./dev build)" >&2; exit 1; }; \
	done
