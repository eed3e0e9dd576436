// SPDX-License-Identifier: Apache-2.0
/* Signature chains back to the KMS root, see ds/keys/chain.h. */
#include <ds/keys/chain.h>

/* What a recovery says: out of range or no key is the outcome, anything else a failure of ours. */
static int recovered(int r, int outcome)
{
	return r == -EBADMSG || r == -EKEYREJECTED ? outcome : r;
}

static int same_root(const uint8_t root[DS_K256_PUB_SIZE], const uint8_t got[DS_K256_PUB_SIZE])
{
	return ds_ct_equal(root, got, DS_K256_PUB_SIZE) ? 0 : DS_KEYS_E_ROOT;
}

int ds_app_key_verify(const uint8_t app_pub[DS_K256_PUB_SIZE], struct ds_span kms_sig,
		      const uint8_t app_id[DS_APP_ID_SIZE], const uint8_t root[DS_K256_PUB_SIZE],
		      uint8_t ret_root[DS_K256_PUB_SIZE])
{
	memset(ret_root, 0, DS_K256_PUB_SIZE);
	if (kms_sig.n != DS_K256_SIG_SIZE)
		return DS_KEYS_E_KMS_LINK;
	DS_TRY(recovered(ds_kms_k256_recover(kms_sig.p, app_id, app_pub, ret_root),
			 DS_KEYS_E_KMS_LINK));
	return same_root(root, ret_root);
}

int ds_key_chain_verify(const struct ds_key_chain *c, uint8_t ret_app_pub[DS_K256_PUB_SIZE],
			uint8_t ret_root[DS_K256_PUB_SIZE])
{
	memset(ret_app_pub, 0, DS_K256_PUB_SIZE);
	memset(ret_root, 0, DS_K256_PUB_SIZE);
	if (c->pub.n != 32 && c->pub.n != DS_K256_PUB_SIZE)
		return -EINVAL;
	if (c->app_sig.n != DS_K256_SIG_SIZE)
		return DS_KEYS_E_APP_LINK;
	DS_TRY(recovered(ds_app_key_recover(c->app_sig.p, c->purpose, c->pub, ret_app_pub),
			 DS_KEYS_E_APP_LINK));
	return ds_app_key_verify(ret_app_pub, c->kms_sig, c->app_id, c->root, ret_root);
}

static int env_signature(const struct ds_env_key *k, struct ds_span sig, const uint64_t *timestamp,
			 uint8_t ret_root[DS_K256_PUB_SIZE])
{
	if (!sig.n)
		return 0;
	if (sig.n != DS_K256_SIG_SIZE)
		return DS_KEYS_E_KMS_LINK;
	DS_TRY(recovered(ds_kms_env_recover(sig.p, k->app_id, timestamp, k->pub, ret_root),
			 DS_KEYS_E_KMS_LINK));
	return same_root(k->root, ret_root);
}

int ds_env_key_verify(const struct ds_env_key *k, int64_t now, int64_t max_age,
		      uint8_t ret_root[DS_K256_PUB_SIZE])
{
	memset(ret_root, 0, DS_K256_PUB_SIZE);
	if (!k->sig.n && !k->sig_v1.n)
		return DS_KEYS_E_KMS_LINK;
	DS_TRY(env_signature(k, k->sig, NULL, ret_root));
	DS_TRY(env_signature(k, k->sig_v1, &k->timestamp, ret_root));
	if (max_age < 0)
		return 0;
	if (!k->sig_v1.n || k->timestamp > INT64_MAX - DS_ENV_KEY_SKEW ||
	    (int64_t)k->timestamp > now + DS_ENV_KEY_SKEW ||
	    (int64_t)k->timestamp < now - max_age - DS_ENV_KEY_SKEW)
		return DS_KEYS_E_STALE;
	return 0;
}
