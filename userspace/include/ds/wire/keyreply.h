/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON replies that carry a key and who vouches for it: GetKey and DeriveK256Key, Sign
 * (spec/guest-api 2.1, 2.2), GetAppKey and GetAppEnvEncryptPubKey (spec/kms 2.1, 2.3). Pure; the
 * struct owns its bytes. It may hold a secret key: call ds_key_reply_done().
 */
#ifndef DS_WIRE_KEYREPLY_H
#define DS_WIRE_KEYREPLY_H

#include <ds/base/base.h>

#define DS_MAX_KEY_REPLY  (64u << 10)
#define DS_KEY_REPLY_SIGS 3

enum ds_key_reply_kind {
	DS_KEY_REPLY_KEY,  /* GetKey, DeriveK256Key: signature_chain of two */
	DS_KEY_REPLY_SIGN, /* Sign: signature, signature_chain of three, public_key */
	DS_KEY_REPLY_APP,  /* GetAppKey: k256_key, k256_signature */
	DS_KEY_REPLY_ENV,  /* GetAppEnvEncryptPubKey: public_key, signature, signature_v1 */
};

struct ds_key_reply {
	enum ds_key_reply_kind kind;
	bool has_key;
	uint8_t key[32]; /* secret */
	struct ds_buf public_key;
	struct ds_buf signature, signature_v1; /* empty when absent */
	struct ds_buf chain[DS_KEY_REPLY_SIGS];
	size_t n_chain;
	uint64_t timestamp;
};

#define DS_KEY_REPLY_NULL ((struct ds_key_reply){ 0 })

/* Other keys are ignored, except that no key may appear twice. -EBADMSG, -EFBIG, -ENOMEM. */
DS_MUST int ds_key_reply_parse(struct ds_span json, struct ds_key_reply *ret, struct ds_err *err);
/* Wipes; may run twice. */
void ds_key_reply_done(struct ds_key_reply *r);
#define DS_KEY_REPLY DS_CLEANUP(ds_key_reply_done)

#endif
