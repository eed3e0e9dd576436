// SPDX-License-Identifier: Apache-2.0
/* The policy is asked: a file has spoken already, an API is called and waited for. */
#include "bootinfo.h"

#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/net/client.h>

#define INFO_MS 10000
#define DOWN_MS 3000 /* an API that is back is noticed soon, and not kept down by who asks */

/* One call of the API. */
struct kms_query {
	struct kms_net *net;
	struct kms_query *next, **link;
	struct ds_call *call; /* NULL: waits for that of another */
	/* a question about s, or the API's own description */
	enum kms_role role;
	struct kms_subject *s;
	kms_judge_fn judge;
	kms_allowed_fn allowed;
	uint64_t policy_read; /* the policy that s was judged by */
	kms_info_fn info;
	void *arg;
};

static void query_free(struct kms_query *q)
{
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	free(q);
}

static struct kms_query *query_new(struct kms_net *net, void *arg)
{
	struct kms_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	*q = (struct kms_query){ .net = net, .next = net->queries, .link = &net->queries, .arg = arg };
	if (q->next)
		q->next->link = &q->next;
	net->queries = q;
	return q;
}

void kms_auth_failed(struct kms_net *net, const char *text)
{
	if (kms_bucket_take(&net->auth_print, 20, 1000, kms_now_ms()))
		ds_log(DS_LOG_WARN, "event=auth-api-failed error=\"%s\"", text);
}

/* Closed: whatever is wrong with the API, the answer is no. */
static int unavailable(struct kms_net *net, enum kms_role role, struct kms_refusal *why,
		       const char *text)
{
	snprintf(why->expected, sizeof(why->expected), "an answer of the policy");
	snprintf(why->actual, sizeof(why->actual), "%s", text);
	kms_auth_failed(net, text);
	return kms_refuse(why, "policy-unavailable", "%sauthorization backend unavailable",
			  role == KMS_ROLE_APP ? "App not allowed: " : "");
}

static int check_answer(int r, int status, struct ds_span body, const struct kms_auth_conf *conf,
			struct kms_auth_reply *reply, struct ds_err *err)
{
	if (r)
		return r;
	if (status < 200 || status > 299)
		return ds_err_set(err, -EPROTO, "auth", 0, "answer: expected status 200, got %d",
				  status);
	DS_TRY(kms_auth_reply_parse(body, reply, err));
	return kms_auth_chain_check(conf, &reply->chain, err);
}

static json_t *make_ruling(const struct kms_auth_reply *reply)
{
	char contract[41], hash[65];

	return reply->chain.present ?
		       json_pack("{s:I,s:s,s:I,s:s}", "chain_id",
				 (json_int_t)reply->chain.chain_id, "contract",
				 ds_hex_encode(reply->chain.contract, 20, contract), "block",
				 (json_int_t)reply->chain.block, "block_hash",
				 ds_hex_encode(reply->chain.block_hash, 32, hash)) :
		       NULL;
}

static int rule(const struct kms_query *q, int r, int status, struct ds_span body,
		const struct ds_err *err, struct kms_refusal *why)
{
	struct ds_err bad = err ? *err : DS_ERR_NULL;
	struct kms_auth_reply reply;

	r = check_answer(r, status, body, &q->net->conf->auth, &reply, &bad);
	if (r)
		return unavailable(q->net, q->role, why, bad.code ? bad.msg : strerror(-r));
	q->s->ruling = make_ruling(&reply);
	if (!reply.allowed)
		return kms_refuse(why, "policy-denied", "%sBoot denied: %.300s",
				  q->role == KMS_ROLE_APP ? "App not allowed: " : "", reply.reason);
	snprintf(q->s->gateway_app_id, sizeof(q->s->gateway_app_id), "%s", reply.gateway_app_id);
	q->s->allowed = true;
	return 0;
}

/* A no may be one about the old policy's image, and what is waited for is the new one's word. */
static void ask_again(struct kms_query *old)
{
	struct kms_query q = *old;

	ds_log(DS_LOG_NOTICE, "event=policy note=\"an answer to a question under the old one is not "
			      "used, asking again\"");
	query_free(old);
	kms_authorize(q.net, q.role, q.s, q.judge, q.allowed, q.arg);
}

static void on_answer(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct kms_refusal why = { .code = "policy-unavailable" };
	struct kms_query *q = arg;
	kms_allowed_fn fn = q->allowed;
	void *fn_arg = q->arg;

	if (q->policy_read != q->net->policy_read && r != -ECANCELED) {
		ask_again(q);
		return;
	}
	r = rule(q, r, status, body, err, &why);
	query_free(q);
	fn(fn_arg, r, &why);
}

