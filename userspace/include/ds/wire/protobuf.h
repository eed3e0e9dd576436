/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf messages of the prpc calls (spec/kms 1.2, 2), to and from the JSON objects that the same
 * calls have: a table says names, numbers and types, so a method is written once. Bytes are
 * lowercase hex in the object.
 *
 * Reading: unknown fields are skipped, the last one of a single field counts. Stricter than others:
 * a number that does not fit, text that is no UTF-8 or holds NUL, and groups are errors. Requests
 * are flat: a message within one is an error too. Pure; an error names the field and the byte.
 */
#ifndef DS_WIRE_PROTOBUF_H
#define DS_WIRE_PROTOBUF_H

#include <ds/base/base.h>
#include <jansson.h>

enum ds_pb_type { DS_PB_STR, DS_PB_BYTES, DS_PB_U32, DS_PB_U64, DS_PB_BOOL, DS_PB_MSG };

enum ds_pb_flags {
	DS_PB_REPEATED = 1, /* an array; not of numbers */
	DS_PB_OPTIONAL = 2, /* zero is written too: absent is null */
};

/* A message: its fields, ending with name NULL. Empty messages are { { 0 } }. */
struct ds_pb_field {
	const char *name;
	uint32_t no;
	enum ds_pb_type type;
	unsigned flags;
	const struct ds_pb_field *msg; /* DS_PB_MSG */
};

/* Absent fields are absent in the object. */
DS_MUST int ds_pb_decode(const struct ds_pb_field *msg, struct ds_span in, json_t **ret,
			 struct ds_err *err);
/* Appends to ret. What the table does not name is left out; a value of another type is -EINVAL. */
DS_MUST int ds_pb_encode(const struct ds_pb_field *msg, const json_t *o, struct ds_buf *ret);

/* Tag and length of a field of n bytes, for who writes the bytes itself. Returns the size. */
#define DS_PB_HEAD_MAX 15u
size_t ds_pb_head(uint32_t no, size_t n, uint8_t ret[DS_PB_HEAD_MAX]);
const struct ds_pb_field *ds_pb_find(const struct ds_pb_field *msg, const char *name);

#endif
