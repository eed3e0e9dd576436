# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/base/,buf.c rd.c text.c secret.c file.c log.c)
ds_tests += $(addprefix userspace/lib/base/,base_test.c)
