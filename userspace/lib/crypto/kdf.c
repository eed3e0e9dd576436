// SPDX-License-Identifier: Apache-2.0
/*
 * HKDF-SHA256 (RFC 5869), see ds/crypto/kdf.h. Built on HMAC because OpenSSL 3.0's HKDF caps the
 * info at 1024 bytes and paths have no such limit in the baseline.
 */
#include <ds/crypto/kdf.h>

#include <ds/base/secret.h>
#include <ds/crypto/hash.h>

/* T(i) = HMAC(PRK, T(i-1) || info || i) */
static int expand(const uint8_t prk[32], struct ds_span *parts, size_t n_parts, uint8_t *out,
		  size_t n)
{
	uint8_t t[32], counter = 1;
	int r = 0;

	parts[n_parts - 1] = DS_SPAN(&counter, 1);
	parts[0] = DS_SPAN_NULL;
	while (n && !r) {
		size_t take = n < sizeof(t) ? n : sizeof(t);

		r = ds_hmac_sha256(DS_SPAN(prk, 32), parts, n_parts, t);
		if (!r)
			memcpy(out, t, take);
		parts[0] = DS_SPAN_ARRAY(t);
		out += take;
		n -= take;
		counter++;
	}
	ds_wipe(t, sizeof(t));
	return r;
}

int ds_kdf_ratls(struct ds_span ikm, const struct ds_span *ctx, size_t n_ctx, uint8_t *out,
		 size_t out_n)
{
	DS_FREE struct ds_span *parts = NULL;
	uint8_t prk[32];
	int r;

	if (!out_n || out_n > DS_KDF_MAX || n_ctx > SIZE_MAX - 2)
		return -EINVAL;
	parts = reallocarray(NULL, n_ctx + 2, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	if (n_ctx)
		memcpy(parts + 1, ctx, n_ctx * sizeof(*parts));
	r = ds_hmac_sha256(DS_SPAN_LIT("RATLS"), &ikm, 1, prk);
	if (!r)
		r = expand(prk, parts, n_ctx + 2, out, out_n);
	if (r)
		ds_wipe(out, out_n);
	ds_wipe(prk, sizeof(prk));
	return r;
}
