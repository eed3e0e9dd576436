/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cursor over borrowed bytes: the only way parsers touch their input. A failed read returns -EBADMSG and
 * leaves the cursor where it was. Results point into the input.
 */
#ifndef DS_BASE_RD_H
#define DS_BASE_RD_H

#include <ds/base/base.h>

struct ds_rd {
	const uint8_t *start;
	const uint8_t *p;
	const uint8_t *end;
};

static inline struct ds_rd ds_rd_init(struct ds_span in)
{
	return (struct ds_rd){ in.p, in.p, in.p ? in.p + in.n : NULL };
}

static inline size_t ds_rd_left(const struct ds_rd *rd)
{
	return (size_t)(rd->end - rd->p);
}

/* Offset of the cursor from the start of the input, for error messages. */
static inline size_t ds_rd_pos(const struct ds_rd *rd)
{
	return (size_t)(rd->p - rd->start);
}

DS_MUST int ds_rd_span(struct ds_rd *rd, size_t n, struct ds_span *ret);
DS_MUST int ds_rd_copy(struct ds_rd *rd, void *ret, size_t n);
DS_MUST int ds_rd_skip(struct ds_rd *rd, size_t n);
DS_MUST int ds_rd_u8(struct ds_rd *rd, uint8_t *ret);
DS_MUST int ds_rd_u16le(struct ds_rd *rd, uint16_t *ret);
DS_MUST int ds_rd_u32le(struct ds_rd *rd, uint32_t *ret);
DS_MUST int ds_rd_u64le(struct ds_rd *rd, uint64_t *ret);
DS_MUST int ds_rd_u16be(struct ds_rd *rd, uint16_t *ret);
DS_MUST int ds_rd_u24be(struct ds_rd *rd, uint32_t *ret);
DS_MUST int ds_rd_u32be(struct ds_rd *rd, uint32_t *ret);
/* A sub-reader over the next n bytes. */
DS_MUST int ds_rd_block(struct ds_rd *rd, size_t n, struct ds_rd *ret);
/* Nothing may be left: trailing bytes are -EBADMSG. */
DS_MUST int ds_rd_end(const struct ds_rd *rd);

static inline uint16_t ds_get_u16le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ds_get_u32le(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ds_get_u64le(const uint8_t *p)
{
	return (uint64_t)ds_get_u32le(p) | (uint64_t)ds_get_u32le(p + 4) << 32;
}

static inline void ds_put_u16le(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void ds_put_u32le(uint8_t *p, uint32_t v)
{
	ds_put_u16le(p, (uint16_t)v);
	ds_put_u16le(p + 2, (uint16_t)(v >> 16));
}

static inline void ds_put_u64le(uint8_t *p, uint64_t v)
{
	ds_put_u32le(p, (uint32_t)v);
	ds_put_u32le(p + 4, (uint32_t)(v >> 32));
}

#endif
