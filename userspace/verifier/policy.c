// SPDX-License-Identifier: Apache-2.0
/*
 * --policy FILE: an INI file with one section, [policy]. Everything left out keeps its safe
 * default; the keys are in dstack-verify(1).
 */
#include "verify.h"

#include <ds/attest/verdict.h>
#include <ds/net/config.h>

#define MAX_LIST 256

struct policy {
	struct ds_tcb_policy p;
	uint8_t service_td[MAX_LIST][48];
	uint8_t ppid[MAX_LIST][16];
	uint8_t fmspc[MAX_LIST][6];
	uint8_t instance[MAX_LIST][16];
	char advisory[MAX_LIST][24];
	const char *advisory_ptr[MAX_LIST];
};

static int take_status(void *ctx, const char *item, struct ds_err *err)
{
	struct policy *p = ctx;
	enum ds_tcb_status s;

	if (ds_tcb_status_parse(DS_SPAN_STR(item), &s))
		return ds_err_set(err, -EBADMSG, "policy", 0, "unknown TCB status '%s'", item);
	if (s == DS_TCB_REVOKED)
		return ds_err_set(err, -EBADMSG, "policy", 0, "Revoked can never be allowed");
	p->p.tcb_status |= 1u << s;
	return 0;
}

static int full(struct ds_err *err)
{
	return ds_err_set(err, -EFBIG, "policy", 0, "more than %d entries", MAX_LIST);
}

static int take_advisory(void *ctx, const char *item, struct ds_err *err)
{
	struct policy *p = ctx;
	size_t i = p->p.n_deny_advisory;

	if (i == MAX_LIST)
		return full(err);
	if (strlen(item) >= sizeof(p->advisory[i]))
		return ds_err_set(err, -EBADMSG, "policy", 0, "not an advisory: '%s'", item);
	memcpy(p->advisory[i], item, strlen(item) + 1);
	p->advisory_ptr[i] = p->advisory[i];
	p->p.n_deny_advisory++;
	return 0;
}

/* One list of fixed-size hex values. */
struct hex_list {
	uint8_t *base;
	size_t size;
	size_t *n;
};

static int take_hex(void *ctx, const char *item, struct ds_err *err)
{
	struct hex_list *l = ctx;

	if (*l->n == MAX_LIST)
		return full(err);
	DS_TRY(ds_conf_hex(item, l->base + *l->n * l->size, l->size, err));
	(*l->n)++;
	return 0;
}

static int hex_list(const char *value, void *base, size_t size, size_t *n, struct ds_err *err)
{
	struct hex_list l = { base, size, n };

	return ds_conf_list(value, take_hex, &l, err);
}

/* 16 hex digits, most significant first. */
static int mask(const char *value, uint64_t *ret, struct ds_err *err)
{
	uint8_t b[8];
	uint64_t v = 0;

	DS_TRY(ds_conf_hex(value, b, sizeof(b), err));
	for (size_t i = 0; i < sizeof(b); i++)
		v = v << 8 | b[i];
	*ret = v;
	return 0;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	struct policy *p = ctx;

	if (strcmp(section, "policy"))
		return DS_CONF_E_UNKNOWN;
	if (!key)
		return 0;
	if (!strcmp(key, "tcb_status")) {
		p->p.tcb_status = 0;
		return ds_conf_list(value, take_status, p, err);
	}
	if (!strcmp(key, "td_attributes_allowed"))
		return mask(value, &p->p.td_attr_allowed, err);
	if (!strcmp(key, "td_attributes_required"))
		return mask(value, &p->p.td_attr_required, err);
	if (!strcmp(key, "insecure_allow_debug"))
		return ds_conf_bool(value, &p->p.allow_debug, err);
	if (!strcmp(key, "xfam_allowed"))
		return mask(value, &p->p.xfam_allowed, err);
	if (!strcmp(key, "min_tcb_evaluation"))
		return ds_conf_u64(value, UINT32_MAX, &p->p.min_evaluation, err);
	if (!strcmp(key, "service_td"))
		return hex_list(value, p->service_td, 48, &p->p.n_service_td, err);
	if (!strcmp(key, "deny_advisory"))
		return ds_conf_list(value, take_advisory, p, err);
	if (!strcmp(key, "deny_ppid"))
		return hex_list(value, p->ppid, 16, &p->p.n_deny_ppid, err);
	if (!strcmp(key, "deny_fmspc"))
		return hex_list(value, p->fmspc, 6, &p->p.n_deny_fmspc, err);
	if (!strcmp(key, "deny_platform_instance"))
		return hex_list(value, p->instance, 16, &p->p.n_deny_instance, err);
	return DS_CONF_E_UNKNOWN;
}

int policy_load(const char *path, struct policy **ret, struct ds_err *err)
{
	struct policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return ds_err_set(err, -ENOMEM, "policy", 0, "%s: no memory", path);
	p->p = ds_tcb_policy_default;
	p->p.service_td = p->service_td;
	p->p.deny_ppid = p->ppid;
	p->p.deny_fmspc = p->fmspc;
	p->p.deny_instance = p->instance;
	p->p.deny_advisory = p->advisory_ptr;
	r = ds_conf_load(path, on_key, p, err);
	if (r) {
		policy_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct policy *policy_free(struct policy *p)
{
	free(p);
	return NULL;
}

const struct ds_tcb_policy *policy_get(const struct policy *p)
{
	return &p->p;
}
