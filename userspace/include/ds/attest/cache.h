/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verifier of many quotes remembers: signatures, names and formats of collateral and of PCK
 * chains that it has proven, and the report of each platform's quoting enclave. An entry stands for
 * exact bytes (root, collateral, chain, QE report) and is used for the same bytes only. Dates, the
 * policy, the quote's own signature and its TCB are judged at every call, so a verdict is the same
 * in every field with and without a cache. Only what has passed is kept: a refusal costs full
 * price.
 *
 * Bounded (8 sets of collateral with 32 platforms each, about 2 MB when full); the oldest goes
 * first. Any number of threads may verify with one cache at a time.
 */
#ifndef DS_ATTEST_CACHE_H
#define DS_ATTEST_CACHE_H

#include <ds/base/base.h>

struct ds_attest_cache;

DS_MUST int ds_attest_cache_new(struct ds_attest_cache **ret);
/* Nobody may be verifying with it. NULL is fine; returns NULL. */
struct ds_attest_cache *ds_attest_cache_free(struct ds_attest_cache *cache);

#endif
