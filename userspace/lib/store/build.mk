# SPDX-License-Identifier: Apache-2.0
ds_srcs += userspace/lib/store/db.c
ds_tests += userspace/lib/store/db_test.c
