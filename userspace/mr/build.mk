# SPDX-License-Identifier: Apache-2.0
progs += dstack-mr
dstack-mr_srcs := $(addprefix userspace/mr/,main.c measure.c image.c)
dstack-mr_pkgs := libcrypto jansson
ds_tests += userspace/mr/measure_test.c
userspace/mr/measure_test.c_objs := $(addprefix $(O)/obj/userspace/mr/,measure.o image.o)
$(O)/test/userspace/mr/measure_test: $(userspace/mr/measure_test.c_objs)
