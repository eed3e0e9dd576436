// SPDX-License-Identifier: Apache-2.0
/* The methods of a KMS without roots, see onboard.h. */
#include "onboard.h"
#include "store.h"

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/rand.h>
#include <ds/keys/derive.h>
#include <ds/net/loop.h>
#include <event2/event.h>
#include <time.h>

static void on_exit_time(evutil_socket_t fd, short what, void *arg)
{
	struct kms_onboard *ob = arg;

	(void)fd;
	(void)what;
	ds_loop_stop(ob->net->loop, 0);
}

/* The file is of the user who started us, and for nobody else. */
static int write_token(struct kms_onboard *ob, const char *path, struct ds_err *err)
{
	uint8_t bytes[32];
	int r = ds_rand(bytes, sizeof(bytes));

	if (!r) {
		ds_hex_encode(bytes, sizeof(bytes), ob->token);
		r = ds_write_file_atomic(AT_FDCWD, path, DS_SPAN(ob->token, 64), 0600);
	}
	ds_wipe(bytes, sizeof(bytes));
	return r ? ds_err_set(err, r, "kms", 0, "%s: %s", path, strerror(-r)) : 0;
}

int kms_onboard_new(struct kms_net *net, struct kms_onboard **ret, struct ds_err *err)
{
	struct kms_onboard *ob = calloc(1, sizeof(*ob));
	int r;

	if (!ob)
		return -ENOMEM;
	ob->net = net;
	ob->s = (struct kms_subject){ .id = DS_IDENTITY_NULL };
	ob->exit = event_new(net->base, -1, 0, on_exit_time, ob);
	r = ob->exit ? write_token(ob, net->conf->onboard_token, err) : -ENOMEM;
	if (r) {
		kms_onboard_free(ob);
		return r;
	}
	*ret = ob;
	return 0;
}

/* What belongs to one request. */
static void clear(struct kms_onboard *ob)
{
	ob->req = NULL;
	ob->call = NULL;
	kms_subject_done(&ob->s);
	ob->err = DS_ERR_NULL;
	ds_buf_done(&ob->leaf);
	ds_buf_done(&ob->pin);
	ds_kms_temp_ca_done(&ob->ca);
	ob->ca = DS_KMS_TEMP_CA_NULL;
	ds_buf_done(&ob->cert_pem);
}

struct kms_onboard *kms_onboard_free(struct kms_onboard *ob)
{
	if (!ob)
		return NULL;
	if (ob->call)
		ds_call_cancel(ob->call);
	clear(ob);
	if (ob->exit)
		event_free(ob->exit);
	ds_wipe(ob->token, sizeof(ob->token));
	free(ob);
	return NULL;
}

void kms_onboard_fail(struct kms_onboard *ob, int r, const struct kms_refusal *why,
		      const struct ds_err *err)
{
	struct ds_req *req = ob->req;

	if (r > 0) {
		kms_deny(ob->net, req, ob->op, why, &ob->s);
	} else {
		ds_log(DS_LOG_ERR, "event=failed op=%s error=\"%s\"", ob->op,
		       err && err->code ? err->msg : strerror(-r));
		ds_req_fail(req, 400, "%s", err && err->code ? err->msg : strerror(-r));
	}
	clear(ob);
}

int kms_onboard_ask(struct kms_onboard *ob, struct kms_new_ask *q, struct kms_new_answer *ret,
		    struct ds_err *err)
{
	int r = kms_keys_new(ob->net->keys, q, ret, err);

	ds_wipe(q->tmp_scalar, sizeof(q->tmp_scalar));
	ds_wipe(q->message, sizeof(q->message));
	return r;
}

