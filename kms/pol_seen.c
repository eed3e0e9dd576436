// SPDX-License-Identifier: Apache-2.0
/* "CHAIN NUMBER HASH\n": the newest block that was agreed on. */
#include "pol.h"

#include <ds/base/file.h>
#include <ds/base/text.h>

#define SEEN_DOM "state"

int pol_seen_parse(struct ds_span text, uint64_t chain_id, struct pol_seen *ret, struct ds_err *err)
{
	const char *p = (const char *)text.p, *a, *b;
	struct pol_seen seen = { 0 };
	uint64_t chain = 0;

	a = text.n ? memchr(p, ' ', text.n) : NULL;
	b = a ? memchr(a + 1, ' ', text.n - (size_t)(a + 1 - p)) : NULL;
	if (!b || text.n != (size_t)(b - p) + 66 || p[text.n - 1] != '\n' ||
	    ds_parse_u64(p, (size_t)(a - p), INT64_MAX, &chain) ||
	    ds_parse_u64(a + 1, (size_t)(b - a - 1), INT64_MAX, &seen.number) ||
	    ds_hex_decode(b + 1, 64, seen.hash, 32))
		return ds_err_set(err, -EBADMSG, SEEN_DOM, 0, "expected CHAIN NUMBER HASH");
	if (chain != chain_id)
		return ds_err_set(err, -ESTALE, SEEN_DOM, 0, "it is of chain %llu, expected %llu",
				  (unsigned long long)chain, (unsigned long long)chain_id);
	*ret = seen;
	return 0;
}

int pol_seen_load(const char *path, uint64_t chain_id, struct pol_seen *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err why = DS_ERR_NULL;
	int r = ds_read_file(AT_FDCWD, path, 256, &text);

	if (r == -ENOENT) {
		*ret = (struct pol_seen){ 0 };
		return 0;
	}
	if (!r)
		r = pol_seen_parse(ds_buf_span(&text), chain_id, ret, &why);
	return r ? ds_err_set(err, r, SEEN_DOM, 0, "%s: %s", path, why.code ? why.msg : strerror(-r)) : 0;
}

int pol_seen_store(const char *path, uint64_t chain_id, const struct pol_seen *seen)
{
	char text[128], hex[65];

	snprintf(text, sizeof(text), "%llu %llu %s\n", (unsigned long long)chain_id,
		 (unsigned long long)seen->number, ds_hex_encode(seen->hash, 32, hex));
	return ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_STR(text), 0644);
}
