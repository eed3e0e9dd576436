/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of CBOR (RFC 8949) that measurement material uses: unsigned integers, byte and text
 * strings, arrays and maps of definite length, in their shortest form. Pure. A reader takes one
 * head at a time; strings point into the input.
 */
#ifndef DS_WIRE_CBOR_H
#define DS_WIRE_CBOR_H

#include <ds/base/rd.h>

/* Major types; others are refused. */
enum ds_cbor_type {
	DS_CBOR_UINT = 0,
	DS_CBOR_BYTES = 2,
	DS_CBOR_TEXT = 3,
	DS_CBOR_ARRAY = 4,
	DS_CBOR_MAP = 5
};

struct ds_cbor {
	enum ds_cbor_type type;
	uint64_t num;	    /* UINT: value; ARRAY: elements; MAP: pairs; strings: bytes */
	struct ds_span str; /* BYTES and TEXT */
};

/* -EBADMSG: end of input, another type, indefinite length, not the shortest form. */
DS_MUST int ds_cbor_rd(struct ds_rd *rd, struct ds_cbor *ret);
/* A map key that has to be this text, then nothing: the value is next. */
DS_MUST int ds_cbor_rd_key(struct ds_rd *rd, const char *key);
DS_MUST int ds_cbor_rd_uint(struct ds_rd *rd, uint64_t *ret);
/* A byte string of exactly n bytes. */
DS_MUST int ds_cbor_rd_bytes(struct ds_rd *rd, void *ret, size_t n);
/* The head of a map with exactly n pairs. */
DS_MUST int ds_cbor_rd_map(struct ds_rd *rd, uint64_t n);

DS_MUST int ds_cbor_add_head(struct ds_buf *buf, enum ds_cbor_type type, uint64_t num);
DS_MUST int ds_cbor_add_text(struct ds_buf *buf, const char *text);
DS_MUST int ds_cbor_add_bytes(struct ds_buf *buf, struct ds_span s);

#endif
