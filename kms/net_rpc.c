// SPDX-License-Identifier: Apache-2.0
/* GetAppKey, GetAppEnvEncryptPubKey, GetMeta, GetTempCaCert (spec/kms 2). */
#include "bootinfo.h"
#include "keys.h"
#include "net.h"
#include "secret_json.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>

/* info NULL: the policy is the file */
static void reply_meta(struct kms_net *net, struct ds_req *req, const struct kms_auth_info *info)
{
	const char *gw = info ? info->gateway_app_id : net->policy->gateway_app_id;
	json_t *chain_id = info ? json_integer((json_int_t)info->chain_id) : json_null();
	char pub[67];
	DS_JSON json_t *o = json_pack("{s:s%,s:b,s:s,s:O?,s:b,s:s?,s:s?,s:o,s:s?,s:i}", "ca_cert",
				      net->root_pem.p, net->root_pem.n, "allow_any_upgrade", 0,
				      "k256_pubkey", ds_hex_encode(net->k256_pub, 33, pub),
				      "bootstrap_info", net->bootstrap_info, "is_dev",
				      net->conf->seal != KMS_SEAL_KERNEL || !net->self->attested,
				      "gateway_app_id", gw && *gw ? gw : NULL,
				      "kms_contract_address", info ? info->contract : NULL,
				      "chain_id", chain_id, "app_auth_implementation",
				      info ? info->app_implementation : NULL, "key_epoch",
				      KMS_EPOCH);

	/* ours: what holds the roots on this node's disk */
	if (o && !json_object_set_new(o, "seal",
				      json_string(net->conf->seal == KMS_SEAL_KERNEL ? "kernel" :
										  "development")))
		ds_req_reply_json(req, 200, o);
	else
		kms_broken(req, "GetMeta", -ENOMEM);
}

struct meta_call {
	struct kms_net *net;
	struct ds_req *req;
};

static void on_info(void *arg, int r, struct ds_span body, const struct ds_err *err)
{
	struct ds_err bad = DS_ERR_NULL;
	struct meta_call *c = arg;
	struct kms_auth_info info;

	if (!r && kms_auth_info_parse(body, &info, &bad)) {
		r = bad.code;
		err = &bad;
	}
	if (!r) {
		reply_meta(c->net, c->req, &info);
	} else {
		kms_auth_failed(c->net, err->code ? err->msg : strerror(-r));
		ds_req_fail(c->req, 400, "authorization backend unavailable");
	}
	free(c);
}

static void get_meta(void *ctx, struct ds_req *req, json_t *args)
{
	struct kms_net *net = ctx;
	struct meta_call *c;

	(void)args;
	if (net->conf->backend == KMS_BACKEND_FILE) {
		reply_meta(net, req, NULL);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		kms_broken(req, "GetMeta", -ENOMEM);
		return;
	}
	*c = (struct meta_call){ net, req };
	kms_ask_info(net, on_info, c);
}

/* Public by design, private key included: it proves nothing and nothing trusts it (spec/kms 8, item
 * 5). */
static void get_temp_ca_cert(void *ctx, struct ds_req *req, json_t *args)
{
	struct kms_net *net = ctx;
	DS_JSON json_t *o = json_pack("{s:s%,s:s%,s:s%,s:i}", "temp_ca_cert", net->tmp_pem.p,
				      net->tmp_pem.n, "temp_ca_key", net->tmp_key_pem.p,
				      net->tmp_key_pem.n, "ca_cert", net->root_pem.p,
				      net->root_pem.n, "key_epoch", KMS_EPOCH);

	(void)args;
	if (o)
		ds_req_reply_json(req, 200, o);
	else
		kms_broken(req, "GetTempCaCert", -ENOMEM);
}

int kms_epoch_arg(const json_t *args, uint32_t *ret, struct kms_refusal *why)
{
	struct ds_err err = DS_ERR_NULL;
	bool there = false;
	uint64_t v = 0;

	if (ds_json_opt_u64(args, "key_epoch", UINT32_MAX, &there, &v, &err))
		return kms_refuse(why, "bad-request", "%s", err.msg);
	if (v != KMS_EPOCH)
		return kms_refuse(why, "key-epoch", "key epoch %llu does not exist: this KMS has %u",
				  (unsigned long long)v, KMS_EPOCH);
	*ret = (uint32_t)v;
	return 0;
}

static int env_pub_reply(struct kms_net *net, struct ds_req *req, uint32_t epoch,
			 const uint8_t app[20])
{
	struct kms_env_pub e;
	char pub[65], sig[131], sig_v1[131];
	DS_JSON json_t *o = NULL;

	DS_TRY(kms_keys_env_pub(net->keys, epoch, app, &e));
	o = json_pack("{s:s,s:s,s:I,s:s,s:i}", "public_key",
		      ds_hex_encode(e.pub, sizeof(e.pub), pub), "signature",
		      ds_hex_encode(e.signature, sizeof(e.signature), sig), "timestamp",
		      (json_int_t)e.timestamp, "signature_v1",
		      ds_hex_encode(e.signature_v1, sizeof(e.signature_v1), sig_v1), "key_epoch",
		      (int)epoch);
	if (!o)
		return -ENOMEM;
	ds_req_reply_json(req, 200, o);
	return 0;
}

