// SPDX-License-Identifier: Apache-2.0
/* The TD itself and the deployment's policy: checks 31-35 of spec/dcap 7. All are looked at, none
 * hides another. */
#include <ds/base/rd.h>
#include <ds/base/text.h>

#include "priv.h"

/* Body type 4 (spec/dcap 1.3): service TD hashes at launch and now, offsets in the last 237 bytes.
 */
#define EXT_INITIAL_SERVICE_TD 81
#define EXT_CURRENT_SERVICE_TD 181

static int attribute_failure(struct ds_judge *j, enum ds_reason reason, const char *what,
			     uint64_t bits)
{
	return ds_verdict_fail(j->v, reason, "TDATTRIBUTES: %s (bits 0x%016llx)", what,
			       (unsigned long long)bits);
}

static int check_attributes(struct ds_judge *j)
{
	uint64_t attr = ds_get_u64le(j->q.body.td_attributes);
	uint64_t allowed = j->policy->td_attr_allowed & ~DS_TD_ATTR_DEBUG;
	uint64_t bad, missing = j->policy->td_attr_required & ~attr;
	int r = 0;

	if (j->policy->allow_debug)
		allowed |= DS_TD_ATTR_DEBUG;
	bad = attr & ~allowed;
	if (bad & DS_TD_ATTR_UNTRUSTED)
		r = attribute_failure(j, DS_REASON_TD_DEBUG, "the host may debug or profile the TD",
				      bad);
	if (bad & DS_TD_ATTR_MIGRATABLE)
		r = attribute_failure(j, DS_REASON_TD_MIGRATABLE, "the TD can be migrated", bad);
	if (bad & ~(DS_TD_ATTR_UNTRUSTED | DS_TD_ATTR_MIGRATABLE))
		r = attribute_failure(j, DS_REASON_TD_ATTRIBUTES_RESERVED,
				      "bits that are not allowed", bad);
	if (missing & DS_TD_ATTR_SEPT_VE)
		r = attribute_failure(j, DS_REASON_TD_SEPT_VE, "SEPT_VE_DISABLE is clear", attr);
	if (missing & ~DS_TD_ATTR_SEPT_VE)
		r = attribute_failure(j, DS_REASON_TD_ATTRIBUTES_RESERVED,
				      "required bits are clear", missing);
	if (!r)
		ds_verdict_pass(j->v, "td-attributes", "TDATTRIBUTES 0x%016llx",
				(unsigned long long)attr);
	return r;
}

static int check_xfam(struct ds_judge *j)
{
	uint64_t xfam = ds_get_u64le(j->q.body.xfam), bad = xfam & ~j->policy->xfam_allowed;

	if (j->policy->xfam_allowed && bad)
		return ds_verdict_fail(j->v, DS_REASON_TD_ATTRIBUTES_RESERVED,
				       "XFAM: bits 0x%llx are not allowed",
				       (unsigned long long)bad);
	return 0;
}

static bool service_td_ok(const struct ds_judge *j, const uint8_t hash[48])
{
	static const uint8_t none[48];

	if (!memcmp(hash, none, sizeof(none)))
		return true;
	for (size_t i = 0; i < j->policy->n_service_td; i++)
		if (!memcmp(hash, j->policy->service_td[i], 48))
			return true;
	return false;
}

static int check_service_td(struct ds_judge *j)
{
	const uint8_t *hashes[] = { j->q.body.mr_service_td, NULL, NULL };
	static const uint8_t none[48];

	if (j->q.ext.n) {
		hashes[1] = j->q.ext.p + EXT_INITIAL_SERVICE_TD;
		hashes[2] = j->q.ext.p + EXT_CURRENT_SERVICE_TD;
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(hashes); i++)
		if (hashes[i] && !service_td_ok(j, hashes[i]))
			return ds_verdict_fail_hex(j->v, DS_REASON_TD_SERVICE_TD, "service TD",
						   DS_SPAN_ARRAY(none), DS_SPAN(hashes[i], 48));
	ds_verdict_pass(j->v, "service-td", "no service TD but those of the policy");
	return 0;
}

