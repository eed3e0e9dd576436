/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence bundle: everything that is needed to judge an app offline, in one JSON file
 * (docs/verify.md; docs/schema/evidence-bundle.json). Nothing in it is trusted: it is what
 * 'dstackctl evidence' has seen, and 'dstack-verify app --bundle' judges it. Pure; the struct owns
 * copies.
 */
#ifndef DS_WIRE_BUNDLE_H
#define DS_WIRE_BUNDLE_H

#include <ds/base/base.h>

#define DS_BUNDLE_FORMAT  "dstack-evidence"
#define DS_BUNDLE_VERSION 1
#define DS_MAX_BUNDLE	  (16u << 20)

/* Parts that are absent have n == 0. A certificate chain or a quote is there. */
struct ds_bundle {
	struct ds_buf created;	   /* RFC 3339, as its maker says */
	struct ds_buf host;	   /* name that was asked for the chain */
	struct ds_buf chain;	   /* PEM, leaf first: RA-TLS certificate, app CA, KMS root */
	struct ds_buf quote;	   /* made for the nonce */
	uint8_t nonce[64];	   /* the quote's REPORTDATA: what was asked for, then zeros */
	struct ds_buf event_log;   /* JSON array, of the quote or else of the chain's quote */
	struct ds_buf vm_config;   /* text of JSON */
	struct ds_buf compose;	   /* app-compose.json, exact bytes */
	struct ds_buf sha256sum;   /* sha256sum.txt of the image: its SHA-256 is os_image_hash */
	struct ds_buf measurement; /* measurement.json of the image, exact bytes */
	struct ds_buf kms_root;	   /* PEM */
	struct ds_buf collateral;  /* JSON object */
};

#define DS_BUNDLE_NULL ((struct ds_bundle){ 0 })

/*
 * Strict: an unknown or doubled key, a wrong type or a part above its limit is -EBADMSG; more than
 * DS_MAX_BUNDLE bytes -EFBIG; -ENOMEM.
 */
DS_MUST int ds_bundle_parse(struct ds_span in, struct ds_bundle *ret, struct ds_err *err);
/* Append; what ds_bundle_parse() would refuse is -EINVAL. */
DS_MUST int ds_bundle_encode(const struct ds_bundle *b, struct ds_buf *buf, struct ds_err *err);
void ds_bundle_done(struct ds_bundle *b);
#define DS_BUNDLE DS_CLEANUP(ds_bundle_done)

#endif
