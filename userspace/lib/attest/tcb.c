// SPDX-License-Identifier: Apache-2.0
/* How new the platform is: TDX module, TCB level, merge and relaunch (spec/dcap 5; checks 29 and
 * 30). */
#include "priv.h"

struct eval {
	enum ds_tcb_status status;
	const struct ds_tcb_level *platform;
	const struct ds_svn_level *module; /* NULL when TEE_TCB_SVN[1] is 0 */
};

enum ds_tcb_status ds_tcb_merge(enum ds_tcb_status platform, enum ds_tcb_status module,
				enum ds_tcb_status qe)
{
	enum ds_tcb_status worst = module > qe ? module : qe;

	if (worst == DS_TCB_REVOKED || platform == DS_TCB_REVOKED)
		return DS_TCB_REVOKED;
	if (worst == DS_TCB_UP_TO_DATE)
		return platform;
	switch (platform) {
	case DS_TCB_UP_TO_DATE:
	case DS_TCB_SW_HARDENING:
		return DS_TCB_OUT_OF_DATE;
	case DS_TCB_CONFIG:
	case DS_TCB_CONFIG_SW_HARDENING:
		return DS_TCB_OUT_OF_DATE_CONFIG;
	default:
		return platform;
	}
}

static bool speaks_of_config(enum ds_tcb_status s)
{
	return s == DS_TCB_CONFIG || s == DS_TCB_CONFIG_SW_HARDENING ||
	       s == DS_TCB_OUT_OF_DATE_CONFIG;
}

enum ds_tcb_status ds_tcb_relaunch(enum ds_tcb_status launch, enum ds_tcb_status current)
{
	bool launch_old = launch == DS_TCB_OUT_OF_DATE || launch == DS_TCB_OUT_OF_DATE_CONFIG;
	bool current_new = current < DS_TCB_RELAUNCH;

	if (launch_old && current_new)
		return speaks_of_config(launch) || speaks_of_config(current)
			       ? DS_TCB_RELAUNCH_CONFIG
			       : DS_TCB_RELAUNCH;
	/* honest hardware cannot report a current module older than the one at launch */
	return current > launch ? current : launch;
}

static int find_module(struct ds_judge *j, const uint8_t svn[16], const struct ds_tdx_module **ret)
{
	char id[8];

	if (!svn[1]) {
		if (!j->docs->tcb.has_module)
			return ds_verdict_fail(j->v, DS_REASON_TDX_MODULE_UNKNOWN,
					       "TCB info has no tdxModule for module version 0");
		*ret = &j->docs->tcb.module;
		return 0;
	}
	(void)snprintf(id, sizeof(id), "TDX_%02X", svn[1]);
	for (size_t i = 0; i < j->docs->tcb.n_modules; i++) {
		if (!strcasecmp(j->docs->tcb.modules[i].id, id)) {
			*ret = &j->docs->tcb.modules[i];
			return 0;
		}
	}
	return ds_verdict_fail(j->v, DS_REASON_TDX_MODULE_UNKNOWN,
			       "TCB info has no identity for TDX module %s", id);
}

static int check_signer(struct ds_judge *j, const struct ds_tdx_module *m)
{
	static const uint8_t zero[8];
	const struct ds_td_body *b = &j->q.body;

	if (memcmp(b->mr_signer_seam, m->mrsigner, sizeof(m->mrsigner)))
		return ds_verdict_fail_hex(j->v, DS_REASON_SEAM_SIGNER, "MRSIGNERSEAM",
					   DS_SPAN_ARRAY(m->mrsigner),
					   DS_SPAN_ARRAY(b->mr_signer_seam));
	for (size_t i = 0; i < sizeof(m->mask); i++)
		if ((b->seam_attributes[i] & m->mask[i]) != m->attributes[i])
			return ds_verdict_fail_hex(
				j->v, DS_REASON_SEAM_ATTRIBUTES, "SEAMATTRIBUTES under the mask",
				DS_SPAN_ARRAY(m->attributes), DS_SPAN_ARRAY(b->seam_attributes));
	if (memcmp(b->seam_attributes, zero, sizeof(zero)))
		return ds_verdict_fail_hex(j->v, DS_REASON_SEAM_ATTRIBUTES, "SEAMATTRIBUTES",
					   DS_SPAN_ARRAY(zero), DS_SPAN_ARRAY(b->seam_attributes));
	return 0;
}

