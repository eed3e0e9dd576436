// SPDX-License-Identifier: GPL-2.0-only
/*
 * HKDF-SHA256 over the kernel's SHA-256 library.
 */
#include "../compat/sha256.h"
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "hkdf.h"

struct ds_hmac {
	struct sha256_ctx inner;
	struct sha256_ctx outer;
};

/* @key_len is at most one block: both keys used here are shorter. */
static void ds_hmac_init(struct ds_hmac *hmac, const u8 *key, size_t key_len)
{
	u8 pad[SHA256_BLOCK_SIZE];
	size_t i;

	for (i = 0; i < sizeof(pad); i++)
		pad[i] = (i < key_len ? key[i] : 0) ^ 0x36;
	sha256_init(&hmac->inner);
	sha256_update(&hmac->inner, pad, sizeof(pad));
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_init(&hmac->outer);
	sha256_update(&hmac->outer, pad, sizeof(pad));
	memzero_explicit(pad, sizeof(pad));
}

static void ds_hmac_final(struct ds_hmac *hmac, u8 ret_mac[SHA256_DIGEST_SIZE])
{
	u8 digest[SHA256_DIGEST_SIZE];

	sha256_final(&hmac->inner, digest);
	sha256_update(&hmac->outer, digest, sizeof(digest));
	sha256_final(&hmac->outer, ret_mac);
	memzero_explicit(digest, sizeof(digest));
	memzero_explicit(hmac, sizeof(*hmac));
}

void ds_hkdf_ratls(const u8 ikm[DS_KEY_LEN], const u8 *info, size_t info_len,
		   u8 *ret_okm, size_t okm_len)
{
	static const u8 salt[] = { 'R', 'A', 'T', 'L', 'S' };
	u8 prk[SHA256_DIGEST_SIZE], block[SHA256_DIGEST_SIZE];
	struct ds_hmac hmac;
	size_t done = 0, part;
	u8 counter = 1;

	BUILD_BUG_ON(DS_KEY_LEN != SHA256_DIGEST_SIZE);
	ds_hmac_init(&hmac, salt, sizeof(salt));
	sha256_update(&hmac.inner, ikm, DS_KEY_LEN);
	ds_hmac_final(&hmac, prk);

	for (; done < okm_len; done += part, counter++) {
		ds_hmac_init(&hmac, prk, sizeof(prk));
		if (done)
			sha256_update(&hmac.inner, block, sizeof(block));
		sha256_update(&hmac.inner, info, info_len);
		sha256_update(&hmac.inner, &counter, sizeof(counter));
		ds_hmac_final(&hmac, block);
		part = min(okm_len - done, sizeof(block));
		memcpy(ret_okm + done, block, part);
	}
	memzero_explicit(block, sizeof(block));
	memzero_explicit(prk, sizeof(prk));
}
