/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HKDF-SHA256 (RFC 5869) for one block of output.
 *
 * Pure and safe in any context. Intermediate values are wiped before return.
 */
#ifndef DS_KEYTYPE_HKDF_H
#define DS_KEYTYPE_HKDF_H

#include <linux/types.h>

#define DS_KEY_LEN 32	/* root keys and derived keys alike: one SHA-256 */

/* Extract with the salt "RATLS", expand with @info: the derivation of all app keys. */
void ds_hkdf_ratls(const u8 ikm[DS_KEY_LEN], const u8 *info, size_t info_len,
		   u8 ret_okm[DS_KEY_LEN]);

#endif /* DS_KEYTYPE_HKDF_H */
