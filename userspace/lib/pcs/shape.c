// SPDX-License-Identifier: Apache-2.0
/* See ds/pcs/shape.h. */
#include <ds/pcs/shape.h>

#include <ctype.h>
#include <jansson.h>

#include <ds/base/text.h>

#define DOM	  "pcs"
#define MAX_DEPTH 32u

struct scan {
	struct ds_span in;
	size_t at;
	struct ds_err *err;
};

static int bad(const struct scan *s, const char *what)
{
	return ds_err_set(s->err, -EBADMSG, DOM, s->at, "answer, byte %zu: %s", s->at, what);
}

static int peek(const struct scan *s)
{
	return s->at < s->in.n ? s->in.p[s->at] : -1;
}

static void blanks(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\r' || peek(s) == '\n')
		s->at++;
}

static int take(struct scan *s, char c)
{
	char what[] = "expected 'x'";

	blanks(s);
	if (peek(s) == c) {
		s->at++;
		return 0;
	}
	what[10] = c;
	return bad(s, what);
}

/* From the opening quote to behind the closing one; ret is what stands between. */
static int string(struct scan *s, struct ds_span *ret)
{
	size_t from;

	DS_TRY(take(s, '"'));
	from = s->at;
	for (; s->at < s->in.n; s->at++) {
		uint8_t c = s->in.p[s->at];

		if (c == '"') {
			*ret = DS_SPAN(s->in.p + from, s->at - from);
			s->at++;
			return 0;
		}
		if (c < 0x20)
			return bad(s, "control character in a string");
		if (c == '\\')
			s->at++; /* whatever is escaped ends no string */
	}
	s->at = s->in.n;
	return bad(s, "the string does not end");
}

/* An object or array, from its bracket to behind the matching one. */
static int nested(struct scan *s)
{
	char want[MAX_DEPTH];
	struct ds_span ignored;
	size_t depth = 0;

	do {
		int c = peek(s);

		if (c < 0)
			return bad(s, "truncated");
		if (c == '"') {
			DS_TRY(string(s, &ignored));
			continue;
		}
		if (c == '{' || c == '[') {
			if (depth == MAX_DEPTH)
				return bad(s, "nested too deeply");
			want[depth++] = c == '{' ? '}' : ']';
		} else if (c == '}' || c == ']') {
			if (want[--depth] != c)
				return bad(s, "brackets do not match");
		}
		s->at++;
	} while (depth);
	return 0;
}

static int value(struct scan *s, struct ds_span *ret)
{
	struct ds_span ignored;
	size_t from;

	blanks(s);
	from = s->at;
	if (peek(s) == '{' || peek(s) == '[')
		DS_TRY(nested(s));
	else if (peek(s) == '"')
		DS_TRY(string(s, &ignored));
	else
		while (isalnum(peek(s)) || peek(s) == '-' || peek(s) == '+' || peek(s) == '.')
			s->at++;
	if (s->at == from)
		return bad(s, "expected a value");
	*ret = DS_SPAN(s->in.p + from, s->at - from);
	return 0;
}

static int member(struct scan *s, struct ds_span *ret_key, struct ds_span *ret_value)
{
	DS_TRY(string(s, ret_key));
	if (memchr(ret_key->p, '\\', ret_key->n))
		return bad(s, "escape in a key");
	DS_TRY(take(s, ':'));
	return value(s, ret_value);
}

static int keep(const struct scan *s, struct ds_span key, const char *want, struct ds_span v,
		struct ds_span *slot)
{
	if (!ds_span_eq(key, DS_SPAN_STR(want)))
		return 0;
	if (slot->n)
		return bad(s, "a key is there twice");
	*slot = v;
	return 0;
}

