/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of the kernel. Any thread. */
#ifndef DS_CRYPTO_RAND_H
#define DS_CRYPTO_RAND_H

#include <ds/base/base.h>

/*
 * n bytes from getrandom(2), waiting until the pool is seeded; 0 or negative errno (out is then
 * zeroed).
 */
DS_MUST int ds_rand(void *out, size_t n);

#endif
