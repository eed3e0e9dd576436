// SPDX-License-Identifier: Apache-2.0
/* X25519 and Ed25519, see ds/crypto/x25519.h. */
#include <ds/crypto/x25519.h>

#include <openssl/evp.h>

#include <ds/crypto/ossl.h>
#include <ds/crypto/rand.h>

static int raw_pub(int type, const uint8_t sk[32], uint8_t ret[32])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, sk, 32);
	size_t n = 32;
	int ok = key && EVP_PKEY_get_raw_public_key(key, ret, &n) == 1 && n == 32;

	EVP_PKEY_free(key);
	return ok ? 0 : ds_ossl_err(NULL, -EIO, "x25519", "public key");
}

int ds_x25519_pub(const uint8_t sk[32], uint8_t ret_pub[32])
{
	return raw_pub(EVP_PKEY_X25519, sk, ret_pub);
}

int ds_x25519_keygen(struct ds_secret **ret_sk, uint8_t ret_pub[32])
{
	DS_SECRET struct ds_secret *sk = ds_secret_new(32);

	if (!sk)
		return -ENOMEM;
	DS_TRY(ds_rand(sk->p, 32));
	DS_TRY(ds_x25519_pub(sk->p, ret_pub));
	*ret_sk = sk;
	sk = NULL;
	return 0;
}

int ds_x25519(const uint8_t sk[32], const uint8_t peer[32], uint8_t ret_shared[32])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, sk, 32);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, 32);
	EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
	uint8_t out[32];
	size_t n = sizeof(out);
	int r = -EIO;

	if (other && ctx && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, other) == 1)
		/* OpenSSL refuses exactly the all-zero result */
		r = EVP_PKEY_derive(ctx, out, &n) == 1 && n == sizeof(out) ? 0 : -EKEYREJECTED;
	if (!r)
		memcpy(ret_shared, out, sizeof(out));
	else
		r = ds_ossl_err(NULL, r, "x25519", "key agreement");
	ds_wipe(out, sizeof(out));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(own);
	return r;
}

int ds_ed25519_pub(const uint8_t seed[32], uint8_t ret_pub[32])
{
	return raw_pub(EVP_PKEY_ED25519, seed, ret_pub);
}

int ds_ed25519_sign(const uint8_t seed[32], struct ds_span msg, uint8_t ret_sig[64])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t n = sizeof(sig);
	int ok = key && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
		 EVP_DigestSign(ctx, sig, &n, msg.n ? msg.p : (const uint8_t *)"", msg.n) == 1 &&
		 n == sizeof(sig);

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!ok)
		return ds_ossl_err(NULL, -EIO, "ed25519", "sign");
	memcpy(ret_sig, sig, sizeof(sig));
	return 0;
}

int ds_ed25519_verify(const uint8_t pub[32], struct ds_span msg, const uint8_t sig[64])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = -EIO;

	if (key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
		r = EVP_DigestVerify(ctx, sig, 64, msg.n ? msg.p : (const uint8_t *)"", msg.n) == 1
			    ? 0
			    : -EKEYREJECTED;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r ? ds_ossl_err(NULL, r, "ed25519", "verify") : 0;
}
