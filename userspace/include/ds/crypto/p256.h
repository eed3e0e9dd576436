/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on P-256 with SHA-256: the keys of all certificates and of quotes.
 *
 * A struct ds_p256 owns a private key. The copy that signs lives in OpenSSL's ordinary heap
 * (unavoidable with EVP; it is cleared on free, and a key-holding process must not be dumpable);
 * every export goes to secret memory. Objects are immutable after creation.
 */
#ifndef DS_CRYPTO_P256_H
#define DS_CRYPTO_P256_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

#define DS_P256_SCALAR_SIZE 32
#define DS_P256_XY_SIZE	    64
#define DS_P256_SPKI_SIZE   91	/* DER SubjectPublicKeyInfo, named curve, uncompressed point */
#define DS_P256_PKCS8_SIZE  138 /* spec/guest-api 4.3 */

struct ds_p256;
struct evp_pkey_st;

DS_MUST int ds_p256_generate(struct ds_p256 **ret);
/* -ERANGE: the scalar is 0 or not below the group order (no reduction, no retry). */
DS_MUST int ds_p256_from_scalar(const uint8_t scalar[DS_P256_SCALAR_SIZE], struct ds_p256 **ret);
/* One PKCS#8 or SEC1 private key in PEM, unencrypted, curve P-256; text around it is refused. */
DS_MUST int ds_p256_from_pem(struct ds_span pem, struct ds_p256 **ret, struct ds_err *err);
struct ds_p256 *ds_p256_free(struct ds_p256 *key);

static inline void ds_cleanup_p256(struct ds_p256 **key)
{
	*key = ds_p256_free(*key);
}
#define DS_P256 DS_CLEANUP(ds_cleanup_p256)

DS_MUST int ds_p256_scalar(const struct ds_p256 *key, struct ds_secret **ret);
/* The same bytes without an object of OpenSSL, as derivations want them. -ERANGE as above. */
DS_MUST int ds_p256_public(const uint8_t scalar[DS_P256_SCALAR_SIZE], uint8_t ret[DS_P256_XY_SIZE]);
DS_MUST int ds_p256_scalar_pkcs8(const uint8_t scalar[DS_P256_SCALAR_SIZE],
				 uint8_t out[DS_P256_PKCS8_SIZE]);
/* The caller keeps out in secret memory. */
DS_MUST int ds_p256_pkcs8(const struct ds_p256 *key, uint8_t out[DS_P256_PKCS8_SIZE]);
/* "-----BEGIN PRIVATE KEY-----", 64 columns, LF, final LF, no NUL; encoded in constant time. */
DS_MUST int ds_p256_pkcs8_pem(const struct ds_p256 *key, struct ds_secret **ret);
DS_MUST int ds_p256_spki(const struct ds_p256 *key, uint8_t ret[DS_P256_SPKI_SIZE]);
DS_MUST int ds_p256_xy(const struct ds_p256 *key, uint8_t ret[DS_P256_XY_SIZE]);

/*
 * SubjectPublicKeyInfo around X || Y; whether the point is on the curve is checked when it is used.
 */
void ds_p256_spki_from_xy(const uint8_t xy[DS_P256_XY_SIZE], uint8_t ret[DS_P256_SPKI_SIZE]);

/* ret_der is appended to: DER SEQUENCE { r, s } over SHA-256(msg). */
DS_MUST int ds_p256_sign(const struct ds_p256 *key, struct ds_span msg, struct ds_buf *ret_der);
/* The same when the caller has hashed already. */
DS_MUST int ds_p256_sign_digest(const struct ds_p256 *key, const uint8_t digest[32],
				struct ds_buf *ret_der);
/*
 * 0: the signature is good. -EKEYREJECTED: well-formed but wrong. -EBADMSG: the key is not a point
 * of P-256 in the form above, or the signature is not DER.
 */
DS_MUST int ds_p256_verify(struct ds_span spki, struct ds_span msg, struct ds_span sig_der);
/* The same for r || s and X || Y, as quotes carry them. */
DS_MUST int ds_p256_verify_raw(const uint8_t xy[DS_P256_XY_SIZE], struct ds_span msg,
			       const uint8_t rs[64]);

/* A public key for many signatures: checked and prepared once. Immutable; threads may share it. */
struct ds_p256_pub;
/* -EBADMSG: not a point of the curve. */
DS_MUST int ds_p256_pub_new(const uint8_t xy[DS_P256_XY_SIZE], struct ds_p256_pub **ret);
struct ds_p256_pub *ds_p256_pub_free(struct ds_p256_pub *key);
/* 0, or -EKEYREJECTED. */
DS_MUST int ds_p256_pub_verify_raw(const struct ds_p256_pub *key, struct ds_span msg,
				   const uint8_t rs[64]);
/* The same for DER; another encoding of the same r and s is rejected. */
DS_MUST int ds_p256_pub_verify_der(const struct ds_p256_pub *key, struct ds_span msg,
				   struct ds_span sig);

/* For x509/ and net/ only: the key as OpenSSL knows it, borrowed. */
struct evp_pkey_st *ds_p256_evp(const struct ds_p256 *key);

#endif
