// SPDX-License-Identifier: Apache-2.0
/* MessagePack, see ds/wire/msgpack.h. */
#include <ds/wire/msgpack.h>

#define MAX_DEPTH 16

static int number(struct ds_rd *rd, size_t n, uint64_t *ret)
{
	struct ds_span s;
	uint64_t v = 0;

	DS_TRY(ds_rd_span(rd, n, &s));
	for (size_t i = 0; i < n; i++)
		v = v << 8 | s.p[i];
	*ret = v;
	return 0;
}

/* A string whose length stands in the next n_len bytes. */
static int string(struct ds_rd *rd, size_t n_len, struct ds_span *ret)
{
	uint64_t n;

	DS_TRY(number(rd, n_len, &n));
	return ds_rd_span(rd, (size_t)n, ret);
}

/* Heads that carry their value or length in themselves; -ENOENT: not one of them. */
static int read_fix(struct ds_rd *rd, uint8_t c, struct ds_mp *mp)
{
	if (c < 0x80) {
		mp->type = DS_MP_UINT;
		mp->num = c;
		return 0;
	}
	if (c < 0x90) {
		mp->type = DS_MP_MAP;
		mp->num = c & 0x0f;
		return 0;
	}
	if (c < 0xa0) {
		mp->type = DS_MP_ARRAY;
		mp->num = c & 0x0f;
		return 0;
	}
	if (c < 0xc0) {
		mp->type = DS_MP_STR;
		return ds_rd_span(rd, c & 0x1f, &mp->str);
	}
	return -ENOENT;
}

static int read_wide(struct ds_rd *rd, uint8_t c, struct ds_mp *mp)
{
	switch (c) {
	case 0xc0:
		mp->type = DS_MP_NIL;
		return 0;
	case 0xc2:
	case 0xc3:
		mp->type = DS_MP_BOOL;
		mp->num = c & 1;
		return 0;
	case 0xc4:
	case 0xc5:
	case 0xc6:
		mp->type = DS_MP_BIN;
		return string(rd, 1u << (c - 0xc4), &mp->str);
	case 0xcc:
	case 0xcd:
	case 0xce:
	case 0xcf:
		mp->type = DS_MP_UINT;
		return number(rd, 1u << (c - 0xcc), &mp->num);
	case 0xd9:
	case 0xda:
	case 0xdb:
		mp->type = DS_MP_STR;
		return string(rd, 1u << (c - 0xd9), &mp->str);
	case 0xdc:
	case 0xdd:
		mp->type = DS_MP_ARRAY;
		return number(rd, 2u << (c - 0xdc), &mp->num);
	case 0xde:
	case 0xdf:
		mp->type = DS_MP_MAP;
		return number(rd, 2u << (c - 0xde), &mp->num);
	default:
		return -EBADMSG;
	}
}

int ds_mp_rd(struct ds_rd *rd, struct ds_mp *ret)
{
	struct ds_rd at = *rd;
	struct ds_mp mp = { .type = DS_MP_NIL };
	uint8_t c;
	int r;

	DS_TRY(ds_rd_u8(&at, &c));
	r = read_fix(&at, c, &mp);
	if (r == -ENOENT)
		r = read_wide(&at, c, &mp);
	if (r)
		return r;
	/* an element takes at least a byte: no count can be larger than what is left */
	if ((mp.type == DS_MP_ARRAY && mp.num > ds_rd_left(&at)) ||
	    (mp.type == DS_MP_MAP && mp.num > ds_rd_left(&at) / 2))
		return -EBADMSG;
	*ret = mp;
	*rd = at;
	return 0;
}

int ds_mp_skip(struct ds_rd *rd)
{
	uint64_t left[MAX_DEPTH] = { 1 }; /* values still to come, by level */
	struct ds_rd at = *rd;
	struct ds_mp mp;
	int depth = 0;

	while (depth >= 0) {
		if (!left[depth]) {
			depth--;
			continue;
		}
		left[depth]--;
		DS_TRY(ds_mp_rd(&at, &mp));
		if (mp.type != DS_MP_ARRAY && mp.type != DS_MP_MAP)
			continue;
		if (++depth == MAX_DEPTH)
			return -EBADMSG;
		left[depth] = mp.type == DS_MP_MAP ? 2 * mp.num : mp.num;
	}
	*rd = at;
	return 0;
}

