// SPDX-License-Identifier: Apache-2.0
/*
 * ds_quote_parse(), then the PEM chain inside: every span lies in the input, the signed part is its
 * beginning, and what parses still parses with zeros behind it but not with anything else.
 */
#include <stdlib.h>

#include <ds/base/limits.h>
#include <ds/wire/quote.h>

#include "../../userspace/lib/attest/priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void inside(struct ds_span in, struct ds_span part)
{
	if (part.n && (part.p < in.p || part.p + part.n > in.p + in.n))
		abort();
}

static void padded(struct ds_span in, const struct ds_quote *q)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_quote again;

	if (in.n >= DS_MAX_QUOTE || ds_buf_add_span(&b, in) || ds_buf_add_u8(&b, 0))
		return;
	if (ds_quote_parse(ds_buf_span(&b), &again, NULL) || again.used != q->used)
		abort();
	b.p[b.n - 1] = 1;
	if (!ds_quote_parse(ds_buf_span(&b), &again, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_acert chain[DS_PCK_CHAIN_LEN] = { 0 };
	struct ds_span in = DS_SPAN(p, n);
	enum ds_quote_fault fault;
	struct ds_quote q;

	if (ds_quote_parse_fault(in, &q, &fault, NULL)) {
		if (fault == DS_QUOTE_OK)
			abort();
		return 0;
	}
	if (fault != DS_QUOTE_OK || q.signed_part.p != p || q.used > n)
		abort();
	inside(in, q.signature);
	inside(in, q.attest_key);
	inside(in, q.qe_report);
	inside(in, q.qe_report_sig);
	inside(in, q.qe_auth);
	inside(in, q.cert_data);
	inside(in, q.ext);
	padded(in, &q);
	(void)!ds_acerts_from_pem(q.cert_data, chain, DS_PCK_CHAIN_LEN);
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		ds_acert_done(&chain[i]);
	return 0;
}
