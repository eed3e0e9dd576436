// SPDX-License-Identifier: Apache-2.0
/* Derivations of the baseline, see ds/keys/derive.h. The labels below are on the wire: never change
 * one. */
#include <ds/keys/derive.h>

#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/kdf.h>
#include <ds/crypto/x25519.h>

/* KMS contexts (spec/kms 3.1) */
#define L_DISK	 DS_SPAN_LIT("app-disk-crypt-key")
#define L_ENV	 DS_SPAN_LIT("env-encrypt-key")
#define L_APP_CA DS_SPAN_LIT("app-ca")
#define L_APP	 DS_SPAN_LIT("app-key")
/* KMS messages (spec/kms 3.1, 6.2; the misspelling is the protocol's) */
#define M_ISSUED    DS_SPAN_LIT("dstack-kms-issued:")
#define M_ENV	    DS_SPAN_LIT("dstack-env-encrypt-pubkey:")
#define M_BOOTSTRAP DS_SPAN_LIT("dstack-kms-genereted-keys-v1:")
/* Contexts without a KMS (spec/guest-api 4.1) */
#define L_SEED_DISK DS_SPAN_LIT("app-disk-key")
#define L_SEED_K256 DS_SPAN_LIT("app-k256-key")

#define APP_SPAN(app) DS_SPAN(app, DS_APP_ID_SIZE)
#define KEY_SPAN(key) DS_SPAN(key, DS_KEY_SIZE)

int ds_derive_p256(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx,
		   struct ds_p256 **ret)
{
	DS_SECRET struct ds_secret *scalar = ds_secret_new(DS_P256_SCALAR_SIZE);

	if (!scalar)
		return -ENOMEM;
	DS_TRY(ds_kdf_ratls(ikm, ctx, n_ctx, scalar->p, scalar->n));
	return ds_p256_from_scalar(scalar->p, ret);
}

int ds_derive_dh(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx,
		 uint8_t out[DS_KEY_SIZE])
{
	/* the scalar, then its PKCS#8 form */
	DS_SECRET struct ds_secret *m = ds_secret_new(DS_P256_SCALAR_SIZE + DS_P256_PKCS8_SIZE);
	uint8_t *pkcs8 = m ? m->p + DS_P256_SCALAR_SIZE : NULL;

	if (!m)
		return -ENOMEM;
	DS_TRY(ds_kdf_ratls(ikm, ctx, n_ctx, m->p, DS_P256_SCALAR_SIZE));
	DS_TRY(ds_p256_scalar_pkcs8(m->p, pkcs8));
	return ds_sha256_1(DS_SPAN(pkcs8, DS_P256_PKCS8_SIZE), out);
}

/* A secp256k1 scalar. */
static int derive_k256(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx,
		       uint8_t out[DS_KEY_SIZE])
{
	int r = ds_kdf_ratls(ikm, ctx, n_ctx, out, DS_KEY_SIZE);

	if (!r)
		r = ds_k256_check(out);
	if (r)
		ds_wipe(out, DS_KEY_SIZE);
	return r;
}

static int sign_keccak(const uint8_t sk[DS_KEY_SIZE], const struct ds_span *parts, size_t n,
		       uint8_t ret[DS_K256_SIG_SIZE])
{
	uint8_t digest[32];

	ds_keccak256(parts, n, digest);
	return ds_k256_sign_recoverable(sk, digest, ret);
}

