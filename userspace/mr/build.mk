# SPDX-License-Identifier: Apache-2.0
progs += dstack-mr
mr_objs := measure source image imagehash snp layout compare report
dstack-mr_srcs := $(patsubst %,userspace/mr/%.c,main options commands qemu $(mr_objs))
dstack-mr_pkgs := libcrypto jansson
ds_tests += userspace/mr/measure_test.c userspace/mr/compare_test.c
mr_test_objs := $(patsubst %,$(O)/obj/userspace/mr/%.o,$(mr_objs))
userspace/mr/measure_test.c_objs := $(mr_test_objs)
userspace/mr/compare_test.c_objs := $(mr_test_objs)
$(O)/test/userspace/mr/measure_test: $(mr_test_objs)
$(O)/test/userspace/mr/compare_test: $(mr_test_objs)
