// SPDX-License-Identifier: Apache-2.0
/*
 * GetKmsKey: the roots for another node (spec/kms 2.2), which proves itself in this session and is
 * allowed by our policy. Our own nodes name in seal_to a key that only their keys process has; what
 * passes through here then is closed for us, and the keys process seals for keys in replicate_to
 * only, whatever was decided here. Without seal_to it is the stock protocol.
 */
#include "keys.h"
#include "net.h"
#include "secret_json.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>

#define OP "GetKmsKey"

struct call {
	struct kms_net *net;
	struct ds_req *req;
	json_t *args;
	struct kms_subject s;
	bool sealed;
	uint8_t seal_to[32];
};

static int record(const struct call *c)
{
	char hex[65] = "";

	if (c->sealed)
		ds_hex_encode(c->seal_to, 32, hex);
	return kms_record(c->net, c->req, OP, &c->s,
			  json_pack("{s:s,s:s,s:i}", "form", c->sealed ? "sealed" : "stock",
				    "recipient", hex, "key_epoch", (int)KMS_EPOCH));
}

/* The keys process has said no; what to do about it is for who runs this node. */
static int no_consent(const struct call *c, int r, struct kms_refusal *why)
{
	char hex[65];

	ds_hex_encode(c->seal_to, 32, hex);
	snprintf(why->expected, sizeof(why->expected), "a key in replicate_to");
	snprintf(why->actual, sizeof(why->actual), "%s", hex);
	/* the other node has room for about 140 bytes of it */
	return kms_refuse(why, "recipient",
			  r == -ENOKEY ? "not in replicate_to of this KMS, where its operator can "
					 "add it: seal_to %s" :
					 "replicate_to of this KMS cannot be used, see its journal: "
					 "seal_to %s",
			  hex);
}

static int reply_sealed(struct call *c, struct kms_refusal *why)
{
	uint8_t msg[KMS_MESSAGE_SIZE];
	char hex[2 * KMS_MESSAGE_SIZE + 1];
	DS_JSON json_t *o = NULL;
	int r = kms_keys_export(c->net->keys, c->seal_to, msg);

	if (r == -ENOKEY || r == -EACCES)
		return no_consent(c, r, why);
	if (r)
		return r;
	o = json_pack("{s:s%,s:[],s:s,s:i}", "temp_ca_key", c->net->tmp_key_pem.p,
		      c->net->tmp_key_pem.n, "keys", "sealed_keys",
		      ds_hex_encode(msg, sizeof(msg), hex), "key_epoch", (int)KMS_EPOCH);
	if (!o)
		return -ENOMEM;
	DS_TRY(record(c));
	ds_req_reply_json(c->req, 200, o);
	return 0;
}

/* {"temp_ca_key":PEM,"keys":[{"ca_key":PEM,"k256_key":hex}]} */
static int write_stock(struct call *c, const struct ds_secret *roots, struct secret_json *j)
{
	DS_P256 struct ds_p256 *ca = NULL;
	DS_SECRET struct ds_secret *pem = NULL;

	DS_TRY(ds_p256_from_scalar(roots->p, &ca));
	DS_TRY(ds_p256_pkcs8_pem(ca, &pem));
	secret_json_str(j, "temp_ca_key", ds_buf_span(&c->net->tmp_key_pem));
	secret_json_open(j, "keys");
	secret_json_str(j, "ca_key", DS_SPAN(pem->p, pem->n));
	secret_json_hex(j, "k256_key", roots->p + 32, 32);
	secret_json_close(j);
	secret_json_u32(j, "key_epoch", KMS_EPOCH);
	return secret_json_end(j);
}

static int reply_stock(struct call *c)
{
	DS_SECRET struct ds_secret *roots = NULL;
	struct secret_json j;
	int r;

	DS_TRY(kms_keys_export_stock(c->net->keys, &roots));
	secret_json_init(&j, c->req->reply_pb, c->net->tmp_key_pem.n * 2 + 2048);
	r = write_stock(c, roots, &j);
	if (!r)
		r = record(c);
	if (!r)
		ds_req_reply_secret(c->req, 200, secret_json_type(&j), &j.mem, j.n);
	secret_json_done(&j);
	return r;
}

static void end(void *arg, int r, const struct kms_refusal *why)
{
	struct kms_refusal recipient = { .code = "recipient" };
	struct call *c = arg;

	if (!r) {
		why = &recipient;
		r = c->sealed ? reply_sealed(c, &recipient) : reply_stock(c);
	}
	if (r > 0)
		kms_deny(c->net, c->req, OP, why, &c->s);
	else if (r < 0)
		kms_broken(c->req, OP, r);
	kms_subject_done(&c->s);
	json_decref(c->args);
	free(c);
}

static int judge(void *arg, struct kms_refusal *why)
{
	struct call *c = arg;
	enum kms_replication allowed = c->net->conf->replication;
	DS_BUF struct ds_buf to = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	const char *vm_config = "";
	uint32_t epoch = 0;

	if (ds_json_str(c->args, "vm_config", DS_MAX_SYS_CONFIG, &vm_config, &err) ||
	    ds_json_hex(c->args, "seal_to", sizeof(c->seal_to), &to, &err))
		return kms_refuse(why, "bad-request", "%s", err.msg);
	if (to.n && to.n != sizeof(c->seal_to))
		return kms_refuse(why, "bad-request", "seal_to: expected 32 bytes, got %zu", to.n);
	DS_TRY(kms_epoch_arg(c->args, &epoch, why));
	c->sealed = to.n;
	if (to.n)
		memcpy(c->seal_to, to.p, to.n);
	if (allowed == KMS_REPLICATION_OFF)
		return kms_refuse(why, "replication", "this KMS gives its roots to nobody: "
						      "replication = off");
	if (!c->sealed && allowed != KMS_REPLICATION_STOCK)
		return kms_refuse(why, "replication",
				  "this KMS gives its roots sealed only: expected seal_to");
	return kms_judge_peer(c->net, KMS_ROLE_KMS, c->req, vm_config, &c->s, why);
}

void kms_rpc_get_kms_key(void *ctx, struct ds_req *req, json_t *args)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c) {
		kms_broken(req, OP, -ENOMEM);
		return;
	}
	*c = (struct call){
		.net = ctx, .req = req, .args = json_incref(args), .s = { .id = DS_IDENTITY_NULL }
	};
	kms_authorize(c->net, KMS_ROLE_KMS, &c->s, judge, end, c);
}