int ds_kms_disk_key(const uint8_t root[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
		    struct ds_span inst, uint8_t out[DS_KEY_SIZE])
{
	const struct ds_span ctx[] = { APP_SPAN(app), inst, L_DISK };

	if (inst.n != 0 && inst.n != DS_INSTANCE_ID_SIZE)
		return -EINVAL;
	return ds_derive_dh(KEY_SPAN(root), ctx, DS_ARRAY_SIZE(ctx), out);
}

int ds_kms_env_key(const uint8_t root[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
		   uint8_t out[DS_KEY_SIZE])
{
	const struct ds_span ctx[] = { APP_SPAN(app), L_ENV };

	return ds_derive_dh(KEY_SPAN(root), ctx, DS_ARRAY_SIZE(ctx), out);
}

int ds_kms_app_ca(const uint8_t root[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
		  struct ds_p256 **ret)
{
	const struct ds_span ctx[] = { APP_SPAN(app), L_APP_CA };

	return ds_derive_p256(KEY_SPAN(root), ctx, DS_ARRAY_SIZE(ctx), ret);
}

int ds_kms_app_k256(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
		    uint8_t out[DS_KEY_SIZE])
{
	const struct ds_span ctx[] = { APP_SPAN(app), L_APP };

	return derive_k256(KEY_SPAN(k0), ctx, DS_ARRAY_SIZE(ctx), out);
}

int ds_kms_k256_signature(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			  const uint8_t app_pub[DS_K256_PUB_SIZE],
			  uint8_t ret_sig[DS_K256_SIG_SIZE])
{
	const struct ds_span msg[] = { M_ISSUED, APP_SPAN(app),
				       DS_SPAN(app_pub, DS_K256_PUB_SIZE) };

	return sign_keccak(k0, msg, DS_ARRAY_SIZE(msg), ret_sig);
}

int ds_kms_k256_recover(const uint8_t sig[DS_K256_SIG_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			const uint8_t app_pub[DS_K256_PUB_SIZE],
			uint8_t ret_kms_pub[DS_K256_PUB_SIZE])
{
	const struct ds_span msg[] = { M_ISSUED, APP_SPAN(app),
				       DS_SPAN(app_pub, DS_K256_PUB_SIZE) };
	uint8_t digest[32];

	ds_keccak256(msg, DS_ARRAY_SIZE(msg), digest);
	return ds_k256_recover(sig, digest, ret_kms_pub);
}

/* Both forms: timestamp NULL is the older one. */
static void env_digest(const uint8_t app[DS_APP_ID_SIZE], const uint64_t *timestamp,
		       const uint8_t env_pub[32], uint8_t ret[32])
{
	uint8_t be[8];
	const struct ds_span msg[] = { M_ENV, APP_SPAN(app),
				       DS_SPAN(be, timestamp ? sizeof(be) : 0),
				       DS_SPAN(env_pub, 32) };

	for (size_t i = 0; timestamp && i < sizeof(be); i++)
		be[i] = (uint8_t)(*timestamp >> (56 - 8 * i));
	ds_keccak256(msg, DS_ARRAY_SIZE(msg), ret);
}

int ds_kms_env_signature(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			 const uint8_t env_pub[32], uint8_t ret_sig[DS_K256_SIG_SIZE])
{
	uint8_t digest[32];

	env_digest(app, NULL, env_pub, digest);
	return ds_k256_sign_recoverable(k0, digest, ret_sig);
}

int ds_kms_env_signature_v1(const uint8_t k0[DS_KEY_SIZE], const uint8_t app[DS_APP_ID_SIZE],
			    uint64_t timestamp, const uint8_t env_pub[32],
			    uint8_t ret_sig[DS_K256_SIG_SIZE])
{
	uint8_t digest[32];

	env_digest(app, &timestamp, env_pub, digest);
	return ds_k256_sign_recoverable(k0, digest, ret_sig);
}

int ds_kms_env_recover(const uint8_t sig[DS_K256_SIG_SIZE], const uint8_t app[DS_APP_ID_SIZE],
		       const uint64_t *timestamp, const uint8_t env_pub[32],
		       uint8_t ret_kms_pub[DS_K256_PUB_SIZE])
{
	uint8_t digest[32];

	env_digest(app, timestamp, env_pub, digest);
	return ds_k256_recover(sig, digest, ret_kms_pub);
}

int ds_kms_bootstrap_report_data(struct ds_span root_spki, const uint8_t k256_pub[DS_K256_PUB_SIZE],
				 uint8_t ret[64])
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_span msg;

	DS_TRY(ds_buf_add_span(&text, M_BOOTSTRAP));
	DS_TRY(ds_buf_add_hex(&text, root_spki));
	DS_TRY(ds_buf_add_u8(&text, ';'));
	DS_TRY(ds_buf_add_hex(&text, DS_SPAN(k256_pub, DS_K256_PUB_SIZE)));
	DS_TRY(ds_buf_add_u8(&text, ';'));
	msg = ds_buf_span(&text);
	memset(ret, 0, 64);
	ds_keccak256(&msg, 1, ret);
	return 0;
}

int ds_app_key(const uint8_t k256[DS_KEY_SIZE], struct ds_span path, uint8_t out[DS_KEY_SIZE])
{
	return derive_k256(KEY_SPAN(k256), &path, 1, out);
}

int ds_app_key_pub(enum ds_key_alg alg, const uint8_t key[DS_KEY_SIZE], uint8_t ret[33],
		   size_t *ret_n)
{
	switch (alg) {
	case DS_KEY_ALG_SECP256K1:
		DS_TRY(ds_k256_pub(key, ret));
		*ret_n = DS_K256_PUB_SIZE;
		return 0;
	case DS_KEY_ALG_ED25519:
		DS_TRY(ds_ed25519_pub(key, ret));
		*ret_n = 32;
		return 0;
	}
	return -EINVAL;
}

static int key_digest(struct ds_span purpose, struct ds_span pub, uint8_t ret[32])
{
	char hex[2 * DS_K256_PUB_SIZE + 1];
	const struct ds_span msg[] = { purpose, DS_SPAN_LIT(":"), DS_SPAN(hex, 2 * pub.n) };

	if (pub.n > DS_K256_PUB_SIZE)
		return -EINVAL;
	ds_hex_encode(pub.p, pub.n, hex);
	ds_keccak256(msg, DS_ARRAY_SIZE(msg), ret);
	return 0;
}

int ds_app_key_signature(const uint8_t k256[DS_KEY_SIZE], struct ds_span purpose,
			 struct ds_span pub, uint8_t ret_sig[DS_K256_SIG_SIZE])
{
	uint8_t digest[32];

	DS_TRY(key_digest(purpose, pub, digest));
	return ds_k256_sign_recoverable(k256, digest, ret_sig);
}

int ds_app_key_recover(const uint8_t sig[DS_K256_SIG_SIZE], struct ds_span purpose,
		       struct ds_span pub, uint8_t ret_app_pub[DS_K256_PUB_SIZE])
{
	uint8_t digest[32];

	DS_TRY(key_digest(purpose, pub, digest));
	return ds_k256_recover(sig, digest, ret_app_pub);
}

int ds_app_p256(const uint8_t k256[DS_KEY_SIZE], struct ds_span path, struct ds_p256 **ret)
{
	return ds_derive_p256(KEY_SPAN(k256), &path, 1, ret);
}

int ds_seed_app_ca(const uint8_t seed[DS_KEY_SIZE], struct ds_p256 **ret)
{
	const struct ds_span ctx = L_APP;

	return ds_derive_p256(KEY_SPAN(seed), &ctx, 1, ret);
}

int ds_seed_disk_key(const uint8_t seed[DS_KEY_SIZE], uint8_t out[DS_KEY_SIZE])
{
	const struct ds_span ctx = L_SEED_DISK;

	return ds_derive_dh(KEY_SPAN(seed), &ctx, 1, out);
}

int ds_seed_k256(const uint8_t seed[DS_KEY_SIZE], uint8_t out[DS_KEY_SIZE])
{
	const struct ds_span ctx = L_SEED_K256;

	return derive_k256(KEY_SPAN(seed), &ctx, 1, out);
}
