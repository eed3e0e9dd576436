// SPDX-License-Identifier: Apache-2.0
/* The keys of a policy file that are for SEV-SNP, see dstack-verify(1). */
#include <ds/net/config.h>

#include "tcbpolicy.h"

#define DOM "policy"

static int take_product(void *ctx, const char *item, struct ds_err *err)
{
	struct ds_snp_policy *p = ctx;
	enum ds_snp_product product;

	if (ds_snp_product_parse(DS_SPAN_STR(item), &product))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "unknown product '%s', expected Milan, Genoa, Turin", item);
	p->products |= 1u << product;
	return 0;
}

/* LEVEL:N, as in "boot_loader:4". */
static int take_level(void *ctx, const char *item, struct ds_err *err)
{
	struct ds_snp_min_tcb *min = ctx;
	const struct {
		const char *name;
		uint8_t *to;
	} rows[] = { { "fmc", &min->fmc },
		     { "boot_loader", &min->boot_loader },
		     { "tee", &min->tee },
		     { "snp", &min->snp },
		     { "microcode", &min->microcode } };
	const char *colon = strchr(item, ':');
	size_t n = colon ? (size_t)(colon - item) : 0;
	uint64_t v = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		if (!ds_span_eq(DS_SPAN(item, n), DS_SPAN_STR(rows[i].name)))
			continue;
		/* a second value would take the first floor away */
		if (*rows[i].to)
			return ds_err_set(err, -EBADMSG, DOM, 0, "%s is given twice", rows[i].name);
		DS_TRY(ds_conf_u64(colon + 1, UINT8_MAX, &v, err));
		*rows[i].to = (uint8_t)v;
		return 0;
	}
	return ds_err_set(err, -EBADMSG, DOM, 0,
			  "expected LEVEL:N with fmc, boot_loader, tee, snp or microcode, got '%s'",
			  item);
}

static int vmpl(const char *value, uint32_t *ret, struct ds_err *err)
{
	uint64_t v = 0;

	DS_TRY(ds_conf_u64(value, 3, &v, err));
	*ret = (uint32_t)v;
	return 0;
}

int ds_tcb_policy_snp_key(struct ds_snp_policy *p, const char *key, const char *value,
			  struct ds_err *err)
{
	static const char *const min_keys[DS_SNP_PRODUCTS] = {
		[DS_SNP_MILAN] = "snp_min_tcb_milan",
		[DS_SNP_GENOA] = "snp_min_tcb_genoa",
		[DS_SNP_TURIN] = "snp_min_tcb_turin",
	};

	for (size_t i = 0; i < DS_SNP_PRODUCTS; i++)
		if (!strcmp(key, min_keys[i]))
			return ds_conf_more(ds_conf_list(value, take_level, &p->min_tcb[i], err));
	if (!strcmp(key, "snp_policy_allowed"))
		return ds_tcb_policy_mask(value, &p->policy_allowed, err);
	if (!strcmp(key, "snp_policy_required"))
		return ds_tcb_policy_mask(value, &p->policy_required, err);
	if (!strcmp(key, "snp_platform_info_required"))
		return ds_tcb_policy_mask(value, &p->platform_required, err);
	if (!strcmp(key, "snp_max_vmpl"))
		return vmpl(value, &p->max_vmpl, err);
	if (!strcmp(key, "snp_products")) {
		p->products = 0;
		return ds_conf_list(value, take_product, p, err);
	}
	if (!strcmp(key, "snp_deny_vlek"))
		return ds_conf_bool(value, &p->deny_vlek, err);
	if (!strcmp(key, "snp_require_crl"))
		return ds_conf_bool(value, &p->require_crl, err);
	if (!strcmp(key, "snp_min_crl_issued"))
		return ds_tcb_policy_time(value, &p->min_crl, err);
	return DS_CONF_E_UNKNOWN;
}
