# SPDX-License-Identifier: Apache-2.0
# One build graph for all userspace code. Folders say what they have in build.mk:
#   ds_srcs  += files of the library libds.a          ds_tests += files with a cmocka main(), one program each
#   progs    += NAME, NAME_srcs := files, NAME_pkgs := pkg-config names, NAME_static := y for a static program
#   fuzzers  += tests/fuzz/fuzz_x.c                   a test that needs --wrap: FILE_ldflags := -Wl,--wrap=x
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

lib-pkg-cflags := $(shell $(PKG_CONFIG) --cflags $(ds-pkg-names) 2>/dev/null)
lib-pkg-libs := $(shell $(PKG_CONFIG) --libs $(ds-pkg-names) 2>/dev/null)

$(O)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ds-cflags) $(lib-pkg-cflags) $(extra-cflags-$(firstword $(subst /, ,$*))) -MMD -MP -c -o $@ $<

$(O)/obj/userspace/lib/wire/%.o $(O)/obj/userspace/lib/crypto/%.o: warn-flags += -Wconversion

$(O)/libds.a: $(call obj,$(ds_srcs))
	$(call say,AR,$@)rm -f $@ && $(AR) rcsD $@ $^

# The static C library warns that name resolution needs shared objects: static programs of ours never resolve through it.
# The sanitizers have no static run-time library.
static-flags := -static-pie -Wl,--no-warnings
is-static = $(if $(SAN),,$($(1)_static))

define prog-rule
$(O)/bin/$(1): $(call obj,$($(1)_srcs)) $(O)/libds.a
	$$(Q)mkdir -p $$(@D)
	$$(call say,LD,$$@)$(CC) $(if $(call is-static,$(1)),$$(static-flags),-pie) $$(ds-ldflags) -o $$@ $$^ $$(if $(call is-static,$(1)),\
		-Wl$$(comma)--start-group $$(shell $(PKG_CONFIG) --static --libs $($(1)_pkgs)) -Wl$$(comma)--end-group,\
		$$(shell $(PKG_CONFIG) --libs $($(1)_pkgs)))
endef
comma := ,
$(foreach p,$(progs),$(eval $(call prog-rule,$(p))))

test-bins := $(patsubst %.c,$(O)/test/%,$(ds_tests))
$(O)/test/%: $(O)/obj/%.o $(O)/libds.a
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -pie $(ds-ldflags) $($*.c_ldflags) -o $@ $(O)/obj/$*.o $($*.c_objs) $(O)/libds.a $(lib-pkg-libs) -lcmocka

.SECONDARY: $(call obj,$(ds_tests))

.PHONY: userspace
userspace: check-deps $(foreach p,$(progs),$(O)/bin/$(p))

# Tests that do not meet: as many at a time as `make -j` allows.
side-by-side = +$(Q)$(MAKE) --no-print-directory -k $1

# check-unit: each test program prints TAP and is counted by scripts/tap.
.PHONY: check-unit
check-unit: $(test-bins)
	$(call side-by-side,$(test-bins:%=unit-run/%))
.PHONY: $(test-bins:%=unit-run/%)
$(test-bins:%=unit-run/%): unit-run/%:
	$(Q)CMOCKA_MESSAGE_OUTPUT=TAP scripts/tap "$(*:$(O)/test/%=%)" "$*"

# Fuzzing: the whole library again with clang's coverage, then one program per harness. Those of evidence and what judges it
# run for 30 s, the others for 5; FUZZ_SECONDS=N is for all.
FUZZ_SECONDS ?=
fuzz-evidence := $(addprefix fuzz_,quote certdata collateral jdoc intelcert pckext crl eventlog_tcg2 eventlog_json attestation \
	appinfo cert mrconfig bundle verify_request snpreport amdext acpi tdvf)
fuzz-o := $(O)/fuzz
fuzz-cflags = -std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -Iuserspace/include -Ikernel/include $(lib-pkg-cflags) -DDS_FUZZING -DDS_VERSION=\"$(DS_VERSION)\"
$(fuzz-o)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC-FUZZ,$<)clang $(fuzz-cflags) -MMD -MP -c -o $@ $<
$(fuzz-o)/libds.a: $(patsubst %.c,$(fuzz-o)/obj/%.o,$(ds_srcs))
	$(Q)rm -f $@ && $(AR) rcsD $@ $^
$(fuzz-o)/bin/%: $(fuzz-o)/obj/tests/fuzz/%.o $(fuzz-o)/libds.a
	$(Q)mkdir -p $(@D)
	$(call say,LD-FUZZ,$@)clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(lib-pkg-libs)
fuzz-bins := $(patsubst tests/fuzz/%.c,$(fuzz-o)/bin/%,$(fuzzers))
.SECONDARY: $(patsubst %.c,$(fuzz-o)/obj/%.o,$(ds_srcs) $(fuzzers))
.PHONY: fuzz-build fuzz-smoke
fuzz-build: $(fuzz-bins)
fuzz-smoke: $(fuzz-bins)
	$(call side-by-side,$(fuzz-bins:%=fuzz-run/%))
.PHONY: $(fuzz-bins:%=fuzz-run/%)
$(fuzz-bins:%=fuzz-run/%): fuzz-run/%:
	$(Q)scripts/tap "fuzz $(*F)" scripts/fuzz-one "$*" $(or $(FUZZ_SECONDS),$(if $(filter $(fuzz-evidence),$(*F)),30,5))

-include $(patsubst %.o,%.d,$(call obj,$(ds_srcs) $(ds_tests) $(foreach p,$(progs),$($(p)_srcs))))
-include $(foreach t,$(ds_tests),$(patsubst %.o,%.d,$($(t)_objs)))
-include $(patsubst %.c,$(fuzz-o)/obj/%.d,$(ds_srcs) $(fuzzers))
