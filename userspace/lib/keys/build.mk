# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/keys/,derive.c keyring.c)
#ds_tests += $(addprefix userspace/lib/keys/,derive_test.c keyring_test.c)

ds_srcs += userspace/lib/keys/holder.c
ds_tests += userspace/lib/keys/holder_test.c
