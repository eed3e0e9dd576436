/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AMD writes into VCEK and VLEK certificates under OID 1.3.6.1.4.1.3704.1 (spec/dcap 9.2): the
 * TCB, the chip and the product a key is for. Pure; DER only. Other extensions are skipped; an item
 * that appears twice or a security patch level that is not known here is an error, since a level
 * that is not compared would not count.
 */
#ifndef DS_WIRE_AMDEXT_H
#define DS_WIRE_AMDEXT_H

#include <ds/base/base.h>

/* Arcs below .3. */
enum {
	DS_AMD_SPL_BOOT_LOADER = 1,
	DS_AMD_SPL_TEE = 2,
	DS_AMD_SPL_SNP = 3,
	DS_AMD_SPL_4 = 4, /* to 7: spare */
	DS_AMD_SPL_7 = 7,
	DS_AMD_SPL_MICROCODE = 8,
	DS_AMD_SPL_FMC = 9,
	DS_AMD_SPLS = 10,
};

struct ds_amd_ext {
	bool has_version;
	uint8_t version;
	char product[32];	  /* "Milan-B0", "Genoa"; "" if absent */
	uint8_t spl[DS_AMD_SPLS]; /* by arc */
	uint16_t has_spl;	  /* 1 << arc */
	uint8_t hwid[64];
	size_t hwid_len; /* 0 absent, 8 or 64 */
	char csp_id[128];
};

static inline bool ds_amd_has_spl(const struct ds_amd_ext *e, unsigned int arc)
{
	return e->has_spl >> arc & 1;
}

/* in: the DER of a certificate's Extensions (SEQUENCE OF Extension). 0 or -EBADMSG with err. */
DS_MUST int ds_amd_ext_parse(struct ds_span in, struct ds_amd_ext *ret, struct ds_err *err);

#endif
