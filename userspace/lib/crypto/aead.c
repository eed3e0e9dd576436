// SPDX-License-Identifier: Apache-2.0
/* AES-256-GCM, see ds/crypto/aead.h. */
#include <ds/crypto/aead.h>

#include <openssl/evp.h>

#include <ds/base/secret.h>
#include <ds/crypto/ossl.h>

static int seal(EVP_CIPHER_CTX *c, const uint8_t *key, const uint8_t *nonce, struct ds_span aad,
		struct ds_span plain, uint8_t *out)
{
	int n = 0;

	return EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	       (!aad.n || EVP_EncryptUpdate(c, NULL, &n, aad.p, (int)aad.n) == 1) &&
	       (!plain.n || EVP_EncryptUpdate(c, out, &n, plain.p, (int)plain.n) == 1) &&
	       EVP_EncryptFinal_ex(c, out + plain.n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, DS_AEAD_TAG_SIZE, out + plain.n) == 1;
}

int ds_aead_seal(const uint8_t key[32], const uint8_t nonce[12], struct ds_span aad,
		 struct ds_span plain, uint8_t *out)
{
	EVP_CIPHER_CTX *c;
	int ok;

	if (aad.n > DS_AEAD_MAX || plain.n > DS_AEAD_MAX)
		return -EFBIG;
	c = EVP_CIPHER_CTX_new();
	ok = c && seal(c, key, nonce, aad, plain, out);
	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : ds_ossl_err(NULL, -EIO, "aead", "seal");
}

/* 0, -EIO for a library that fails before it could judge, -EKEYREJECTED. */
static int unseal(EVP_CIPHER_CTX *c, const uint8_t *key, const uint8_t *nonce, struct ds_span aad,
		  struct ds_span text, const uint8_t *tag, uint8_t *out)
{
	uint8_t want[DS_AEAD_TAG_SIZE], end[DS_AEAD_TAG_SIZE];
	int n = 0;

	memcpy(want, tag, sizeof(want));
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
	    (aad.n && EVP_DecryptUpdate(c, NULL, &n, aad.p, (int)aad.n) != 1) ||
	    (text.n && EVP_DecryptUpdate(c, out, &n, text.p, (int)text.n) != 1) ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof(want), want) != 1)
		return -EIO;
	return EVP_DecryptFinal_ex(c, end, &n) == 1 ? 0 : -EKEYREJECTED;
}

int ds_aead_open(const uint8_t key[32], const uint8_t nonce[12], struct ds_span aad,
		 struct ds_span sealed, uint8_t *out)
{
	size_t n = sealed.n - DS_AEAD_TAG_SIZE;
	EVP_CIPHER_CTX *c;
	int r;

	if (sealed.n < DS_AEAD_TAG_SIZE)
		return -EBADMSG;
	if (aad.n > DS_AEAD_MAX || n > DS_AEAD_MAX)
		return -EFBIG;
	c = EVP_CIPHER_CTX_new();
	r = c ? unseal(c, key, nonce, aad, DS_SPAN(sealed.p, n), sealed.p + n, out) : -ENOMEM;
	EVP_CIPHER_CTX_free(c);
	if (r)
		ds_wipe(out, n);
	return r ? ds_ossl_err(NULL, r, "aead", "open") : 0;
}
