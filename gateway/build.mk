# SPDX-License-Identifier: Apache-2.0
gw-front := $(addprefix gateway/,table.c front_proc.c front_conn.c front_relay.c front_jail.c ids.c)
gw-ctl := $(addprefix gateway/,conf.c record.c store.c ctl_proc.c ctl_push.c ctl_wg.c ctl_tls.c ctl_identity.c ctl_register.c request.c)
gw-obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
progs += dstack-gateway
dstack-gateway_srcs := gateway/main.c gateway/supervise.c $(gw-front) $(gw-ctl)
dstack-gateway_pkgs = $(ds-pkg-names)
ds_tests += $(addprefix gateway/,table_test.c conf_test.c front_test.c store_test.c request_test.c)

gateway/table_test.c_objs := $(call gw-obj,gateway/table.c gateway/ids.c)
gateway/conf_test.c_objs := $(call gw-obj,gateway/conf.c)
gateway/front_test.c_objs := $(call gw-obj,$(gw-front) gateway/front_rig.c)
$(O)/test/gateway/table_test: $(gateway/table_test.c_objs)
$(O)/test/gateway/conf_test: $(gateway/conf_test.c_objs)
$(O)/test/gateway/front_test: $(gateway/front_test.c_objs)
gateway/request_test.c_objs := $(call gw-obj,gateway/request.c)
$(O)/test/gateway/request_test: $(gateway/request_test.c_objs)
gateway/store_test.c_objs := $(call gw-obj,gateway/store.c gateway/record.c)
$(O)/test/gateway/store_test: $(gateway/store_test.c_objs)

# makes the certificates of tests/integration/4*
.SECONDARY: $(O)/obj/gateway/testcert.o
check-integration: $(O)/test/gateway/testcert

# ctl_wg.c against a real kernel: a static program for tests/vm
gw-wg-obj := $(call gw-obj,gateway/ctl_wg_vmtest.c gateway/ctl_wg.c gateway/store.c gateway/record.c)
.SECONDARY: $(O)/obj/gateway/ctl_wg_vmtest.o
$(O)/kselftest/gw-wg-vmtest: $(gw-wg-obj) $(O)/libds.a
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -static-pie $(ds-ldflags) $(call cc-option,-Wl$(comma)--no-warnings) -o $@ $^ \
		-Wl,--start-group $(shell $(PKG_CONFIG) --static --libs libnl-genl-3.0 libnl-3.0 jansson \
		libevent libevent_openssl libssl libcrypto) -Wl,--end-group
check-vm check-debug-kernel: $(O)/kselftest/gw-wg-vmtest
-include $(gw-wg-obj:.o=.d)
