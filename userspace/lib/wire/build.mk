# SPDX-License-Identifier: Apache-2.0
ds_srcs += userspace/lib/wire/hostinput.c
ds_tests += userspace/lib/wire/hostinput_test.c
