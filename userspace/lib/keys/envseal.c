// SPDX-License-Identifier: Apache-2.0
/* The encrypted environment, see ds/keys/envseal.h. */
#include <ds/base/limits.h>
#include <ds/crypto/aead.h>
#include <ds/crypto/rand.h>
#include <ds/crypto/x25519.h>
#include <ds/keys/envseal.h>

#define DOM    ".encrypted-env"
#define KEY_N  32u
#define HEAD_N (KEY_N + DS_AEAD_NONCE_SIZE)

int ds_env_seal(const uint8_t pub[32], struct ds_span text, struct ds_buf *ret_blob,
		struct ds_err *err)
{
	DS_SECRET struct ds_secret *sk = NULL, *shared = ds_secret_new(KEY_N);
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	int r;

	if (!shared)
		return -ENOMEM;
	if (text.n > DS_MAX_ENCRYPTED_ENV - DS_ENV_SEAL_EXTRA)
		return ds_err_set(err, -EFBIG, DOM, 0, "%zu bytes, at most %u fit", text.n,
				  DS_MAX_ENCRYPTED_ENV - DS_ENV_SEAL_EXTRA);
	DS_TRY(ds_buf_add_zero(&blob, text.n + DS_ENV_SEAL_EXTRA));
	DS_TRY(ds_x25519_keygen(&sk, blob.p));
	DS_TRY(ds_rand(blob.p + KEY_N, DS_AEAD_NONCE_SIZE));
	r = ds_x25519(sk->p, pub, shared->p);
	if (r)
		return ds_err_set(err, r, DOM, 0, "the public key is none to encrypt to");
	/* the result is the key as it is: the format has no derivation */
	DS_TRY(ds_aead_seal(shared->p, blob.p + KEY_N, DS_SPAN_NULL, text, blob.p + HEAD_N));
	return ds_buf_add_span(ret_blob, ds_buf_span(&blob));
}

int ds_env_open(const uint8_t sk[32], struct ds_span blob, struct ds_secret **ret_text,
		struct ds_err *err)
{
	DS_SECRET struct ds_secret *text = NULL, *shared = ds_secret_new(KEY_N);
	int r;

	if (!shared)
		return -ENOMEM;
	if (blob.n > DS_MAX_ENCRYPTED_ENV)
		return ds_err_set(err, -EFBIG, DOM, 0, "%zu bytes, at most %u expected", blob.n,
				  DS_MAX_ENCRYPTED_ENV);
	if (blob.n <= DS_ENV_SEAL_EXTRA)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%zu bytes, more than %u expected", blob.n,
				  DS_ENV_SEAL_EXTRA);
	text = ds_secret_new(blob.n - DS_ENV_SEAL_EXTRA);
	if (!text)
		return -ENOMEM;
	r = ds_x25519(sk, blob.p, shared->p);
	if (!r)
		r = ds_aead_open(shared->p, blob.p + KEY_N, DS_SPAN_NULL,
				 DS_SPAN(blob.p + HEAD_N, blob.n - HEAD_N), text->p);
	if (r == -EKEYREJECTED)
		return ds_err_set(err, r, DOM, 0, "made for another app or KMS, or damaged");
	if (r)
		return r;
	*ret_text = text;
	text = NULL;
	return 0;
}
