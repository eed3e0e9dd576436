// SPDX-License-Identifier: Apache-2.0
/* TCB info (spec/dcap 4.4): checks 20, 21 and 23. The text is parsed only after its signature has
 * been verified. */
#include <ds/base/limits.h>

#include "priv.h"

#define DOMAIN	    "tcb-info"
#define MAX_LEVELS  1024u
#define MAX_MODULES 64u

static int bad(struct ds_err *err, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s", what);
}

void ds_tcb_info_done(struct ds_tcb_info *t)
{
	for (size_t i = 0; i < t->n_modules; i++)
		free(t->modules[i].levels);
	free(t->modules);
	free(t->levels);
	ds_jdoc_done(&t->doc);
	memset(t, 0, sizeof(*t));
}

/* Exactly sixteen {"svn": 0..255}. */
static int components(const struct ds_jnode *arr, uint8_t ret[16])
{
	const struct ds_jnode *v = ds_jfirst(arr);
	uint64_t svn;

	if (ds_jcount(arr) != 16)
		return -EBADMSG;
	for (size_t i = 0; v; v = ds_jnext(v)) {
		DS_TRY(ds_json_get_u64(v, "svn", UINT8_MAX, &svn));
		ret[i++] = (uint8_t)svn;
	}
	return 0;
}

static int level(const struct ds_jnode *obj, struct ds_tcb_level *ret)
{
	const struct ds_jnode *tcb = ds_jget(obj, "tcb");
	uint64_t pcesvn;

	DS_TRY(components(ds_jget(tcb, "sgxtcbcomponents"), ret->sgx));
	DS_TRY(components(ds_jget(tcb, "tdxtcbcomponents"), ret->tdx));
	DS_TRY(ds_json_get_u64(tcb, "pcesvn", UINT16_MAX, &pcesvn));
	ret->pcesvn = (uint16_t)pcesvn;
	return ds_json_level_status(obj, &ret->status, &ret->advisories);
}

/* Highest first; of two equal ones the worse status, so that order in the file never helps. */
static int compare_levels(const void *pa, const void *pb)
{
	const struct ds_tcb_level *a = pa, *b = pb;
	int d = memcmp(b->sgx, a->sgx, sizeof(a->sgx));

	if (!d)
		d = (int)b->pcesvn - (int)a->pcesvn;
	if (!d)
		d = memcmp(b->tdx, a->tdx, sizeof(a->tdx));
	if (!d)
		d = (int)b->status - (int)a->status;
	return d;
}

static int levels(const struct ds_jnode *arr, struct ds_tcb_info *t)
{
	const struct ds_jnode *v = ds_jfirst(arr);
	size_t n = ds_jcount(arr);

	if (!n || n > MAX_LEVELS)
		return -EBADMSG;
	t->levels = calloc(n, sizeof(*t->levels));
	if (!t->levels)
		return -ENOMEM;
	t->n_levels = n;
	for (size_t i = 0; v; v = ds_jnext(v))
		DS_TRY(level(v, &t->levels[i++]));
	qsort(t->levels, n, sizeof(*t->levels), compare_levels);
	return 0;
}

static int module_signer(const struct ds_jnode *obj, struct ds_tdx_module *m)
{
	DS_TRY(ds_json_get_hex(obj, "mrsigner", m->mrsigner, sizeof(m->mrsigner)));
	DS_TRY(ds_json_get_hex(obj, "attributes", m->attributes, sizeof(m->attributes)));
	return ds_json_get_hex(obj, "attributesMask", m->mask, sizeof(m->mask));
}

static int module_identity(const struct ds_jnode *obj, struct ds_tdx_module *m)
{
	struct ds_span id = ds_jtext(ds_jget(obj, "id"));

	if (!id.n || id.n >= sizeof(m->id))
		return -EBADMSG;
	memcpy(m->id, id.p, id.n);
	DS_TRY(module_signer(obj, m));
	return ds_json_svn_levels(ds_jget(obj, "tcbLevels"), &m->levels, &m->n_levels);
}

static int modules(const struct ds_jnode *arr, struct ds_tcb_info *t)
{
	const struct ds_jnode *v = ds_jfirst(arr);
	size_t n = ds_jcount(arr);

	if (!arr)
		return 0;
	if (!ds_jis(arr, DS_JARRAY) || n > MAX_MODULES)
		return -EBADMSG;
	t->modules = calloc(n ? n : 1, sizeof(*t->modules));
	if (!t->modules)
		return -ENOMEM;
	for (size_t i = 0; v; i++, v = ds_jnext(v)) {
		t->n_modules = i + 1;
		DS_TRY(module_identity(v, &t->modules[i]));
		for (size_t k = 0; k < i; k++)
			if (!strcasecmp(t->modules[k].id, t->modules[i].id))
				return -EBADMSG;
	}
	return 0;
}

