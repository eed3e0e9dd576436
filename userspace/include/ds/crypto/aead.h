/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM with a 12-byte nonce and a 16-byte tag behind the ciphertext. The caller never uses a
 * nonce twice under one key. Everything is borrowed; the plain text is secret where the key is. Any
 * thread.
 */
#ifndef DS_CRYPTO_AEAD_H
#define DS_CRYPTO_AEAD_H

#include <ds/base/base.h>

#define DS_AEAD_KEY_SIZE   32
#define DS_AEAD_NONCE_SIZE 12
#define DS_AEAD_TAG_SIZE   16
#define DS_AEAD_MAX	   (1u << 30)

/* out has room for plain.n + DS_AEAD_TAG_SIZE bytes and does not overlap plain. */
DS_MUST int ds_aead_seal(const uint8_t key[DS_AEAD_KEY_SIZE],
			 const uint8_t nonce[DS_AEAD_NONCE_SIZE], struct ds_span aad,
			 struct ds_span plain, uint8_t *out);
/*
 * out has room for sealed.n - DS_AEAD_TAG_SIZE bytes. -EKEYREJECTED: another key, nonce or aad, or
 * a changed byte; out is zeroed then. -EBADMSG: too short for a tag.
 */
DS_MUST int ds_aead_open(const uint8_t key[DS_AEAD_KEY_SIZE],
			 const uint8_t nonce[DS_AEAD_NONCE_SIZE], struct ds_span aad,
			 struct ds_span sealed, uint8_t *out);

#endif
