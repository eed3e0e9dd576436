/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence that an RA-TLS certificate carries, read and not judged: ds_attest_evidence() does
 * that. Results are the caller's, to be freed with ds_attestation_done() also after a failure. All
 * return 0, DS_ATTEST_REFUSED with the reason in the verdict, or negative when memory is short.
 */
#ifndef DS_ATTEST_CERTEVIDENCE_H
#define DS_ATTEST_CERTEVIDENCE_H

#include <ds/attest/verdict.h>

struct ds_attestation;
struct ds_cert_info;

/* Extension .8, else .1 and .2 of older releases. att: DS_ATTESTATION_NULL. */
DS_MUST int ds_attest_from_cert(const struct ds_cert_info *leaf, struct ds_attestation *att,
				struct ds_verdict *v);
/* A quote and a JSON log. */
DS_MUST int ds_attest_from_parts(struct ds_span quote, struct ds_span log,
				 struct ds_attestation *att, struct ds_verdict *v);
/* RTMR3's events of att->log as att->runtime_events. */
DS_MUST int ds_attest_runtime_events(struct ds_attestation *att);

#endif
