// SPDX-License-Identifier: Apache-2.0
/* See ds/pcs/pcs.h. */
#include <jansson.h>
#include <stdarg.h>

#include <ds/base/limits.h>
#include <ds/base/text.h>

#include "pcs_int.h"

#define DOM	   "pcs"
#define INTEL_HOST "https://api.trustedservices.intel.com"
#define INTEL_ROOT "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
/* people copy this much of the address from other tools */
#define SGX_PATH "/sgx/certification/v4"

#define OR_DEFAULT(v, d) ((v) ? (v) : (d))

struct ds_pcs {
	struct ds_pcs_cfg cfg; /* its strings are ours */
	struct ds_get get;
	struct ds_pcs_cache *cache;
};

/* In the order they are fetched. */
enum kind { ROOT_CRL, PCK_CRL, TCB_INFO, QE_IDENTITY, N_KINDS };

static const struct {
	const char *what;
	const char *key; /* of the signed object; NULL: a CRL */
	const char *names[3];
} kinds[N_KINDS] = {
	[ROOT_CRL] = { .what = "root CRL" },
	[PCK_CRL] = { .what = "PCK CRL", .names = { "SGX-PCK-CRL-Issuer-Chain" } },
	[TCB_INFO] = { .what = "TCB info",
		       .key = "tcbInfo",
		       .names = { "TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain" } },
	[QE_IDENTITY] = { .what = "QE identity",
			  .key = "enclaveIdentity",
			  .names = { "SGX-Enclave-Identity-Issuer-Chain" } },
};

/* A document taken apart. */
struct parts {
	struct ds_buf crl, chain;
	struct ds_span doc; /* in the body it was cut from */
	uint8_t sig[64];
	int64_t from, to;
};

static void parts_done(struct parts *p)
{
	ds_buf_done(&p->crl);
	ds_buf_done(&p->chain);
}

void ds_pcs_doc_done(struct ds_pcs_doc *doc)
{
	ds_buf_done(&doc->body);
	ds_buf_done(&doc->chain);
}

void ds_pcs_note(const struct ds_pcs_cfg *cfg, const char *fmt, ...)
{
	char raw[400], text[512];
	va_list ap;

	if (!cfg->note)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	cfg->note(cfg->note_arg, ds_escape(DS_SPAN_STR(raw), text, sizeof(text)));
}

static int copy(const char *s, const char **ret)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

/* Without a final slash, and without the path that every request adds. */
static void trim_url(char *url)
{
	size_t n = strlen(url), k = strlen(SGX_PATH);

	while (n && url[n - 1] == '/')
		url[--n] = '\0';
	if (n > k && !strcmp(url + n - k, SGX_PATH))
		url[n - k] = '\0';
}

static int set_up(struct ds_pcs *p, const struct ds_pcs_cfg *cfg, struct ds_err *err)
{
	p->cfg = *cfg;
	p->cfg.url = p->cfg.root_crl_url = p->cfg.ca_file = p->cfg.cache = NULL;
	p->cfg.max_age_s = OR_DEFAULT(cfg->max_age_s, 14400);
	p->cfg.retry_s = OR_DEFAULT(cfg->retry_s, 300);
	if (cfg->early && cfg->evaluation)
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "early documents or those of one evaluation number, not both");
	DS_TRY(ds_get_check_url(cfg->url, cfg->insecure_http, err));
	if (cfg->root_crl_url)
		DS_TRY(ds_get_check_url(cfg->root_crl_url, cfg->insecure_http, err));
	DS_TRY(copy(cfg->url, &p->cfg.url));
	DS_TRY(copy(cfg->root_crl_url, &p->cfg.root_crl_url));
	DS_TRY(copy(cfg->ca_file, &p->cfg.ca_file));
	trim_url((char *)p->cfg.url);
	p->get = (struct ds_get){ .ca_file = p->cfg.ca_file,
				  .insecure_http = cfg->insecure_http,
				  .connect_ms = OR_DEFAULT(cfg->connect_ms, 5000),
				  .total_ms = OR_DEFAULT(cfg->total_ms, 15000) };
	DS_TRY(ds_get_init(&p->get));
	if (cfg->cache)
		p->cache = ds_pcs_cache_open(cfg->cache, &p->cfg);
	return 0;
}

