# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/attest/,eventlog.c verdict.c certs.c pckchain.c crl.c collateral.c \
	signer.c json.c tcbinfo.c qeid.c tcb.c tdpolicy.c quote.c evidence.c image.c)
ds_srcs += userspace/lib/attest/kernel.c
ds_tests += $(addprefix userspace/lib/attest/,eventlog_test.c tcb_test.c)
