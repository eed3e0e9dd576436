// SPDX-License-Identifier: Apache-2.0
/* Protobuf wire format, see ds/wire/protobuf.h. */
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/wire/protobuf.h>

#define DOM	   "protobuf"
#define MAX_VARINT 10u
#define MAX_NO	   ((1u << 29) - 1)

enum wire { VARINT = 0, I64 = 1, LEN = 2, I32 = 5 };

static bool is_number(enum ds_pb_type t)
{
	return t == DS_PB_U32 || t == DS_PB_U64 || t == DS_PB_BOOL;
}

static int varint(struct ds_rd *rd, uint64_t *ret)
{
	uint64_t v = 0;
	uint8_t b;

	for (unsigned i = 0; i < MAX_VARINT; i++) {
		DS_TRY(ds_rd_u8(rd, &b));
		if (i == MAX_VARINT - 1 && b > 1)
			return -EBADMSG;
		v |= (uint64_t)(b & 0x7f) << 7 * i;
		if (!(b & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return -EBADMSG;
}

/* What one field holds: a number, or bytes. */
struct value {
	enum wire wire;
	uint64_t num;
	struct ds_span bytes;
};

static int take_value(struct ds_rd *rd, struct value *v)
{
	switch (v->wire) {
	case VARINT:
		return varint(rd, &v->num);
	case I64:
		return ds_rd_skip(rd, 8);
	case I32:
		return ds_rd_skip(rd, 4);
	case LEN:
		DS_TRY(varint(rd, &v->num));
		return v->num <= ds_rd_left(rd) ? ds_rd_span(rd, (size_t)v->num, &v->bytes)
						: -EBADMSG;
	}
	return -EBADMSG;
}

static json_t *to_json(const struct ds_pb_field *f, const struct value *v)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	switch (f->type) {
	case DS_PB_STR:
		if (memchr(v->bytes.n ? v->bytes.p : (const uint8_t *)"x", 0, v->bytes.n))
			return NULL;
		return json_stringn(v->bytes.n ? (const char *)v->bytes.p : "", v->bytes.n);
	case DS_PB_BYTES:
		if (ds_buf_add_hex(&hex, v->bytes))
			return NULL;
		return json_stringn(hex.n ? (const char *)hex.p : "", hex.n);
	case DS_PB_BOOL:
		return json_boolean(v->num);
	case DS_PB_U32:
		return v->num <= UINT32_MAX ? json_integer((json_int_t)v->num) : NULL;
	case DS_PB_U64:
		return v->num <= INT64_MAX ? json_integer((json_int_t)v->num) : NULL;
	case DS_PB_MSG:
		break;
	}
	return NULL;
}

static int set(json_t *o, const struct ds_pb_field *f, json_t *take_v)
{
	json_t *list = json_object_get(o, f->name);

	if (!(f->flags & DS_PB_REPEATED))
		return json_object_set_new(o, f->name, take_v) ? -ENOMEM : 0;
	if (!list) {
		list = json_array();
		if (json_object_set_new(o, f->name, list)) {
			json_decref(take_v);
			return -ENOMEM;
		}
	}
	return json_array_append_new(list, take_v) ? -ENOMEM : 0;
}

static int field(const struct ds_pb_field *msg, struct ds_rd *rd, json_t *o, struct ds_err *err)
{
	size_t at = ds_rd_pos(rd);
	const struct ds_pb_field *f = msg;
	struct value v = { 0 };
	uint64_t tag;
	json_t *j;

	if (varint(rd, &tag) || tag >> 3 < 1 || tag >> 3 > MAX_NO)
		return ds_err_set(err, -EBADMSG, DOM, at, "protobuf: no field at byte %zu", at);
	v.wire = (enum wire)(tag & 7);
	if (take_value(rd, &v))
		return ds_err_set(err, -EBADMSG, DOM, at,
				  "protobuf: field %llu at byte %zu, wire type %u: incomplete or "
				  "malformed",
				  (unsigned long long)tag >> 3, at, (unsigned)v.wire);
	while (f->name && f->no != tag >> 3)
		f++;
	if (!f->name)
		return 0;
	if (v.wire != (is_number(f->type) ? VARINT : LEN))
		return ds_err_set(err, -EBADMSG, DOM, at,
				  "protobuf: field `%s`: wire type %d expected, found %u", f->name,
				  is_number(f->type) ? VARINT : LEN, (unsigned)v.wire);
	j = to_json(f, &v);
	if (!j)
		return ds_err_set(err, -EBADMSG, DOM, at, "protobuf: field `%s`: %s", f->name,
				  is_number(f->type) ? "number out of range"
						     : "text is not UTF-8 without NUL");
	return set(o, f, j);
}

int ds_pb_decode(const struct ds_pb_field *msg, struct ds_span in, json_t **ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in);
	json_t *o = json_object();
	int r = o ? 0 : -ENOMEM;

	while (!r && ds_rd_left(&rd))
		r = field(msg, &rd, o, err);
	if (r)
		json_decref(o);
	else
		*ret = o;
	return r;
}

static size_t put_varint(uint64_t v, uint8_t *out)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

size_t ds_pb_head(uint32_t no, size_t n, uint8_t ret[DS_PB_HEAD_MAX])
{
	size_t k = put_varint((uint64_t)no << 3 | LEN, ret);

	return k + put_varint(n, ret + k);
}

const struct ds_pb_field *ds_pb_find(const struct ds_pb_field *msg, const char *name)
{
	for (; msg->name; msg++)
		if (!strcmp(msg->name, name))
			return msg;
	return NULL;
}

static int put_bytes(const struct ds_pb_field *f, struct ds_span s, struct ds_buf *ret)
{
	uint8_t head[DS_PB_HEAD_MAX];

	if (!s.n && !(f->flags & (DS_PB_REPEATED | DS_PB_OPTIONAL)) && f->type != DS_PB_MSG)
		return 0;
	DS_TRY(ds_buf_add(ret, head, ds_pb_head(f->no, s.n, head)));
	return ds_buf_add_span(ret, s);
}

static int put_number(const struct ds_pb_field *f, const json_t *v, struct ds_buf *ret)
{
	uint8_t out[2 * MAX_VARINT];
	uint64_t u;
	size_t n;

	if (f->type == DS_PB_BOOL ? !json_is_boolean(v)
				  : !json_is_integer(v) || json_integer_value(v) < 0)
		return -EINVAL;
	u = f->type == DS_PB_BOOL ? json_is_true(v) : (uint64_t)json_integer_value(v);
	if (!u && !(f->flags & DS_PB_OPTIONAL))
		return 0;
	n = put_varint((uint64_t)f->no << 3 | VARINT, out);
	return ds_buf_add(ret, out, n + put_varint(u, out + n));
}

static int put(const struct ds_pb_field *f, const json_t *v, struct ds_buf *ret)
{
	DS_BUF struct ds_buf inner = DS_BUF_NULL;

	if (is_number(f->type))
		return put_number(f, v, ret);
	if (f->type == DS_PB_MSG) {
		DS_TRY(ds_pb_encode(f->msg, v, &inner));
	} else {
		if (!json_is_string(v))
			return -EINVAL;
		if (f->type == DS_PB_STR)
			return put_bytes(f, DS_SPAN(json_string_value(v), json_string_length(v)),
					 ret);
		if (ds_hex_decode_buf(json_string_value(v), json_string_length(v), SIZE_MAX,
				      &inner))
			return -EINVAL;
	}
	return put_bytes(f, ds_buf_span(&inner), ret);
}

int ds_pb_encode(const struct ds_pb_field *msg, const json_t *o, struct ds_buf *ret)
{
	if (!json_is_object(o))
		return -EINVAL;
	for (const struct ds_pb_field *f = msg; f->name; f++) {
		const json_t *v = json_object_get(o, f->name);

		if (!v || json_is_null(v))
			continue;
		if (!(f->flags & DS_PB_REPEATED)) {
			DS_TRY(put(f, v, ret));
			continue;
		}
		if (!json_is_array(v))
			return -EINVAL;
		for (size_t i = 0; i < json_array_size(v); i++)
			DS_TRY(put(f, json_array_get(v, i), ret));
	}
	return 0;
}
