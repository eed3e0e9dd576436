/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside lib/crypto. */
#ifndef DS_CRYPTO_INTERNAL_H
#define DS_CRYPTO_INTERNAL_H

#include <ds/base/base.h>

/* name: as OpenSSL fetches it; n_out must be its size. */
DS_MUST int ds_md(const char *name, const struct ds_span *parts, size_t n_parts, uint8_t *out,
		  size_t n_out);

#endif
