/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature chains from a key of an application back to the secp256k1 root of its KMS
 * (spec/guest-api 4.4, spec/kms 3.1): the app's key signs purpose and public key, the KMS signs app
 * id and app key. Signatures are recoverable, so each gives some key; only the comparison with a
 * root that the caller trusts proves anything. Pure; everything is borrowed.
 */
#ifndef DS_KEYS_CHAIN_H
#define DS_KEYS_CHAIN_H

#include <ds/base/base.h>
#include <ds/keys/derive.h>

/* Positive outcomes: which part does not hold. */
#define DS_KEYS_E_APP_LINK 1 /* the app's signature is missing or malformed */
#define DS_KEYS_E_KMS_LINK 2 /* the KMS's signature is missing or malformed */
#define DS_KEYS_E_ROOT	   3 /* the chain ends in another key than the trusted root */
#define DS_KEYS_E_STALE	   4 /* the signed time is missing, too old or in the future */

struct ds_key_chain {
	struct ds_span purpose;		/* as asked for; Sign has "signing" */
	struct ds_span pub;		/* 33 (secp256k1, compressed) or 32 bytes (ed25519) */
	struct ds_span app_sig;		/* signature_chain, last but one */
	struct ds_span kms_sig;		/* signature_chain, last */
	const uint8_t *app_id;		/* 20 bytes */
	const uint8_t *root;		/* 33 bytes, compressed: k256_pubkey of the KMS */
};

/*
 * 0, DS_KEYS_E_APP_LINK, _KMS_LINK or _ROOT; -EINVAL for a pub of another size. ret_app_pub and
 * ret_root are what the signatures give, as far as they were read (else zero): for display.
 */
DS_MUST int ds_key_chain_verify(const struct ds_key_chain *c, uint8_t ret_app_pub[DS_K256_PUB_SIZE],
				uint8_t ret_root[DS_K256_PUB_SIZE]);
/* The same for the app's key itself (GetAppKey), which only the KMS signs: app_pub is it. */
DS_MUST int ds_app_key_verify(const uint8_t app_pub[DS_K256_PUB_SIZE], struct ds_span kms_sig,
			      const uint8_t app_id[DS_APP_ID_SIZE],
			      const uint8_t root[DS_K256_PUB_SIZE],
			      uint8_t ret_root[DS_K256_PUB_SIZE]);

/* How far the clocks of KMS and verifier may differ, in seconds. */
#define DS_ENV_KEY_SKEW 60

/* The reply of GetAppEnvEncryptPubKey. */
struct ds_env_key {
	const uint8_t *pub;    /* 32 bytes */
	struct ds_span sig;    /* older form, n 0: absent */
	struct ds_span sig_v1; /* with the timestamp, n 0: absent */
	uint64_t timestamp;
	const uint8_t *app_id, *root; /* as above */
};

/*
 * Every signature that is there must be the root's. max_age in seconds before now; negative: any
 * age, and the older form alone will do. 0, DS_KEYS_E_KMS_LINK, _ROOT or _STALE.
 */
DS_MUST int ds_env_key_verify(const struct ds_env_key *k, int64_t now, int64_t max_age,
			      uint8_t ret_root[DS_K256_PUB_SIZE]);

#endif
