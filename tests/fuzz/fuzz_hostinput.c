// SPDX-License-Identifier: Apache-2.0
/* ds_hostinput_decode(): the header is repaired so that the items are reached; what decodes must
 * encode and agree. */
#include <stdlib.h>

#include <ds/base/rd.h>
#include <ds/wire/hostinput.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void run(struct ds_span in)
{
	struct ds_hostinput hi, again;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err;

	if (ds_hostinput_decode(in, &hi, &err))
		return;
	if (ds_hostinput_encode(&hi, &b, &err) ||
	    ds_hostinput_decode(ds_buf_span(&b), &again, &err))
		abort();
	for (int k = 0; k < DS_HI_KINDS; k++)
		if (hi.has[k] != again.has[k] || !ds_span_eq(hi.item[k], again.item[k]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	run(DS_SPAN(p, n));
	if (n < DS_HOSTINPUT_HEAD || n > UINT32_MAX || ds_buf_add(&b, p, n))
		return 0;
	memcpy(b.p, DS_HOSTINPUT_MAGIC, 8);
	ds_put_u32le(b.p + 8, (uint32_t)n);
	run(ds_buf_span(&b));
	return 0;
}
