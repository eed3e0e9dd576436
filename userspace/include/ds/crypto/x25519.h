/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 (RFC 7748) and pure Ed25519 (RFC 8032) on raw 32-byte keys. Secrets are borrowed. Any
 * thread.
 */
#ifndef DS_CRYPTO_X25519_H
#define DS_CRYPTO_X25519_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

DS_MUST int ds_x25519_pub(const uint8_t sk[32], uint8_t ret_pub[32]);
DS_MUST int ds_x25519_keygen(struct ds_secret **ret_sk, uint8_t ret_pub[32]);
/* -EKEYREJECTED: the result is zero (a point of small order). */
DS_MUST int ds_x25519(const uint8_t sk[32], const uint8_t peer[32], uint8_t ret_shared[32]);

DS_MUST int ds_ed25519_pub(const uint8_t seed[32], uint8_t ret_pub[32]);
DS_MUST int ds_ed25519_sign(const uint8_t seed[32], struct ds_span msg, uint8_t ret_sig[64]);
/* 0 good, -EKEYREJECTED wrong. */
DS_MUST int ds_ed25519_verify(const uint8_t pub[32], struct ds_span msg, const uint8_t sig[64]);

#endif
