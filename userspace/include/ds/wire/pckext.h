/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SGX extension of a PCK certificate, OID 1.2.840.113741.1.13.1 (spec/dcap 3.2): which platform
 * the certificate is for and how new its microcode is. Pure; DER only, every item exactly once,
 * nothing unknown, nothing left over.
 */
#ifndef DS_WIRE_PCKEXT_H
#define DS_WIRE_PCKEXT_H

#include <ds/base/base.h>

struct ds_pck_ext {
	uint8_t ppid[16];
	uint8_t tcb[16]; /* SGX TCB component SVNs */
	uint16_t pcesvn;
	uint8_t cpusvn[16];
	uint8_t pceid[2];
	uint8_t fmspc[6];
	uint8_t sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
	bool platform;	  /* items of the Platform CA are present: */
	uint8_t instance[16];
	bool dynamic_platform, cached_keys, smt;
};

/* in: the extension's value (the content of extnValue). 0 or -EBADMSG with the item in err. */
DS_MUST int ds_pck_ext_parse(struct ds_span in, struct ds_pck_ext *ret, struct ds_err *err);

#endif
