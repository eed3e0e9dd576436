/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every derivation of the baseline, in one place with its labels: the KMS side (spec/kms 3.1) and
 * the application side (spec/guest-api 4). All of this is key epoch 0. Secret inputs are borrowed;
 * secret outputs (marked) go to memory that the caller keeps secret. -ERANGE: a derived scalar is
 * out of range (no retry, as in the baseline).
 */
#ifndef DS_KEYS_DERIVE_H
#define DS_KEYS_DERIVE_H

#include <ds/base/base.h>
#include <ds/crypto/k256.h>
#include <ds/crypto/p256.h>

#define DS_KEY_SIZE         32
#define DS_APP_ID_SIZE      20
#define DS_INSTANCE_ID_SIZE 20

/* P256(ikm, ctx): the derived key. */
DS_MUST int ds_derive_p256(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx,
			   struct ds_p256 **ret);
/* DH(ikm, ctx) = SHA-256 of the PKCS#8 form of P256(ikm, ctx). out: secret. */
DS_MUST int ds_derive_dh(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx,
			 uint8_t out[DS_KEY_SIZE]);

/* --- KMS side. root: P-256 scalar of the root CA; k0: root secp256k1 scalar. --- */

/*
 * inst.n is 0 or 20, else -EINVAL: another length would make the context ambiguous (spec/kms 8,
 * item 11). out: secret.
 */
DS_MUST int ds_kms_disk_key(const uint8_t root[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			    struct ds_span inst, uint8_t out[DS_KEY_SIZE]);
/* Unclamped. out: secret. */
DS_MUST int ds_kms_env_key(const uint8_t root[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			   uint8_t out[DS_KEY_SIZE]);
DS_MUST int ds_kms_app_ca(const uint8_t root[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			  struct ds_p256 **ret);
/* out: secret. */
DS_MUST int ds_kms_app_k256(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			    uint8_t out[DS_KEY_SIZE]);
/* The KMS's signature over an app's public key: last element of every signature chain. */
DS_MUST int ds_kms_k256_signature(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
				  const uint8_t app_pub[DS_K256_PUB_SIZE],
				  uint8_t ret_sig[DS_K256_SIG_SIZE]);
/* Which KMS key made it; the caller compares with a trusted one, recovery alone proves nothing. */
DS_MUST int ds_kms_k256_recover(const uint8_t sig[DS_K256_SIG_SIZE],
				const uint8_t app[DS_APP_ID_SIZE],
				const uint8_t app_pub[DS_K256_PUB_SIZE],
				uint8_t ret_kms_pub[DS_K256_PUB_SIZE]);
DS_MUST int ds_kms_env_signature(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
				 const uint8_t env_pub[32], uint8_t ret_sig[DS_K256_SIG_SIZE]);
DS_MUST int ds_kms_env_signature_v1(const uint8_t k0[DS_KEY_SIZE],
				    const uint8_t app[DS_APP_ID_SIZE], uint64_t timestamp,
				    const uint8_t env_pub[32], uint8_t ret_sig[DS_K256_SIG_SIZE]);
/* As ds_kms_k256_recover(), of either form: timestamp NULL is the one without. */
DS_MUST int ds_kms_env_recover(const uint8_t sig[DS_K256_SIG_SIZE],
			       const uint8_t app[DS_APP_ID_SIZE], const uint64_t *timestamp,
			       const uint8_t env_pub[32], uint8_t ret_kms_pub[DS_K256_PUB_SIZE]);
/* report_data of the Bootstrap quote (spec/kms 6.2, step 5). */
DS_MUST int ds_kms_bootstrap_report_data(struct ds_span root_spki,
					 const uint8_t k256_pub[DS_K256_PUB_SIZE], uint8_t ret[64]);

/* --- Application side. k256: the app's secp256k1 key. --- */

enum ds_key_alg { DS_KEY_ALG_SECP256K1, DS_KEY_ALG_ED25519 };

/*
 * GetKey: purpose and algorithm do not enter. out: secret. The same bytes as the kernel gives for
 * "app:<path>".
 */
DS_MUST int ds_app_key(const uint8_t k256[DS_KEY_SIZE], struct ds_span path,
		       uint8_t out[DS_KEY_SIZE]);
/* Public key of such key bytes: 33 (compressed) or 32 bytes. */
DS_MUST int ds_app_key_pub(enum ds_key_alg alg, const uint8_t key[DS_KEY_SIZE], uint8_t ret[33],
			   size_t *ret_n);
/* signature_chain[0]: the app's signature over purpose ":" hex(pub). */
DS_MUST int ds_app_key_signature(const uint8_t k256[DS_KEY_SIZE], struct ds_span purpose,
				 struct ds_span pub, uint8_t ret_sig[DS_K256_SIG_SIZE]);
/* Which app key made it; recovery alone proves nothing: see ds/keys/chain.h. */
DS_MUST int ds_app_key_recover(const uint8_t sig[DS_K256_SIG_SIZE], struct ds_span purpose,
			       struct ds_span pub, uint8_t ret_app_pub[DS_K256_PUB_SIZE]);
/* DeriveKey: the P-256 key of a path. */
DS_MUST int ds_app_p256(const uint8_t k256[DS_KEY_SIZE], struct ds_span path, struct ds_p256 **ret);

/* --- Keys of an app without KMS, from a 32-byte seed. --- */
DS_MUST int ds_seed_app_ca(const uint8_t seed[DS_KEY_SIZE], struct ds_p256 **ret);
DS_MUST int ds_seed_disk_key(const uint8_t seed[DS_KEY_SIZE], uint8_t out[DS_KEY_SIZE]);
DS_MUST int ds_seed_k256(const uint8_t seed[DS_KEY_SIZE], uint8_t out[DS_KEY_SIZE]);

#endif
