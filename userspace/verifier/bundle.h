/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an evidence bundle, for dstack-verify app. Refusals are in the verdict. */
#ifndef DS_VERIFIER_BUNDLE_H
#define DS_VERIFIER_BUNDLE_H

#include <ds/wire/attestation.h>
#include <ds/wire/bundle.h>

#include "verify.h"

/* Nothing without --bundle. */
DS_MUST int bundle_load(const struct options *o, struct ds_bundle *ret, struct ds_verdict *v);
/* The quote for the nonce as evidence, and the REPORTDATA it must have. */
DS_MUST int bundle_evidence(const struct options *o, const struct ds_bundle *b,
			    struct ds_attestation *att, uint8_t ret_expect[64],
			    struct ds_verdict *v);
/* Measurements of the image, and --image-hash. */
DS_MUST int bundle_image(const struct options *o, const struct ds_bundle *b,
			 const struct ds_identity *id, struct ds_verdict *v);
/* The KMS root that --kms-root-hash names, DER. */
DS_MUST int bundle_root(const struct options *o, const struct ds_bundle *b, struct ds_buf *ret_der,
			struct ds_verdict *v);
/*
 * The quote for the nonce beside a certificate that was accepted: it must be the same TD's. events:
 * the runtime events of the evidence in the certificate.
 */
DS_MUST int bundle_fresh(const struct options *o, const struct ds_bundle *b,
			 struct ds_span collateral, const struct ds_eventlog *events,
			 struct ds_verdict *v);
/* sha256sum.txt names the file in exactly one line, with this hash. */
bool sha256sum_has(struct ds_span list, const char *name, const uint8_t hash[32]);

#endif
