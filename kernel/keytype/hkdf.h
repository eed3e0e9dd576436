/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HKDF-SHA256 (RFC 5869).
 *
 * Pure and safe in any context. Intermediate values are wiped before return.
 */
#ifndef DS_KEYTYPE_HKDF_H
#define DS_KEYTYPE_HKDF_H

#include <linux/types.h>

#define DS_KEY_LEN 32	/* root keys and derived keys alike: one SHA-256 */

/**
 * ds_hkdf_ratls() - the derivation of every key made here
 * @ikm: a root key
 * @info: the path of an app key, or what volume.c says
 * @info_len: bytes at @info, no more than a key description holds
 * @ret_okm: where the derived key goes; the caller wipes it
 * @okm_len: bytes wanted, at most 255 times 32
 *
 * Extracts with the salt "RATLS", expands with @info.
 */
void ds_hkdf_ratls(const u8 ikm[DS_KEY_LEN], const u8 *info, size_t info_len,
		   u8 *ret_okm, size_t okm_len);

#endif /* DS_KEYTYPE_HKDF_H */
