/* SPDX-License-Identifier: Apache-2.0 */
/* The three signature schemes of Sign and Verify (spec/guest-api 2.1, 4.4). Pure; keys are
 * borrowed. */
#ifndef DS_KEYS_SIGN_H
#define DS_KEYS_SIGN_H

#include <ds/base/base.h>

enum ds_sign_alg { DS_SIGN_ED25519, DS_SIGN_SECP256K1, DS_SIGN_SECP256K1_PREHASHED };

/* "" and everything unknown is -EOPNOTSUPP. */
DS_MUST int ds_sign_alg_parse(const char *name, enum ds_sign_alg *ret);
/* 64 bytes. -EINVAL: a digest to be signed as it is has not 32 bytes. */
DS_MUST int ds_sign_data(enum ds_sign_alg alg, const uint8_t key[32], struct ds_span data,
		      uint8_t ret_sig[64]);
/* 0: *ret says whether the signature is good. -EBADMSG: key or signature is malformed. */
DS_MUST int ds_sign_verify(enum ds_sign_alg alg, struct ds_span pub, struct ds_span data,
			struct ds_span sig, bool *ret);

#endif
