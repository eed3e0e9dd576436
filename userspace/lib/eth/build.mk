# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/eth/,rlp.c mpt.c abi.c rpc.c votes.c fetch.c tx.c history.c revert.c)
ds_tests += $(addprefix userspace/lib/eth/,rlp_test.c mpt_test.c abi_test.c rpc_test.c votes_test.c tx_test.c history_test.c revert_test.c)
