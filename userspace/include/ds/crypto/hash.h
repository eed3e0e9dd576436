/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes over a list of parts, as if the parts were one run of bytes. The input is borrowed;
 * nothing is kept. 0 or negative errno: -ENOMEM, or -EIO when the crypto library refuses. Any
 * thread.
 */
#ifndef DS_CRYPTO_HASH_H
#define DS_CRYPTO_HASH_H

#include <ds/base/base.h>

#define DS_SHA256_SIZE 32
#define DS_SHA384_SIZE 48
#define DS_SHA512_SIZE 64

DS_MUST int ds_sha256(const struct ds_span *parts, size_t n_parts, uint8_t ret[DS_SHA256_SIZE]);
DS_MUST int ds_sha384(const struct ds_span *parts, size_t n_parts, uint8_t ret[DS_SHA384_SIZE]);
DS_MUST int ds_sha512(const struct ds_span *parts, size_t n_parts, uint8_t ret[DS_SHA512_SIZE]);
DS_MUST int ds_sha256_1(struct ds_span in, uint8_t ret[DS_SHA256_SIZE]);
DS_MUST int ds_sha384_1(struct ds_span in, uint8_t ret[DS_SHA384_SIZE]);
DS_MUST int ds_sha512_1(struct ds_span in, uint8_t ret[DS_SHA512_SIZE]);

DS_MUST int ds_hmac_sha256(struct ds_span key, const struct ds_span *parts, size_t n_parts,
			   uint8_t ret[DS_SHA256_SIZE]);

/*
 * Keccak with the original padding 0x01 (Ethereum), not SHA-3. n_out is 32, 48 or 64. Own code,
 * cannot fail; the state is wiped. Constant time in the content.
 */
void ds_keccak(const struct ds_span *parts, size_t n_parts, uint8_t *out, size_t n_out);
void ds_keccak256(const struct ds_span *parts, size_t n_parts, uint8_t ret[32]);

/*
 * report_data of spec/guest-api 6.1: hash(tag ":" content), left-aligned in 64 zero bytes. alg is
 * one of sha256 sha384 sha512 sha3-256 sha3-384 sha3-512 keccak256 keccak384 keccak512, or "" for
 * sha512; "raw" takes exactly 64 bytes of content and ignores the tag. -EINVAL: "invalid hash
 * algorithm" or "invalid content length".
 */
#define DS_REPORT_DATA_SIZE 64
DS_MUST int ds_report_data(const char *alg, struct ds_span tag, struct ds_span content,
			   uint8_t ret[DS_REPORT_DATA_SIZE], struct ds_err *err);

#endif
