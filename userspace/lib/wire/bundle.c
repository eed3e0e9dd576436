// SPDX-License-Identifier: Apache-2.0
/* The evidence bundle, see ds/wire/bundle.h. */
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/bundle.h>

#include "jget.h"

#define DOMAIN	 "bundle"
#define MAX_NAME 255u

enum form { TEXT, HEX, NONCE, ARRAY, OBJECT };

/* Every part: object it stands in (NULL: the top), key, where it goes and how long it may be. */
static const struct part {
	const char *in, *key;
	enum form form;
	size_t offset, max;
} parts[] = {
	{ NULL, "created", TEXT, offsetof(struct ds_bundle, created), DS_TIME_SIZE },
	{ NULL, "host", TEXT, offsetof(struct ds_bundle, host), MAX_NAME },
	{ NULL, "certificate_chain", TEXT, offsetof(struct ds_bundle, chain), DS_MAX_CERT_PEM },
	{ NULL, "quote", HEX, offsetof(struct ds_bundle, quote), DS_MAX_QUOTE },
	{ NULL, "nonce", NONCE, offsetof(struct ds_bundle, nonce), 64 },
	{ NULL, "event_log", ARRAY, offsetof(struct ds_bundle, event_log), DS_MAX_EVENT_LOG },
	{ NULL, "vm_config", TEXT, offsetof(struct ds_bundle, vm_config), DS_MAX_SYS_CONFIG },
	{ NULL, "app_compose", TEXT, offsetof(struct ds_bundle, compose), DS_MAX_APP_COMPOSE },
	{ "image", "sha256sum", TEXT, offsetof(struct ds_bundle, sha256sum), DS_MAX_CONFIG_FILE },
	{ "image", "measurement", TEXT, offsetof(struct ds_bundle, measurement),
	  DS_MAX_CONFIG_FILE },
	{ "kms", "root_ca", TEXT, offsetof(struct ds_bundle, kms_root), DS_MAX_CERT_PEM },
	{ NULL, "collateral", OBJECT, offsetof(struct ds_bundle, collateral), DS_MAX_COLLATERAL },
};

static struct ds_buf *part_of(const struct ds_bundle *b, const struct part *p)
{
	return (struct ds_buf *)((char *)(uintptr_t)b + p->offset);
}

void ds_bundle_done(struct ds_bundle *b)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(parts); i++)
		if (parts[i].form != NONCE)
			ds_buf_done(part_of(b, &parts[i]));
}

static int bad(struct ds_err *err, const char *key, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s: %s", key, what);
}

static int add_dump(const json_t *v, struct ds_buf *ret)
{
	char *text = json_dumps(v, JSON_COMPACT);
	int r = text ? ds_buf_add(ret, text, strlen(text)) : -ENOMEM;

	free(text);
	return r;
}

/* A string without NULs. */
static int get_text(const json_t *v, const struct part *p, const char **ret, struct ds_err *err)
{
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
		return bad(err, p->key, "expected a string");
	*ret = json_string_value(v);
	return 0;
}

static int get_part(const json_t *v, const struct part *p, struct ds_bundle *b, struct ds_err *err)
{
	struct ds_buf *to = part_of(b, p);
	const char *text = NULL;
	int r;

	if (p->form == ARRAY || p->form == OBJECT) {
		if (p->form == ARRAY ? !json_is_array(v) : !json_is_object(v))
			return bad(err, p->key,
				   p->form == ARRAY ? "expected an array" : "expected an object");
		DS_TRY(add_dump(v, to));
		return to->n > p->max ? bad(err, p->key, "too long") : 0;
	}
	DS_TRY(get_text(v, p, &text, err));
	if (p->form == NONCE)
		return ds_hex_decode_exact(text, b->nonce, sizeof(b->nonce))
			       ? bad(err, p->key, "expected 128 hex digits")
			       : 0;
	if (!*text)
		return bad(err, p->key, "empty");
	if (p->form == HEX) {
		r = ds_hex_decode_buf(text, strlen(text), p->max, to);
		return r && r != -ENOMEM ? bad(err, p->key, "not hex, or too long") : r;
	}
	if (strlen(text) > p->max)
		return bad(err, p->key, "too long");
	return ds_buf_add(to, text, strlen(text));
}

/* Keys of one object: all known, each handed to its part. in NULL: the top. */
static int get_object(json_t *o, const char *in, struct ds_bundle *b, struct ds_err *err)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v) {
		size_t i = 0;

		if (!in && (!strcmp(key, "format") || !strcmp(key, "version")))
			continue;
		if (!in && (!strcmp(key, "image") || !strcmp(key, "kms"))) {
			if (!json_is_object(v))
				return bad(err, key, "expected an object");
			DS_TRY(get_object(v, key, b, err));
			continue;
		}
		while (i < DS_ARRAY_SIZE(parts) &&
		       (strcmp(parts[i].key, key) || !in != !parts[i].in ||
			(in && strcmp(in, parts[i].in))))
			i++;
		if (i == DS_ARRAY_SIZE(parts))
			return ds_err_set(err, -EBADMSG, DOMAIN, 0, "unknown key \"%s\"", key);
		DS_TRY(get_part(v, &parts[i], b, err));
	}
	return 0;
}

