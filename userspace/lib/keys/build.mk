# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/keys/,derive.c chain.c sign.c keyring.c)
ds_tests += $(addprefix userspace/lib/keys/,derive_test.c chain_test.c sign_test.c keyring_test.c)

ds_srcs += userspace/lib/keys/envseal.c
ds_tests += userspace/lib/keys/envseal_test.c
userspace/lib/keys/envseal_test.c_ldflags := -Wl,--wrap=ds_rand
ds_srcs += userspace/lib/keys/holder.c
ds_tests += userspace/lib/keys/holder_test.c
userspace/lib/keys/keyring_test.c_ldflags := -Wl,--wrap=ds_read_file,--wrap=add_key,--wrap=request_key,--wrap=keyctl_read,--wrap=keyctl_unlink