static int members(struct scan *s, const char *key, struct ds_span *doc, struct ds_span *sig)
{
	struct ds_span k, v;

	DS_TRY(take(s, '{'));
	do {
		DS_TRY(member(s, &k, &v));
		DS_TRY(keep(s, k, key, v, doc));
		DS_TRY(keep(s, k, "signature", v, sig));
		blanks(s);
	} while (peek(s) == ',' && s->at++ < s->in.n);
	DS_TRY(take(s, '}'));
	blanks(s);
	return s->at < s->in.n ? bad(s, "text behind the object") : 0;
}

int ds_pcs_cut(struct ds_span body, const char *key, struct ds_span *ret_doc, uint8_t ret_sig[64],
	       struct ds_err *err)
{
	struct scan s = { body, 0, err };
	struct ds_span doc = DS_SPAN_NULL, sig = DS_SPAN_NULL;

	DS_TRY(members(&s, key, &doc, &sig));
	if (!doc.n || doc.p[0] != '{')
		return ds_err_set(err, -EBADMSG, DOM, 0, "answer: no object %s", key);
	if (sig.n != 2 + 128 || sig.p[0] != '"' ||
	    ds_hex_decode((const char *)sig.p + 1, 128, ret_sig, 64))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "answer: signature: expected 128 hex digits");
	*ret_doc = doc;
	return 0;
}

int ds_pcs_chain_decode(struct ds_span header, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	if (!header.n || header.n > DS_PCS_MAX_HEADER)
		return ds_err_set(err, -EBADMSG, DOM, 0, "issuer chain: expected 1 to %u bytes, got %zu",
				  DS_PCS_MAX_HEADER, header.n);
	for (size_t i = 0; i < header.n; i++) {
		uint8_t c = header.p[i];

		if (c == '%') {
			if (header.n - i < 3 || ds_hex_decode((const char *)header.p + i + 1, 2, &c, 1))
				return ds_err_set(err, -EBADMSG, DOM, i,
						  "issuer chain, byte %zu: not a percent escape", i);
			i += 2;
		}
		if ((c < 0x20 || c > 0x7e) && c != '\n' && c != '\r')
			return ds_err_set(err, -EBADMSG, DOM, i, "issuer chain, byte %zu: not text", i);
		DS_TRY(ds_buf_add_u8(&out, c));
	}
	*ret = ds_buf_steal(&out);
	return 0;
}

int ds_pcs_crl_decode(struct ds_span body, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	int r;

	while (body.n && isspace(body.p[body.n - 1]) && body.p[0] != 0x30)
		body.n--;
	if (!body.n || body.n > DS_PCS_MAX_BODY)
		return ds_err_set(err, -EBADMSG, DOM, 0, "CRL: expected 1 to %u bytes, got %zu",
				  DS_PCS_MAX_BODY, body.n);
	/* DER begins with SEQUENCE and a long length; hex text of the same with "30" */
	if (body.p[0] == 0x30) {
		DS_TRY(ds_buf_add_span(&out, body));
	} else {
		r = ds_hex_decode_buf((const char *)body.p, body.n, DS_PCS_MAX_BODY, &out);
		if (r == -ENOMEM)
			return r;
		if (r || !out.n || out.p[0] != 0x30)
			return ds_err_set(err, -EBADMSG, DOM, 0, "CRL: neither DER nor hex");
	}
	*ret = ds_buf_steal(&out);
	return 0;
}

static int date(const json_t *doc, const char *key, int64_t *ret)
{
	const json_t *v = json_object_get(doc, key);

	return json_is_string(v) ? ds_time_parse_rfc3339(json_string_value(v),
							 json_string_length(v), ret)
				 : -EBADMSG;
}

int ds_pcs_dates(struct ds_span doc, int64_t *ret_from, int64_t *ret_to)
{
	json_t *j = json_loadb((const char *)doc.p, doc.n, JSON_REJECT_DUPLICATES, NULL);
	int64_t from = 0, to = 0;
	int r = date(j, "issueDate", &from);

	if (!r)
		r = date(j, "nextUpdate", &to);
	json_decref(j);
	if (r)
		return -EBADMSG;
	*ret_from = from;
	*ret_to = to;
	return 0;
}
