// SPDX-License-Identifier: Apache-2.0
/* dstack-verify serve: judging over HTTP, see serve.h. Nothing is kept of a request. */
#include "serve.h"

#include <event2/event.h>
#include <signal.h>
#include <time.h>

#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/p256.h>
#include <ds/net/config.h>
#include <ds/net/loop.h>

#define USAGE                                                                                      \
	"serve --listen ADDR:PORT|unix:PATH {--collateral FILE | --collateral-url URL} "           \
	"[--policy FILE] [OPTION...]"
#define MAX_CONNS 256

struct serve {
	struct options o;
	struct ds_loop *loop;
	struct ds_server *srv;
	struct fetcher *fetcher;
	uint64_t valid, malformed, broken, refused[DS_REASON_COUNT];
};

/* One request, until its reply. */
struct job {
	struct serve *s;
	struct ds_req *req;
	struct ds_attestation att;
	struct ds_platform_id platform;
	struct ds_verify_opts opts;
	struct ds_verdict v;
	struct ds_identity id;
	bool again;
};

static void job_free(struct job *j)
{
	ds_attestation_done(&j->att);
	ds_identity_done(&j->id);
	free(j);
}

/* Which image of the policy runs, and is its hash the one that is claimed? NULL: not known. */
static const uint8_t *check_image(struct job *j)
{
	const uint8_t *hash = serve_image_hash(&j->v, j->s->o.policy);

	if (!hash || !j->id.has_os_image_hash || !memcmp(hash, j->id.os_image_hash, 32))
		return hash;
	(void)ds_verdict_fail_hex(&j->v, DS_REASON_MEASUREMENT, "os_image_hash of this image",
				  DS_SPAN(hash, 32), DS_SPAN_ARRAY(j->id.os_image_hash));
	return NULL;
}

/* What the flags of the reply cannot say has to be a refusal: its readers look at is_valid. */
static void check_worth(struct job *j)
{
	if ((j->v.emulated || j->v.custom_root) && !j->s->o.allow_emulated)
		(void)ds_verdict_fail(&j->v, DS_REASON_ROOT_UNTRUSTED,
				      "%s, and the service was not started with "
				      "--insecure-allow-emulated",
				      j->v.emulated ? "emulated, without any security"
						    : "judged under a root that is not Intel's");
	if (!j->opts.policy || !j->opts.policy->n_image)
		(void)ds_verdict_fail(&j->v, DS_REASON_MEASUREMENT,
				      "any TD can claim this app: give the service a policy with "
				      "images");
}

static void reply(struct job *j)
{
	const uint8_t *hash = NULL;
	bool good = j->v.accepted;
	json_t *o;

	if (good) {
		check_worth(j);
		hash = check_image(j);
	}
	if (j->v.accepted)
		j->s->valid++;
	else
		j->s->refused[j->v.reason]++;
	ds_log(DS_LOG_INFO, "event=verify valid=%s reason=%s peer=%s", j->v.accepted ? "yes" : "no",
	       ds_reason_name(j->v.reason), j->req->peer);
	o = serve_reply(&j->v, good ? &j->id : NULL, hash);
	ds_req_reply_json(j->req, 200, o);
	json_decref(o);
	job_free(j);
}

static void broken(struct job *j, int r)
{
	ds_log(DS_LOG_ERR, "event=verify error=\"%s\"", strerror(-r));
	j->s->broken++;
	ds_req_fail(j->req, 500, "the request could not be judged");
	job_free(j);
}

static void on_collateral(void *arg, int r, struct ds_span collateral, bool old, const char *why)
{
	struct job *j = arg;

	if (r) {
		ds_verdict_init(&j->v);
		(void)ds_verdict_fail(&j->v, DS_REASON_COLLATERAL_MISSING, "%s", why);
		reply(j);
		return;
	}
	ds_identity_done(&j->id);
	j->id = DS_IDENTITY_NULL;
	/* nobody asked for certain report data: what it stands for is the reader's business */
	r = ds_attest_evidence(&j->att, j->att.report_data, collateral, &j->opts, &j->v, &j->id);
	if (r) {
		broken(j, r);
		return;
	}
	if (!j->v.accepted && old && !j->again && is_collateral_reason(j->v.reason)) {
		j->again = true;
		if (!fetcher_get(j->s->fetcher, &j->platform, true, on_collateral, j))
			return;
	}
	reply(j);
}

