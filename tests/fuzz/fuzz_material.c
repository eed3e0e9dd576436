// SPDX-License-Identifier: Apache-2.0
/*
 * Measurement material of both kinds, which is written back byte for byte when it is accepted, and
 * SEV metadata of firmware, of which a second run repairs table and magic.
 */
#include <stdlib.h>

#include <ds/base/rd.h>
#include <ds/wire/material.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void tdx(struct ds_span in)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL, hob = DS_BUF_NULL;
	struct ds_tdx_material m;

	if (ds_tdx_material_parse(in, &m, NULL))
		return;
	if (ds_tdx_material_add(&out, &m) || !ds_span_eq(in, ds_buf_span(&out)))
		abort();
	if (!ds_tdvf_hob(&m.hob, 4ull << 30, &hob, NULL) && hob.n < 56)
		abort();
}

static void snp(struct ds_span in)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_snp_material m;

	if (ds_snp_material_parse(in, &m, NULL))
		return;
	if (ds_snp_material_check(&m, NULL) || ds_snp_material_add(&out, &m) ||
	    !ds_span_eq(in, ds_buf_span(&out)))
		abort();
}

static void firmware(struct ds_span in)
{
	struct ds_snp_material m = { .n = 0 };

	if (!ds_snp_firmware(in, &m, NULL) && (!m.n || ds_snp_material_check(&m, NULL)))
		abort();
}

/* A page of input, then a table whose metadata entry points to its beginning. */
static int make_firmware(const uint8_t *p, size_t n, struct ds_buf *b)
{
	static const uint8_t table[] = { 0,    0x10, 0,	   0,	 22,   0,    0x66, 0x65, 0x88, 0xdc,
					 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf,
					 0x67, 0xcc, 0,	   0xfc, 0x80, 0,    0,	   4,	 0,    0,
					 26,   0,    0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
					 0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54, 4,    0xb0,
					 0x80, 0,    22,   0,	 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a,
					 0xcb, 0x4f, 0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e,
					 88,   0,    0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
					 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };

	DS_TRY(ds_buf_add(b, p, n));
	DS_TRY(ds_buf_add_zero(b, 4096 - n));
	memcpy(b->p, "ASEV", 4);
	ds_put_u32le(b->p + 8, 1);
	ds_put_u32le(b->p + 12, b->p[12]);
	ds_put_u32le(b->p + 4, 16 + 12 * b->p[12]);
	memcpy(b->p + 4096 - 32 - sizeof(table), table, sizeof(table));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	tdx(DS_SPAN(p, n));
	snp(DS_SPAN(p, n));
	firmware(DS_SPAN(p, n));
	if (n >= 16 && n < 3000 && !make_firmware(p, n, &b))
		firmware(ds_buf_span(&b));
	return 0;
}
