/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on secp256k1 over a 32-byte digest (spec/guest-api 4.4): nonces by RFC 6979 with
 * HMAC-SHA-256, low S. Secret scalars are borrowed. 0 or negative errno; -ERANGE: the scalar is 0
 * or not below the group order. The shared context is made and blinded at first use and lives until
 * the process ends.
 */
#ifndef DS_CRYPTO_K256_H
#define DS_CRYPTO_K256_H

#include <ds/base/base.h>

#define DS_K256_PUB_SIZE 33 /* SEC1 compressed */
#define DS_K256_SIG_SIZE 65 /* r || s || v, v in 0..3 */

/* 0, or -ERANGE: no secret key. */
DS_MUST int ds_k256_check(const uint8_t sk[32]);
DS_MUST int ds_k256_pub(const uint8_t sk[32], uint8_t ret[DS_K256_PUB_SIZE]);
/* SEC1, uncompressed. */
DS_MUST int ds_k256_pub_full(const uint8_t sk[32], uint8_t ret[65]);
DS_MUST int ds_k256_sign_recoverable(const uint8_t sk[32], const uint8_t digest[32],
				     uint8_t ret[DS_K256_SIG_SIZE]);
/* r || s without v. */
DS_MUST int ds_k256_sign(const uint8_t sk[32], const uint8_t digest[32], uint8_t ret[64]);
/* -EBADMSG: r, s or v out of range; -EKEYREJECTED: no key gives this signature. */
DS_MUST int ds_k256_recover(const uint8_t sig[DS_K256_SIG_SIZE], const uint8_t digest[32],
			    uint8_t ret_pub[DS_K256_PUB_SIZE]);
/*
 * pub is SEC1, 33 or 65 bytes. -EBADMSG: malformed key, r or s; -EKEYREJECTED: wrong signature,
 * high S included.
 */
DS_MUST int ds_k256_verify(struct ds_span pub, const uint8_t digest[32], const uint8_t sig[64]);

#endif
