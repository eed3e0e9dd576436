// SPDX-License-Identifier: Apache-2.0
/* Collateral: from a file, from a service with its cache, and into a file for later. */
#include "verify.h"

#include <time.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/pcs/pcs.h>

#define MAX_EVALUATION 100000u

enum { F_URL, F_CACHE, F_TLS_CA, F_ROOT_CRL, F_UPDATE, F_EVALUATION, F_SAVE, F_TIMEOUT, F_INSECURE, F_FMSPC, F_CA };

const struct fetch_option fetch_table[] = {
	[F_URL] = { "collateral-url", "URL", "fetch collateral from this PCS or PCCS (https)" },
	[F_CACHE] = { "collateral-cache", "FILE", "keep what was fetched there (SQLite)" },
	[F_TLS_CA] = { "collateral-ca", "PEM", "trust these TLS authorities, not the system's" },
	[F_ROOT_CRL] = { "root-crl-url", "URL", "where the root CRL is, if not at the service" },
	[F_UPDATE] = { "update", "WORD", "standard (default) or early documents" },
	[F_EVALUATION] = { "tcb-evaluation", "N", "documents of this evaluation number" },
	[F_SAVE] = { "save-collateral", "FILE", "write the collateral that was used there" },
	[F_TIMEOUT] = { "fetch-timeout", "SECONDS", "for each document, default 15" },
	[F_INSECURE] = { "insecure-http", NULL, "the service may be http:// on a loopback address" },
	[F_FMSPC] = { "fmspc", "HEX", "collateral: the platform, instead of --quote" },
	[F_CA] = { "pck-ca", "WORD", "collateral: platform (default) or processor" },
	{ NULL, NULL, NULL },
};
_Static_assert(DS_ARRAY_SIZE(fetch_table) - 1 <= FETCH_TABLE_MAX, "options.c has too little room");

static int wrong(int id, const char *want, const char *got)
{
	fprintf(stderr, "dstack-verify: --%s: expected %s, got '%s'\n", fetch_table[id].name, want,
		got);
	return EXIT_USAGE;
}

static int one_of(int id, const char *arg, const char *off, const char *on, bool *ret)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "%s or %s", off, on);
	if (strcmp(arg, off) && strcmp(arg, on))
		return wrong(id, want, arg);
	*ret = !strcmp(arg, on);
	return 0;
}

int fetch_take(struct fetch_options *f, int id, const char *arg)
{
	uint8_t fmspc[6];

	switch (id) {
	case F_URL:
		f->url = arg;
		return 0;
	case F_CACHE:
		f->cache = arg;
		return 0;
	case F_TLS_CA:
		f->tls_ca = arg;
		return 0;
	case F_ROOT_CRL:
		f->root_crl_url = arg;
		return 0;
	case F_SAVE:
		f->save = arg;
		return 0;
	case F_INSECURE:
		f->insecure_http = true;
		return 0;
	case F_UPDATE:
		return one_of(id, arg, "standard", "early", &f->early);
	case F_CA:
		return one_of(id, arg, "platform", "processor", &f->processor);
	case F_EVALUATION:
		if (ds_parse_u64(arg, strlen(arg), MAX_EVALUATION, &f->evaluation) ||
		    !f->evaluation)
			return wrong(id, "a number from 1", arg);
		return 0;
	case F_TIMEOUT:
		if (ds_parse_u64(arg, strlen(arg), 3600, &f->timeout_s) || !f->timeout_s)
			return wrong(id, "1 to 3600", arg);
		return 0;
	default:
		if (ds_hex_decode_exact(arg, fmspc, sizeof(fmspc)))
			return wrong(id, "12 hex digits", arg);
		f->fmspc = arg;
		return 0;
	}
}

static void on_note(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "dstack-verify: note: %s\n", text);
}

int fetch_open(const struct fetch_options *f, struct ds_pcs **ret)
{
	const struct ds_pcs_cfg cfg = { .url = f->url,
					.root_crl_url = f->root_crl_url,
					.ca_file = f->tls_ca,
					.cache = f->cache,
					.early = f->early,
					.evaluation = f->evaluation,
					.insecure_http = f->insecure_http,
					.total_ms = (unsigned int)f->timeout_s * 1000,
					.note = on_note };
	struct ds_err err = DS_ERR_NULL;
	int r = ds_pcs_new(&cfg, ret, &err);

	if (r)
		fprintf(stderr, "dstack-verify: --collateral-url: %s\n",
			err.code ? err.msg : strerror(-r));
	return r ? EXIT_USAGE : 0;
}

bool is_collateral_reason(enum ds_reason r)
{
	return (r >= DS_REASON_COLLATERAL_FORMAT && r <= DS_REASON_CRL_NOT_YET_VALID) ||
	       (r >= DS_REASON_TCB_SIGNER_CHAIN && r <= DS_REASON_PCEID_MISMATCH);
}

/* All of them were looked at: the checks that follow are about the quoting enclave and the quote. */
static bool documents_hold(enum ds_reason r)
{
	return r == DS_REASON_NONE || r > DS_REASON_PCEID_MISMATCH;
}

static int save(const char *path, const struct ds_buf *json)
{
	int r = ds_write_file_atomic(AT_FDCWD, path, ds_buf_span(json), 0644);

	if (r)
		fprintf(stderr, "dstack-verify: %s: %s\n", path, strerror(-r));
	return r;
}

static int fetch(struct ds_pcs *pcs, const struct ds_platform_id *id, bool refresh,
		 struct ds_buf *ret, struct ds_pcs_info *info)
{
	struct ds_err err = DS_ERR_NULL;
	int r = ds_pcs_collateral(pcs, id, (int64_t)time(NULL), refresh, ret, info, &err);

