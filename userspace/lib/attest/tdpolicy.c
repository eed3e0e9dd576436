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
	if (j->tcb.evaluation < j->policy->min_evaluation)
		r = ds_verdict_fail(j->v, DS_REASON_TCB_EVALUATION,
				    "TCB evaluation: expected at least %llu, got %llu",
				    (unsigned long long)j->policy->min_evaluation,
				    (unsigned long long)j->tcb.evaluation);
	return r;
}

static int check_advisories(struct ds_judge *j)
{
	for (size_t i = 0; i < j->policy->n_deny_advisory; i++)
		for (size_t k = 0; k < j->v->n_advisories; k++)
			if (!strcmp(j->policy->deny_advisory[i], j->v->advisories[k]))
				return ds_verdict_fail(j->v, DS_REASON_ADVISORY,
						       "%s is denied by policy",
						       j->v->advisories[k]);
	return 0;
}

static int check_platform(struct ds_judge *j)
{
	const struct ds_tcb_policy *p = j->policy;

	for (size_t i = 0; i < p->n_deny_ppid; i++)
		if (!memcmp(p->deny_ppid[i], j->ext.ppid, 16))
			return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
					       "PPID is on the deny list");
	for (size_t i = 0; i < p->n_deny_fmspc; i++)
		if (!memcmp(p->deny_fmspc[i], j->ext.fmspc, 6))
			return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
					       "FMSPC is on the deny list");
	for (size_t i = 0; i < p->n_deny_instance; i++)
		if (j->ext.platform && !memcmp(p->deny_instance[i], j->ext.instance, 16))
			return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
					       "platform instance is on the deny list");
	return 0;
}

int ds_check_td(struct ds_judge *j)
{
	int (*const checks[])(struct ds_judge *) = { check_attributes, check_xfam,
						     check_service_td, check_status,
						     check_advisories, check_platform };
	int r = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(checks); i++)
		if (checks[i](j))
			r = DS_ATTEST_REFUSED;
	return r;
}