int ds_pcs_new(const struct ds_pcs_cfg *cfg, struct ds_pcs **ret, struct ds_err *err)
{
	struct ds_pcs *p = calloc(1, sizeof(*p));
	int r = p ? set_up(p, cfg, err) : -ENOMEM;

	if (r) {
		ds_pcs_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct ds_pcs *ds_pcs_free(struct ds_pcs *p)
{
	if (!p)
		return NULL;
	ds_pcs_cache_close(p->cache);
	ds_get_done(&p->get);
	free((char *)p->cfg.url);
	free((char *)p->cfg.root_crl_url);
	free((char *)p->cfg.ca_file);
	free(p);
	return NULL;
}

static int add_update(const struct ds_pcs *p, const char *sep, struct ds_buf *url)
{
	if (p->cfg.evaluation)
		return ds_buf_addf(url, "%stcbEvaluationDataNumber=%llu", sep,
				   (unsigned long long)p->cfg.evaluation);
	return p->cfg.early ? ds_buf_addf(url, "%supdate=early", sep) : 0;
}

static int make_url(const struct ds_pcs *p, enum kind kind, const struct ds_platform_id *id,
		    struct ds_buf *url)
{
	char fmspc[13];

	switch (kind) {
	case ROOT_CRL:
		if (p->cfg.root_crl_url)
			return ds_buf_addf(url, "%s", p->cfg.root_crl_url);
		if (!strcmp(p->cfg.url, INTEL_HOST))
			return ds_buf_addf(url, "%s", INTEL_ROOT);
		return ds_buf_addf(url, "%s" SGX_PATH "/rootcacrl", p->cfg.url);
	case PCK_CRL:
		return ds_buf_addf(url, "%s" SGX_PATH "/pckcrl?ca=%s&encoding=der", p->cfg.url,
				   id->processor ? "processor" : "platform");
	case TCB_INFO:
		ds_hex_encode(id->fmspc, sizeof(id->fmspc), fmspc);
		DS_TRY(ds_buf_addf(url, "%s/tdx/certification/v4/tcb?fmspc=%s", p->cfg.url, fmspc));
		return add_update(p, "&", url);
	default:
		DS_TRY(ds_buf_addf(url, "%s/tdx/certification/v4/qe/identity", p->cfg.url));
		return add_update(p, "?", url);
	}
}

/* Has it the shape that it should have? Nothing is verified here. */
static int take_apart(enum kind kind, const struct ds_pcs_doc *doc, struct parts *ret,
		      struct ds_err *err)
{
	if (kind != ROOT_CRL)
		DS_TRY(ds_pcs_chain_decode(ds_buf_span(&doc->chain), &ret->chain, err));
	if (kinds[kind].key) {
		DS_TRY(ds_pcs_cut(ds_buf_span(&doc->body), kinds[kind].key, &ret->doc, ret->sig,
				  err));
		if (ds_pcs_dates(ret->doc, &ret->from, &ret->to))
			return ds_err_set(err, -EBADMSG, DOM, 0, "%s: no dates", kinds[kind].what);
		return 0;
	}
	DS_TRY(ds_pcs_crl_decode(ds_buf_span(&doc->body), &ret->crl, err));
	if (ds_crl_dates(ds_buf_span(&ret->crl), &ret->from, &ret->to))
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: not a CRL with an end",
				  kinds[kind].what);
	return 0;
}

static int fetch(struct ds_pcs *p, enum kind kind, const char *url, int64_t now,
		 struct ds_pcs_doc *doc, struct parts *parts, struct ds_err *err)
{
	PCS_DOC struct ds_pcs_doc got = { .fetched = now, .tried = now };
	struct parts in = { 0 };
	struct ds_err why = DS_ERR_NULL;
	int r;

	r = ds_get(&p->get, url, kinds[kind].names[0] ? kinds[kind].names : NULL, &got, err);
	if (!r) {
		r = take_apart(kind, &got, &in, &why);
		if (r)
			ds_err_set(err, r, DOM, 0, "%.80s: %.70s", url, why.msg);
	}
	if (r) {
		parts_done(&in);
		ds_pcs_cache_tried(p->cache, url, now);
		return r;
	}
	ds_pcs_cache_put(p->cache, url, &got);
	ds_pcs_doc_done(doc);
	parts_done(parts);
	*doc = got; /* the cut range stays where it is */
	*parts = in;
	got = (struct ds_pcs_doc){ 0 };
	return 0;
}

/* What stands in the cache about one document. */
struct standing {
	bool usable; /* it has the right shape and has not ended */
	bool fresh;  /* no request is due */
	bool wait;   /* the last attempt was a moment ago */
};

static struct standing standing(const struct ds_pcs *p, bool have, const struct ds_pcs_doc *doc,
				const struct parts *parts, int64_t now, bool refresh)
{
	struct standing s = { 0 };

	if (!have)
		return s;
	/* a clock that went back makes nothing fresher */
	s.wait = now >= doc->tried && now - doc->tried < p->cfg.retry_s;
	s.usable = now <= parts->to;
	s.fresh = s.usable && now >= doc->fetched && now - doc->fetched < p->cfg.max_age_s &&
		  (!refresh || s.wait);
	return s;
}

static int get_one(struct ds_pcs *p, enum kind kind, const char *url, int64_t now, bool refresh,
		   struct ds_pcs_doc *doc, struct parts *parts, struct ds_pcs_info *info,
		   struct ds_err *err)
{
	struct ds_err why = DS_ERR_NULL;
	bool have = ds_pcs_cache_get(p->cache, url, doc);
	struct standing s;
	bool asked = false;
	int64_t until;
	int r = 0;

	if (have && take_apart(kind, doc, parts, NULL)) {
		ds_pcs_note(&p->cfg, "cache: %s is not what it should be", kinds[kind].what);
		have = false;
	}
	s = standing(p, have, doc, parts, now, refresh);
	if (!s.fresh && !(s.usable && s.wait)) {
		r = fetch(p, kind, url, now, doc, parts, &why);
		if (r && !s.usable) {
			if (err)
				*err = why;
			return r;
		}
		if (r)
			ds_pcs_note(&p->cfg, "%s from the cache, the service failed: %s",
				    kinds[kind].what, why.code ? why.msg : strerror(-r));
		asked = true;
		s.fresh = !r;
	}
	info->fetched += asked && !r;
	info->cached += !asked || r;
	info->stale += !s.fresh;
	until = s.fresh ? doc->fetched + p->cfg.max_age_s : now + p->cfg.retry_s;
	if (until > parts->to)
		until = parts->to + 1;
	if (until < info->fresh_until)
		info->fresh_until = until;
	return 0;
}

static int set_hex(json_t *o, const char *key, const void *p, size_t n)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	DS_TRY(ds_buf_add_hex(&hex, DS_SPAN(p, n)));
	return json_object_set_new(o, key, json_stringn((const char *)hex.p, hex.n)) ? -ENOMEM : 0;
}