/* Only for a genuine platform is anybody asked. 0, DS_ATTEST_REFUSED: judged to the end, negative. */
static int prepare(struct job *j)
{
	DS_CLEANUP(serve_request_done) struct serve_request in = { 0 };
	struct ds_err err = DS_ERR_NULL;
	int r;

	r = serve_request_parse(j->req->body, &in, &err);
	if (r == -EBADMSG) {
		j->s->malformed++;
		ds_req_fail(j->req, 400, "%s", err.msg);
		return r;
	}
	if (r)
		return r;
	DS_TRY(serve_request_evidence(&in, &j->att, &j->v));
	if (j->att.kind == DS_ATTESTATION_SNP) {
		if (j->s->o.collateral)
			return 0; /* the file, for whatever platform */
		/* nothing is fetched at AMD's: the certificates that the evidence brings must do */
		r = ds_attest_evidence(&j->att, j->att.report_data, DS_SPAN_NULL, &j->opts, &j->v,
				       &j->id);
		return r ? r : DS_ATTEST_REFUSED; /* that is, reply() with whatever was found */
	}
	return collateral_platform(&j->opts, ds_buf_span(&j->att.quote), &j->platform, &j->v);
}

static void on_verify(void *ctx, struct ds_req *req)
{
	struct serve *s = ctx;
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (!j) {
		s->broken++;
		ds_req_fail(req, 500, "no memory");
		return;
	}
	*j = (struct job){ .s = s, .req = req, .opts = s->o.verify, .id = DS_IDENTITY_NULL };
	if (!s->o.fixed_time)
		j->opts.time = (int64_t)time(NULL);
	ds_verdict_init(&j->v);
	r = prepare(j);
	if (!r)
		r = fetcher_get(s->fetcher, &j->platform, false, on_collateral, j);
	else if (r == DS_ATTEST_REFUSED)
		reply(j);
	else if (r == -EBADMSG)
		job_free(j); /* replied to */
	if (r < 0 && r != -EBADMSG)
		broken(j, r);
}

static void on_health(void *ctx, struct ds_req *req)
{
	json_t *o = json_pack("{s:s, s:s}", "status", "ok", "service", "dstack-verify");

	(void)ctx;
	ds_req_reply_json(req, 200, o);
	json_decref(o);
}

static int add_metrics(const struct serve *s, struct ds_buf *b)
{
	const struct fetcher_stats f = fetcher_stats(s->fetcher);
	uint64_t invalid = 0;

	for (size_t i = 0; i < DS_REASON_COUNT; i++)
		invalid += s->refused[i];
	DS_TRY(ds_buf_addf(b,
			   "# HELP dstack_verify_requests_total Requests to /verify by outcome.\n"
			   "# TYPE dstack_verify_requests_total counter\n"
			   "dstack_verify_requests_total{outcome=\"valid\"} %llu\n"
			   "dstack_verify_requests_total{outcome=\"invalid\"} %llu\n"
			   "dstack_verify_requests_total{outcome=\"malformed\"} %llu\n"
			   "dstack_verify_requests_total{outcome=\"failed\"} %llu\n",
			   (unsigned long long)s->valid, (unsigned long long)invalid,
			   (unsigned long long)s->malformed, (unsigned long long)s->broken));
	DS_TRY(ds_buf_addf(b, "# HELP dstack_verify_refusals_total Refusals by reason.\n"
			      "# TYPE dstack_verify_refusals_total counter\n"));
	for (size_t i = 0; i < DS_REASON_COUNT; i++)
		if (s->refused[i])
			DS_TRY(ds_buf_addf(b, "dstack_verify_refusals_total{reason=\"%s\"} %llu\n",
					   ds_reason_name((enum ds_reason)i),
					   (unsigned long long)s->refused[i]));
	return ds_buf_addf(b,
			   "# HELP dstack_verify_collateral_total Questions for collateral.\n"
			   "# TYPE dstack_verify_collateral_total counter\n"
			   "dstack_verify_collateral_total{outcome=\"asked\"} %llu\n"
			   "dstack_verify_collateral_total{outcome=\"failed\"} %llu\n",
			   (unsigned long long)f.asked, (unsigned long long)f.failed);
}

