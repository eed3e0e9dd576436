// SPDX-License-Identifier: Apache-2.0
/* Bounded reader, see ds/base/rd.h. */
#include <ds/base/rd.h>

int ds_rd_span(struct ds_rd *rd, size_t n, struct ds_span *ret)
{
	if (n > ds_rd_left(rd))
		return -EBADMSG;
	*ret = DS_SPAN(rd->p, n);
	if (n)
		rd->p += n;
	return 0;
}

int ds_rd_copy(struct ds_rd *rd, void *ret, size_t n)
{
	struct ds_span s;

	DS_TRY(ds_rd_span(rd, n, &s));
	if (n)
		memcpy(ret, s.p, n);
	return 0;
}

int ds_rd_skip(struct ds_rd *rd, size_t n)
{
	struct ds_span s;

	return ds_rd_span(rd, n, &s);
}

/* Read n <= 8 bytes as a number. */
static int number(struct ds_rd *rd, size_t n, bool big, uint64_t *ret)
{
	struct ds_span s;
	uint64_t v = 0;

	DS_TRY(ds_rd_span(rd, n, &s));
	for (size_t i = 0; i < n; i++)
		v = v << 8 | s.p[big ? i : n - 1 - i];
	*ret = v;
	return 0;
}

int ds_rd_u8(struct ds_rd *rd, uint8_t *ret)
{
	return ds_rd_copy(rd, ret, 1);
}

int ds_rd_u16le(struct ds_rd *rd, uint16_t *ret)
{
	uint64_t v;

	DS_TRY(number(rd, 2, false, &v));
	*ret = (uint16_t)v;
	return 0;
}

int ds_rd_u32le(struct ds_rd *rd, uint32_t *ret)
{
	uint64_t v;

	DS_TRY(number(rd, 4, false, &v));
	*ret = (uint32_t)v;
	return 0;
}

int ds_rd_u64le(struct ds_rd *rd, uint64_t *ret)
{
	return number(rd, 8, false, ret);
}

int ds_rd_u16be(struct ds_rd *rd, uint16_t *ret)
{
	uint64_t v;

	DS_TRY(number(rd, 2, true, &v));
	*ret = (uint16_t)v;
	return 0;
}

int ds_rd_u24be(struct ds_rd *rd, uint32_t *ret)
{
	uint64_t v;

	DS_TRY(number(rd, 3, true, &v));
	*ret = (uint32_t)v;
	return 0;
}

int ds_rd_u32be(struct ds_rd *rd, uint32_t *ret)
{
	uint64_t v;

	DS_TRY(number(rd, 4, true, &v));
	*ret = (uint32_t)v;
	return 0;
}

int ds_rd_block(struct ds_rd *rd, size_t n, struct ds_rd *ret)
{
	struct ds_span s;

	DS_TRY(ds_rd_span(rd, n, &s));
	*ret = ds_rd_init(s);
	return 0;
}

int ds_rd_end(const struct ds_rd *rd)
{
	return ds_rd_left(rd) ? -EBADMSG : 0;
}
