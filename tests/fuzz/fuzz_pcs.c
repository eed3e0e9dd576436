// SPDX-License-Identifier: Apache-2.0
/*
 * The answers of a collateral service: first byte 'h' an issuer chain header, 'r' a CRL, anything else
 * a signed document from that byte on. What is cut lies inside the answer and is one JSON object.
 */
#include <stdlib.h>

#include <ds/pcs/shape.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void document(struct ds_span in)
{
	struct ds_span doc;
	uint8_t sig[64];
	int64_t from, to;

	if (ds_pcs_cut(in, "tcbInfo", &doc, sig, NULL))
		return;
	if (doc.p < in.p || doc.n > in.n || doc.p + doc.n > in.p + in.n || doc.p[0] != '{' ||
	    doc.p[doc.n - 1] != '}')
		abort();
	(void)!ds_pcs_dates(doc, &from, &to);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	if (n && p[0] == 'h') {
		if (!ds_pcs_chain_decode(DS_SPAN(p + 1, n - 1), &out, NULL) && !out.n)
			abort();
	} else if (n && p[0] == 'r') {
		if (!ds_pcs_crl_decode(DS_SPAN(p + 1, n - 1), &out, NULL) && out.p[0] != 0x30)
			abort();
	} else {
		document(DS_SPAN(p, n));
	}
	return 0;
}
