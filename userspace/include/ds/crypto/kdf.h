/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one key derivation of the dstack baseline (spec/guest-api 4.1). Any thread.
 */
#ifndef DS_CRYPTO_KDF_H
#define DS_CRYPTO_KDF_H

#include <ds/base/base.h>

#define DS_KDF_MAX (255u * 32u)

/*
 * HKDF-SHA256, salt "RATLS", info = the context pieces concatenated. out_n is 1..DS_KDF_MAX, else
 * -EINVAL. out is secret: the caller puts it into secret memory; intermediate values are wiped
 * here.
 */
DS_MUST int ds_kdf_ratls(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx, uint8_t *out,
			 size_t out_n);

#endif
