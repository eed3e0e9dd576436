// SPDX-License-Identifier: Apache-2.0
/* ds_key_reply_parse(), and the chain of what parses under a root that cannot be right. */
#include <stdlib.h>

#include <ds/keys/chain.h>
#include <ds/wire/keyreply.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t app[20], no_root[33];
	DS_KEY_REPLY struct ds_key_reply r = DS_KEY_REPLY_NULL;
	uint8_t a[33], b[33];
	struct ds_err err;

	if (ds_key_reply_parse(DS_SPAN(p, n), &r, &err))
		return 0;
	if (r.n_chain >= 2 && r.public_key.n) {
		const struct ds_key_chain c = { DS_SPAN_LIT("x"),
						ds_buf_span(&r.public_key),
						ds_buf_span(&r.chain[r.n_chain - 2]),
						ds_buf_span(&r.chain[r.n_chain - 1]),
						app,
						no_root };

		if (!ds_key_chain_verify(&c, a, b))
			abort();
	}
	if (r.kind == DS_KEY_REPLY_ENV) {
		const struct ds_env_key k = { r.public_key.p,		   ds_buf_span(&r.signature),
					      ds_buf_span(&r.signature_v1), r.timestamp,
					      app,			   no_root };

		if (!ds_env_key_verify(&k, 0, -1, a))
			abort();
	}
	return 0;
}
