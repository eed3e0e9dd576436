// SPDX-License-Identifier: Apache-2.0
/* Replies about keys, see ds/wire/keyreply.h. */
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/wire/keyreply.h>

#include "jget.h"

#define DOMAIN "key reply"
#define MAX_BYTES 65u /* the longest value: a recoverable signature */

void ds_key_reply_done(struct ds_key_reply *r)
{
	ds_wipe(r->key, sizeof(r->key));
	ds_buf_done(&r->public_key);
	ds_buf_done(&r->signature);
	ds_buf_done(&r->signature_v1);
	for (size_t i = 0; i < DS_KEY_REPLY_SIGS; i++)
		ds_buf_done(&r->chain[i]);
	*r = DS_KEY_REPLY_NULL;
}

static int decode(const struct ds_jget *g, const char *key, const char *hex, struct ds_buf *ret)
{
	int r = ds_hex_decode_buf(hex, strlen(hex), MAX_BYTES, ret);

	return r == -ENOMEM ? r
	       : r	    ? ds_err_set(g->err, -EBADMSG, DOMAIN, 0,
				 "%s: expected hex of at most %u bytes", key, MAX_BYTES)
			    : 0;
}

static int get_hex(const struct ds_jget *g, json_t *o, const char *key, struct ds_buf *ret)
{
	const char *hex = NULL;

	DS_TRY(ds_jget_str(g, o, key, &hex));
	return hex ? decode(g, key, hex, ret) : 0;
}

/* key of GetKey, k256_key of DeriveK256Key and GetAppKey. */
static int get_key(const struct ds_jget *g, json_t *o, struct ds_key_reply *r)
{
	const char *name = json_object_get(o, "key") ? "key" : "k256_key", *hex = NULL;

	DS_TRY(ds_jget_str(g, o, name, &hex));
	if (!hex)
		return 0;
	if (ds_hex_decode_exact(hex, r->key, sizeof(r->key)))
		return ds_err_set(g->err, -EBADMSG, DOMAIN, 0, "%s: expected 64 hex digits", name);
	r->has_key = true;
	return 0;
}

static int get_chain(const struct ds_jget *g, json_t *o, const char *name, struct ds_key_reply *r)
{
	const char *hex[DS_KEY_REPLY_SIGS];
	int rc = ds_jget_strs(g, o, name, hex, DS_KEY_REPLY_SIGS, &r->n_chain);

	if (rc)
		return rc == -EFBIG ? -EBADMSG : rc;
	for (size_t i = 0; i < r->n_chain; i++)
		DS_TRY(decode(g, name, hex[i], &r->chain[i]));
	return 0;
}

static int get_timestamp(const struct ds_jget *g, json_t *o, struct ds_key_reply *r)
{
	const json_t *t = json_object_get(o, "timestamp");

	if (!t)
		return 0;
	if (!json_is_integer(t) || json_integer_value(t) < 0)
		return ds_err_set(g->err, -EBADMSG, DOMAIN, 0, "timestamp: expected seconds since 1970");
	r->timestamp = (uint64_t)json_integer_value(t);
	return 0;
}

static int get_kind(const struct ds_jget *g, struct ds_key_reply *r, bool has_app_signature)
{
	if (has_app_signature && !r->n_chain && !r->signature.n) {
		r->kind = DS_KEY_REPLY_APP;
		return 0;
	}
	if (!has_app_signature && r->n_chain == 2 && !r->signature.n) {
		r->kind = DS_KEY_REPLY_KEY;
		return 0;
	}
	if (!has_app_signature && r->n_chain == 3 && r->signature.n && r->public_key.n) {
		r->kind = DS_KEY_REPLY_SIGN;
		return 0;
	}
	if (!has_app_signature && !r->n_chain && r->public_key.n == 32 &&
	    (r->signature.n || r->signature_v1.n)) {
		r->kind = DS_KEY_REPLY_ENV;
		return 0;
	}
	return ds_err_set(g->err, -EBADMSG, DOMAIN, 0,
			  "the fields are those of no reply of GetKey, Sign, GetAppKey or "
			  "GetAppEnvEncryptPubKey");
}

static int parse(const struct ds_jget *g, json_t *o, struct ds_key_reply *r)
{
	const bool app = json_object_get(o, "k256_signature") != NULL;

	DS_TRY(get_key(g, o, r));
	DS_TRY(get_hex(g, o, "public_key", &r->public_key));
	DS_TRY(get_hex(g, o, "signature", &r->signature));
	DS_TRY(get_hex(g, o, "signature_v1", &r->signature_v1));
	DS_TRY(get_chain(g, o,
			 json_object_get(o, "k256_signature_chain") ? "k256_signature_chain"
								    : "signature_chain",
			 r));
	DS_TRY(get_timestamp(g, o, r));
	DS_TRY(get_kind(g, r, app));
	if (app) {
		r->n_chain = 1;
		return get_hex(g, o, "k256_signature", &r->chain[0]);
	}
	return 0;
}

int ds_key_reply_parse(struct ds_span json, struct ds_key_reply *ret, struct ds_err *err)
{
	const struct ds_jget g = { DOMAIN, err };
	struct ds_key_reply r = DS_KEY_REPLY_NULL;
	DS_JSON json_t *o = NULL;
	int rc = ds_jget_load(&g, json, DS_MAX_KEY_REPLY, &o);

	if (!rc)
		rc = parse(&g, o, &r);
	if (rc) {
		ds_key_reply_done(&r);
		return rc;
	}
	*ret = r;
	ds_wipe(r.key, sizeof(r.key));
	return 0;
}
