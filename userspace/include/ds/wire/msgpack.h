/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of MessagePack that dstack evidence uses: nil, booleans, unsigned integers, str, bin,
 * array, map. Pure. A reader takes one head at a time; strings point into the input.
 */
#ifndef DS_WIRE_MSGPACK_H
#define DS_WIRE_MSGPACK_H

#include <ds/base/rd.h>

enum ds_mp_type { DS_MP_NIL, DS_MP_BOOL, DS_MP_UINT, DS_MP_STR, DS_MP_BIN, DS_MP_ARRAY, DS_MP_MAP };

struct ds_mp {
	enum ds_mp_type type;
	uint64_t num;       /* BOOL and UINT: value; ARRAY: elements; MAP: pairs */
	struct ds_span str; /* STR and BIN */
};

/*
 * -EBADMSG: end of input, or a type that is not listed above (negative integers, floats,
 * extensions).
 */
DS_MUST int ds_mp_rd(struct ds_rd *rd, struct ds_mp *ret);
/* Skip one value with all that it holds; at most 16 levels deep. */
DS_MUST int ds_mp_skip(struct ds_rd *rd);
/* bin, or an array of integers 0..255, into a new buffer; -EFBIG above max. */
DS_MUST int ds_mp_rd_bytes(struct ds_rd *rd, size_t max, struct ds_buf *ret);

/* Shortest forms. */
DS_MUST int ds_mp_add_nil(struct ds_buf *buf);
DS_MUST int ds_mp_add_uint(struct ds_buf *buf, uint64_t v);
DS_MUST int ds_mp_add_str(struct ds_buf *buf, struct ds_span s);
DS_MUST int ds_mp_add_bin(struct ds_buf *buf, struct ds_span s);
DS_MUST int ds_mp_add_array(struct ds_buf *buf, uint32_t n);
DS_MUST int ds_mp_add_map(struct ds_buf *buf, uint32_t n);

#endif
