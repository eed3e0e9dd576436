// SPDX-License-Identifier: Apache-2.0
/* JSON into secret memory. */
#include "secret_json.h"

#include <ds/base/text.h>

void secret_json_init(struct secret_json *j, size_t cap)
{
	*j = (struct secret_json){ .mem = ds_secret_new(cap) };
	j->r = j->mem ? 0 : -ENOMEM;
}

static void put(struct secret_json *j, const void *p, size_t n)
{
	if (j->r)
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
	put(j, j->n ? ",\"" : "{\"", 2);
	put(j, key, strlen(key));
	put(j, "\":\"", 3);
}

void secret_json_str(struct secret_json *j, const char *key, struct ds_span value)
{
	key_of(j, key);
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
	key_of(j, key);
	/* the encoder terminates its text: one more byte than is kept */
	if (!j->r && 2 * n + 1 > j->mem->n - j->n)
		j->r = -EFBIG;
	if (j->r)
		return;
	ds_hex_encode(p, n, (char *)j->mem->p + j->n);
	j->n += 2 * n;
	put(j, "\"", 1);
}

int secret_json_end(struct secret_json *j)
{
	put(j, j->n ? "}" : "{}", j->n ? 1 : 2);
	return j->r;
}

void secret_json_done(struct secret_json *j)
{
	j->mem = ds_secret_free(j->mem);
}