static void keep_info(struct kms_net *net, struct ds_span body)
{
	ds_buf_done(&net->auth_info);
	if (!ds_buf_add_span(&net->auth_info, body))
		net->auth_info_until = kms_now_ms() + INFO_MS;
}

static void keep_failure(struct kms_net *net, int r, const struct ds_err *err)
{
	net->auth_down = err ? *err : DS_ERR_NULL;
	if (!net->auth_down.code)
		(void)ds_err_set(&net->auth_down, r, "auth", 0, "%s", strerror(-r));
	net->auth_down_until = kms_now_ms() + DOWN_MS;
}

static struct kms_query *first_info(const struct kms_net *net)
{
	struct kms_query *q = net->queries;

	while (q && !q->info)
		q = q->next;
	return q;
}

/* One call for all who ask while it runs. */
static void on_info(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct kms_net *net = ((const struct kms_query *)arg)->net;
	struct ds_err bad = DS_ERR_NULL;
	struct kms_query *q;

	if (!r && (status < 200 || status > 299)) {
		r = ds_err_set(&bad, -EPROTO, "auth", 0, "answer: expected status 200, got %d",
			       status);
		err = &bad;
	}
	if (!r)
		keep_info(net, body);
	else
		keep_failure(net, r, err);
	while ((q = first_info(net))) {
		kms_info_fn fn = q->info;
		void *fn_arg = q->arg;

		query_free(q);
		fn(fn_arg, r, body, err);
	}
}

/* path is NULL-terminated text behind the API's URL; json NULL: GET. */
static int start(struct kms_query *q, const char *path, const json_t *json, ds_call_fn fn,
		 struct ds_err *err)
{
	const struct kms_auth_conf *conf = &q->net->conf->auth;
	DS_FREE char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	struct ds_client_cfg cfg = { 0 };

	if (json && !text)
		return -ENOMEM;
	kms_file_refresh(&q->net->auth_ca, DS_MAX_CERT_PEM);
	cfg.roots_pem = ds_buf_span(&q->net->auth_ca.data);
	cfg.connect_ms = cfg.total_ms = (unsigned)conf->timeout_ms;
	cfg.max_reply = KMS_MAX_AUTH_REPLY;
	DS_TRY(ds_buf_addf(&url, "%s%s", conf->url, path));
	if (!ds_buf_cstr(&url))
		return -ENOMEM;
	return ds_call_start(q->net->base, &cfg, (const char *)url.p,
			     text ? DS_SPAN_STR(text) : DS_SPAN_NULL, fn, q, &q->call, err);
}

void kms_authorize(struct kms_net *net, enum kms_role role, struct kms_subject *s,
		   kms_judge_fn judge, kms_allowed_fn fn, void *arg)
{
	struct kms_refusal why = { .code = "bad-request" };
	struct ds_err err = DS_ERR_NULL;
	struct kms_query *q;
	int r;

	kms_subject_done(s);
	r = judge(arg, &why);
	if (r || s->allowed || !s->question) {
		fn(arg, !r && !s->allowed ? -EPERM : r, &why);
		return;
	}
	q = query_new(net, arg);
	if (!q) {
		fn(arg, -ENOMEM, &why);
		return;
	}
	q->role = role;
	q->s = s;
	q->judge = judge;
	q->allowed = fn;
	q->policy_read = net->policy_read;
	r = start(q, role == KMS_ROLE_APP ? "/bootAuth/app" : "/bootAuth/kms", s->question,
		  on_answer, &err);
	if (r)
		on_answer(q, r, 0, DS_SPAN_NULL, &err);
}

void kms_ask_info(struct kms_net *net, kms_info_fn fn, void *arg)
{
	bool asked = first_info(net);
	struct ds_err err = DS_ERR_NULL;
	struct kms_query *q;
	int r;

	if (net->auth_info.n && kms_now_ms() < net->auth_info_until) {
		fn(arg, 0, ds_buf_span(&net->auth_info), &err);
		return;
	}
	if (kms_now_ms() < net->auth_down_until) {
		fn(arg, net->auth_down.code, DS_SPAN_NULL, &net->auth_down);
		return;
	}
	q = query_new(net, arg);
	if (!q) {
		fn(arg, -ENOMEM, DS_SPAN_NULL, &err);
		return;
	}
	q->info = fn;
	r = asked ? 0 : start(q, "/", NULL, on_info, &err);
	if (r)
		on_info(q, r, 0, DS_SPAN_NULL, &err);
}

void kms_authorize_stop(struct kms_net *net)
{
	static const struct ds_err gone = { .code = -ECANCELED, .msg = "the service ends" };
	struct kms_query *q;

	for (q = net->queries; q; q = q->next)
		q->call = ds_call_cancel(q->call);
	while ((q = net->queries))
		(q->info ? on_info : on_answer)(q, -ECANCELED, 0, DS_SPAN_NULL, &gone);
}