/* Public: whoever wants to send an app a secret asks, and anybody may. Nothing is released. */
static void get_env_pub(void *ctx, struct ds_req *req, json_t *args)
{
	struct kms_refusal why = { .code = "bad-request" };
	DS_BUF struct ds_buf app = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct kms_net *net = ctx;
	uint32_t epoch = 0;
	int r = 0;

	if (ds_json_hex(args, "app_id", 20, &app, &err))
		r = kms_refuse(&why, "bad-request", "%s", err.msg);
	else if (app.n != 20)
		r = kms_refuse(&why, "app-id", "app_id must be 20 bytes, not %zu", app.n);
	if (!r)
		r = kms_epoch_arg(args, &epoch, &why);
	if (!r)
		r = env_pub_reply(net, req, epoch, app.p);
	if (r > 0)
		kms_deny(net, req, "GetAppEnvEncryptPubKey", &why, NULL);
	else if (r < 0)
		kms_broken(req, "GetAppEnvEncryptPubKey", r);
}

static int release(struct kms_net *net, struct ds_req *req, const struct kms_subject *s)
{
	const char *gw = s->gateway_app_id;
	DS_SECRET struct ds_secret *mem = NULL;
	const struct kms_app_keys *k;
	struct secret_json j;
	int r;

	DS_TRY(kms_keys_app(net->keys, s->epoch, s->id.app_id,
			    DS_SPAN(s->id.instance_id, s->id.instance_id_len), &mem));
	k = (const struct kms_app_keys *)mem->p;
	secret_json_init(&j, req->reply_pb, net->root_pem.n * 2 + 2048);
	secret_json_str(&j, "ca_cert", ds_buf_span(&net->root_pem));
	secret_json_hex(&j, "disk_crypt_key", k->disk, sizeof(k->disk));
	secret_json_hex(&j, "env_crypt_key", k->env, sizeof(k->env));
	secret_json_hex(&j, "k256_key", k->k256, sizeof(k->k256));
	secret_json_hex(&j, "k256_signature", k->k256_signature, sizeof(k->k256_signature));
	secret_json_str(&j, "tproxy_app_id", DS_SPAN_STR(gw));
	secret_json_str(&j, "gateway_app_id", DS_SPAN_STR(gw));
	secret_json_hex(&j, "os_image_hash", s->os_image_hash, 32);
	secret_json_u32(&j, "key_epoch", s->epoch);
	r = secret_json_end(&j);
	/* on record before it is on the wire */
	if (!r)
		r = kms_record_later(net, req, "GetAppKey", s);
	if (!r)
		r = kms_due_add(net, req, "GetAppKey", secret_json_type(&j), &j.mem, j.n);
	secret_json_done(&j);
	return r;
}

/* A call that waits for the policy. */
struct app_key_call {
	struct kms_net *net;
	struct ds_req *req;
	json_t *args;
	struct kms_subject s;
};

static void end_app_key(void *arg, int r, const struct kms_refusal *why)
{
	struct app_key_call *c = arg;

	if (!r)
		r = release(c->net, c->req, &c->s);
	if (r > 0)
		kms_deny(c->net, c->req, "GetAppKey", why, &c->s);
	else if (r < 0)
		kms_broken(c->req, "GetAppKey", r);
	kms_subject_done(&c->s);
	json_decref(c->args);
	free(c);
}

static int judge_app_key(void *arg, struct kms_refusal *why)
{
	struct app_key_call *c = arg;
	struct ds_err err = DS_ERR_NULL;
	const char *vm_config = "";
	uint64_t version = 0;
	uint32_t epoch = 0;

	if (ds_json_u64(c->args, "api_version", UINT32_MAX, &version, &err) ||
	    ds_json_str(c->args, "vm_config", DS_MAX_SYS_CONFIG, &vm_config, &err))
		return kms_refuse(why, "bad-request", "%s", err.msg);
	if (version > 1)
		return kms_refuse(why, "api-version", "Unsupported API version: %llu",
				  (unsigned long long)version);
	DS_TRY(kms_epoch_arg(c->args, &epoch, why));
	DS_TRY(kms_judge_peer(c->net, KMS_ROLE_APP, c->req, vm_config, &c->s, why));
	c->s.epoch = epoch;
	/*
	 * These keys are for the boot only: once the app runs, its root keys belong to the kernel,
	 * and an app that asks with a quote of its own gets none.
	 */
	if (c->s.id.boot_complete)
		return kms_refuse(
			why, "boot-stage",
			"keys are released during boot only: system-ready is already measured");
	return 0;
}

static void get_app_key(void *ctx, struct ds_req *req, json_t *args)
{
	struct app_key_call *c = calloc(1, sizeof(*c));

	if (!c) {
		kms_broken(req, "GetAppKey", -ENOMEM);
		return;
	}
	*c = (struct app_key_call){
		.net = ctx, .req = req, .args = json_incref(args), .s = { .id = DS_IDENTITY_NULL }
	};
	kms_authorize(c->net, KMS_ROLE_APP, &c->s, judge_app_key, end_app_key, c);
}

const struct ds_prpc_method kms_methods[] = {
	{ "GetAppKey", get_app_key, false },
	{ "GetAppEnvEncryptPubKey", get_env_pub, false },
	{ "GetMeta", get_meta, true },
	{ "GetKmsKey", kms_rpc_get_kms_key, false },
	{ "GetTempCaCert", get_temp_ca_cert, true },
	{ "SignCert", kms_rpc_sign_cert, false },
};
const size_t kms_n_methods = DS_ARRAY_SIZE(kms_methods);
