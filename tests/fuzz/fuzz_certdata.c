// SPDX-License-Identifier: Apache-2.0
/*
 * Certification data inside an otherwise good quote: byte 0 the inner type, byte 1 how much the
 * length lies, the rest the data. What parses is exactly the data that was put in; a chain that is
 * read has three certificates whose text ends with the input.
 */
#include <stdlib.h>

#include <ds/attest/platform.h>

#include "../../userspace/lib/attest/priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint8_t head[48] = { 4,	0,    2,    0,	  0x81, 0,    0,    0,	  0,	0,
				  0,	0,    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
				  0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

static int build(struct ds_buf *b, uint8_t type, int8_t lie, struct ds_span data)
{
	uint32_t inner = 384 + 64 + 2 + 6 + (uint32_t)data.n;

	DS_TRY(ds_buf_add(b, head, sizeof(head)));
	DS_TRY(ds_buf_add_zero(b, 584));
	DS_TRY(ds_buf_add_u32le(b, 64 + 64 + 6 + inner));
	DS_TRY(ds_buf_add_zero(b, 128));
	DS_TRY(ds_buf_add_u16le(b, 6));
	DS_TRY(ds_buf_add_u32le(b, inner));
	DS_TRY(ds_buf_add_zero(b, 384 + 64));
	DS_TRY(ds_buf_add_u16le(b, 0));
	DS_TRY(ds_buf_add_u16le(b, type));
	DS_TRY(ds_buf_add_u32le(b, (uint32_t)data.n + (uint32_t)lie));
	return ds_buf_add_span(b, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_acert chain[DS_PCK_CHAIN_LEN] = { 0 };
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_platform_id id;
	struct ds_quote q;
	struct ds_span data;

	if (n < 2 || n > 40000)
		return 0;
	data = DS_SPAN(p + 2, n - 2);
	if (build(&b, p[0], (int8_t)p[1], data))
		return 0;
	if (ds_quote_parse(ds_buf_span(&b), &q, NULL))
		return 0;
	if (p[1] || !p[0] || p[0] > 7 || p[0] == 6 || q.cert_type != p[0] ||
	    !ds_span_eq(q.cert_data, data))
		abort();
	if (!ds_acerts_from_pem(q.cert_data, chain, DS_PCK_CHAIN_LEN))
		for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
			if (!chain[i].x || !chain[i].der.n)
				abort();
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		ds_acert_done(&chain[i]);
	(void)!ds_quote_platform(ds_buf_span(&b), &id, NULL);
	return 0;
}
