// SPDX-License-Identifier: Apache-2.0
/* The SNP guest and the deployment's policy: rows 12 to 14 of spec/dcap 9.3. All are looked at,
 * none hides another. */
#include <ds/base/rd.h>
#include <ds/base/text.h>

#include "snp.h"

static int policy_failure(struct ds_snp_judge *j, enum ds_reason reason, const char *what,
			  uint64_t bits)
{
	return ds_verdict_fail(j->v, reason, "guest policy: %s (bits 0x%016llx)", what,
			       (unsigned long long)bits);
}

/* Row 12. */
static int check_guest_policy(struct ds_snp_judge *j)
{
	const struct ds_snp_policy *p = &j->policy->snp;
	const uint64_t own = DS_SNP_POLICY_DEBUG | DS_SNP_POLICY_MIGRATE_MA;
	uint64_t got = j->report.body.policy, bad = got & ~p->policy_allowed;
	uint64_t missing = (p->policy_required | DS_SNP_POLICY_ONE) & ~got;
	int r = 0;

	if (bad & ~own)
		r = policy_failure(j, DS_REASON_SNP_POLICY, "bits that are not allowed",
				   bad & ~own);
	if (missing)
		r = policy_failure(j, DS_REASON_SNP_POLICY, "required bits are clear", missing);
	if (got & DS_SNP_POLICY_DEBUG && !j->policy->allow_debug)
		r = policy_failure(j, DS_REASON_SNP_DEBUG, "the host may debug the guest", got);
	if (bad & DS_SNP_POLICY_MIGRATE_MA)
		r = policy_failure(j, DS_REASON_SNP_MIGRATE,
				   "a migration agent may export the guest", got);
	if (!r)
		ds_verdict_pass(j->v, "snp-policy", "guest policy 0x%llx, ABI at least %u.%u",
				(unsigned long long)got, (unsigned int)(got >> 8 & 0xff),
				(unsigned int)(got & 0xff));
	return r;
}

static int check_platform_info(struct ds_snp_judge *j)
{
	uint64_t missing = j->policy->snp.platform_required & ~j->report.body.platform_info;

	if (missing)
		return ds_verdict_fail(j->v, DS_REASON_SNP_POLICY,
				       "platform info 0x%llx: required bits 0x%llx are clear",
				       (unsigned long long)j->report.body.platform_info,
				       (unsigned long long)missing);
	return 0;
}

/* Row 13. */
static int check_vmpl(struct ds_snp_judge *j)
{
	if (j->report.body.vmpl > j->policy->snp.max_vmpl)
		return ds_verdict_fail(j->v, DS_REASON_SNP_VMPL,
				       "VMPL: expected at most %u, got %u; a less privileged layer "
				       "of the guest asked for this report",
				       j->policy->snp.max_vmpl, j->report.body.vmpl);
	ds_verdict_pass(j->v, "snp-vmpl", "VMPL %u", j->report.body.vmpl);
	return 0;
}

/* Row 14: the reference's rule. */
static int check_status(struct ds_snp_judge *j)
{
	const struct ds_snp_body *b = &j->report.body;
	bool same = !memcmp(b->current_tcb, b->reported_tcb, 8) &&
		    !memcmp(b->committed_tcb, b->reported_tcb, 8) &&
		    !memcmp(b->launch_tcb, b->reported_tcb, 8);
	enum ds_tcb_status s = same ? DS_TCB_UP_TO_DATE : DS_TCB_OUT_OF_DATE;

	j->v->tcb = s;
	(void)snprintf(j->v->tcb_status, sizeof(j->v->tcb_status), "%s", ds_tcb_status_name(s));
	if (!(j->policy->tcb_status & 1u << s))
		return ds_verdict_fail_text(
			j->v, DS_REASON_SNP_TCB_STATUS,
			"TCB status (UpToDate: current, committed, launch and reported TCB agree)",
			j->policy->tcb_status == 1u << DS_TCB_UP_TO_DATE ? "UpToDate"
									 : "a status of the policy",
			j->v->tcb_status);
	ds_verdict_pass(j->v, "tcb-status", "%s", j->v->tcb_status);
	return 0;
}

