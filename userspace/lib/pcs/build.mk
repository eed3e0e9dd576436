# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/pcs/,shape.c get.c cache.c pcs.c)
ds_tests += $(addprefix userspace/lib/pcs/,shape_test.c pcs_test.c)
