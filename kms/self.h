/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this KMS is to others: a key for its TLS sessions, made at each start and never on disk, and
 * evidence for it from the agent of the confidential VM. Made before the keys process is forked,
 * which writes the server certificate; immutable after that.
 */
#ifndef KMS_SELF_H
#define KMS_SELF_H

#include "conf.h"

#include <ds/crypto/p256.h>
#include <ds/wire/attestation.h>

struct kms_self {
	struct ds_p256 *key;
	uint8_t spki[DS_P256_SPKI_SIZE];
	bool attested; /* else there is no agent, and what follows is empty */
	struct ds_attestation att;
	struct ds_buf stripped; /* the same as it goes into certificates */
};

DS_MUST int kms_self_make(const struct kms_conf *conf, struct kms_self *ret, struct ds_err *err);
void kms_self_done(struct kms_self *self);

/* Request to the agent for evidence with this report data, and what its answer says. */
DS_MUST int kms_attest_request(const uint8_t report_data[64], struct ds_buf *ret);
DS_MUST int kms_attest_reply(int status, struct ds_span body, const uint8_t report_data[64],
			     struct ds_attestation *ret, struct ds_err *err);

#endif
