# SPDX-License-Identifier: Apache-2.0
progs += dstack-mr
dstack-mr_srcs := $(addprefix userspace/mr/,main.c measure.c image.c)
dstack-mr_pkgs := libcrypto jansson
