// SPDX-License-Identifier: Apache-2.0
/* Sign, Verify and GpuInfo (spec/guest-api 2.1). */
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/keys/derive.h>
#include <ds/keys/holder.h>
#include <ds/keys/keyring.h>
#include <ds/keys/sign.h>

#include "agent.h"

#define SIGN_PATH    "vms"
#define SIGN_PURPOSE "signing"

struct signature {
	uint8_t sig[64];
	uint8_t pub[33];
	size_t pub_n;
	uint8_t app_sig[65];
};

static int make(struct agent *a, enum ds_sign_alg alg, struct ds_span data, struct signature *s,
		struct ds_err *err)
{
	DS_SECRET struct ds_secret *key = NULL;
	int r = ds_keyring_app_key(DS_SPAN_LIT(SIGN_PATH), &key);

	if (r)
		return ds_err_set(err, r, "sign", 0, "signing key: %s", strerror(-r));
	r = ds_sign_data(alg, key->p, data, s->sig);
	if (r == -EINVAL)
		return ds_err_set(
			err, r, "sign", 0,
			"Pre-hashed signing requires a 32-byte digest, but received %zu bytes",
			data.n);
	if (!r)
		r = ds_app_key_pub(alg == DS_SIGN_ED25519 ? DS_KEY_ALG_ED25519 : DS_KEY_ALG_SECP256K1,
				   key->p, s->pub, &s->pub_n);
	if (!r)
		r = a->holder_fd < 0 ? -EPIPE
				     : ds_holder_sign(a->holder_fd, DS_SPAN_LIT(SIGN_PURPOSE),
						      DS_SPAN(s->pub, s->pub_n), s->app_sig);
	return r ? ds_err_set(err, r, "sign", 0, "signature chain: %s", strerror(-r)) : 0;
}

static int add_hex(struct ds_buf *b, const char *before, struct ds_span s)
{
	DS_TRY(ds_buf_addf(b, "%s", before));
	return ds_buf_add_hex(b, s);
}

static int encode(struct agent *a, const struct signature *s, struct ds_buf *b)
{
	DS_TRY(add_hex(b, "{\"signature\":\"", DS_SPAN_ARRAY(s->sig)));
	DS_TRY(add_hex(b, "\",\"signature_chain\":[\"", DS_SPAN_ARRAY(s->sig)));
	DS_TRY(add_hex(b, "\",\"", DS_SPAN_ARRAY(s->app_sig)));
	DS_TRY(add_hex(b, "\",\"", ds_buf_span(&a->cfg.k256_signature)));
	DS_TRY(add_hex(b, "\"],\"public_key\":\"", DS_SPAN(s->pub, s->pub_n)));
	return ds_buf_addf(b, "\"}");
}

static int get_alg(json_t *args, enum ds_sign_alg *ret, struct ds_err *err)
{
	const char *name = NULL;

	DS_TRY(ds_json_str(args, "algorithm", 64, &name, err));
	if (ds_sign_alg_parse(name ? name : "", ret))
		return ds_err_set(err, -EOPNOTSUPP, "sign", 0, "Unsupported algorithm");
	return 0;
}

void rpc_sign(void *ctx, struct ds_req *req, json_t *args)
{
	DS_BUF struct ds_buf data = DS_BUF_NULL, out = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct signature s = { .pub_n = 0 };
	enum ds_sign_alg alg;
	int r = get_alg(args, &alg, &err);

	if (!r)
		r = ds_json_hex(args, "data", DS_MAX_RPC_BODY, &data, &err);
	if (!r)
		r = make(ctx, alg, ds_buf_span(&data), &s, &err);
	if (!r)
		r = encode(ctx, &s, &out);
	if (r)
		ds_req_fail(req, 400, "%s", err.msg[0] ? err.msg : strerror(-r));
	else
		ds_req_reply(req, 200, "application/json", ds_buf_span(&out));
}

static int verify(json_t *args, bool *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf data = DS_BUF_NULL, sig = DS_BUF_NULL, pub = DS_BUF_NULL;
	enum ds_sign_alg alg;
	int r;

	DS_TRY(get_alg(args, &alg, err));
	DS_TRY(ds_json_hex(args, "data", DS_MAX_RPC_BODY, &data, err));
	DS_TRY(ds_json_hex(args, "signature", 1024, &sig, err));
	DS_TRY(ds_json_hex(args, "public_key", 1024, &pub, err));
	r = ds_sign_verify(alg, ds_buf_span(&pub), ds_buf_span(&data), ds_buf_span(&sig), ret);
	return r == -EBADMSG ? ds_err_set(err, r, "sign", 0, "invalid public key or signature") : r;
}

void rpc_verify(void *ctx, struct ds_req *req, json_t *args)
{
	struct ds_err err = DS_ERR_NULL;
	bool valid = false;
	int r = verify(args, &valid, &err);
	DS_JSON json_t *o = json_pack("{s:b}", "valid", valid && !r);

	if (r || !o)
		ds_req_fail(req, 400, "%s", err.msg[0] ? err.msg : strerror(o ? -r : ENOMEM));
	else
		ds_req_reply_json(req, 200, o);
}

/* No GPU is attested in this version, which the wire says with an empty text. */
void rpc_gpu_info(void *ctx, struct ds_req *req, json_t *args)
{
	ds_req_reply(req, 200, "application/json", DS_SPAN_LIT("{\"attestation\":\"\"}"));
}
