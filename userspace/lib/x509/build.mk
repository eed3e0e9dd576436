# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/x509/,pki.c pki_cert.c pki_docs.c pki_quote.c pki_sgx.c pki_tdreport.c)
ds_srcs += $(addprefix userspace/lib/x509/,issue.c parse.c chain.c)
ds_tests += userspace/lib/x509/pki_test.c
ds_tests += $(addprefix userspace/lib/x509/,cert_test.c chain_test.c)