static int bytes_of_array(struct ds_rd *rd, uint64_t n, struct ds_buf *out)
{
	struct ds_mp mp;

	for (uint64_t i = 0; i < n; i++) {
		DS_TRY(ds_mp_rd(rd, &mp));
		if (mp.type != DS_MP_UINT || mp.num > 0xff)
			return -EBADMSG;
		DS_TRY(ds_buf_add_u8(out, (uint8_t)mp.num));
	}
	return 0;
}

int ds_mp_rd_bytes(struct ds_rd *rd, size_t max, struct ds_buf *ret)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_rd at = *rd;
	struct ds_mp mp;

	DS_TRY(ds_mp_rd(&at, &mp));
	if (mp.type != DS_MP_BIN && mp.type != DS_MP_ARRAY)
		return -EBADMSG;
	if (mp.str.n > max || (mp.type == DS_MP_ARRAY && mp.num > max))
		return -EFBIG;
	if (mp.type == DS_MP_BIN)
		DS_TRY(ds_buf_add_span(&out, mp.str));
	else
		DS_TRY(bytes_of_array(&at, mp.num, &out));
	*ret = ds_buf_steal(&out);
	*rd = at;
	return 0;
}

static int add_be(struct ds_buf *buf, uint8_t head, uint64_t v, unsigned int n)
{
	uint8_t out[9] = { head };

	for (unsigned int i = 0; i < n; i++)
		out[1 + i] = (uint8_t)(v >> 8 * (n - 1 - i));
	return ds_buf_add(buf, out, 1 + n);
}

int ds_mp_add_nil(struct ds_buf *buf)
{
	return ds_buf_add_u8(buf, 0xc0);
}

int ds_mp_add_uint(struct ds_buf *buf, uint64_t v)
{
	if (v < 0x80)
		return ds_buf_add_u8(buf, (uint8_t)v);
	if (v <= UINT8_MAX)
		return add_be(buf, 0xcc, v, 1);
	if (v <= UINT16_MAX)
		return add_be(buf, 0xcd, v, 2);
	if (v <= UINT32_MAX)
		return add_be(buf, 0xce, v, 4);
	return add_be(buf, 0xcf, v, 8);
}

int ds_mp_add_str(struct ds_buf *buf, struct ds_span s)
{
	int r;

	if (s.n > UINT32_MAX)
		return -EFBIG;
	if (s.n < 32)
		r = ds_buf_add_u8(buf, (uint8_t)(0xa0 | s.n));
	else if (s.n <= UINT8_MAX)
		r = add_be(buf, 0xd9, s.n, 1);
	else if (s.n <= UINT16_MAX)
		r = add_be(buf, 0xda, s.n, 2);
	else
		r = add_be(buf, 0xdb, s.n, 4);
	return r ? r : ds_buf_add_span(buf, s);
}

int ds_mp_add_bin(struct ds_buf *buf, struct ds_span s)
{
	int r;

	if (s.n > UINT32_MAX)
		return -EFBIG;
	if (s.n <= UINT8_MAX)
		r = add_be(buf, 0xc4, s.n, 1);
	else if (s.n <= UINT16_MAX)
		r = add_be(buf, 0xc5, s.n, 2);
	else
		r = add_be(buf, 0xc6, s.n, 4);
	return r ? r : ds_buf_add_span(buf, s);
}

int ds_mp_add_array(struct ds_buf *buf, uint32_t n)
{
	if (n < 16)
		return ds_buf_add_u8(buf, (uint8_t)(0x90 | n));
	return n <= UINT16_MAX ? add_be(buf, 0xdc, n, 2) : add_be(buf, 0xdd, n, 4);
}

int ds_mp_add_map(struct ds_buf *buf, uint32_t n)
{
	if (n < 16)
		return ds_buf_add_u8(buf, (uint8_t)(0x80 | n));
	return n <= UINT16_MAX ? add_be(buf, 0xde, n, 2) : add_be(buf, 0xdf, n, 4);
}