/* On record first: roots that are on disk without a line would be roots that nobody knows of. */
static int record(struct kms_onboard *ob, const struct kms_new_answer *pub)
{
	bool join = !strcmp(ob->op, "Onboard");
	char spki[65], k256[67];
	uint8_t hash[32];
	json_t *detail;
	int r;

	DS_TRY(ds_sha256_1(DS_SPAN_ARRAY(pub->spki), hash));
	detail = json_pack("{s:s,s:s,s:s,s:i,s:s?}", "decision", join ? "import" : "create",
			   "root_spki_sha256", ds_hex_encode(hash, 32, spki), "k256_pubkey",
			   ds_hex_encode(pub->k256_pub, 33, k256), "key_epoch", (int)KMS_EPOCH,
			   "source", join ? ob->url : NULL);
	if (join || ob->net->self->attested)
		return kms_record(ob->net, ob->req, ob->op, &ob->s, detail);
	/* a development KMS has no evidence, and nobody that could allow it */
	if (!detail)
		return -ENOMEM;
	r = json_object_set_new(detail, "op", json_string(ob->op))
		    ? -ENOMEM
		    : kms_relog_add(ob->net->relog, detail, time(NULL));
	json_decref(detail);
	return r;
}

static int commit(struct kms_onboard *ob, const struct kms_new_answer *pub, struct ds_span evidence,
		  struct ds_err *err)
{
	DS_FREE struct kms_new_ask *q = calloc(1, sizeof(*q));
	struct kms_new_answer ans;

	if (!q)
		return -ENOMEM;
	if (evidence.n > sizeof(q->evidence))
		return ds_err_set(err, -EFBIG, "kms", 0, "evidence: expected up to %zu bytes, got %zu",
				  sizeof(q->evidence), evidence.n);
	q->op = KMS_NEW_COMMIT;
	q->evidence_n = (uint32_t)evidence.n;
	if (evidence.n)
		memcpy(q->evidence, evidence.p, evidence.n);
	snprintf(q->domain, sizeof(q->domain), "%s", ob->domain);
	DS_TRY(record(ob, pub));
	return kms_onboard_ask(ob, q, &ans, err);
}

static int add_hex(json_t *o, const char *key, struct ds_span s)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	DS_TRY(ds_buf_add_hex(&hex, s));
	return !ds_buf_cstr(&hex) || json_object_set_new(o, key, json_string(ds_buf_cstr(&hex)))
		       ? -ENOMEM
		       : 0;
}

void kms_onboard_commit(struct kms_onboard *ob, const struct kms_new_answer *pub,
			struct ds_span evidence)
{
	DS_JSON json_t *o = json_object();
	struct ds_err err = DS_ERR_NULL;
	int r = o ? commit(ob, pub, evidence, &err) : -ENOMEM;

	if (!r && !strcmp(ob->op, "Bootstrap")) {
		r = add_hex(o, "ca_pubkey", DS_SPAN_ARRAY(pub->spki));
		if (!r)
			r = add_hex(o, "attestation", evidence);
	}
	if (!r)
		r = add_hex(o, "k256_pubkey", DS_SPAN_ARRAY(pub->k256_pub));
	if (r) {
		kms_onboard_fail(ob, r, NULL, &err);
		return;
	}
	ds_log(DS_LOG_WARN, "event=roots op=%s domain=%s", ob->op, ob->domain);
	ob->done = true;
	ds_req_reply_json(ob->req, 200, o);
	clear(ob);
}

/* The evidence says what was made; public keys are all that is in it. */
static int make(struct kms_onboard *ob, struct kms_new_answer *ret, struct ds_err *err)
{
	DS_FREE struct kms_new_ask *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->op = KMS_NEW_MAKE;
	DS_TRY(kms_onboard_ask(ob, q, ret, err));
	return ds_kms_bootstrap_report_data(DS_SPAN_ARRAY(ret->spki), ret->k256_pub,
					    ob->report_data);
}

struct bootstrap {
	struct kms_onboard *ob;
	struct kms_new_answer pub;
};

static int take_evidence(struct kms_onboard *ob, int status, struct ds_span body,
			 struct ds_buf *ret, struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;

	DS_TRY(kms_attest_reply(status, body, ob->report_data, &att, err));
	return ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, ret);
}

static void on_evidence(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	DS_BUF struct ds_buf evidence = DS_BUF_NULL;
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct bootstrap *b = arg;

	b->ob->call = NULL;
	if (!r)
		r = take_evidence(b->ob, status, body, &evidence, &e);
	if (r)
		kms_onboard_fail(b->ob, r, NULL, &e);
	else
		kms_onboard_commit(b->ob, &b->pub, ds_buf_span(&evidence));
	free(b);
}

