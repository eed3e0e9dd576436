# SPDX-License-Identifier: Apache-2.0
# libdstack-attest: the verifier as a library that others link, shared and static, and `make install`.
# What it exports is userspace/lib/attest/dstack-attest.map; everything else stays inside.
prefix ?= /usr/local
exec_prefix ?= $(prefix)
bindir ?= $(exec_prefix)/bin
libdir ?= $(exec_prefix)/lib
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man
INSTALL ?= install

attest-soname := libdstack-attest.so.0
attest-so := $(O)/lib/libdstack-attest.so.$(DS_VERSION)
attest-map := userspace/lib/attest/dstack-attest.map
attest-syms := $(shell sed -n 's/^	\(ds_[a-z0-9_]*\);/\1/p' $(attest-map))
attest-headers := $(shell sed -n 's/^\#include <\(ds\/.*\)>/\1/p' userspace/include/dstack-attest.h)
attest-srcs := $(filter userspace/lib/base/% userspace/lib/wire/% userspace/lib/crypto/% userspace/lib/x509/% \
	userspace/lib/attest/%,$(ds_srcs))
attest-pkgs := libcrypto jansson

pic-o := $(O)/pic
$(pic-o)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC-PIC,$<)$(CC) $(filter-out -fPIE -fvisibility=hidden,$(ds-cflags)) -fPIC $(lib-pkg-cflags) -MMD -MP -c -o $@ $<
$(pic-o)/libds.a: $(patsubst %.c,$(pic-o)/%.o,$(attest-srcs))
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

pull-syms = $(foreach s,$(attest-syms),$(1)$(s))
$(attest-so): $(pic-o)/libds.a $(attest-map)
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -shared -Wl,-soname,$(attest-soname) -Wl,--version-script=$(attest-map) $(call pull-syms,-Wl$(comma)-u$(comma)) \
		$(ds-ldflags) -o $@ $(pic-o)/libds.a $(shell $(PKG_CONFIG) --libs $(attest-pkgs))
# One object with only the public names global, so that a static program's own names cannot meet ours.
$(O)/lib/libdstack-attest.a: $(pic-o)/libds.a $(attest-map)
	$(Q)mkdir -p $(@D)
	$(call say,AR,$@)$(LD) -r $(call pull-syms,-u ) -o $(O)/lib/dstack-attest.o $(pic-o)/libds.a
	$(Q)printf '%s\n' $(attest-syms) >$(O)/lib/public
	$(Q)objcopy --keep-global-symbols=$(O)/lib/public $(O)/lib/dstack-attest.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $(O)/lib/dstack-attest.o && rm -f $(O)/lib/public $(O)/lib/dstack-attest.o
# After a change of the installed headers: the map anew. tests/integration/16-library says when it is due.
.PHONY: attest-map
attest-map:
	$(Q){ sed '/^global:/q' $(attest-map); { echo ds_tcb_policy_default; $(CC) -E -P -Iuserspace/include -Ikernel/include \
		userspace/include/dstack-attest.h | grep -v 'static inline' | grep -oE '\bds_[a-z0-9_]+ *\(' | tr -d ' ('; } | \
		grep -vE '^ds_(buf_span|span_eq|cleanup_.*)$$' | LC_ALL=C sort -u | sed 's/.*/	&;/'; printf 'local:\n\t*;\n};\n'; } >$(attest-map).new
	$(Q)mv $(attest-map).new $(attest-map)

.PHONY: lib install install-lib install-bin
lib: $(attest-so) $(O)/lib/libdstack-attest.a
install: install-lib install-bin
install-lib: lib
	$(Q)$(INSTALL) -d $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(mandir)/man3
	$(Q)$(INSTALL) -m 0755 $(attest-so) $(DESTDIR)$(libdir)/
	$(Q)ln -sf $(notdir $(attest-so)) $(DESTDIR)$(libdir)/$(attest-soname)
	$(Q)ln -sf $(attest-soname) $(DESTDIR)$(libdir)/libdstack-attest.so
	$(Q)$(INSTALL) -m 0644 $(O)/lib/libdstack-attest.a $(DESTDIR)$(libdir)/
	$(Q)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' -e 's|@version@|$(DS_VERSION)|' \
		userspace/lib/attest/dstack-attest.pc.in >$(DESTDIR)$(libdir)/pkgconfig/dstack-attest.pc
	$(Q)for h in dstack-attest.h $(attest-headers); do \
		$(INSTALL) -D -m 0644 userspace/include/$$h $(DESTDIR)$(includedir)/dstack-attest/$$h || exit 1; done
	$(Q)$(INSTALL) -m 0644 userspace/man/dstack-attest.3 $(DESTDIR)$(mandir)/man3/

install-progs := dstack-verify dstack-mr dstackctl
install-bin: $(addprefix $(O)/bin/,$(install-progs))
	$(Q)$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man1
	$(Q)for p in $(install-progs); do $(INSTALL) -m 0755 $(O)/bin/$$p $(DESTDIR)$(bindir)/ && \
		$(INSTALL) -m 0644 userspace/man/$$p.1 $(DESTDIR)$(mandir)/man1/ || exit 1; done

# dstack-verify for a machine without our libraries: one static file that reads collateral from files only, no service.
.PHONY: static
static: $(O)/static/dstack-verify
$(O)/static/dstack-verify: $(call obj,$(filter-out userspace/verifier/serve%,$(dstack-verify_srcs)) userspace/verifier/offline.c) $(O)/libds.a
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(static-flags) -Wl,-z,pack-relative-relocs $(ds-ldflags) -s -o $@ $^ \
		$(shell $(PKG_CONFIG) --static --libs $(filter-out libcurl sqlite3 libevent libevent_openssl libssl libseccomp,$(dstack-verify_pkgs)))

check-integration: lib static
-include $(patsubst %.c,$(pic-o)/%.d,$(attest-srcs))
