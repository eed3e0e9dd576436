// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-verify key: does a key of an app, a signature by it or the key for an app's environment
 * come from the KMS whose root key is given?
 */
#include "verify.h"

#include <malloc.h>

#include <ds/base/limits.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/keys/chain.h>
#include <ds/keys/sign.h>
#include <ds/wire/keyreply.h>

#define USAGE                                                                                      \
	"key --kms-root-key HEX --app-id HEX [--purpose TEXT] [--algorithm NAME] [--data FILE] "   \
	"[--max-age SECONDS|any] [--time TIME] [--json] REPLY"
#define DEFAULT_AGE  300
#define SIGN_PURPOSE "signing" /* spec/guest-api 2.1 */
#define DIGEST_SIZE  32u

struct subject {
	const struct options *o;
	uint8_t app_id[20], root[33];
	enum ds_sign_alg alg;
	int64_t max_age;
	struct ds_key_reply reply;
	uint8_t pub[65];
	size_t pub_n;
	uint8_t app_pub[33], got_root[33];
	bool has_app_pub;
};

static void subject_done(struct subject *s)
{
	ds_key_reply_done(&s->reply);
}

/* A reply may hold a key: what the JSON library gives back is wiped first. */
static void wiping_free(void *p)
{
	if (p)
		ds_wipe(p, malloc_usable_size(p));
	free(p);
}

