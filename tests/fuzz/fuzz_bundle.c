// SPDX-License-Identifier: Apache-2.0
/* ds_bundle_parse(): what parses can be written, and reads back as the same text. */
#include <stdlib.h>

#include <ds/wire/bundle.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUNDLE struct ds_bundle a = DS_BUNDLE_NULL, b = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf x = DS_BUF_NULL, y = DS_BUF_NULL;
	struct ds_err err;

	if (ds_bundle_parse(DS_SPAN(p, n), &a, &err))
		return 0;
	if (ds_bundle_encode(&a, &x, &err) || ds_bundle_parse(ds_buf_span(&x), &b, &err) ||
	    ds_bundle_encode(&b, &y, &err) || !ds_span_eq(ds_buf_span(&x), ds_buf_span(&y)))
		abort();
	return 0;
}
