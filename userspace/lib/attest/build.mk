# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/attest/,eventlog.c verdict.c)
ds_srcs += userspace/lib/attest/kernel.c