static bool reaches(const struct ds_snp_tcb *t, const struct ds_snp_min_tcb *min)
{
	return t->fmc >= min->fmc && t->boot_loader >= min->boot_loader && t->tee >= min->tee &&
	       t->snp >= min->snp && t->microcode >= min->microcode;
}

/* The floor holds for each TCB version: the host chooses which one is reported. */
static int check_floor(struct ds_snp_judge *j)
{
	const struct ds_snp_body *b = &j->report.body;
	const struct ds_snp_min_tcb *min = &j->policy->snp.min_tcb[j->product];
	const struct {
		const char *what;
		const uint8_t *raw;
	} rows[] = { { "reported TCB", b->reported_tcb },
		     { "current TCB", b->current_tcb },
		     { "committed TCB", b->committed_tcb },
		     { "launch TCB", b->launch_tcb } };
	struct ds_snp_tcb t;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		ds_snp_tcb_read(rows[i].raw, j->product, &t);
		if (!reaches(&t, min))
			return ds_verdict_fail(
				j->v, DS_REASON_SNP_TCB_STATUS,
				"%s: expected at least FMC %u, boot loader %u, TEE %u, SNP %u, "
				"microcode %u, got %u, %u, %u, %u, %u",
				rows[i].what, min->fmc, min->boot_loader, min->tee, min->snp,
				min->microcode, t.fmc, t.boot_loader, t.tee, t.snp, t.microcode);
	}
	return 0;
}

static bool listed(const uint8_t (*list)[DS_SNP_CHIP_ID], size_t n, const uint8_t *id)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(list[i], id, DS_SNP_CHIP_ID))
			return true;
	return false;
}

/* Which machines: products, kinds of key, chips. */
static int check_platform(struct ds_snp_judge *j)
{
	static const uint8_t masked[DS_SNP_CHIP_ID];
	const struct ds_tcb_policy *all = j->policy;
	const struct ds_snp_policy *p = &all->snp;
	const uint8_t *id = j->report.body.chip_id;

	if (!(p->products & 1u << j->product))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "product %s is not on the allow list",
				       ds_snp_product_name(j->product));
	if (p->deny_vlek && j->vlek)
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "keys of a provider (VLEK) are not allowed");
	/* a list of machines is one of all machines, whoever makes them */
	if (!p->n_allow_chip && (all->n_allow_ppid || all->n_allow_fmspc || all->n_allow_instance))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "the policy allows platforms of Intel and no chip of AMD");
	if ((p->n_allow_chip || p->n_deny_chip) && !memcmp(id, masked, sizeof(masked)))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "chip id is masked, so the policy's list cannot be applied");
	if (p->n_allow_chip && !listed(p->allow_chip, p->n_allow_chip, id))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "chip id is not on the allow list");
	if (listed(p->deny_chip, p->n_deny_chip, id))
		return ds_verdict_fail(j->v, DS_REASON_PLATFORM_DENIED,
				       "chip id is on the deny list");
	return 0;
}

static int check_images(struct ds_snp_judge *j)
{
	const struct ds_tcb_policy *p = j->policy;

	for (size_t i = 0; i < p->n_image; i++) {
		if (!ds_image_matches(j->v, &p->image[i]))
			continue;
		ds_verdict_pass(j->v, "measurement", "MEASUREMENT is that of image %zu of %zu",
				i + 1, p->n_image);
		return 0;
	}
	if (!p->n_image)
		return 0;
	return ds_verdict_fail(j->v, DS_REASON_MEASUREMENT,
			       "MEASUREMENT is that of none of the %zu images of the policy",
			       p->n_image);
}

int ds_snp_check_policy(struct ds_snp_judge *j)
{
	int (*const checks[])(struct ds_snp_judge *) = { check_guest_policy, check_platform_info,
							 check_vmpl,	     check_status,
							 check_floor,	     check_platform,
							 check_images };
	int r = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(checks); i++)
		if (checks[i](j))
			r = DS_ATTEST_REFUSED;
	return r;
}
