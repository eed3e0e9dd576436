/* SPDX-License-Identifier: Apache-2.0 */
/* The MessagePack form V1 of the attestation blob; called by attestation.c only. */
#ifndef DS_LIB_WIRE_ATTESTATION_V1_H
#define DS_LIB_WIRE_ATTESTATION_V1_H

#include <ds/base/rd.h>
#include <ds/wire/attestation.h>

/* Of SEV-SNP, in both forms. */
#define DS_ATTESTATION_MAX_REPORT 4096u
#define DS_ATTESTATION_MAX_CERT	  16384u

/* att is empty; on failure the caller frees what it holds by then. */
DS_MUST int ds_attestation_decode_v1(struct ds_rd *rd, struct ds_attestation *att,
				     struct ds_err *err);

#endif
