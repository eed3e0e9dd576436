/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two forms in which roots leave the keys process's memory, both encrypted, both with the key
 * epoch in the open and authenticated: the record on disk and the message to another node. Pure but
 * for random numbers.
 *
 *   record   "dskroots" | epoch u32le | 0 u32le | nonce 12 | ciphertext 64 | tag 16
 *   message  "dskrepl1" | epoch u32le | sender's X25519 key 32 | ciphertext 64 | tag 16
 *
 * The 64 bytes are the scalar of the root CA and the root secp256k1 key. All before the ciphertext
 * is authenticated with it.
 */
#ifndef KMS_SEAL_H
#define KMS_SEAL_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

/*
 * Which roots: every derivation is of one epoch, and a root belongs to one. Epoch 0 is the
 * baseline's, byte for byte, and what a request gets that names none.
 */
#define KMS_EPOCH 0u

#define KMS_MATERIAL_SIZE 64u
#define KMS_RECORD_SIZE	  108u
#define KMS_MESSAGE_SIZE  124u

enum kms_seal {
	KMS_SEAL_DEVELOPMENT, /* plain files */
	KMS_SEAL_KERNEL,      /* a key that the kernel's key type derives for this app */
};

/*
 * The sealing key of a directory with this domain. The name is beside the roots in the clear, and
 * which names no app may have hangs on it: another one must not open them.
 */
DS_MUST int kms_seal_domain(const struct ds_secret *key, struct ds_span domain,
			    struct ds_secret **ret);
/* key: 32 bytes. material: KMS_MATERIAL_SIZE. */
DS_MUST int kms_seal_record(const struct ds_secret *key, const struct ds_secret *material,
			    uint8_t ret[KMS_RECORD_SIZE]);
/*
 * -EBADMSG: no record; -EOPNOTSUPP: of another epoch; -EKEYREJECTED: another key, which is to say
 * another app, or a changed byte.
 */
DS_MUST int kms_open_record(const struct ds_secret *key, struct ds_span record,
			    struct ds_secret **ret_material, struct ds_err *err);

/* For who holds the secret half of recipient; nobody else, we included, can open it again. */
DS_MUST int kms_seal_message(const uint8_t recipient[32], const struct ds_secret *material,
			     uint8_t ret[KMS_MESSAGE_SIZE]);
DS_MUST int kms_open_message(const struct ds_secret *sk, struct ds_span message,
			     struct ds_secret **ret_material, struct ds_err *err);

#endif
