// SPDX-License-Identifier: Apache-2.0
/* secp256k1, see ds/crypto/k256.h. libsecp256k1's default nonce is RFC 6979 with SHA-256 and it
 * signs with low S. */
#include <ds/crypto/k256.h>

#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <ds/base/secret.h>
#include <ds/crypto/rand.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static secp256k1_context *shared;

/* Blinding makes scalar multiplication independent of the secret scalar's bits. */
static void make_context(void)
{
	uint8_t seed[32];

	if (ds_rand(seed, sizeof(seed)))
		return;
	shared = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
	if (shared && secp256k1_context_randomize(shared, seed) != 1) {
		secp256k1_context_destroy(shared);
		shared = NULL;
	}
	ds_wipe(seed, sizeof(seed));
}

static int context(const secp256k1_context **ret)
{
	pthread_once(&once, make_context);
	if (!shared)
		return -ENOMEM;
	*ret = shared;
	return 0;
}

static int compressed(const secp256k1_context *ctx, const secp256k1_pubkey *key,
		      uint8_t ret[DS_K256_PUB_SIZE])
{
	size_t n = DS_K256_PUB_SIZE;

	if (secp256k1_ec_pubkey_serialize(ctx, ret, &n, key, SECP256K1_EC_COMPRESSED) != 1 ||
	    n != DS_K256_PUB_SIZE)
		return -EIO;
	return 0;
}

int ds_k256_check(const uint8_t sk[32])
{
	const secp256k1_context *ctx;

	DS_TRY(context(&ctx));
	return secp256k1_ec_seckey_verify(ctx, sk) == 1 ? 0 : -ERANGE;
}

int ds_k256_pub(const uint8_t sk[32], uint8_t ret[DS_K256_PUB_SIZE])
{
	const secp256k1_context *ctx;
	secp256k1_pubkey key;

	DS_TRY(context(&ctx));
	if (secp256k1_ec_pubkey_create(ctx, &key, sk) != 1)
		return -ERANGE;
	return compressed(ctx, &key, ret);
}

int ds_k256_pub_full(const uint8_t sk[32], uint8_t ret[65])
{
	const secp256k1_context *ctx;
	secp256k1_pubkey key;
	size_t n = 65;

	DS_TRY(context(&ctx));
	if (secp256k1_ec_pubkey_create(ctx, &key, sk) != 1)
		return -ERANGE;
	if (secp256k1_ec_pubkey_serialize(ctx, ret, &n, &key, SECP256K1_EC_UNCOMPRESSED) != 1)
		return -EIO;
	return 0;
}

int ds_k256_sign_recoverable(const uint8_t sk[32], const uint8_t digest[32],
			     uint8_t ret[DS_K256_SIG_SIZE])
{
	secp256k1_ecdsa_recoverable_signature sig;
	const secp256k1_context *ctx;
	int recid;

	DS_TRY(context(&ctx));
	if (secp256k1_ecdsa_sign_recoverable(ctx, &sig, digest, sk, NULL, NULL) != 1)
		return -ERANGE;
	if (secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, ret, &recid, &sig) != 1)
		return -EIO;
	ret[64] = (uint8_t)recid;
	return 0;
}

int ds_k256_sign(const uint8_t sk[32], const uint8_t digest[32], uint8_t ret[64])
{
	secp256k1_ecdsa_signature sig;
	const secp256k1_context *ctx;

	DS_TRY(context(&ctx));
	if (secp256k1_ecdsa_sign(ctx, &sig, digest, sk, NULL, NULL) != 1)
		return -ERANGE;
	return secp256k1_ecdsa_signature_serialize_compact(ctx, ret, &sig) == 1 ? 0 : -EIO;
}

/* The library accepts zero here and rejects it only later; the specification wants 1..n-1. */
static bool zero_half(const uint8_t half[32])
{
	uint8_t any = 0;

	for (size_t i = 0; i < 32; i++)
		any |= half[i];
	return !any;
}

int ds_k256_recover(const uint8_t sig[DS_K256_SIG_SIZE], const uint8_t digest[32],
		    uint8_t ret_pub[DS_K256_PUB_SIZE])
{
	secp256k1_ecdsa_recoverable_signature parsed;
	const secp256k1_context *ctx;
	secp256k1_pubkey key;

	DS_TRY(context(&ctx));
	if (sig[64] > 3 || zero_half(sig) || zero_half(sig + 32))
		return -EBADMSG;
	if (secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &parsed, sig, sig[64]) != 1)
		return -EBADMSG;
	if (secp256k1_ecdsa_recover(ctx, &key, &parsed, digest) != 1)
		return -EKEYREJECTED;
	return compressed(ctx, &key, ret_pub);
}

int ds_k256_verify(struct ds_span pub, const uint8_t digest[32], const uint8_t sig[64])
{
	secp256k1_ecdsa_signature parsed;
	const secp256k1_context *ctx;
	secp256k1_pubkey key;
	bool sec1;

	DS_TRY(context(&ctx));
	/* the library also takes the hybrid forms 06 and 07 */
	sec1 = (pub.n == 33 && (pub.p[0] == 2 || pub.p[0] == 3)) || (pub.n == 65 && pub.p[0] == 4);
	if (!sec1 || secp256k1_ec_pubkey_parse(ctx, &key, pub.p, pub.n) != 1)
		return -EBADMSG;
	if (zero_half(sig) || zero_half(sig + 32) ||
	    secp256k1_ecdsa_signature_parse_compact(ctx, &parsed, sig) != 1)
		return -EBADMSG;
	return secp256k1_ecdsa_verify(ctx, &parsed, digest, &key) == 1 ? 0 : -EKEYREJECTED;
}
