// SPDX-License-Identifier: Apache-2.0
/* Hashes, see ds/crypto/hash.h. */
#include <ds/crypto/hash.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>

#include <ds/crypto/ossl.h>

#include "internal.h"

/* Fetched once: looking an algorithm up takes longer than to hash a short text with it. */
static const EVP_MD *known_md(const char *name)
{
	static struct {
		const char *name;
		_Atomic(EVP_MD *) md;
	} known[] = { { "SHA256", NULL }, { "SHA384", NULL }, { "SHA512", NULL } };

	for (size_t i = 0; i < DS_ARRAY_SIZE(known); i++) {
		EVP_MD *md, *none = NULL;

		if (strcmp(known[i].name, name))
			continue;
		md = atomic_load(&known[i].md);
		if (md)
			return md;
		md = EVP_MD_fetch(NULL, name, NULL);
		if (!md || atomic_compare_exchange_strong(&known[i].md, &none, md))
			return md;
		EVP_MD_free(md); /* another thread was first */
		return none;
	}
	return NULL;
}

int ds_md(const char *name, const struct ds_span *parts, size_t n_parts, uint8_t *out, size_t n_out)
{
	const EVP_MD *known = known_md(name);
	EVP_MD *md = known ? NULL : EVP_MD_fetch(NULL, name, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int n = 0;
	int r = -EIO;

	if (!known)
		known = md;
	if (!known || !ctx || (size_t)EVP_MD_get_size(known) != n_out ||
	    EVP_DigestInit_ex(ctx, known, NULL) != 1)
		goto out;
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].n && EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
			goto out;
	if (EVP_DigestFinal_ex(ctx, out, &n) == 1 && n == n_out)
		r = 0;
out:
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return r ? ds_ossl_err(NULL, r, "hash", name) : 0;
}

int ds_sha256(const struct ds_span *parts, size_t n_parts, uint8_t ret[DS_SHA256_SIZE])
{
	return ds_md("SHA256", parts, n_parts, ret, DS_SHA256_SIZE);
}

int ds_sha384(const struct ds_span *parts, size_t n_parts, uint8_t ret[DS_SHA384_SIZE])
{
	return ds_md("SHA384", parts, n_parts, ret, DS_SHA384_SIZE);
}

int ds_sha512(const struct ds_span *parts, size_t n_parts, uint8_t ret[DS_SHA512_SIZE])
{
	return ds_md("SHA512", parts, n_parts, ret, DS_SHA512_SIZE);
}

int ds_sha256_1(struct ds_span in, uint8_t ret[DS_SHA256_SIZE])
{
	return ds_sha256(&in, 1, ret);
}

int ds_sha384_1(struct ds_span in, uint8_t ret[DS_SHA384_SIZE])
{
	return ds_sha384(&in, 1, ret);
}

int ds_sha512_1(struct ds_span in, uint8_t ret[DS_SHA512_SIZE])
{
	return ds_sha512(&in, 1, ret);
}

static EVP_MAC_CTX *blank_hmac; /* read only: copied for each use */
static pthread_once_t blank_once = PTHREAD_ONCE_INIT;

static void make_blank(void)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	blank_hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	if (blank_hmac && EVP_MAC_CTX_set_params(blank_hmac, params) != 1) {
		EVP_MAC_CTX_free(blank_hmac);
		blank_hmac = NULL;
	}
	EVP_MAC_free(mac);
}

int ds_hmac_sha256(struct ds_span key, const struct ds_span *parts, size_t n_parts,
		   uint8_t ret[DS_SHA256_SIZE])
{
	int once = pthread_once(&blank_once, make_blank);
	EVP_MAC_CTX *ctx = !once && blank_hmac ? EVP_MAC_CTX_dup(blank_hmac) : NULL;
	size_t n = 0;
	int r = -EIO;

	/* a NULL key would mean "keep the previous one" */
	if (!ctx || EVP_MAC_init(ctx, key.n ? key.p : (const uint8_t *)"", key.n, NULL) != 1)
		goto out;
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].n && EVP_MAC_update(ctx, parts[i].p, parts[i].n) != 1)
			goto out;
	if (EVP_MAC_final(ctx, ret, &n, DS_SHA256_SIZE) == 1 && n == DS_SHA256_SIZE)
		r = 0;
out:
	EVP_MAC_CTX_free(ctx);
	return r ? ds_ossl_err(NULL, r, "hash", "HMAC-SHA256") : 0;
}
