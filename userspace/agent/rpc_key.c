// SPDX-License-Identifier: Apache-2.0
/* GetKey (spec/guest-api 4): the kernel derives the key, the key holder signs for it. */
#include <ds/keys/derive.h>
#include <ds/keys/holder.h>
#include <ds/keys/keyring.h>

#include "agent.h"

#define PATH_MAX_BYTES 65536u

static int parse_alg(const char *s, enum ds_key_alg *ret)
{
	if (!*s || !strcmp(s, "secp256k1") || !strcmp(s, "k256"))
		*ret = DS_KEY_ALG_SECP256K1;
	else if (!strcmp(s, "ed25519"))
		*ret = DS_KEY_ALG_ED25519;
	else
		return -EOPNOTSUPP;
	return 0;
}

static int get_args(json_t *args, const char **path, const char **purpose, const char **alg,
		    struct ds_err *err)
{
	*path = *purpose = *alg = NULL;
	DS_TRY(ds_json_str(args, "path", PATH_MAX_BYTES, path, err));
	DS_TRY(ds_json_str(args, "purpose", DS_HOLDER_PURPOSE_MAX, purpose, err));
	DS_TRY(ds_json_str(args, "algorithm", 64, alg, err));
	*path = *path ? *path : "";
	*purpose = *purpose ? *purpose : "";
	*alg = *alg ? *alg : "";
	return 0;
}

static void reply(struct agent *a, struct ds_req *req, const struct ds_secret *key,
		  const uint8_t sig[65])
{
	struct secret_json j;

	sj_init(&j, 1024);
	sj_text(&j, "{\"key\":\"");
	sj_hex(&j, DS_SPAN(key->p, key->n));
	sj_text(&j, "\",\"signature_chain\":[\"");
	sj_hex(&j, DS_SPAN(sig, 65));
	sj_text(&j, "\",\"");
	sj_hex(&j, ds_buf_span(&a->cfg.k256_signature));
	sj_text(&j, "\"]}");
	sj_reply(&j, req);
}

void rpc_get_key(void *ctx, struct ds_req *req, json_t *args)
{
	DS_SECRET struct ds_secret *key = NULL;
	const char *path, *purpose, *alg_name;
	struct ds_err err = DS_ERR_NULL;
	struct agent *a = ctx;
	uint8_t pub[33], sig[65];
	enum ds_key_alg alg;
	size_t pub_n;
	int r = get_args(args, &path, &purpose, &alg_name, &err);

	if (r) {
		ds_req_fail(req, 400, "%s", err.msg);
		return;
	}
	if (parse_alg(alg_name, &alg)) {
		ds_req_fail(req, 400, "Unsupported algorithm");
		return;
	}
	r = ds_keyring_app_key(DS_SPAN_STR(path), &key);
	if (r) {
		ds_req_fail(req, 400, "key of this path: %s", strerror(-r));
		return;
	}
	r = ds_app_key_pub(alg, key->p, pub, &pub_n);
	if (!r)
		r = a->holder_fd < 0 ? -EPIPE
				     : ds_holder_sign(a->holder_fd, DS_SPAN_STR(purpose),
						      DS_SPAN(pub, pub_n), sig);
	if (r)
		ds_req_fail(req, 400, "signature chain: %s", strerror(-r));
	else
		reply(a, req, key, sig);
}
