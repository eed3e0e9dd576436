# SPDX-License-Identifier: Apache-2.0
progs += dstack-kms
dstack-kms_srcs := $(addprefix kms/,main.c conf.c authorize.c bootinfo.c store.c consent.c keys_jail.c keys_proc.c keys_client.c policy_file.c names.c clock.c relog.c reload.c \
	secret_json.c net_proc.c net_judge.c net_record.c net_due.c net_rpc.c net_sign.c net_admin.c metrics.c messages.c \
	seal.c self.c keys_new.c net_lease.c net_jail.c net_replicate.c nodekeys.c onboard.c onboard_join.c)
dstack-kms_pkgs := libkeyutils libevent libevent_openssl libssl libcrypto jansson libsecp256k1 inih libseccomp

progs += dstack-kms-policy
dstack-kms-policy_srcs := $(addprefix kms/,pol_main.c pol_conf.c pol_boot.c pol_seen.c pol_round.c pol_head.c pol_ask.c pol_api.c clock.c)
dstack-kms-policy_pkgs := libevent libevent_openssl libssl libcrypto jansson inih libcurl

# no earlier than this was it built, see clock.h
extra-cflags-kms := -DKMS_TIME_FLOOR=$(SOURCE_DATE_EPOCH)

# the guest's part in the integration tests
.SECONDARY: $(addprefix $(O)/obj/tests/integration/,kms_peer.o kms_peer_attest.o env_open.o kms_taken.o)
tests/integration/kms_peer.c_objs := $(O)/obj/tests/integration/kms_peer_attest.o
$(O)/test/tests/integration/kms_peer: $(tests/integration/kms_peer.c_objs)
# a wall clock that a test can set
$(O)/test/tests/integration/wall_clock.so: tests/integration/wall_clock.c
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -o $@ $<
check-integration: $(addprefix $(O)/test/tests/integration/,kms_peer env_open kms_taken wall_clock.so)
# and that of many
.SECONDARY: $(O)/obj/tests/integration/kms_load.o
tests/integration/kms_load.c_objs := $(O)/obj/tests/bench/kms/guests.o
$(O)/test/tests/integration/kms_load: $(tests/integration/kms_load.c_objs)
check-integration: $(O)/test/tests/integration/kms_load $(O)/bin/kms-bench

ds_tests += $(addprefix kms/,policy_file_test.c relog_test.c store_test.c conf_test.c names_test.c consent_test.c keys_jail_test.c clock_test.c metrics_test.c seal_test.c roots_test.c nodekeys_test.c net_judge_test.c net_jail_test.c bootinfo_test.c net_record_test.c net_due_test.c pol_test.c)
kms-obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
kms/policy_file_test.c_objs := $(call kms-obj,kms/policy_file.c kms/names.c)
kms/relog_test.c_objs := $(call kms-obj,kms/relog.c)
kms/relog_test.c_ldflags := -Wl,--wrap=fdatasync,--wrap=fsync
kms/store_test.c_objs := $(call kms-obj,kms/store.c kms/seal.c kms/consent.c kms/keys_jail.c kms/keys_proc.c kms/keys_new.c kms/keys_client.c)
kms/nodekeys_test.c_objs := $(call kms-obj,kms/nodekeys.c kms/self.c)
$(O)/test/kms/nodekeys_test: $(kms/nodekeys_test.c_objs)
kms/consent_test.c_objs := $(call kms-obj,kms/consent.c)
$(O)/test/kms/consent_test: $(kms/consent_test.c_objs)
kms/keys_jail_test.c_objs := $(call kms-obj,kms/keys_jail.c)
$(O)/test/kms/keys_jail_test: $(kms/keys_jail_test.c_objs)
tests/integration/kms_taken.c_objs := $(call kms-obj,kms/keys_client.c kms/seal.c)
$(O)/test/tests/integration/kms_taken: $(tests/integration/kms_taken.c_objs)
kms/seal_test.c_objs := $(call kms-obj,kms/seal.c)
$(O)/test/kms/seal_test: $(kms/seal_test.c_objs)
$(O)/test/kms/policy_file_test: $(kms/policy_file_test.c_objs)
$(O)/test/kms/relog_test: $(kms/relog_test.c_objs)
$(O)/test/kms/store_test: $(kms/store_test.c_objs)
kms/roots_test.c_objs := $(kms/store_test.c_objs)
$(O)/test/kms/roots_test: $(kms/roots_test.c_objs)
kms/conf_test.c_objs := $(call kms-obj,kms/conf.c)
$(O)/test/kms/conf_test: $(kms/conf_test.c_objs)
kms/names_test.c_objs := $(call kms-obj,kms/names.c)
$(O)/test/kms/names_test: $(kms/names_test.c_objs)
kms/metrics_test.c_objs := $(call kms-obj,kms/metrics.c)
$(O)/test/kms/metrics_test: $(kms/metrics_test.c_objs)
kms/clock_test.c_objs := $(call kms-obj,kms/clock.c)
$(O)/test/kms/clock_test: $(kms/clock_test.c_objs)
kms/net_judge_test.c_objs := $(call kms-obj,kms/net_judge.c kms/bootinfo.c kms/policy_file.c kms/names.c userspace/lib/attest/snpforge_test.c userspace/lib/attest/forge_test.c)
kms/net_judge_test.c_ldflags := -Wl,--wrap=time
$(O)/test/kms/net_judge_test: $(kms/net_judge_test.c_objs)
kms/net_jail_test.c_objs := $(call kms-obj,kms/net_jail.c)
$(O)/test/kms/net_jail_test: $(kms/net_jail_test.c_objs)
kms/bootinfo_test.c_objs := $(call kms-obj,kms/bootinfo.c)
$(O)/test/kms/bootinfo_test: $(kms/bootinfo_test.c_objs)
kms/net_record_test.c_objs := $(call kms-obj,kms/net_record.c kms/clock.c kms/metrics.c)
$(O)/test/kms/net_record_test: $(kms/net_record_test.c_objs)
kms/pol_test.c_objs := $(call kms-obj,kms/pol_boot.c kms/pol_seen.c)
$(O)/test/kms/pol_test: $(kms/pol_test.c_objs)
kms/net_due_test.c_objs := $(call kms-obj,kms/net_due.c)
$(O)/test/kms/net_due_test: $(kms/net_due_test.c_objs)
