# SPDX-License-Identifier: Apache-2.0
gw-front := $(addprefix gateway/,table.c front_proc.c front_conn.c front_relay.c ids.c)
gw-ctl := $(addprefix gateway/,conf.c)
gw-obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
ds_tests += $(addprefix gateway/,table_test.c conf_test.c front_test.c)

gateway/table_test.c_objs := $(call gw-obj,gateway/table.c)
gateway/conf_test.c_objs := $(call gw-obj,gateway/conf.c)
gateway/front_test.c_objs := $(call gw-obj,$(gw-front))
$(O)/test/gateway/table_test: $(gateway/table_test.c_objs)
$(O)/test/gateway/conf_test: $(gateway/conf_test.c_objs)
$(O)/test/gateway/front_test: $(gateway/front_test.c_objs)