static int is_tdx_v3(const struct ds_jnode *doc)
{
	uint64_t version, type;

	return ds_json_is_text(ds_jget(doc, "id"), "TDX") &&
	       !ds_json_get_u64(doc, "version", UINT32_MAX, &version) && version == 3 &&
	       !ds_json_get_u64(doc, "tcbType", UINT32_MAX, &type) && type == 0;
}

static int parse_doc(struct ds_tcb_info *t, struct ds_err *err)
{
	const struct ds_jnode *doc = t->doc.root, *module = ds_jget(doc, "tdxModule");
	int r;

	if (!is_tdx_v3(doc)) {
		(void)bad(err, "expected id \"TDX\", version 3, tcbType 0");
		return DS_TCBINFO_E_KIND;
	}
	if (ds_json_get_time(doc, "issueDate", &t->issued) ||
	    ds_json_get_time(doc, "nextUpdate", &t->next_update))
		return bad(err, "issueDate or nextUpdate is not YYYY-MM-DDThh:mm:ssZ");
	if (ds_json_get_hex(doc, "fmspc", t->fmspc, sizeof(t->fmspc)) ||
	    ds_json_get_hex(doc, "pceId", t->pceid, sizeof(t->pceid)))
		return bad(err, "fmspc or pceId is not 6 or 2 bytes of hex");
	if (ds_json_get_u64(doc, "tcbEvaluationDataNumber", UINT32_MAX, &t->evaluation))
		return bad(err, "tcbEvaluationDataNumber is not a number");
	t->has_module = module != NULL;
	if (module && module_signer(module, &t->module))
		return bad(err, "tdxModule is malformed");
	r = modules(ds_jget(doc, "tdxModuleIdentities"), t);
	if (r)
		return r == -ENOMEM ? r : bad(err, "tdxModuleIdentities is malformed");
	r = levels(ds_jget(doc, "tcbLevels"), t);
	return !r || r == -ENOMEM ? r : bad(err, "tcbLevels is malformed");
}

int ds_tcb_info_parse(struct ds_span in, struct ds_tcb_info *ret, struct ds_err *err)
{
	struct ds_tcb_info t = { 0 };
	int r;

	DS_TRY(ds_jdoc_parse(in, false, &t.doc, err));
	r = parse_doc(&t, err);
	if (r) {
		ds_tcb_info_done(&t);
		return r;
	}
	*ret = t;
	return 0;
}

static int prove_content(struct ds_judge *j)
{
	struct ds_docs *d = j->docs;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_tcb_info_parse(d->col.tcb_info, &d->tcb, &err);

	if (r == DS_TCBINFO_E_KIND)
		return ds_verdict_fail(j->v, DS_REASON_TCBINFO_KIND, "TCB info: %s", err.msg);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_TCBINFO_FORMAT, "TCB info: %s", err.msg);
	if (r)
		return r;
	d->tcb_ok = true;
	return 0;
}

int ds_check_tcb_info(struct ds_judge *j)
{
	struct ds_docs *d = j->docs;

	DS_TRY(ds_check_signer(j, &d->tcb_signer, d->col.tcb_chain, "TCB info"));
	if (!d->tcb_ok)
		DS_TRY(ds_check_doc_signature(j, &d->tcb_signer, d->col.tcb_info,
					      ds_buf_span(&d->col.tcb_sig),
					      DS_REASON_TCBINFO_SIGNATURE, "TCB info"));
	ds_verdict_pass(j->v, "signer", "TCB info: signer and signature");
	if (!d->tcb_ok)
		DS_TRY(prove_content(j));
	j->v->tcb_evaluation = d->tcb.evaluation;
	DS_TRY(ds_verdict_dates(j->v, "TCB info", d->tcb.issued, d->tcb.next_update,
				DS_REASON_TCBINFO_NOT_YET_VALID, DS_REASON_TCBINFO_EXPIRED));
	ds_verdict_pass(j->v, "tcb-info", "TCB info: TDX, evaluation %llu, in date",
			(unsigned long long)d->tcb.evaluation);
	return 0;
}

/* The levels are those of this platform, not of a better one. */
int ds_check_platform_match(struct ds_judge *j)
{
	const struct ds_tcb_info *tcb = &j->docs->tcb;
	const struct ds_pck_ext *ext = &j->plat->ext;

	if (memcmp(tcb->fmspc, ext->fmspc, sizeof(ext->fmspc)))
		return ds_verdict_fail_hex(j->v, DS_REASON_FMSPC_MISMATCH, "FMSPC of the TCB info",
					   DS_SPAN_ARRAY(ext->fmspc), DS_SPAN_ARRAY(tcb->fmspc));
	if (memcmp(tcb->pceid, ext->pceid, sizeof(ext->pceid)))
		return ds_verdict_fail_hex(j->v, DS_REASON_PCEID_MISMATCH, "PCEID of the TCB info",
					   DS_SPAN_ARRAY(ext->pceid), DS_SPAN_ARRAY(tcb->pceid));
	ds_verdict_pass(j->v, "platform", "TCB info is that of this platform");
	return 0;
}