static void on_metrics(void *ctx, struct ds_req *req)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	if (add_metrics(ctx, &b))
		ds_req_fail(req, 500, "no memory");
	else
		ds_req_reply(req, 200, "text/plain; version=0.0.4", ds_buf_span(&b));
}

static void on_stop(void *arg)
{
	struct serve *s = arg;

	ds_loop_stop(s->loop, 0);
}

static void on_gone(void *arg)
{
	struct serve *s = arg;

	ds_log(DS_LOG_ERR, "event=collateral-process-gone");
	ds_loop_stop(s->loop, 1);
}

static int listen_at(struct serve *s, struct ds_err *err)
{
	struct ds_server_cfg cfg = { .max_body = SERVE_MAX_BODY, .max_conns = MAX_CONNS };
	DS_FREE char *addr = NULL;

	if (!strncmp(s->o.listen, "unix:", 5)) {
		cfg.unix_path = s->o.listen + 5;
		cfg.unix_mode = 0660;
	} else {
		DS_TRY(ds_conf_addr(s->o.listen, &addr, &cfg.port, err));
		cfg.addr = addr;
	}
	return ds_server_new(ds_loop_base(s->loop), &cfg, &s->srv, err);
}

static int start(struct serve *s, struct ds_err *err)
{
	DS_TRY(ds_loop_new(&s->loop));
	DS_TRY(ds_loop_on_signal(s->loop, SIGTERM, on_stop, s));
	DS_TRY(ds_loop_on_signal(s->loop, SIGINT, on_stop, s));
	DS_TRY(listen_at(s, err));
	DS_TRY(ds_server_route(s->srv, "POST", "/verify", on_verify, s));
	DS_TRY(ds_server_route(s->srv, "GET", "/health", on_health, s));
	DS_TRY(ds_server_route(s->srv, "GET", "/metrics", on_metrics, s));
	return fetcher_attach(s->fetcher, ds_loop_base(s->loop), on_gone, s);
}

/* What OpenSSL, jansson and the C library read once, they read now. */
static int warm_up(void)
{
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t hash[DS_SHA256_SIZE];

	tzset();
	json_object_seed(0);
	DS_TRY(ds_sha256_1(DS_SPAN_LIT("warm"), hash));
	return ds_p256_generate(&key);
}

static int serve(struct serve *s)
{
	struct ds_err err = DS_ERR_NULL;
	int r;

	r = start(s, &err);
	if (!r)
		r = warm_up();
	if (!r) {
		ds_log(DS_LOG_NOTICE, "event=ready listen=%s port=%u", s->o.listen,
		       ds_server_port(s->srv));
		if (s->o.allow_emulated)
			ds_log(DS_LOG_WARN, "event=insecure note=\"evidence without any security is "
					    "called valid: for tests only\"");
		r = ds_notify("READY=1");
	}
	if (!r)
		r = serve_jail();
	if (r) {
		fprintf(stderr, "dstack-verify: %s\n", err.code ? err.msg : strerror(-r));
		return EXIT_USAGE;
	}
	return ds_loop_run(s->loop) ? EXIT_USAGE : EXIT_ACCEPTED;
}

int cmd_serve(int argc, char **argv)
{
	static struct serve s; /* for the life of the process */
	int r, first;

	r = options_parse(argc, argv,
			  OPT_LISTEN | OPT_EMULATED | OPT_COLLATERAL | OPT_ROOT_CA | OPT_TIME |
				  OPT_POLICY | OPT_FETCH,
			  0, USAGE, &s.o, &first);
	if (!r)
		r = options_load(&s.o);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	if (!s.o.listen || !s.o.collateral == !s.o.fetch.url) {
		fputs("dstack-verify: --listen and one of --collateral and --collateral-url are "
		      "needed\nusage: dstack-verify " USAGE "\n",
		      stderr);
		return EXIT_USAGE;
	}
	ds_log_init("dstack-verify");
	if (fetcher_start(&s.o, &s.fetcher))
		return EXIT_USAGE;
	/* the jail leaves nothing to clean up with: the other process ends with our socket */
	r = serve(&s);
	fflush(NULL);
	_exit(r);
}
