// SPDX-License-Identifier: Apache-2.0
/* JSON or protobuf into secret memory. */
#include "secret_json.h"

#include <ds/base/text.h>

void secret_json_init(struct secret_json *j, const struct ds_pb_field *pb, size_t cap)
{
	*j = (struct secret_json){ .mem = ds_secret_new(cap), .pb = pb };
	j->r = j->mem ? 0 : -ENOMEM;
}

static void put(struct secret_json *j, const void *p, size_t n)
{
	if (j->r || !n)
		return;
	if (n > j->mem->n - j->n) {
		j->r = -EFBIG;
		return;
	}
	memcpy(j->mem->p + j->n, p, n);
	j->n += n;
}

static void key_of(struct secret_json *j, const char *key)
{
	if (j->first)
		put(j, "\"", 1);
	else
		put(j, j->n ? ",\"" : "{\"", 2);
	j->first = false;
	put(j, key, strlen(key));
	put(j, "\":", 2);
}

static const struct ds_pb_field *field_of(struct secret_json *j, const char *key)
{
	const struct ds_pb_field *f = ds_pb_find(j->pb, key);

	if (!f && !j->r)
		j->r = -EINVAL;
	return f;
}

static void put_pb(struct secret_json *j, const char *key, struct ds_span value)
{
	const struct ds_pb_field *f = field_of(j, key);
	uint8_t head[DS_PB_HEAD_MAX];

	if (!f || !value.n)
		return;
	put(j, head, ds_pb_head(f->no, value.n, head));
	put(j, value.p, value.n);
}

/*
 * The length of an inner message is known at its end, so it gets a fixed place before it: three
 * bytes are a number whatever they say.
 */
#define LEN_N 3u

static void open_pb(struct secret_json *j, const char *key)
{
	const struct ds_pb_field *f = field_of(j, key);
	uint8_t head[DS_PB_HEAD_MAX], none[LEN_N] = { 0 };

	if (!f)
		return;
	put(j, head, ds_pb_head(f->no, 0, head) - 1);
	put(j, none, LEN_N);
	j->outer = j->pb;
	j->pb = f->msg;
	j->inner = j->n;
}

static void close_pb(struct secret_json *j)
{
	size_t n = j->n - j->inner;
	uint8_t *p;

	if (!j->outer)
		return;
	j->pb = j->outer;
	j->outer = NULL;
	if (n >> 7 * LEN_N)
		j->r = j->r ? j->r : -EFBIG;
	if (j->r)
		return;
	p = j->mem->p + j->inner - LEN_N;
	for (unsigned i = 0; i < LEN_N; i++)
		p[i] = (uint8_t)((n >> 7 * i & 0x7f) | (i < LEN_N - 1 ? 0x80 : 0));
}

void secret_json_open(struct secret_json *j, const char *key)
{
	if (j->pb) {
		open_pb(j, key);
		return;
	}
	put(j, j->n ? ",\"" : "{\"", 2);
	put(j, key, strlen(key));
	put(j, "\":[{", 4);
	j->first = true;
}

void secret_json_close(struct secret_json *j)
{
	if (j->pb) {
		close_pb(j);
		return;
	}
	put(j, "}]", 2);
	j->first = false;
}

void secret_json_str(struct secret_json *j, const char *key, struct ds_span value)
{
	if (j->pb) {
		put_pb(j, key, value);
		return;
	}
	key_of(j, key);
	put(j, "\"", 1);
	for (size_t i = 0; i < value.n; i++) {
		char c = (char)value.p[i];

		if (c == '\n') {
			put(j, "\\n", 2);
			continue;
		}
		if (c < 0x20 || c > 0x7e) {
			j->r = j->r ? j->r : -EINVAL;
			return;
		}
		if (c == '"' || c == '\\')
			put(j, "\\", 1);
		put(j, &c, 1);
	}
	put(j, "\"", 1);
}

void secret_json_hex(struct secret_json *j, const char *key, const void *p, size_t n)
{
	if (j->pb) {
		put_pb(j, key, DS_SPAN(p, n));
		return;
	}
	key_of(j, key);
	put(j, "\"", 1);
	/* the encoder terminates its text: one more byte than is kept */
	if (!j->r && 2 * n + 1 > j->mem->n - j->n)
		j->r = -EFBIG;
	if (j->r)
		return;
	ds_hex_encode(p, n, (char *)j->mem->p + j->n);
	j->n += 2 * n;
	put(j, "\"", 1);
}

void secret_json_u32(struct secret_json *j, const char *key, uint32_t value)
{
	DS_BUF struct ds_buf msg = DS_BUF_NULL;
	json_t *o = NULL;
	char text[12];

	if (!j->pb) {
		key_of(j, key);
		put(j, text, (size_t)snprintf(text, sizeof(text), "%u", value));
		return;
	}
	o = json_pack("{s:i}", key, value);
	if (!o || ds_pb_encode(j->pb, o, &msg))
		j->r = j->r ? j->r : -EINVAL;
	else
		put(j, msg.p, msg.n);
	json_decref(o);
}

int secret_json_end(struct secret_json *j)
{
	if (!j->pb)
		put(j, j->n ? "}" : "{}", j->n ? 1 : 2);
	return j->r;
}

void secret_json_done(struct secret_json *j)
{
	j->mem = ds_secret_free(j->mem);
}
