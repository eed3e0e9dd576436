# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/wire/,hostinput.c jget.c compose.c sysconfig.c)
ds_tests += $(addprefix userspace/lib/wire/,hostinput_test.c compose_test.c)
ds_srcs += $(addprefix userspace/lib/wire/,mrconfig.c quote.c tdreport.c eventlog.c eventlog_tcg2.c der.c pckext.c snpreport.c amdext.c)
ds_tests += $(addprefix userspace/lib/wire/,mrconfig_test.c quote_test.c eventlog_test.c pckext_test.c snpreport_test.c amdext_test.c)
ds_srcs += userspace/lib/wire/clienthello.c
ds_tests += userspace/lib/wire/clienthello_test.c
ds_srcs += $(addprefix userspace/lib/wire/,tdvf.c tdvf_hob.c pe.c linuxboot.c acpi.c cbor.c material.c sevmeta.c)
ds_srcs += $(addprefix userspace/lib/wire/,scale.c msgpack.c attestation.c attestation_v1.c csr.c appinfo.c vmconfig.c)
ds_tests += $(addprefix userspace/lib/wire/,tdvf_test.c pe_test.c acpi_test.c material_test.c)
ds_tests += $(addprefix userspace/lib/wire/,scale_test.c msgpack_test.c attestation_test.c csr_test.c appinfo_test.c vmconfig_test.c)
ds_srcs += userspace/lib/wire/keyreply.c
ds_tests += userspace/lib/wire/keyreply_test.c
ds_srcs += userspace/lib/wire/protobuf.c
ds_tests += userspace/lib/wire/protobuf_test.c
ds_srcs += userspace/lib/wire/bundle.c
ds_tests += userspace/lib/wire/bundle_test.c