static int check_status(struct ds_judge *j)
{
	enum ds_tcb_status s = j->v->tcb;
	int r = 0;

	if (s == DS_TCB_REVOKED || !(j->policy->tcb_status & 1u << s))
		r = ds_verdict_fail_text(j->v, DS_REASON_TCB_STATUS, "TCB status",
					 j->policy->tcb_status == 1u << DS_TCB_UP_TO_DATE
						 ? "UpToDate"
						 : "a status of the policy",
					 j->v->tcb_status);
	else
		ds_verdict_pass(j->v, "tcb-status", "%s", j->v->tcb_status);
	if (j->docs->tcb.evaluation < j->policy->min_evaluation)
		r = ds_verdict_fail(j->v, DS_REASON_TCB_EVALUATION,
				    "TCB evaluation: expected at least %llu, got %llu",
				    (unsigned long long)j->policy->min_evaluation,
				    (unsigned long long)j->docs->tcb.evaluation);
	if (j->docs->qe.evaluation < j->policy->min_qe_evaluation)
		r = ds_verdict_fail(j->v, DS_REASON_TCB_EVALUATION,
				    "QE evaluation: expected at least %llu, got %llu",
				    (unsigned long long)j->policy->min_qe_evaluation,
				    (unsigned long long)j->docs->qe.evaluation);
	return r;
}

static int check_list_age(struct ds_judge *j, const struct ds_crl *crl, int64_t min)
{
	char want[DS_TIME_SIZE], got[DS_TIME_SIZE];

	if (crl->dates.from >= min)
		return 0;
	return ds_verdict_fail(j->v, DS_REASON_CRL_TOO_OLD, "%s: expected one of %s or later, got %s",
			       crl->what, ds_time_format_rfc3339(min, want),
			       ds_time_format_rfc3339(crl->dates.from, got));
}

/* A list lasts for a month or a year; within that an old one hides what the new one revokes. */
static int check_lists_age(struct ds_judge *j)
{
	int r = check_list_age(j, &j->docs->root_crl, j->policy->min_root_crl);

	return check_list_age(j, &j->plat->pck_crl, j->policy->min_pck_crl) || r;
}

static bool listed(const char *id, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], id))
			return true;
	return false;
}

static int check_advisories(struct ds_judge *j)
{
	const struct ds_tcb_policy *p = j->policy;
	bool any = p->tolerate_any_advisory || j->v->tcb == DS_TCB_UP_TO_DATE;

	for (size_t k = 0; k < j->v->n_advisories; k++) {
		const char *id = j->v->advisories[k];

		if (listed(id, p->deny_advisory, p->n_deny_advisory))
			return ds_verdict_fail(j->v, DS_REASON_ADVISORY, "%s is denied by policy",
					       id);
		if (!any && !listed(id, p->tolerate_advisory, p->n_tolerate_advisory))
			return ds_verdict_fail(j->v, DS_REASON_ADVISORY,
					       "%s applies, and the policy does not tolerate it",
					       id);
	}
	return 0;
}

static int below(struct ds_judge *j, const char *what, unsigned int want, unsigned int got)
{
	return ds_verdict_fail(j->v, DS_REASON_TCB_SVN, "%s: expected at least %u, got %u", what,
			       want, got);
}

static int check_components(struct ds_judge *j, const char *what, const uint8_t want[16],
			    const uint8_t got[16])
{
	char name[48];

	for (size_t i = 0; i < 16; i++) {
		if (got[i] >= want[i])
			continue;
		(void)snprintf(name, sizeof(name), "%s component %zu", what, i);
		return below(j, name, want[i], got[i]);
	}
	return 0;
}

