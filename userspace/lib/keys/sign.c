// SPDX-License-Identifier: Apache-2.0
/* Signature schemes of Sign and Verify. */
#include <ds/keys/sign.h>

#include <ds/crypto/hash.h>
#include <ds/crypto/k256.h>
#include <ds/crypto/x25519.h>

#define MIN_DIGEST 16u /* shorter prehashed data verifies nothing */

int ds_sign_alg_parse(const char *name, enum ds_sign_alg *ret)
{
	if (!strcmp(name, "ed25519"))
		*ret = DS_SIGN_ED25519;
	else if (!strcmp(name, "secp256k1") || !strcmp(name, "k256"))
		*ret = DS_SIGN_SECP256K1;
	else if (!strcmp(name, "secp256k1_prehashed"))
		*ret = DS_SIGN_SECP256K1_PREHASHED;
	else
		return -EOPNOTSUPP;
	return 0;
}

int ds_sign_data(enum ds_sign_alg alg, const uint8_t key[32], struct ds_span data, uint8_t ret_sig[64])
{
	uint8_t digest[32];

	if (alg == DS_SIGN_ED25519)
		return ds_ed25519_sign(key, data, ret_sig);
	if (alg == DS_SIGN_SECP256K1)
		DS_TRY(ds_sha256_1(data, digest));
	else if (data.n == sizeof(digest))
		memcpy(digest, data.p, sizeof(digest));
	else
		return -EINVAL;
	return ds_k256_sign(key, digest, ret_sig);
}

static int verify_k256(enum ds_sign_alg alg, struct ds_span pub, struct ds_span data,
		       const uint8_t *sig)
{
	uint8_t digest[32] = { 0 };

	if (alg == DS_SIGN_SECP256K1)
		DS_TRY(ds_sha256_1(data, digest));
	else if (data.n < MIN_DIGEST)
		return -EKEYREJECTED;
	else if (data.n < sizeof(digest))
		memcpy(digest + sizeof(digest) - data.n, data.p, data.n);
	else
		memcpy(digest, data.p, sizeof(digest));
	return ds_k256_verify(pub, digest, sig);
}

int ds_sign_verify(enum ds_sign_alg alg, struct ds_span pub, struct ds_span data, struct ds_span sig,
		bool *ret)
{
	int r;

	if (sig.n != 64 || (alg == DS_SIGN_ED25519 && pub.n != 32))
		return -EBADMSG;
	r = alg == DS_SIGN_ED25519 ? ds_ed25519_verify(pub.p, data, sig.p)
				: verify_k256(alg, pub, data, sig.p);
	if (r && r != -EKEYREJECTED)
		return r;
	*ret = !r;
	return 0;
}