/* Bytes outside UTF-8 have no place in such a file. */
static int set_text(json_t *o, const char *key, struct ds_span s, struct ds_err *err)
{
	json_t *v = json_stringn((const char *)s.p, s.n);

	if (!v)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: not UTF-8", key);
	return json_object_set_new(o, key, v) ? -ENOMEM : 0;
}

static int fill(json_t *o, const struct parts parts[N_KINDS], struct ds_err *err)
{
	const struct parts *tcb = &parts[TCB_INFO], *qe = &parts[QE_IDENTITY];

	DS_TRY(set_text(o, "pck_crl_issuer_chain", ds_buf_span(&parts[PCK_CRL].chain), err));
	DS_TRY(set_hex(o, "root_ca_crl", parts[ROOT_CRL].crl.p, parts[ROOT_CRL].crl.n));
	DS_TRY(set_hex(o, "pck_crl", parts[PCK_CRL].crl.p, parts[PCK_CRL].crl.n));
	DS_TRY(set_text(o, "tcb_info_issuer_chain", ds_buf_span(&tcb->chain), err));
	DS_TRY(set_text(o, "tcb_info", tcb->doc, err));
	DS_TRY(set_hex(o, "tcb_info_signature", tcb->sig, sizeof(tcb->sig)));
	DS_TRY(set_text(o, "qe_identity_issuer_chain", ds_buf_span(&qe->chain), err));
	DS_TRY(set_text(o, "qe_identity", qe->doc, err));
	return set_hex(o, "qe_identity_signature", qe->sig, sizeof(qe->sig));
}

static int assemble(const struct parts parts[N_KINDS], struct ds_buf *ret, struct ds_err *err)
{
	json_t *o = json_object();
	char *text = NULL;
	int r = o ? fill(o, parts, err) : -ENOMEM;

	if (!r) {
		text = json_dumps(o, JSON_COMPACT);
		r = text ? ds_buf_add(ret, text, strlen(text)) : -ENOMEM;
	}
	if (!r && ret->n > DS_MAX_COLLATERAL)
		r = ds_err_set(err, -EFBIG, DOM, 0, "collateral of %zu bytes", ret->n);
	free(text);
	json_decref(o);
	return r;
}

int ds_pcs_collateral(struct ds_pcs *p, const struct ds_platform_id *id, int64_t now, bool refresh,
		      struct ds_buf *ret_json, struct ds_pcs_info *ret_info, struct ds_err *err)
{
	struct ds_pcs_info info = { .fresh_until = INT64_MAX };
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	struct ds_pcs_doc docs[N_KINDS] = { 0 };
	struct parts parts[N_KINDS] = { 0 };
	int r = 0;

	for (enum kind k = 0; k < N_KINDS && !r; k++) {
		DS_BUF struct ds_buf url = DS_BUF_NULL;

		r = make_url(p, k, id, &url);
		if (!r)
			r = ds_buf_cstr(&url) ? get_one(p, k, ds_buf_cstr(&url), now, refresh,
							&docs[k], &parts[k], &info, err)
					      : -ENOMEM;
	}
	if (!r)
		r = assemble(parts, &json, err);
	for (enum kind k = 0; k < N_KINDS; k++) {
		ds_pcs_doc_done(&docs[k]);
		parts_done(&parts[k]);
	}
	if (r)
		return r;
	ds_buf_done(ret_json);
	*ret_json = ds_buf_steal(&json);
	*ret_info = info;
	return 0;
}
