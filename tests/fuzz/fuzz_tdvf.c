// SPDX-License-Identifier: Apache-2.0
/*
 * ds_tdvf_parse() and what is made from its result. A second run puts the GUID table and the
 * descriptor's magic in place, so that the section list is reached.
 */
#include <stdlib.h>

#include <ds/base/rd.h>
#include <ds/wire/tdvf.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint8_t tail[] = { 0,    0,    0,	  0,	22,   0,    0x35, 0x65, 0x7a, 0xe4,
				0x4a, 0x98, 0x98, 0x47, 0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf,
				0x8e, 0xc2, 40,	  0,	0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f,
				0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
#define MAX_BYTES (1u << 20)

static int count(void *ctx, struct ds_span piece)
{
	size_t *total = ctx;

	*total += piece.n;
	return *total > MAX_BYTES ? 1 : 0; /* enough seen */
}

static void run(struct ds_span in)
{
	DS_BUF struct ds_buf hob = DS_BUF_NULL;
	struct ds_tdvf t;
	size_t total = 0;

	if (ds_tdvf_parse(in, &t, NULL))
		return;
	if (!t.n || t.n > DS_TDVF_MAX_SECTIONS)
		abort();
	for (size_t i = 0; i < t.n; i++)
		if (t.s[i].data.p < in.p || t.s[i].data.n > in.n ||
		    (size_t)(t.s[i].data.p - in.p) > in.n - t.s[i].data.n ||
		    t.s[i].data.n > t.s[i].mem_size)
			abort();
	if (ds_tdvf_mrtd_stream(&t, in.n & 1, count, &total) < 0)
		abort();
	if (!ds_tdvf_hob(&t, 2ull << 30, &hob, NULL) && ds_get_u64le(hob.p + 48) < hob.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	run(DS_SPAN(p, n));
	if (n < 16 || n > MAX_BYTES || ds_buf_add(&b, p, n) || ds_buf_add(&b, tail, sizeof(tail)) ||
	    ds_buf_add_zero(&b, 32))
		return 0;
	/* The descriptor at the front; its length follows from its count. */
	ds_put_u32le(b.p + n, (uint32_t)b.n);
	memcpy(b.p, "TDVF", 4);
	ds_put_u32le(b.p + 8, 1);
	ds_put_u32le(b.p + 12, b.p[12]);
	ds_put_u32le(b.p + 4, 16 + 32 * b.p[12]);
	run(ds_buf_span(&b));
	return 0;
}
