/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SHA-256 library. Newer kernels call its state a context; the calls are the same.
 */
#ifndef DS_COMPAT_SHA256_H
#define DS_COMPAT_SHA256_H

#include <crypto/sha2.h>

#ifndef DS_HAVE_SHA256_CTX
#define sha256_ctx sha256_state
#endif

#endif /* DS_COMPAT_SHA256_H */
