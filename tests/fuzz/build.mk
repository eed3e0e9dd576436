# SPDX-License-Identifier: Apache-2.0
# Fuzz harnesses: one line each, fuzzers += tests/fuzz/fuzz_NAME.c (seeds in tests/fuzz/corpus/NAME/, dictionary tests/fuzz/NAME.dict)
fuzzers += tests/fuzz/fuzz_hostinput.c
fuzzers += tests/fuzz/fuzz_clienthello.c
fuzzers += tests/fuzz/fuzz_compose.c
fuzzers += tests/fuzz/fuzz_key_desc.c
fuzzers += tests/fuzz/fuzz_tdvf.c
fuzzers += tests/fuzz/fuzz_pe.c
fuzzers += tests/fuzz/fuzz_emul_bundle.c
fuzzers += tests/fuzz/fuzz_rtmr_event.c
fuzzers += $(addprefix tests/fuzz/,fuzz_quote.c fuzz_eventlog_json.c fuzz_eventlog_tcg2.c fuzz_pckext.c fuzz_collateral.c)
fuzzers += tests/fuzz/fuzz_attestation.c
fuzzers += tests/fuzz/fuzz_csr.c
fuzzers += tests/fuzz/fuzz_appinfo.c
fuzzers += tests/fuzz/fuzz_cert.c
fuzzers += tests/fuzz/fuzz_gateway_register.c
fuzzers += $(addprefix tests/fuzz/,fuzz_prpc_json.c fuzz_http.c fuzz_kms_policy.c)
fuzzers += tests/fuzz/fuzz_kms_reply.c
