/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SHA-384 that may be called with interrupts off and never allocates.
 *
 * Newer kernels have it as a library call. On older ones it is the crypto API's generic C
 * implementation with one transform per module, made by ds_sha384_setup() and shared by all
 * callers: a transform without a key is not modified by hashing. One file of the module says
 * DS_SHA384_DEFINE(); at top level. The generic driver is asked for by
 * name because a SIMD one must not be entered from an exception handler.
 */
#ifndef DS_COMPAT_SHA384_H
#define DS_COMPAT_SHA384_H

#include <crypto/sha2.h>
#include <linux/types.h>

#ifdef DS_HAVE_SHA384_LIB

#define DS_SHA384_DEFINE() static_assert(true)

static inline int ds_sha384_setup(void)
{
	return 0;
}

static inline void ds_sha384_teardown(void)
{
}

/* SHA-384(a || b); b may be empty. ret may alias either. */
static inline void ds_sha384_2(const void *a, size_t a_len, const void *b, size_t b_len,
			       u8 ret[SHA384_DIGEST_SIZE])
{
	struct sha384_ctx ctx;

	sha384_init(&ctx);
	sha384_update(&ctx, a, a_len);
	sha384_update(&ctx, b, b_len);
	sha384_final(&ctx, ret);
}

#else

#include <crypto/hash.h>
#include <linux/err.h>

extern struct crypto_shash *ds_sha384_tfm;

#define DS_SHA384_DEFINE() struct crypto_shash *ds_sha384_tfm

static inline int ds_sha384_setup(void)
{
	struct crypto_shash *tfm = crypto_alloc_shash("sha384-generic", 0, 0);

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	ds_sha384_tfm = tfm;
	return 0;
}

static inline void ds_sha384_teardown(void)
{
	crypto_free_shash(ds_sha384_tfm);
}

/* SHA-384(a || b); b may be empty. ret may alias either. */
static inline void ds_sha384_2(const void *a, size_t a_len, const void *b, size_t b_len,
			       u8 ret[SHA384_DIGEST_SIZE])
{
	SHASH_DESC_ON_STACK(desc, ds_sha384_tfm);

	desc->tfm = ds_sha384_tfm;
	/* The generic implementation works on the descriptor alone and cannot fail. */
	WARN_ON_ONCE(crypto_shash_init(desc) || crypto_shash_update(desc, a, a_len) ||
		     crypto_shash_finup(desc, b, b_len, ret));
	shash_desc_zero(desc);
}

#endif /* DS_HAVE_SHA384_LIB */

static inline void ds_sha384(const void *data, size_t len, u8 ret[SHA384_DIGEST_SIZE])
{
	ds_sha384_2(data, len, "", 0, ret);
}

/* The register after an extension: SHA-384(value || digest), in place. */
static inline void ds_rtmr_fold(u8 value[SHA384_DIGEST_SIZE],
				const u8 digest[SHA384_DIGEST_SIZE])
{
	ds_sha384_2(value, SHA384_DIGEST_SIZE, digest, SHA384_DIGEST_SIZE, value);
}

#endif /* DS_COMPAT_SHA384_H */