	if (r)
		fprintf(stderr, "dstack-verify: collateral: %s\n",
			err.code ? err.msg : strerror(-r));
	return r;
}

int collateral_platform(const struct ds_verify_opts *opts, struct ds_span quote,
			struct ds_platform_id *id, struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	int r = ds_attest_quote(quote, DS_SPAN_NULL, opts, v);

	if (r)
		return r;
	if (v->reason != DS_REASON_COLLATERAL_MISSING)
		return DS_ATTEST_REFUSED;
	r = ds_quote_platform(quote, id, &err);
	if (r == -EBADMSG) {
		ds_verdict_init(v); /* collateral is not what is missing */
		return ds_verdict_fail(v, DS_REASON_PCK_EXT, "%s", err.msg);
	}
	return r;
}

static int judge_fetched(const struct options *o, struct ds_span quote, judge_fn fn, void *ctx,
			 struct ds_verdict *v)
{
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	struct ds_pcs_info info = { 0 };
	DS_PCS struct ds_pcs *pcs = NULL;
	struct ds_platform_id id;
	int r;

	if (fetch_open(&o->fetch, &pcs))
		return -EINVAL;
	r = collateral_platform(&o->verify, quote, &id, v);
	if (r)
		return r < 0 ? r : 0;
	DS_TRY(fetch(pcs, &id, false, &json, &info));
	DS_TRY(fn(ctx, ds_buf_span(&json), v));
	if (!v->accepted && info.cached && is_collateral_reason(v->reason)) {
		DS_TRY(fetch(pcs, &id, true, &json, &info));
		DS_TRY(fn(ctx, ds_buf_span(&json), v));
	}
	/* documents that do not verify replace nothing */
	return o->fetch.save && documents_hold(v->reason) ? save(o->fetch.save, &json) : 0;
}

static int judge_file(const struct options *o, judge_fn fn, void *ctx, struct ds_verdict *v)
{
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	int r = o->collateral ? input_file(o->collateral, DS_MAX_COLLATERAL, &json) : 0;

	if (r && r != -EFBIG)
		return -EIO; /* said so */
	if (r || (o->collateral && !json.n)) {
		ds_verdict_init(v);
		(void)ds_verdict_fail(v, DS_REASON_COLLATERAL_FORMAT,
				      "collateral: empty, or more than %u bytes",
				      DS_MAX_COLLATERAL);
		return 0;
	}
	return fn(ctx, ds_buf_span(&json), v);
}

int collateral_judge(const struct options *o, struct ds_span quote, judge_fn fn, void *ctx,
		     struct ds_verdict *v)
{
	if (o->fetch.url && o->collateral) {
		fputs("dstack-verify: --collateral or --collateral-url, not both\n", stderr);
		return -EINVAL;
	}
	if (!o->fetch.url && o->fetch.save) {
		fputs("dstack-verify: --save-collateral needs --collateral-url\n", stderr);
		return -EINVAL;
	}
	return o->fetch.url && quote.n ? judge_fetched(o, quote, fn, ctx, v)
				       : judge_file(o, fn, ctx, v);
}

#define USAGE                                                                                      \
	"collateral --collateral-url URL --save-collateral FILE {--quote QUOTE | --fmspc HEX} "    \
	"[OPTION...]"

struct plain {
	struct ds_span quote;
	const struct ds_verify_opts *opts;
};

static int judge_quote(void *ctx, struct ds_span collateral, struct ds_verdict *v)
{
	const struct plain *p = ctx;

	return ds_attest_quote(p->quote, collateral, p->opts, v);
}

/* The quote is a sample of the platform; whether it is acceptable itself does not matter. */
static int save_judged(const struct options *o)
{
	DS_FREE struct ds_verdict *v = malloc(sizeof(*v));
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	struct plain p = { .opts = &o->verify };

	if (!v || input_quote(o->quote, &quote))
		return EXIT_USAGE;
	p.quote = ds_buf_span(&quote);
	ds_verdict_init(v);
	if (collateral_judge(o, p.quote, judge_quote, &p, v))
		return EXIT_USAGE;
	if (v->has_platform && documents_hold(v->reason))
		return EXIT_ACCEPTED;
	fprintf(stderr, "dstack-verify: not saved: %s: %s\n", ds_reason_name(v->reason), v->detail);
	return EXIT_REFUSED;
}

static int save_unjudged(const struct options *o)
{
	struct ds_platform_id id = { .processor = o->fetch.processor };
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	struct ds_pcs_info info;
	DS_PCS struct ds_pcs *pcs = NULL;

	if (ds_hex_decode_exact(o->fetch.fmspc, id.fmspc, sizeof(id.fmspc)) ||
	    fetch_open(&o->fetch, &pcs) || fetch(pcs, &id, false, &json, &info) ||
	    save(o->fetch.save, &json))
		return EXIT_USAGE;
	return EXIT_ACCEPTED;
}

int cmd_collateral(int argc, char **argv)
{
	OPTIONS struct options o = { 0 };
	int r, first;

	r = options_parse(argc, argv, OPT_FETCH | OPT_QUOTE | OPT_ROOT_CA | OPT_TIME | OPT_POLICY, 0,
			  USAGE, &o, &first);
	if (!r)
		r = options_load(&o);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	if (!o.fetch.url || !o.fetch.save || !o.quote == !o.fetch.fmspc) {
		fputs("dstack-verify: --collateral-url, --save-collateral and one of --quote and "
		      "--fmspc are needed\nusage: dstack-verify " USAGE "\n",
		      stderr);
		return EXIT_USAGE;
	}
	return o.quote ? save_judged(&o) : save_unjudged(&o);
}
