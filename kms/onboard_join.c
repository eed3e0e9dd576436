// SPDX-License-Identifier: Apache-2.0
/* Taking the roots of another node, see onboard.h. */
#include "nodekeys.h"
#include "onboard.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/x509/cert.h>
#include <time.h>

#define DOM "kms"

/*
 * Inside both handshakes, whose signatures OpenSSL has checked: the peer has the key of leaf. The
 * first time it is noted, from then on it must be that one. Nothing has been sent yet.
 */
static int check_peer(void *arg, struct ds_span leaf, const struct ds_span *chain, size_t n_chain,
		      struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	struct kms_onboard *ob = arg;

	DS_TRY(ds_kms_check_rpc(NULL, leaf, chain, n_chain, err));
	DS_TRY(ds_cert_parse(leaf, &info, err));
	if (ob->pin.n)
		return ds_span_eq(ds_buf_span(&info.spki), ds_buf_span(&ob->pin))
			       ? 0
			       : ds_err_set(err, -EPERM, DOM, 0,
					    "another key than the one whose evidence was judged");
	DS_TRY(ds_buf_add_span(&ob->leaf, leaf));
	ob->pin = ds_buf_steal(&info.spki);
	return 0;
}

static int call(struct kms_onboard *ob, const char *method, struct ds_span body, ds_call_fn fn,
		struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	/* the name in the URL proves nothing, the evidence does */
	struct ds_client_cfg cfg = { .check = check_peer,
				     .check_arg = ob,
				     .no_name_check = true,
				     .cert_pem = ds_buf_span(&ob->cert_pem),
				     .key = ob->net->self->key,
				     .max_reply = DS_MAX_CERT_PEM };

	DS_TRY(ds_kms_url(ob->url, method, &url));
	return ds_call_start(ob->net->base, &cfg, (const char *)url.p, body, fn, ob, &ob->call, err);
}

static int take_keys(struct kms_onboard *ob, int status, struct ds_span body,
		     struct kms_new_answer *ret, struct ds_err *err)
{
	DS_SECRET struct ds_secret *room = ds_secret_new(sizeof(struct kms_new_ask));
	struct kms_new_ask *q = room ? (struct kms_new_ask *)room->p : NULL;
	char why[160];

	if (!q)
		return -ENOMEM;
	if (status != 200)
		return ds_err_set(err, -EPERM, DOM, 0, "GetKmsKey refused: %s",
				  ds_kms_error(status, body, why, sizeof(why)));
	DS_TRY(kms_node_keys_parse(body, q, err));
	DS_TRY(kms_onboard_ask(ob, q, ret, err));
	/* the roots are those of the node that was judged, whose certificate they have signed */
	if (!ds_span_eq(DS_SPAN_ARRAY(ret->spki), ds_buf_span(&ob->ca.root_spki)))
		return ds_err_set(err, -EKEYREJECTED, DOM, 0,
				  "roots: not those of the certificate of the node that sent them");
	return 0;
}

static void on_keys(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct kms_new_answer pub;
	struct kms_onboard *ob = arg;

	ob->call = NULL;
	if (!r)
		r = take_keys(ob, status, body, &pub, &e);
	if (r)
		kms_onboard_fail(ob, r, NULL, &e);
	else
		kms_onboard_commit(ob, &pub, DS_SPAN_NULL);
}

static int ask_keys(struct kms_onboard *ob, struct ds_err *err)
{
	const struct kms_self *self = ob->net->self;
	DS_FREE struct kms_new_ask *q = calloc(1, sizeof(*q));
	DS_JSON json_t *o = NULL;
	DS_FREE char *body = NULL;
	struct kms_new_answer ans;
	char hex[65];

	if (!q)
		return -ENOMEM;
	q->op = KMS_NEW_RECIPIENT;
	DS_TRY(kms_onboard_ask(ob, q, &ans, err));
	DS_TRY(ds_kms_temp_cert(&ob->ca, self->key, &self->att, time(NULL), &ob->cert_pem, err));
	o = json_pack("{s:s%,s:s}", "vm_config", self->att.config.n ? (char *)self->att.config.p : "",
		      self->att.config.n, "seal_to", ds_hex_encode(ans.recipient, 32, hex));
	body = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (!body)
		return -ENOMEM;
	return call(ob, "GetKmsKey", DS_SPAN_STR(body), on_keys, err);
}

static void on_allowed(void *arg, int r, const struct kms_refusal *why)
{
	struct kms_onboard *ob = arg;
	struct ds_err err = ob->err;

	if (!r)
		r = ask_keys(ob, &err);
	if (r)
		kms_onboard_fail(ob, r, why, &err);
}

/* Its certificate is of the roots that it has, and has evidence for its key. */
static int judge_peer(void *arg, struct kms_refusal *why)
{
	DS_CERT_INFO struct ds_cert_info cert = DS_CERT_INFO_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf root = DS_BUF_NULL;
	struct kms_onboard *ob = arg;
	struct ds_span leaf = ds_buf_span(&ob->leaf);
	struct ds_err *err = &ob->err;

	DS_TRY(ds_cert_pem_to_der(ds_buf_span(&ob->ca.root_pem), &root, err));
	DS_TRY(ds_cert_verify_chain(&leaf, 1, ds_buf_span(&root), time(NULL), err));
	DS_TRY(ds_cert_parse(leaf, &cert, err));
	if (!cert.attestation.n)
		return kms_refuse(why, "evidence-missing",
				  "the other node's certificate has no evidence");
	DS_TRY(ds_attestation_decode(ds_buf_span(&cert.attestation), &att, err));
	return kms_judge(ob->net, KMS_ROLE_KMS, &att, ds_buf_span(&ob->pin), "", &ob->s, why);
}

static int take_ca(struct kms_onboard *ob, int status, struct ds_span body, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;
	const char *pem = NULL;
	char why[120];

	if (status != 200)
		return ds_err_set(err, -EPERM, DOM, 0, "GetTempCaCert refused: %s",
				  ds_kms_error(status, body, why, sizeof(why)));
	o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o))
		return ds_err_set(err, -EBADMSG, DOM, 0, "GetTempCaCert: the reply is no JSON object");
	DS_TRY(ds_json_str(o, "ca_cert", DS_MAX_CERT_PEM, &pem, err));
	DS_TRY(ds_cert_pem_to_der(DS_SPAN_STR(pem ? pem : ""), &der, err));
	DS_TRY(ds_cert_parse(ds_buf_span(&der), &info, err));
	/* no pin: which roots these are is decided by who has them */
	return ds_kms_temp_ca_parse(body, ds_buf_span(&info.spki), &ob->ca, err);
}

static void on_ca(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct kms_onboard *ob = arg;

	ob->call = NULL;
	if (!r)
		r = take_ca(ob, status, body, &e);
	if (r)
		kms_onboard_fail(ob, r, NULL, &e);
	else
		kms_authorize(ob->net, KMS_ROLE_KMS, &ob->s, judge_peer, on_allowed, ob);
}

void kms_join(struct kms_onboard *ob)
{
	struct ds_err err = DS_ERR_NULL;
	int r = call(ob, "GetTempCaCert", DS_SPAN_LIT("{}"), on_ca, &err);

	if (r)
		kms_onboard_fail(ob, r, NULL, &err);
}
