/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two processes of the KMS and all that passes between them.
 *
 *   net    TLS, HTTP, JSON, evidence, policy, release log. Sees app keys on their way to an app,
 * never a root. keys   the roots (root CA key, root secp256k1 key). Answers the questions below;
 * there is no export.
 *
 * One fixed-size question, one fixed-size answer, over SOCK_SEQPACKET. A message of another size or
 * an unknown question ends the keys process: its peer is no longer what it was.
 */
#ifndef KMS_PROTO_H
#define KMS_PROTO_H

#include <ds/base/base.h>

enum kms_op {
	KMS_OP_HELLO = 1, /* -> compressed secp256k1 root public key (33) */
	KMS_OP_APP_KEYS,  /* app, inst -> struct kms_app_keys */
	KMS_OP_APP_CA,	 /* app -> DER of the app CA certificate, made now, signed by the root CA */
	KMS_OP_APP_SIGN, /* app, digest -> DER ECDSA signature of the app CA */
	KMS_OP_ENV_PUB,	 /* app -> struct kms_env_pub */
};

/*
 * Which roots: every derivation is of one epoch, and a root belongs to one. Epoch 0 is the
 * baseline's, byte for byte. -ENOENT: this KMS has no such epoch.
 */
#define KMS_EPOCH 0u /* what a request gets that names none */

struct kms_ask {
	uint32_t op;
	uint32_t epoch;
	uint32_t inst_n; /* 0 or 20 */
	uint8_t app[20];
	uint8_t inst[20];
	uint8_t digest[32];
};

#define KMS_ANSWER_MAX 1536u

struct kms_answer {
	int32_t status; /* 0 or negative errno */
	uint32_t n;
	uint8_t data[KMS_ANSWER_MAX];
};

struct kms_app_keys {
	uint8_t disk[32];
	uint8_t env[32];
	uint8_t k256[32];
	uint8_t k256_signature[65];
};

/* Public. The time is that of the keys process: nobody gets a signature over another one. */
struct kms_env_pub {
	uint64_t timestamp;
	uint8_t pub[32];
	uint8_t signature[65];
	uint8_t signature_v1[65];
};

#endif
