/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two processes of the KMS and all that passes between them.
 *
 *   net    TLS, HTTP, JSON, evidence, policy, release log. Sees app keys on their way to an app,
 * never a root. keys   the roots (root CA key, root secp256k1 key). Answers the questions below.
 * Roots leave it in one way, for another KMS, and only if the configuration that it was started
 * with says so: sealed for a key that net names and the operator has listed (consent.h), which is
 * that of the other node's keys process; or, if that is allowed too, in the clear for a stock node.
 * It says so in the journal itself, each time.
 *
 * A KMS without roots has another keys process (keys_new.c), which makes or takes them, writes the
 * directory and ends.
 *
 * One fixed-size question, one fixed-size answer, over SOCK_SEQPACKET. A message of another size or
 * an unknown question ends the keys process: its peer is no longer what it was.
 */
#ifndef KMS_PROTO_H
#define KMS_PROTO_H

#include "seal.h"

#include <ds/base/base.h>

enum kms_op {
	KMS_OP_HELLO = 1, /* -> compressed secp256k1 root public key (33) */
	KMS_OP_APP_KEYS,  /* app, inst -> struct kms_app_keys */
	KMS_OP_APP_CA,	 /* app -> DER of the app CA certificate, made now, signed by the root CA */
	KMS_OP_APP_SIGN, /* app, digest -> DER ECDSA signature of the app CA */
	KMS_OP_ENV_PUB,	 /* app -> struct kms_env_pub */
	KMS_OP_EXPORT,	 /* digest: the recipient's X25519 key -> message (seal.h) */
	KMS_OP_EXPORT_STOCK, /* -> the root CA's scalar and the root secp256k1 key */
};

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

/* The questions to the keys process of a KMS without roots. */
enum kms_new_op {
	KMS_NEW_MAKE = 1,   /* -> spki, k256_pub */
	KMS_NEW_RECIPIENT,  /* -> recipient: seal the message for this; one for the process's life */
	KMS_NEW_TAKE,	    /* tmp_scalar, message -> spki, k256_pub */
	KMS_NEW_TAKE_STOCK, /* tmp_scalar, the roots in message -> spki, k256_pub */
	KMS_NEW_COMMIT,	    /* domain, evidence: what was made or taken is on disk */
};

#define KMS_NEW_EVIDENCE_MAX (96u << 10)

struct kms_new_ask {
	uint32_t op;
	uint32_t evidence_n;
	uint8_t tmp_scalar[32];
	uint8_t message[KMS_MESSAGE_SIZE];
	char domain[256];
	uint8_t evidence[KMS_NEW_EVIDENCE_MAX];
};

struct kms_new_answer {
	int32_t status;
	uint8_t spki[91];
	uint8_t k256_pub[33];
	uint8_t recipient[32];
	char error[160];
};

#endif
