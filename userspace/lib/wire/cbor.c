// SPDX-License-Identifier: Apache-2.0
/* CBOR heads and strings, see ds/wire/cbor.h. */
#include <ds/wire/cbor.h>

/* The argument of a head: in the low bits, or in 1, 2, 4 or 8 bytes; shortest form only. */
static int read_argument(struct ds_rd *rd, uint8_t low, uint64_t *ret)
{
	static const uint64_t least[] = { 24, 1ull << 8, 1ull << 16, 1ull << 32 };
	struct ds_span s;
	uint64_t v = 0;

	if (low < 24) {
		*ret = low;
		return 0;
	}
	if (low > 27)
		return -EBADMSG;
	DS_TRY(ds_rd_span(rd, (size_t)1 << (low - 24), &s));
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	if (v < least[low - 24])
		return -EBADMSG;
	*ret = v;
	return 0;
}

int ds_cbor_rd(struct ds_rd *rd, struct ds_cbor *ret)
{
	struct ds_rd at = *rd;
	struct ds_cbor c = { .num = 0 };
	uint8_t head, type;

	DS_TRY(ds_rd_u8(&at, &head));
	type = head >> 5;
	if (type == 1 || type > DS_CBOR_MAP)
		return -EBADMSG;
	c.type = (enum ds_cbor_type)type;
	DS_TRY(read_argument(&at, head & 31, &c.num));
	if (c.type == DS_CBOR_BYTES || c.type == DS_CBOR_TEXT) {
		if (c.num > ds_rd_left(&at))
			return -EBADMSG;
		DS_TRY(ds_rd_span(&at, (size_t)c.num, &c.str));
	}
	*rd = at;
	*ret = c;
	return 0;
}

static int read_typed(struct ds_rd *rd, enum ds_cbor_type type, struct ds_cbor *ret)
{
	struct ds_rd at = *rd;

	DS_TRY(ds_cbor_rd(&at, ret));
	if (ret->type != type)
		return -EBADMSG;
	*rd = at;
	return 0;
}

int ds_cbor_rd_key(struct ds_rd *rd, const char *key)
{
	struct ds_cbor c;

	DS_TRY(read_typed(rd, DS_CBOR_TEXT, &c));
	return ds_span_eq(c.str, DS_SPAN_STR(key)) ? 0 : -EBADMSG;
}

int ds_cbor_rd_uint(struct ds_rd *rd, uint64_t *ret)
{
	struct ds_cbor c;

	DS_TRY(read_typed(rd, DS_CBOR_UINT, &c));
	*ret = c.num;
	return 0;
}

int ds_cbor_rd_bytes(struct ds_rd *rd, void *ret, size_t n)
{
	struct ds_cbor c;

	DS_TRY(read_typed(rd, DS_CBOR_BYTES, &c));
	if (c.str.n != n)
		return -EBADMSG;
	memcpy(ret, c.str.p, n);
	return 0;
}

int ds_cbor_rd_map(struct ds_rd *rd, uint64_t n)
{
	struct ds_cbor c;

	DS_TRY(read_typed(rd, DS_CBOR_MAP, &c));
	return c.num == n ? 0 : -EBADMSG;
}

int ds_cbor_add_head(struct ds_buf *buf, enum ds_cbor_type type, uint64_t num)
{
	unsigned int log = num < 24	      ? 0
			   : num < 1ull << 8  ? 1
			   : num < 1ull << 16 ? 2
			   : num < 1ull << 32 ? 3
					      : 4;
	uint8_t head = (uint8_t)((unsigned int)type << 5);

	if (!log)
		return ds_buf_add_u8(buf, (uint8_t)(head | num));
	DS_TRY(ds_buf_reserve(buf, 9));
	DS_TRY(ds_buf_add_u8(buf, (uint8_t)(head | (23 + log))));
	for (int i = 8 << (log - 1); i > 0; i -= 8)
		DS_TRY(ds_buf_add_u8(buf, (uint8_t)(num >> (i - 8))));
	return 0;
}

int ds_cbor_add_text(struct ds_buf *buf, const char *text)
{
	DS_TRY(ds_cbor_add_head(buf, DS_CBOR_TEXT, strlen(text)));
	return ds_buf_add(buf, text, strlen(text));
}

int ds_cbor_add_bytes(struct ds_buf *buf, struct ds_span s)
{
	DS_TRY(ds_cbor_add_head(buf, DS_CBOR_BYTES, s.n));
	return ds_buf_add_span(buf, s);
}
