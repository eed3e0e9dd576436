// SPDX-License-Identifier: Apache-2.0
/* A scanner that knows strings and nesting of JSON, and nothing else: the ordinary parser comes
 * after it. */
#include "kms_secret.h"

#include <ds/base/text.h>

#define HEX_LEN 64u

struct scan {
	const uint8_t *p;
	size_t n, at;
	unsigned int depth;
};

/* The string that opens at s->at; what is between the quotes goes to ret. */
static int take_string(struct scan *s, struct ds_span *ret)
{
	size_t start = ++s->at;

	for (; s->at < s->n; s->at++) {
		if (s->p[s->at] == '\\') {
			s->at++;
		} else if (s->p[s->at] == '"') {
			*ret = DS_SPAN(s->p + start, s->at - start);
			s->at++;
			return 0;
		}
	}
	return -EBADMSG;
}

static void skip_blank(struct scan *s)
{
	while (s->at < s->n && memchr(" \t\r\n", s->p[s->at], 4))
		s->at++;
}

/* Up to the next string of the outermost object; false at the end. */
static bool next_string(struct scan *s, struct ds_span *ret)
{
	while (s->at < s->n) {
		uint8_t c = s->p[s->at];
		struct ds_span str;

		if (c == '"') {
			if (take_string(s, &str))
				return false;
			if (s->depth == 1) {
				*ret = str;
				return true;
			}
			continue;
		}
		if (c == '{' || c == '[')
			s->depth++;
		else if ((c == '}' || c == ']') && s->depth)
			s->depth--;
		s->at++;
	}
	return false;
}

static int find(struct scan *s, const char *key, struct ds_span *ret)
{
	struct ds_span str;

	while (next_string(s, &str)) {
		skip_blank(s);
		if (s->at >= s->n || s->p[s->at] != ':')
			continue; /* a value */
		s->at++;
		skip_blank(s);
		if (!ds_span_eq(str, DS_SPAN_STR(key)))
			continue;
		return s->at < s->n && s->p[s->at] == '"' ? take_string(s, ret) : -EBADMSG;
	}
	return -EBADMSG;
}

int ds_kms_take_hex(struct ds_secret *text, const char *key, struct ds_secret **ret,
		    struct ds_err *err)
{
	struct scan s = { .p = text->p, .n = text->n };
	DS_SECRET struct ds_secret *out = ds_secret_new(HEX_LEN / 2);
	struct ds_span hex;

	if (!out)
		return -ENOMEM;
	if (find(&s, key, &hex))
		return ds_err_set(err, -EBADMSG, "kms", 0, "reply: %s is missing or no string",
				  key);
	if (hex.n != HEX_LEN || ds_hex_decode((const char *)hex.p, hex.n, out->p, out->n))
		return ds_err_set(err, -EBADMSG, "kms", 0,
				  "reply: %s: 32 bytes in hex expected, found %zu characters", key,
				  hex.n);
	memset(text->p + (hex.p - text->p), '0', hex.n);
	*ret = out;
	out = NULL;
	return 0;
}
