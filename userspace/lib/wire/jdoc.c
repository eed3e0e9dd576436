// SPDX-License-Identifier: Apache-2.0
/* JSON documents, see ds/wire/jdoc.h. */
#include <ds/wire/jdoc.h>

#include <ds/wire/scale.h>

struct parser {
	const uint8_t *start, *p, *end;
	struct ds_jnode *nodes;
	uint32_t n, cap;
	char *text; /* as long as the input: no string gets longer when it is decoded */
	size_t used;
	bool nul;
};

static int read_value(struct parser *ps, unsigned int depth, uint32_t *ret);

static void blanks(struct parser *ps)
{
	while (ps->p < ps->end &&
	       (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r'))
		ps->p++;
}

/* This character, white space around it left out. */
static bool take(struct parser *ps, char c)
{
	blanks(ps);
	if (ps->p == ps->end || *ps->p != (uint8_t)c)
		return false;
	ps->p++;
	return true;
}

static int new_node(struct parser *ps, enum ds_jtype type, uint32_t *ret)
{
	struct ds_jnode *more;
	uint32_t cap;

	if (ps->n == DS_JDOC_NODES)
		return -EBADMSG;
	if (ps->n == ps->cap) {
		cap = ps->cap ? 2 * ps->cap : 64;
		more = reallocarray(ps->nodes, cap, sizeof(*more));
		if (!more)
			return -ENOMEM;
		ps->nodes = more;
		ps->cap = cap;
	}
	ps->nodes[ps->n] = (struct ds_jnode){ .type = type };
	*ret = ps->n++;
	return 0;
}

static int hex4(struct parser *ps, uint32_t *ret)
{
	uint32_t v = 0;

	if (ps->end - ps->p < 4)
		return -EBADMSG;
	for (int i = 0; i < 4; i++) {
		uint8_t c = *ps->p++, low = (uint8_t)(c | 0x20);

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (uint32_t)(low - 'a' + 10);
		else
			return -EBADMSG;
	}
	*ret = v;
	return 0;
}

static void put_utf8(struct parser *ps, uint32_t v)
{
	char *out = ps->text + ps->used;
	size_t n = 0;

	if (v < 0x80) {
		out[n++] = (char)v;
	} else if (v < 0x800) {
		out[n++] = (char)(0xc0 | v >> 6);
	} else if (v < 0x10000) {
		out[n++] = (char)(0xe0 | v >> 12);
		out[n++] = (char)(0x80 | (v >> 6 & 0x3f));
	} else {
		out[n++] = (char)(0xf0 | v >> 18);
		out[n++] = (char)(0x80 | (v >> 12 & 0x3f));
		out[n++] = (char)(0x80 | (v >> 6 & 0x3f));
	}
	if (v >= 0x80)
		out[n++] = (char)(0x80 | (v & 0x3f));
	ps->used += n;
}

/* Behind "\u": six or twelve characters become at most four bytes. */
static int read_unicode(struct parser *ps, bool nul)
{
	uint32_t v, low;

	DS_TRY(hex4(ps, &v));
	if ((!v && !nul) || (v >= 0xdc00 && v <= 0xdfff))
		return -EBADMSG;
	if (v >= 0xd800 && v <= 0xdbff) {
		if (ps->end - ps->p < 6 || ps->p[0] != '\\' || ps->p[1] != 'u')
			return -EBADMSG;
		ps->p += 2;
		DS_TRY(hex4(ps, &low));
		if (low < 0xdc00 || low > 0xdfff)
			return -EBADMSG;
		v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(ps, v);
	return 0;
}

static int read_escape(struct parser *ps, bool nul)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint8_t c;

	if (ps->p == ps->end)
		return -EBADMSG;
	c = *ps->p++;
	if (c == 'u')
		return read_unicode(ps, nul);
	at = c ? strchr(from, c) : NULL;
	if (!at)
		return -EBADMSG;
	ps->text[ps->used++] = to[at - from];
	return 0;
}

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Nothing in these eight bytes ends a run: all ASCII, no control character, quote or backslash. */
static bool plain8(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return !((w | (w - EACH(0x20u)) | ((w ^ EACH((uint8_t)'"')) - EACH(1u)) |
		  ((w ^ EACH((uint8_t)'\\')) - EACH(1u))) &
		 EACH(0x80u));
}

/* Behind the first quotation mark. */
static int read_string(struct parser *ps, bool nul, struct ds_span *ret)
{
	const char *from = ps->text + ps->used;
	bool ascii = true;

	for (;;) {
		const uint8_t *run = ps->p;

		while (ps->end - ps->p >= 8 && plain8(ps->p))
			ps->p += 8;
		while (ps->p < ps->end && *ps->p >= 0x20 && *ps->p != '"' && *ps->p != '\\')
			ascii &= *ps->p++ < 0x80;
		memcpy(ps->text + ps->used, run, (size_t)(ps->p - run));
		ps->used += (size_t)(ps->p - run);
		if (ps->p == ps->end || *ps->p < 0x20)
			return -EBADMSG;
		if (*ps->p++ == '"')
			break;
		DS_TRY(read_escape(ps, nul));
	}
	*ret = DS_SPAN(from, (size_t)(ps->text + ps->used - from));
	return ascii || ds_utf8_ok(*ret) ? 0 : -EBADMSG;
}

static bool is_digit(const struct parser *ps)
{
	return ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
}

/* What comes behind the point or the exponent. */
static int skip_digits(struct parser *ps)
{
	if (!is_digit(ps))
		return -EBADMSG;
	while (is_digit(ps))
		ps->p++;
	return 0;
}

static int read_number(struct parser *ps, uint32_t *ret)
{
	bool minus = *ps->p == '-', fits = true;
	int64_t v = 0;

	ps->p += minus;
	if (!is_digit(ps) ||
	    (*ps->p == '0' && ps->end - ps->p > 1 && ps->p[1] >= '0' && ps->p[1] <= '9'))
		return -EBADMSG;
	for (; is_digit(ps); ps->p++)
		fits = fits && !__builtin_mul_overflow(v, 10, &v) &&
		       !__builtin_sub_overflow(v, *ps->p - '0', &v);
	DS_TRY(new_node(ps, DS_JINTEGER, ret));
	if (ps->p < ps->end && *ps->p == '.') {
		ps->p++;
		ps->nodes[*ret].type = DS_JREAL;
		DS_TRY(skip_digits(ps));
	}
	if (ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
		ps->p++;
		ps->nodes[*ret].type = DS_JREAL;
		ps->p += ps->p < ps->end && (*ps->p == '+' || *ps->p == '-');
		DS_TRY(skip_digits(ps));
	}
	if (ps->nodes[*ret].type == DS_JREAL)
		return 0;
	/* built up as a negative number, of which there is one more */
	if (!fits || (!minus && v == INT64_MIN))
		return -EBADMSG;
	ps->nodes[*ret].integer = minus ? v : -v;
	return 0;
}

static int read_word(struct parser *ps, const char *word, enum ds_jtype type, uint32_t *ret)
{
	size_t n = strlen(word);

	if ((size_t)(ps->end - ps->p) < n || memcmp(ps->p, word, n))
		return -EBADMSG;
	ps->p += n;
	return new_node(ps, type, ret);
}

/* Key and colon of a member that is not there yet. */
static int read_key(struct parser *ps, uint32_t object, struct ds_span *ret)
{
	const struct ds_jnode *o = &ps->nodes[object], *m = o + 1;

	if (o->n == DS_JDOC_KEYS || !take(ps, '"'))
		return -EBADMSG;
	DS_TRY(read_string(ps, false, ret));
	for (uint32_t i = 0; i < o->n; i++, m += m->next)
		if (ds_span_eq(m->key, *ret))
			return -EBADMSG;
	return take(ps, ':') ? 0 : -EBADMSG;
}

/* Behind the bracket; self is the node of the object or array. */
static int read_members(struct parser *ps, uint32_t self, char close, unsigned int depth)
{
	bool object = ps->nodes[self].type == DS_JOBJECT;
	struct ds_span key = DS_SPAN_NULL;
	uint32_t last = 0, at;

	if (take(ps, close))
		return 0;
	do {
		if (object)
			DS_TRY(read_key(ps, self, &key));
		DS_TRY(read_value(ps, depth + 1, &at));
		ps->nodes[at].key = key;
		if (last)
			ps->nodes[last].next = at - last;
		last = at;
		ps->nodes[self].n++;
	} while (take(ps, ','));
	return take(ps, close) ? 0 : -EBADMSG;
}

static int read_value(struct parser *ps, unsigned int depth, uint32_t *ret)
{
	struct ds_span text;

	blanks(ps);
	if (ps->p == ps->end || depth > DS_JDOC_DEPTH)
		return -EBADMSG;
	switch (*ps->p) {
	case '{':
		ps->p++;
		DS_TRY(new_node(ps, DS_JOBJECT, ret));
		return read_members(ps, *ret, '}', depth);
	case '[':
		ps->p++;
		DS_TRY(new_node(ps, DS_JARRAY, ret));
		return read_members(ps, *ret, ']', depth);
	case '"':
		ps->p++;
		DS_TRY(read_string(ps, ps->nul, &text));
		DS_TRY(new_node(ps, DS_JSTRING, ret));
		ps->nodes[*ret].text = text;
		return 0;
	case 't':
		return read_word(ps, "true", DS_JTRUE, ret);
	case 'f':
		return read_word(ps, "false", DS_JFALSE, ret);
	case 'n':
		return read_word(ps, "null", DS_JNULL, ret);
	default:
		return read_number(ps, ret);
	}
}

int ds_jdoc_parse(struct ds_span in, bool nul, struct ds_jdoc *ret, struct ds_err *err)
{
	struct parser ps = { .start = in.p, .p = in.p, .end = in.p + in.n, .nul = nul };
	uint32_t root;
	int r;

	if (!in.n)
		return ds_err_set(err, -EBADMSG, "json", 0, "empty");
	ps.text = malloc(in.n);
	if (!ps.text)
		return -ENOMEM;
	r = read_value(&ps, 0, &root);
	if (!r && ps.nodes[root].type != DS_JOBJECT && ps.nodes[root].type != DS_JARRAY)
		r = -EBADMSG;
	blanks(&ps);
	if (!r && ps.p != ps.end)
		r = -EBADMSG;
	if (r) {
		free(ps.nodes);
		free(ps.text);
		return r == -ENOMEM ? r
				    : ds_err_set(err, r, "json", (size_t)(ps.p - ps.start),
						 "JSON: malformed at byte %zu",
						 (size_t)(ps.p - ps.start));
	}
	*ret = (struct ds_jdoc){ ps.nodes, ps.text };
	return 0;
}

void ds_jdoc_done(struct ds_jdoc *doc)
{
	free(doc->root);
	free(doc->text);
	*doc = DS_JDOC_NULL;
}

const struct ds_jnode *ds_jget(const struct ds_jnode *obj, const char *key)
{
	size_t n = strlen(key);

	if (!ds_jis(obj, DS_JOBJECT) || !obj->n)
		return NULL;
	for (const struct ds_jnode *m = obj + 1; m; m = ds_jnext(m))
		if (m->key.n == n && !memcmp(m->key.p, key, n))
			return m;
	return NULL;
}
