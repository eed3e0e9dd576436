/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encrypted environment of an app (spec/kms 5): whoever knows the app's public key can write
 * one, the app alone can read it. It says nothing about who wrote it.
 *
 *   ephemeral X25519 key (32) | nonce (12) | AES-256-GCM of the text | tag (16)
 */
#ifndef DS_KEYS_ENVSEAL_H
#define DS_KEYS_ENVSEAL_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

#define DS_ENV_SEAL_EXTRA 60u

/* -EFBIG: more than DS_MAX_ENCRYPTED_ENV would come of it; -EKEYREJECTED: pub is no usable key. */
DS_MUST int ds_env_seal(const uint8_t pub[32], struct ds_span text, struct ds_buf *ret_blob,
			struct ds_err *err);
/*
 * sk: env_crypt_key, borrowed. -EBADMSG: too short or without text; -EFBIG; -EKEYREJECTED: made for
 * another key, damaged, or with an ephemeral key of small order.
 */
DS_MUST int ds_env_open(const uint8_t sk[32], struct ds_span blob, struct ds_secret **ret_text,
			struct ds_err *err);

#endif