static int check_version(const json_t *o, struct ds_err *err)
{
	const char *format = json_string_value(json_object_get(o, "format"));
	const json_t *version = json_object_get(o, "version");

	if (!format || strcmp(format, DS_BUNDLE_FORMAT))
		return bad(err, "format", "expected \"" DS_BUNDLE_FORMAT "\"");
	if (!json_is_integer(version) || json_integer_value(version) != DS_BUNDLE_VERSION)
		return bad(err, "version", "expected 1");
	return 0;
}

/* What belongs together is there together. */
static int check_whole(const struct ds_bundle *b, bool has_nonce, struct ds_err *err)
{
	if (!b->chain.n && !b->quote.n)
		return bad(err, "certificate_chain", "neither a chain nor a quote");
	if (!b->quote.n != !has_nonce)
		return bad(err, "nonce", "quote and nonce belong together");
	if (b->quote.n && !b->event_log.n)
		return bad(err, "event_log", "a quote needs its log");
	if (b->sha256sum.n && !b->measurement.n)
		return bad(err, "measurement", "sha256sum without it");
	return 0;
}

int ds_bundle_parse(struct ds_span in, struct ds_bundle *ret, struct ds_err *err)
{
	DS_BUNDLE struct ds_bundle b = DS_BUNDLE_NULL;
	DS_JSON json_t *o = NULL;
	json_error_t je;

	if (in.n > DS_MAX_BUNDLE)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "size: expected at most %u, got %zu",
				  DS_MAX_BUNDLE, in.n);
	/* chains of the collateral may end with a NUL */
	o = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	if (!o)
		return ds_err_set(err, -EBADMSG, DOMAIN, je.position > 0 ? (size_t)je.position : 0,
				  "JSON: %s", je.text);
	if (!json_is_object(o))
		return bad(err, "bundle", "not a JSON object");
	DS_TRY(check_version(o, err));
	DS_TRY(get_object(o, NULL, &b, err));
	DS_TRY(check_whole(&b, json_object_get(o, "nonce") != NULL, err));
	*ret = b;
	b = DS_BUNDLE_NULL;
	return 0;
}

/* NULL when the bytes are not what the form asks for, or no memory. */
static json_t *part_json(const struct ds_bundle *b, const struct part *p)
{
	const struct ds_buf *from = part_of(b, p);
	DS_BUF struct ds_buf hex = DS_BUF_NULL;
	json_t *v;

	switch (p->form) {
	case TEXT:
		return memchr(from->p, 0, from->n) ? NULL
						   : json_stringn((const char *)from->p, from->n);
	case HEX:
		return ds_buf_add_hex(&hex, ds_buf_span(from))
			       ? NULL
			       : json_stringn((const char *)hex.p, hex.n);
	case NONCE:
		return ds_buf_add_hex(&hex, DS_SPAN_ARRAY(b->nonce))
			       ? NULL
			       : json_stringn((const char *)hex.p, hex.n);
	case ARRAY:
	case OBJECT:
		v = json_loadb((const char *)from->p, from->n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		if (v && (p->form == ARRAY ? json_is_array(v) : json_is_object(v)))
			return v;
		json_decref(v);
		return NULL;
	}
	return NULL;
}

static int put_part(json_t *top, const struct ds_bundle *b, const struct part *p,
		    struct ds_err *err)
{
	json_t *in = p->in ? json_object_get(top, p->in) : top;
	json_t *v;

	if (p->form == NONCE ? !b->quote.n : !part_of(b, p)->n)
		return 0;
	if (p->form != NONCE && part_of(b, p)->n > p->max)
		return ds_err_set(err, -EINVAL, DOMAIN, 0, "%s: more than %zu bytes", p->key, p->max);
	v = part_json(b, p);
	if (!v)
		return ds_err_set(err, -EINVAL, DOMAIN, 0, "%s: not of its form (text is UTF-8)",
				  p->key);
	if (!in) {
		in = json_object();
		if (json_object_set_new(top, p->in, in)) {
			json_decref(v);
			return -ENOMEM;
		}
	}
	return json_object_set_new(in, p->key, v) ? -ENOMEM : 0;
}

int ds_bundle_encode(const struct ds_bundle *b, struct ds_buf *buf, struct ds_err *err)
{
	DS_JSON json_t *top = json_pack("{s:s, s:i}", "format", DS_BUNDLE_FORMAT, "version",
					DS_BUNDLE_VERSION);
	DS_FREE char *text = NULL;

	if (!top)
		return -ENOMEM;
	if (check_whole(b, b->quote.n != 0, err))
		return -EINVAL;
	for (size_t i = 0; i < DS_ARRAY_SIZE(parts); i++)
		DS_TRY(put_part(top, b, &parts[i], err));
	text = json_dumps(top, JSON_INDENT(2));
	if (!text)
		return -ENOMEM;
	if (strlen(text) > DS_MAX_BUNDLE - 1)
		return ds_err_set(err, -EINVAL, DOMAIN, 0, "more than %u bytes", DS_MAX_BUNDLE);
	return ds_buf_addf(buf, "%s\n", text);
}