static int ask_evidence(struct bootstrap *b, struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL, ask = DS_BUF_NULL;
	struct ds_client_cfg cfg = { 0 };

	DS_TRY(kms_attest_request(b->ob->report_data, &ask));
	DS_TRY(ds_buf_addf(&url, "unix:%s:/Attest", b->ob->net->conf->agent));
	if (!ds_buf_cstr(&url))
		return -ENOMEM;
	return ds_call_start(b->ob->net->base, &cfg, (const char *)url.p, ds_buf_span(&ask),
			     on_evidence, b, &b->ob->call, err);
}

static void on_self_allowed(void *arg, int r, const struct kms_refusal *why)
{
	struct kms_onboard *ob = arg;
	struct bootstrap *b = r ? NULL : calloc(1, sizeof(*b));
	struct ds_err err = DS_ERR_NULL;

	if (!r && !b)
		r = -ENOMEM;
	if (!r) {
		b->ob = ob;
		r = make(ob, &b->pub, &err);
	}
	if (!r && !ob->net->self->attested) {
		kms_onboard_commit(ob, &b->pub, DS_SPAN_NULL);
		free(b);
		return;
	}
	if (!r)
		r = ask_evidence(b, &err);
	if (r) {
		free(b);
		kms_onboard_fail(ob, r, why, &err);
	}
}

static int judge_self(void *arg, struct kms_refusal *why)
{
	struct kms_onboard *ob = arg;
	const struct kms_self *self = ob->net->self;

	return kms_judge(ob->net, KMS_ROLE_KMS, &self->att, DS_SPAN_ARRAY(self->spki), "", &ob->s,
			 why);
}

/* 0: req may go on. Otherwise it has its reply. */
static int admit(struct kms_onboard *ob, struct ds_req *req, json_t *args, const char *op)
{
	struct ds_err err = DS_ERR_NULL;
	const char *token = NULL;

	if (ds_json_str(args, "token", 64, &token, &err) || !token || strlen(token) != 64 ||
	    !ds_ct_equal(token, ob->token, 64)) {
		ds_log(DS_LOG_WARN, "event=deny op=%s peer=%s reason=token", op, req->peer);
		ds_req_fail(req, 400, "token: expected the one in the file onboard_token");
		return -EPERM;
	}
	if (ob->req) {
		ds_req_fail(req, 400, "another request is being served: %s", ob->op);
		return -EBUSY;
	}
	return 0;
}

/* The arguments of a request that ends in roots. */
static int begin(struct kms_onboard *ob, struct ds_req *req, json_t *args, const char *op)
{
	struct ds_err err = DS_ERR_NULL;
	const char *domain = NULL;
	int r;

	DS_TRY(admit(ob, req, args, op));
	r = ds_json_str(args, "domain", sizeof(ob->domain) - 1, &domain, &err);
	if (!r)
		r = kms_domain_check(domain ? domain : "", &err);
	if (!r && ob->done)
		r = ds_err_set(&err, -EEXIST, "kms", 0,
			       "there are roots already: they are never overwritten");
	if (r) {
		ds_req_fail(req, 400, "%s", err.code ? err.msg : strerror(-r));
		return r;
	}
	snprintf(ob->domain, sizeof(ob->domain), "%s", domain);
	ob->req = req;
	ob->op = op;
	return 0;
}

static void bootstrap(void *ctx, struct ds_req *req, json_t *args)
{
	struct kms_onboard *ob = ctx;

	if (begin(ob, req, args, "Bootstrap"))
		return;
	if (ob->net->self->attested)
		kms_authorize(ob->net, KMS_ROLE_KMS, &ob->s, judge_self, on_self_allowed, ob);
	else
		on_self_allowed(ob, 0, NULL);
}

/* BASE or BASE/prpc, as the reference takes it; ds_kms_url() adds the rest. */
static int take_url(struct kms_onboard *ob, json_t *args, struct ds_err *err)
{
	const char *url = NULL;
	size_t n;

	DS_TRY(ds_json_str(args, "source_url", sizeof(ob->url) - 1, &url, err));
	n = url ? strlen(url) : 0;
	while (n && url[n - 1] == '/')
		n--;
	if (n > 5 && !strncmp(url + n - 5, "/prpc", 5))
		n -= 5;
	if (n < 9 || strncmp(url, "https://", 8))
		return ds_err_set(err, -EINVAL, "kms", 0, "source_url: expected https://HOST:PORT");
	snprintf(ob->url, sizeof(ob->url), "%.*s", (int)n, url);
	if (!ob->net->self->attested)
		return ds_err_set(err, -ENODEV, "kms", 0,
				  "no evidence of our own, expected agent in the configuration");
	return 0;
}