static int check_module(struct ds_judge *j, const char *what, const uint8_t svn[16])
{
	const struct ds_min_svn *m = &j->policy->min_svn;
	char name[48];

	for (size_t i = 0; i < m->n_module; i++) {
		if (m->module[i].major != svn[1])
			continue;
		(void)snprintf(name, sizeof(name), "%s, module %u", what, svn[1]);
		return svn[0] < m->module[i].minor ? below(j, name, m->module[i].minor, svn[0]) : 0;
	}
	if (!m->n_module)
		return 0;
	return ds_verdict_fail(j->v, DS_REASON_TCB_SVN,
			       "%s: TDX modules of version %u are not in the policy", what, svn[1]);
}

static int check_svns(struct ds_judge *j)
{
	const struct ds_min_svn *m = &j->policy->min_svn;
	const struct ds_td_body *b = &j->q.body;
	unsigned int qe = ds_get_u16le(j->q.qe_report.p + QE_ISVSVN);

	DS_TRY(check_components(j, "SGX", m->sgx, j->plat->ext.tcb));
	if (j->plat->ext.pcesvn < m->pce)
		return below(j, "PCE SVN", m->pce, j->plat->ext.pcesvn);
	if (qe < m->qe)
		return below(j, "QE SVN", m->qe, qe);
	DS_TRY(check_components(j, "TEE_TCB_SVN", m->tdx, b->tee_tcb_svn));
	DS_TRY(check_module(j, "TEE_TCB_SVN", b->tee_tcb_svn));
	if (!b->has_svn2)
		return 0;
	DS_TRY(check_components(j, "TEE_TCB_SVN2", m->tdx, b->tee_tcb_svn2));
	return check_module(j, "TEE_TCB_SVN2", b->tee_tcb_svn2);
}

static bool among(const void *value, const void *list, size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp((const uint8_t *)list + i * size, value, size))
			return true;
	return false;
}

/* A list that names nobody allows everybody; both lists may be given, and denial wins. */
static int check_lists(struct ds_judge *j, const char *what, const void *value, size_t size,
		       const void *deny, size_t n_deny, const void *allow, size_t n_allow)
{
	if (value && among(value, deny, n_deny, size))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED, "%s is on the deny list",
				       what);
	if (n_allow && !(value && among(value, allow, n_allow, size)))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "%s is not on the allow list", what);
	return 0;
}

static int check_platform(struct ds_judge *j)
{
	const struct ds_tcb_policy *p = j->policy;

	if (p->snp.n_allow_chip && !p->n_allow_ppid && !p->n_allow_fmspc && !p->n_allow_instance)
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "the policy allows chips of AMD and no platform of Intel");
	DS_TRY(check_lists(j, "PPID", j->plat->ext.ppid, 16, p->deny_ppid, p->n_deny_ppid,
			   p->allow_ppid, p->n_allow_ppid));
	DS_TRY(check_lists(j, "FMSPC", j->plat->ext.fmspc, 6, p->deny_fmspc, p->n_deny_fmspc,
			   p->allow_fmspc, p->n_allow_fmspc));
	return check_lists(
		j, "platform instance", j->plat->ext.platform ? j->plat->ext.instance : NULL, 16,
		p->deny_instance, p->n_deny_instance, p->allow_instance, p->n_allow_instance);
}

static int check_images(struct ds_judge *j)
{
	const struct ds_tcb_policy *p = j->policy;

	if (!p->n_image)
		return 0;
	for (size_t i = 0; i < p->n_image; i++) {
		if (!ds_image_matches(j->v, &p->image[i]))
			continue;
		ds_verdict_pass(j->v, "measurement",
				"MRTD and RTMR0-2 are those of image %zu of %zu", i + 1,
				p->n_image);
		return 0;
	}
	return ds_verdict_fail(j->v, DS_REASON_MEASUREMENT,
			       "MRTD and RTMR0-2 are those of none of the %zu images of the policy",
			       p->n_image);
}

int ds_check_td(struct ds_judge *j)
{
	int (*const checks[])(struct ds_judge *) = { check_attributes, check_xfam,
						     check_service_td, check_status,
						     check_lists_age,  check_svns,
						     check_advisories, check_platform,
						     check_images };
	int r = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(checks); i++)
		if (checks[i](j))
			r = DS_ATTEST_REFUSED;
	return r;
}
