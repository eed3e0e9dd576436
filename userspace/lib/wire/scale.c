// SPDX-License-Identifier: Apache-2.0
/* SCALE, see ds/wire/scale.h. */
#include <ds/wire/scale.h>

/* Mode is the low two bits; a length must use the shortest mode that holds it. */
int ds_scale_rd_compact(struct ds_rd *rd, size_t *ret)
{
	static const uint32_t least[] = { 0, 1u << 6, 1u << 14 };
	struct ds_rd at = *rd;
	struct ds_span first, rest;
	unsigned int mode;
	uint32_t v = 0;

	DS_TRY(ds_rd_span(&at, 1, &first));
	mode = first.p[0] & 3;
	if (mode == 3)
		return -EFBIG;
	DS_TRY(ds_rd_span(&at, (1u << mode) - 1, &rest));
	for (size_t i = rest.n; i--;)
		v = v << 8 | rest.p[i];
	v = (v << 8 | first.p[0]) >> 2;
	if (v < least[mode])
		return -EBADMSG;
	*ret = v;
	*rd = at;
	return 0;
}

int ds_scale_rd_bytes(struct ds_rd *rd, size_t max, struct ds_span *ret)
{
	struct ds_rd at = *rd;
	size_t n;

	DS_TRY(ds_scale_rd_compact(&at, &n));
	if (n > max)
		return -EFBIG;
	DS_TRY(ds_rd_span(&at, n, ret));
	*rd = at;
	return 0;
}

int ds_scale_rd_str(struct ds_rd *rd, size_t max, char **ret)
{
	struct ds_rd at = *rd;
	struct ds_span s;
	char *copy;

	DS_TRY(ds_scale_rd_bytes(&at, max, &s));
	if (!ds_utf8_ok(s))
		return -EBADMSG;
	copy = strndup(s.n ? (const char *)s.p : "", s.n);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	*rd = at;
	return 0;
}

int ds_scale_rd_bool(struct ds_rd *rd, bool *ret)
{
	struct ds_rd at = *rd;
	uint8_t v;

	DS_TRY(ds_rd_u8(&at, &v));
	if (v > 1)
		return -EBADMSG;
	*ret = v;
	*rd = at;
	return 0;
}

int ds_scale_add_compact(struct ds_buf *buf, size_t n)
{
	if (n < 1u << 6)
		return ds_buf_add_u8(buf, (uint8_t)(n << 2));
	if (n < 1u << 14)
		return ds_buf_add_u16le(buf, (uint16_t)(n << 2 | 1));
	if (n < 1u << 30)
		return ds_buf_add_u32le(buf, (uint32_t)(n << 2 | 2));
	return -EFBIG;
}

int ds_scale_add_bytes(struct ds_buf *buf, struct ds_span s)
{
	DS_TRY(ds_scale_add_compact(buf, s.n));
	return ds_buf_add_span(buf, s);
}

int ds_scale_add_bool(struct ds_buf *buf, bool v)
{
	return ds_buf_add_u8(buf, v);
}

/* Length of the sequence that begins with c, 0 if none does; *ret_v: the bits it contributes. */
static size_t utf8_head(uint8_t c, uint32_t *ret_v)
{
	if (c < 0x80) {
		*ret_v = c;
		return 1;
	}
	if ((c & 0xe0) == 0xc0) {
		*ret_v = c & 0x1f;
		return 2;
	}
	if ((c & 0xf0) == 0xe0) {
		*ret_v = c & 0x0f;
		return 3;
	}
	*ret_v = c & 0x07;
	return (c & 0xf8) == 0xf0 ? 4 : 0;
}

bool ds_utf8_ok(struct ds_span s)
{
	static const uint32_t least[] = { 0, 1 /* no NUL */, 0x80, 0x800, 0x10000 };
	uint32_t v;

	for (size_t i = 0, n; i < s.n; i += n) {
		n = utf8_head(s.p[i], &v);
		if (!n || n > s.n - i)
			return false;
		for (size_t k = 1; k < n; k++) {
			if ((s.p[i + k] & 0xc0) != 0x80)
				return false;
			v = v << 6 | (s.p[i + k] & 0x3f);
		}
		if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
			return false;
	}
	return true;
}