static void onboard(void *ctx, struct ds_req *req, json_t *args)
{
	struct kms_onboard *ob = ctx;
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (begin(ob, req, args, "Onboard"))
		return;
	r = take_url(ob, args, &err);
	if (r)
		kms_onboard_fail(ob, r, NULL, &err);
	else
		kms_join(ob);
}

/* The key that the roots can be sealed for, from the process that has its other half. */
static int add_recipient(struct kms_onboard *ob, json_t *o, struct ds_err *err)
{
	DS_FREE struct kms_new_ask *q = calloc(1, sizeof(*q));
	struct kms_new_answer ans;

	if (!q)
		return -ENOMEM;
	q->op = KMS_NEW_RECIPIENT;
	DS_TRY(kms_onboard_ask(ob, q, &ans, err));
	return add_hex(o, "seal_to", DS_SPAN_ARRAY(ans.recipient));
}

static int info(const struct kms_subject *s, json_t *o)
{
	DS_TRY(add_hex(o, "device_id", DS_SPAN_ARRAY(s->id.device_id)));
	DS_TRY(add_hex(o, "mr_aggregated", DS_SPAN_ARRAY(s->id.mr_aggregated)));
	/* what it says of itself, when the policy does not know the image */
	return add_hex(o, "os_image_hash",
		       *s->image ? DS_SPAN_ARRAY(s->os_image_hash) :
		       s->id.has_os_image_hash ? DS_SPAN_ARRAY(s->id.os_image_hash) : DS_SPAN_NULL);
}

/*
 * What has to be in policies and in replicate_to of the other node before this one can join or
 * bootstrap; no policy is asked for it.
 */
static void get_attestation_info(void *ctx, struct ds_req *req, json_t *args)
{
	struct kms_refusal why = { .code = "self" };
	struct ds_err err = DS_ERR_NULL;
	DS_JSON json_t *o = NULL;
	struct kms_onboard *ob = ctx;
	int r;

	if (admit(ob, req, args, "GetAttestationInfo"))
		return;
	if (!ob->net->self->attested) {
		ds_req_fail(req, 400, "no evidence: expected agent in the configuration");
		return;
	}
	if (judge_self(ob, &why) && !ob->s.proven) {
		ds_req_fail(req, 400, "%s", why.text);
		clear(ob);
		return;
	}
	o = json_pack("{s:s,s:s,s:s,s:s,s:s}", "tee_variant", "dstack-tdx", "site_name", "",
		      "eth_rpc_url", "", "kms_contract_address", "", "ppid", "");
	r = o ? info(&ob->s, o) : -ENOMEM;
	if (!r)
		r = add_recipient(ob, o, &err);
	if (r)
		ds_req_fail(req, 400, "%s", err.code ? err.msg : strerror(-r));
	else
		ds_req_reply_json(req, 200, o);
	clear(ob);
}

static void finish(void *ctx, struct ds_req *req, json_t *args)
{
	/* the reply has to leave before the loop ends */
	struct timeval soon = { .tv_usec = 100000 };
	struct kms_onboard *ob = ctx;

	if (admit(ob, req, args, "Finish"))
		return;
	if (!ob->done) {
		ds_req_fail(req, 400, "there are no roots yet: expected Bootstrap or Onboard first");
		return;
	}
	ds_req_reply_json(req, 200, NULL);
	if (event_add(ob->exit, &soon))
		ds_loop_stop(ob->net->loop, 0);
}

const struct ds_prpc_method kms_onboard_methods[] = {
	{ "Bootstrap", bootstrap, false },
	{ "Finish", finish, false },
	{ "GetAttestationInfo", get_attestation_info, false },
	{ "Onboard", onboard, false },
};
const size_t kms_n_onboard_methods = DS_ARRAY_SIZE(kms_onboard_methods);