static int parse_options(const struct options *o, struct subject *s)
{
	uint64_t age = DEFAULT_AGE;

	if (!o->kms_root_key || ds_hex_decode_exact(o->kms_root_key, s->root, sizeof(s->root))) {
		fputs("dstack-verify key: --kms-root-key: 66 hex digits (k256_pubkey of the KMS) are "
		      "needed\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (!o->app_id || ds_hex_decode_exact(o->app_id, s->app_id, sizeof(s->app_id))) {
		fputs("dstack-verify key: --app-id is needed\n", stderr);
		return EXIT_USAGE;
	}
	if (ds_sign_alg_parse(o->algorithm ? o->algorithm : "secp256k1", &s->alg)) {
		fprintf(stderr,
			"dstack-verify key: --algorithm: expected secp256k1, secp256k1_prehashed or "
			"ed25519, got '%s'\n",
			o->algorithm);
		return EXIT_USAGE;
	}
	s->max_age = -1;
	if (o->max_age && !strcmp(o->max_age, "any"))
		return 0;
	if (o->max_age && ds_parse_u64(o->max_age, strlen(o->max_age), UINT32_MAX, &age)) {
		fprintf(stderr, "dstack-verify key: --max-age: expected seconds or any, got '%s'\n",
			o->max_age);
		return EXIT_USAGE;
	}
	s->max_age = (int64_t)age;
	return 0;
}

static int load_reply(const char *path, struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r = input_file(path, DS_MAX_KEY_REPLY, &buf);

	if (r == -EFBIG)
		return ds_verdict_fail(v, DS_REASON_KEY_FORMAT, "more than %u bytes",
				       DS_MAX_KEY_REPLY);
	if (r)
		return -EIO;
	json_set_alloc_funcs(malloc, wiping_free);
	r = ds_key_reply_parse(ds_buf_span(&buf), &s->reply, &err);
	json_set_alloc_funcs(malloc, free);
	ds_wipe(buf.p, buf.cap);
	if (r == -EBADMSG)
		return ds_verdict_fail(v, DS_REASON_KEY_FORMAT, "%s", err.msg);
	return r;
}

/* The public key: computed from the key when the reply has it, which then decides. */
static int take_public_key(struct subject *s, struct ds_verdict *v)
{
	const enum ds_key_alg alg = s->alg == DS_SIGN_ED25519 ? DS_KEY_ALG_ED25519
							      : DS_KEY_ALG_SECP256K1;
	const size_t want = s->reply.kind == DS_KEY_REPLY_ENV || alg == DS_KEY_ALG_ED25519 ? 32
											     : 33;
	const struct ds_buf *given = &s->reply.public_key;
	uint8_t pub[33];

	if (s->reply.has_key) {
		if (ds_app_key_pub(alg, s->reply.key, pub, &s->pub_n))
			return ds_verdict_fail(v, DS_REASON_KEY_FORMAT, "key: out of range");
		memcpy(s->pub, pub, s->pub_n);
		if (given->n && !ds_span_eq(ds_buf_span(given), DS_SPAN(s->pub, s->pub_n)))
			return ds_verdict_fail_hex(v, DS_REASON_KEY_CHAIN, "public key of the key",
						   DS_SPAN(s->pub, s->pub_n), ds_buf_span(given));
		return 0;
	}
	if (given->n != want)
		return ds_verdict_fail(v, DS_REASON_KEY_FORMAT,
				       "public_key: expected %zu bytes for this algorithm, got %zu",
				       want, given->n);
	memcpy(s->pub, given->p, given->n);
	s->pub_n = given->n;
	return 0;
}

/* An outcome of lib/keys as a refusal, or the check as passed. */
static int outcome(const struct subject *s, struct ds_verdict *v, int r)
{
	switch (r) {
	case 0:
		ds_verdict_pass(v, "key-root", "the chain ends in the root key of the KMS");
		return 0;
	case DS_KEYS_E_APP_LINK:
		return ds_verdict_fail(v, DS_REASON_KEY_CHAIN,
				       "the app's signature over the key is missing or malformed");
	case DS_KEYS_E_KMS_LINK:
		return ds_verdict_fail(v, DS_REASON_KEY_CHAIN,
				       "the KMS's signature is missing or malformed");
	case DS_KEYS_E_ROOT:
		return ds_verdict_fail_hex(v, DS_REASON_KEY_ROOT, "key at the end of the chain",
					   DS_SPAN_ARRAY(s->root), DS_SPAN_ARRAY(s->got_root));
	case DS_KEYS_E_STALE:
		return ds_verdict_fail(v, DS_REASON_KEY_STALE,
				       "signed at %llu, judged at %lld, at most %lld seconds apart",
				       (unsigned long long)s->reply.timestamp, (long long)v->time,
				       (long long)s->max_age);
	default:
		return r;
	}
}

static int check_chain(struct subject *s, struct ds_verdict *v)
{
	const struct ds_key_reply *r = &s->reply;
	const char *purpose = r->kind == DS_KEY_REPLY_SIGN ? SIGN_PURPOSE
			      : s->o->purpose		   ? s->o->purpose
							   : "";
	const struct ds_key_chain c = { DS_SPAN_STR(purpose),
					DS_SPAN(s->pub, s->pub_n),
					ds_buf_span(&r->chain[r->n_chain - 2]),
					ds_buf_span(&r->chain[r->n_chain - 1]),
					s->app_id,
					s->root };
	int rc = ds_key_chain_verify(&c, s->app_pub, s->got_root);

	if (!rc) {
		s->has_app_pub = true;
		ds_verdict_pass(v, "key-chain", "the app's key vouches for purpose '%s'", purpose);
	}
	return outcome(s, v, rc);
}

/* The data that a Sign reply is about. */
static int check_signature(struct subject *s, struct ds_verdict *v)
{
	DS_BUF struct ds_buf data = DS_BUF_NULL;
	const struct ds_key_reply *r = &s->reply;
	bool ok = false;
	int rc;

	if (!s->o->data) {
		fputs("dstack-verify key: --data: what was signed is needed\n", stderr);
		return -EINVAL;
	}
	if (!ds_span_eq(ds_buf_span(&r->signature), ds_buf_span(&r->chain[0])))
		return ds_verdict_fail(v, DS_REASON_KEY_SIGNATURE,
				       "signature differs from the first of signature_chain");
	rc = input_file(s->o->data, DS_MAX_RPC_BODY, &data);
	if (rc == -EFBIG)
		return ds_verdict_fail(v, DS_REASON_KEY_FORMAT, "data: more than %u bytes",
				       DS_MAX_RPC_BODY);
	if (rc)
		return -EIO;
	/* Verify of the agent pads and cuts: what follows the digest would count as signed */
	if (s->alg == DS_SIGN_SECP256K1_PREHASHED && data.n != DIGEST_SIZE)
		return ds_verdict_fail(v, DS_REASON_KEY_SIGNATURE,
				       "data: expected a digest of %u bytes, got %zu", DIGEST_SIZE,
				       data.n);
	rc = ds_sign_verify(s->alg, DS_SPAN(s->pub, s->pub_n), ds_buf_span(&data),
			    ds_buf_span(&r->signature), &ok);
	if (rc == -EBADMSG)
		return ds_verdict_fail(v, DS_REASON_KEY_FORMAT, "public key or signature is malformed");
	if (rc)
		return rc;
	if (!ok)
		return ds_verdict_fail(v, DS_REASON_KEY_SIGNATURE,
				       "the signature is not this key's over this data");
	ds_verdict_pass(v, "key-signature", "%zu bytes of data are signed by the key", data.n);
	return 0;
}

static int check_env(struct subject *s, struct ds_verdict *v)
{
	const struct ds_key_reply *r = &s->reply;
	const struct ds_env_key k = { s->pub,	    ds_buf_span(&r->signature),
				      ds_buf_span(&r->signature_v1), r->timestamp,
				      s->app_id,    s->root };
	int rc = ds_env_key_verify(&k, v->time, s->max_age, s->got_root);

	if (!rc)
		ds_verdict_pass(v, "key-env", "environment key of the app%s",
				s->max_age < 0 ? "; its age was not asked for" : ", signed recently");
	return outcome(s, v, rc);
}

static int judge(struct subject *s, const char *path, struct ds_verdict *v)
{
	DS_TRY(load_reply(path, s, v));
	DS_TRY(take_public_key(s, v));
	switch (s->reply.kind) {
	case DS_KEY_REPLY_SIGN:
		DS_TRY(check_signature(s, v));
		return check_chain(s, v);
	case DS_KEY_REPLY_KEY:
		return check_chain(s, v);
	case DS_KEY_REPLY_ENV:
		return check_env(s, v);
	case DS_KEY_REPLY_APP:
		if (s->pub_n != sizeof(s->app_pub))
			return ds_verdict_fail(v, DS_REASON_KEY_FORMAT,
					       "an app's own key is a secp256k1 key");
		return outcome(s, v,
			       ds_app_key_verify(s->pub, ds_buf_span(&s->reply.chain[0]), s->app_id,
						 s->root, s->got_root));
	}
	return -EINVAL;
}

static json_t *key_json(const struct subject *s)
{
	static const char *const kinds[] = { "key", "signature", "app-key", "env-key" };
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(kinds[s->reply.kind]));
	output_hex(o, "public_key", s->pub, s->pub_n);
	output_hex(o, "app_public_key", s->app_pub, s->has_app_pub ? sizeof(s->app_pub) : 0);
	output_hex(o, "app_id", s->app_id, sizeof(s->app_id));
	output_hex(o, "kms_root_key", s->root, sizeof(s->root));
	return json_pack("{s:o}", "key", o);
}

int cmd_key(int argc, char **argv)
{
	DS_CLEANUP(subject_done) struct subject s = { 0 };
	OPTIONS struct options o = { 0 };
	DS_FREE struct ds_verdict *v = NULL;
	char hex[2 * sizeof(s.pub) + 1];
	json_t *extra = NULL;
	int r, first;

	r = options_parse(argc, argv, OPT_APP_ID | OPT_TIME | OPT_KEY, 1, USAGE, &o, &first);
	s.o = &o;
	if (!r)
		r = parse_options(&o, &s);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	v = malloc(sizeof(*v));
	if (!v)
		return EXIT_USAGE;
	ds_verdict_init(v);
	v->time = o.time;
	r = judge(&s, argv[first], v);
	if (r < 0)
		return EXIT_USAGE;
	ds_verdict_accept(v);
	if (v->accepted && o.json)
		extra = key_json(&s);
	else if (v->accepted)
		output_field("", "public key", ds_hex_encode(s.pub, s.pub_n, hex));
	r = output_verdict(&o, v, extra);
	json_decref(extra);
	return r;
}