/* Components 0 and 1 are the module: judged by its own identity when there is one. */
static bool level_fits(const struct ds_judge *j, const struct ds_tcb_level *l,
		       const uint8_t svn[16])
{
	for (size_t i = 0; i < 16; i++)
		if (j->plat->ext.tcb[i] < l->sgx[i])
			return false;
	if (j->plat->ext.pcesvn < l->pcesvn)
		return false;
	for (size_t i = svn[1] ? 2 : 0; i < 16; i++)
		if (svn[i] < l->tdx[i])
			return false;
	return true;
}

static int evaluate(struct ds_judge *j, const uint8_t svn[16], const char *which, struct eval *ret)
{
	const struct ds_tdx_module *m = NULL;
	struct eval e = { 0 };

	DS_TRY(find_module(j, svn, &m));
	DS_TRY(check_signer(j, m));
	if (svn[1]) {
		e.module = ds_svn_level_find(m->levels, m->n_levels, svn[0]);
		if (!e.module)
			return ds_verdict_fail(j->v, DS_REASON_TDX_MODULE_NO_LEVEL,
					       "%s: SVN %u is below every level of %s", which,
					       svn[0], m->id);
	}
	for (size_t i = 0; i < j->docs->tcb.n_levels && !e.platform; i++)
		if (level_fits(j, &j->docs->tcb.levels[i], svn))
			e.platform = &j->docs->tcb.levels[i];
	if (!e.platform)
		return ds_verdict_fail(
			j->v, DS_REASON_TCB_NO_LEVEL,
			"%s: no level of the TCB info is as low as this platform; update "
			"its firmware",
			which);
	e.status = ds_tcb_merge(e.platform->status, e.module ? e.module->status : DS_TCB_UP_TO_DATE,
				j->qe_level->status);
	ds_verdict_pass(j->v, "tcb", "%s: platform %s, TDX module %s, QE %s: %s", which,
			ds_tcb_status_name(e.platform->status),
			e.module ? ds_tcb_status_name(e.module->status) : "-",
			ds_tcb_status_name(j->qe_level->status), ds_tcb_status_name(e.status));
	*ret = e;
	return 0;
}

/* The parser bounds each list so that three of them always fit twice. */
static void add_advisories(struct ds_verdict *v, const struct ds_jnode *arr)
{
	for (const struct ds_jnode *id = ds_jfirst(arr); id; id = ds_jnext(id)) {
		size_t k = 0;

		while (k < v->n_advisories && !ds_json_is_text(id, v->advisories[k]))
			k++;
		if (k < v->n_advisories || k == DS_VERDICT_ADVISORIES)
			continue;
		(void)snprintf(v->advisories[k], sizeof(v->advisories[k]), "%.*s", (int)id->text.n,
			       (const char *)id->text.p);
		v->n_advisories++;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void report(struct ds_judge *j, enum ds_tcb_status status, const struct eval *e)
{
	j->v->tcb = status;
	(void)snprintf(j->v->tcb_status, sizeof(j->v->tcb_status), "%s",
		       ds_tcb_status_name(status));
	add_advisories(j->v, e->platform->advisories);
	if (e->module)
		add_advisories(j->v, e->module->advisories);
	add_advisories(j->v, j->qe_level->advisories);
	qsort(j->v->advisories, j->v->n_advisories, sizeof(j->v->advisories[0]), by_text);
}

int ds_check_tcb(struct ds_judge *j)
{
	const struct ds_td_body *b = &j->q.body;
	enum ds_tcb_status status;
	struct eval launch, current;

	DS_TRY(evaluate(j, b->tee_tcb_svn, b->has_svn2 ? "at launch" : "TCB", &launch));
	if (!b->has_svn2) {
		report(j, launch.status, &launch);
		return 0;
	}
	DS_TRY(evaluate(j, b->tee_tcb_svn2, "now", &current));
	status = ds_tcb_relaunch(launch.status, current.status);
	report(j, status, status == current.status && status != launch.status ? &current : &launch);
	return 0;
}
