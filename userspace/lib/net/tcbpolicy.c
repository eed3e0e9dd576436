// SPDX-License-Identifier: Apache-2.0
/* Sections [policy] and [image NAME], see ds/net/tcbpolicy.h. */
#include <ds/net/tcbpolicy.h>

#include <jansson.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/net/config.h>

#include "tcbpolicy.h"

#define DOM	  "policy"
#define MAX_LIST  256
#define NAME_SIZE 64

enum { GOT_MRS = 15, GOT_HASH = 16, GOT_SNP = 32 };

struct advisories {
	char text[MAX_LIST][24];
	const char *ptr[MAX_LIST];
};

struct ds_tcb_policy_file {
	struct ds_tcb_policy p;
	uint8_t service_td[MAX_LIST][48];
	uint8_t deny_ppid[MAX_LIST][16], allow_ppid[MAX_LIST][16];
	uint8_t deny_fmspc[MAX_LIST][6], allow_fmspc[MAX_LIST][6];
	uint8_t deny_instance[MAX_LIST][16], allow_instance[MAX_LIST][16];
	uint8_t deny_chip[MAX_LIST][DS_SNP_CHIP_ID], allow_chip[MAX_LIST][DS_SNP_CHIP_ID];
	struct advisories deny, tolerate;
	struct ds_image_mr image[MAX_LIST];
	char image_name[MAX_LIST][NAME_SIZE]; /* "" for one from a file */
	unsigned int image_got[MAX_LIST];
	uint8_t image_hash[MAX_LIST][32]; /* with GOT_HASH */
};

static int full(struct ds_err *err)
{
	return ds_err_set(err, -EFBIG, DOM, 0, "more than %d entries", MAX_LIST);
}

static int take_status(void *ctx, const char *item, struct ds_err *err)
{
	struct ds_tcb_policy *p = ctx;
	enum ds_tcb_status s;

	if (ds_tcb_status_parse(DS_SPAN_STR(item), &s))
		return ds_err_set(err, -EBADMSG, DOM, 0, "unknown TCB status '%s'", item);
	if (s == DS_TCB_REVOKED)
		return ds_err_set(err, -EBADMSG, DOM, 0, "Revoked can never be allowed");
	p->tcb_status |= 1u << s;
	return 0;
}

struct advisory_list {
	struct advisories *to;
	size_t *n;
	bool *any; /* NULL: "any" is no item */
};

/* INTEL-SA-00837: what no collateral spells like that would be denied in vain. */
static bool is_advisory(const char *item)
{
	const char *number = strrchr(item, '-');

	return number && *item != '-' && number[-1] != '-' &&
	       strspn(item, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == (size_t)(number + 1 - item) &&
	       strlen(number + 1) >= 5 && strspn(number + 1, "0123456789") == strlen(number + 1) &&
	       strlen(item) < sizeof(((struct advisories *)0)->text[0]);
}

static int take_advisory(void *ctx, const char *item, struct ds_err *err)
{
	struct advisory_list *l = ctx;
	size_t i = *l->n;

	if (l->any && !strcmp(item, "any")) {
		*l->any = true;
		return 0;
	}
	if (i == MAX_LIST)
		return full(err);
	if (!is_advisory(item))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "expected an advisory like INTEL-SA-00837, got '%s'", item);
	memcpy(l->to->text[i], item, strlen(item) + 1);
	l->to->ptr[i] = l->to->text[i];
	++*l->n;
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

/* 16 hex digits, most significant first. */
int ds_tcb_policy_mask(const char *value, uint64_t *ret, struct ds_err *err)
{
	uint8_t b[8];
	uint64_t v = 0;

	DS_TRY(ds_conf_hex(value, b, sizeof(b), err));
	for (size_t i = 0; i < sizeof(b); i++)
		v = v << 8 | b[i];
	*ret = v;
	return 0;
}

/* Up to 16 decimal SVNs, from component 0. */
struct svn_list {
	uint8_t *svn;
	size_t n;
};

static int take_svn(void *ctx, const char *item, struct ds_err *err)
{
	struct svn_list *l = ctx;
	uint64_t v = 0;

	if (l->n == 16)
		return ds_err_set(err, -EFBIG, DOM, 0, "more than 16 components");
	DS_TRY(ds_conf_u64(item, UINT8_MAX, &v, err));
	l->svn[l->n++] = (uint8_t)v;
	return 0;
}

/* MAJOR:MINOR, as TEE_TCB_SVN counts them. */
static int take_module(void *ctx, const char *item, struct ds_err *err)
{
	struct ds_min_svn *m = ctx;
	const char *colon = strchr(item, ':');
	uint64_t major = 0, minor = 0;

	if (!colon || ds_parse_u64(item, (size_t)(colon - item), UINT8_MAX, &major) ||
	    ds_parse_u64(colon + 1, strlen(colon + 1), UINT8_MAX, &minor))
		return ds_err_set(err, -EBADMSG, DOM, 0,
				  "expected MAJOR:MINOR of TDX modules, got '%s'", item);
	for (size_t i = 0; i < m->n_module; i++)
		if (m->module[i].major == major)
			return ds_err_set(err, -EBADMSG, DOM, 0, "module %llu is given twice",
					  (unsigned long long)major);
	if (m->n_module == DS_MIN_MODULES)
		return ds_err_set(err, -EFBIG, DOM, 0, "more than %d modules", DS_MIN_MODULES);
	m->module[m->n_module].major = (uint8_t)major;
	m->module[m->n_module++].minor = (uint8_t)minor;
	return 0;
}

static int svn16(const char *value, uint16_t *ret, struct ds_err *err)
{
	uint64_t v = 0;

	DS_TRY(ds_conf_u64(value, UINT16_MAX, &v, err));
	*ret = (uint16_t)v;
	return 0;
}

/* os_image_hash, when the file has it. */
static int hash_of_file(struct ds_tcb_policy_file *f, size_t i, const struct ds_buf *text,
			const char *path, struct ds_err *err)
{
	json_t *doc = json_loadb((const char *)text->p, text->n, JSON_REJECT_DUPLICATES, NULL);
	const char *hex = json_string_value(json_object_get(doc, "os_image_hash"));
	int r = hex ? ds_hex_decode_exact(hex, f->image_hash[i], 32) : 0;

	json_decref(doc);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%.100s: os_image_hash: expected 64 hex digits", path);
	f->image_got[i] |= hex ? GOT_HASH : 0;
	return 0;
}

static int image_file(struct ds_tcb_policy_file *f, const char *path, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err why = DS_ERR_NULL;
	size_t i = f->p.n_image;
	int r;

	if (i == MAX_LIST)
		return full(err);
	r = ds_read_file(AT_FDCWD, path, DS_MAX_CONFIG_FILE, &text);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	r = ds_image_mr_parse(ds_buf_span(&text), &f->image[i], &why);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %.100s", path, why.msg);
	f->image_got[i] = GOT_MRS;
	f->p.n_image++;
	return hash_of_file(f, i, &text, path, err);
}

static int image_key(struct ds_tcb_policy_file *f, const char *name, const char *key,
		     const char *value, struct ds_err *err)
{
	static const char *const keys[] = { "mrtd",  "rtmr0",	      "rtmr1",
					    "rtmr2", "os_image_hash", "snp_measurement" };
	size_t i = 0, k = 0;
	struct ds_image_mr *im;

	if (!*name || strlen(name) >= NAME_SIZE)
		return ds_err_set(err, -EBADMSG, DOM, 0, "name of an image: 1 to %d characters",
				  NAME_SIZE - 1);
	while (i < f->p.n_image && strcmp(f->image_name[i], name))
		i++;
	if (i == MAX_LIST)
		return full(err);
	if (i == f->p.n_image) {
		memcpy(f->image_name[i], name, strlen(name) + 1);
		f->p.n_image++;
	}
	if (!key)
		return 0;
	while (k < DS_ARRAY_SIZE(keys) && strcmp(keys[k], key))
		k++;
	if (k == DS_ARRAY_SIZE(keys))
		return DS_CONF_E_UNKNOWN;
	f->image_got[i] |= 1u << k;
	if (k == 4)
		return ds_conf_hex(value, f->image_hash[i], 32, err);
	im = &f->image[i];
	im->has_snp = f->image_got[i] & GOT_SNP;
	im->snp_only = im->has_snp && !(f->image_got[i] & GOT_MRS);
	if (k == 5)
		return ds_conf_hex(value, im->snp, sizeof(im->snp), err);
	return ds_conf_hex(value, k ? im->rt_mr[k - 1] : im->mr_td, 48, err);
}

static int list_key(struct ds_tcb_policy_file *f, const char *key, const char *value,
		    struct ds_err *err)
{
	struct ds_tcb_policy *p = &f->p;
	const struct {
		const char *key;
		struct hex_list to;
	} hex[] = {
		{ "service_td", { f->service_td[0], 48, &p->n_service_td } },
		{ "deny_ppid", { f->deny_ppid[0], 16, &p->n_deny_ppid } },
		{ "allow_ppid", { f->allow_ppid[0], 16, &p->n_allow_ppid } },
		{ "deny_fmspc", { f->deny_fmspc[0], 6, &p->n_deny_fmspc } },
		{ "allow_fmspc", { f->allow_fmspc[0], 6, &p->n_allow_fmspc } },
		{ "deny_platform_instance", { f->deny_instance[0], 16, &p->n_deny_instance } },
		{ "allow_platform_instance", { f->allow_instance[0], 16, &p->n_allow_instance } },
		{ "snp_deny_chip", { f->deny_chip[0], DS_SNP_CHIP_ID, &p->snp.n_deny_chip } },
		{ "snp_allow_chip", { f->allow_chip[0], DS_SNP_CHIP_ID, &p->snp.n_allow_chip } },
	};
	struct advisory_list deny = { &f->deny, &p->n_deny_advisory, NULL };
	struct advisory_list tolerate = { &f->tolerate, &p->n_tolerate_advisory,
					  &p->tolerate_any_advisory };

	for (size_t i = 0; i < DS_ARRAY_SIZE(hex); i++) {
		struct hex_list to = hex[i].to;

		if (!strcmp(hex[i].key, key))
			return ds_conf_more(ds_conf_list(value, take_hex, &to, err));
	}
	if (!strcmp(key, "deny_advisory"))
		return ds_conf_more(ds_conf_list(value, take_advisory, &deny, err));
	if (!strcmp(key, "tolerate_advisory"))
		return ds_conf_more(ds_conf_list(value, take_advisory, &tolerate, err));
	return DS_CONF_E_UNKNOWN;
}

static int svns(uint8_t to[16], const char *value, struct ds_err *err)
{
	struct svn_list l = { to, 0 };

	return ds_conf_list(value, take_svn, &l, err);
}

int ds_tcb_policy_time(const char *value, int64_t *ret, struct ds_err *err)
{
	if (ds_time_parse_rfc3339(value, strlen(value), ret) || *ret <= 0)
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected YYYY-MM-DDThh:mm:ssZ, got '%s'", value);
	return 0;
}

static int min_key(struct ds_tcb_policy *p, const char *key, const char *value, struct ds_err *err)
{
	if (!strcmp(key, "min_tcb_evaluation"))
		return ds_conf_u64(value, UINT32_MAX, &p->min_evaluation, err);
	if (!strcmp(key, "min_qe_evaluation"))
		return ds_conf_u64(value, UINT32_MAX, &p->min_qe_evaluation, err);
	if (!strcmp(key, "min_root_crl_issued"))
		return ds_tcb_policy_time(value, &p->min_root_crl, err);
	if (!strcmp(key, "min_pck_crl_issued"))
		return ds_tcb_policy_time(value, &p->min_pck_crl, err);
	if (!strcmp(key, "min_sgx_svn"))
		return svns(p->min_svn.sgx, value, err);
	if (!strcmp(key, "min_tdx_svn"))
		return svns(p->min_svn.tdx, value, err);
	if (!strcmp(key, "min_tdx_module"))
		return ds_conf_more(ds_conf_list(value, take_module, &p->min_svn, err));
	if (!strcmp(key, "min_pce_svn"))
		return svn16(value, &p->min_svn.pce, err);
	if (!strcmp(key, "min_qe_svn"))
		return svn16(value, &p->min_svn.qe, err);
	return DS_CONF_E_UNKNOWN;
}

static int policy_key(struct ds_tcb_policy_file *f, const char *key, const char *value,
		      struct ds_err *err)
{
	struct ds_tcb_policy *p = &f->p;
	int r;

	if (!strcmp(key, "tcb_status")) {
		p->tcb_status = 0;
		return ds_conf_list(value, take_status, p, err);
	}
	if (!strcmp(key, "td_attributes_allowed"))
		return ds_tcb_policy_mask(value, &p->td_attr_allowed, err);
	if (!strcmp(key, "td_attributes_required"))
		return ds_tcb_policy_mask(value, &p->td_attr_required, err);
	if (!strcmp(key, "insecure_allow_debug"))
		return ds_conf_bool(value, &p->allow_debug, err);
	if (!strcmp(key, "xfam_allowed")) {
		DS_TRY(ds_tcb_policy_mask(value, &p->xfam_allowed, err));
		/* 0 stands for no key; and each TD has the x87 and SSE bits */
		return p->xfam_allowed ? 0 : ds_err_set(err, -EBADMSG, DOM, 0, "allows no TD");
	}
	if (!strcmp(key, "image"))
		return ds_conf_more(image_file(f, value, err));
	r = min_key(p, key, value, err);
	if (r == DS_CONF_E_UNKNOWN)
		r = ds_tcb_policy_snp_key(&p->snp, key, value, err);
	return r == DS_CONF_E_UNKNOWN ? list_key(f, key, value, err) : r;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	struct ds_tcb_policy_file *f = ctx;

	if (!strncmp(section, "image ", 6))
		return image_key(f, section + 6, key, value, err);
	if (strcmp(section, "policy"))
		return DS_CONF_E_UNKNOWN;
	if (!key)
		return 0;
	/* a floor or a list that is empty would be none */
	if (!value[strspn(value, ", \t")])
		return ds_err_set(err, -EBADMSG, DOM, 0, "empty list");
	return policy_key(f, key, value, err);
}

static bool has_image(const struct ds_tcb_policy_file *f, const char *name, size_t n)
{
	for (size_t i = 0; i < f->p.n_image; i++)
		if (strlen(f->image_name[i]) == n && !memcmp(f->image_name[i], name, n))
			return true;
	return false;
}

/* libinih does not tell of a section without keys, and an image list must not vanish that way. */
static int check_sections(const struct ds_tcb_policy_file *f, struct ds_span text, const char *name,
			  struct ds_err *err)
{
	const char *p = (const char *)text.p, *end = p + text.n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *line_end = nl ? nl : end, *close;

		while (p < line_end && (*p == ' ' || *p == '\t'))
			p++;
		close = p < line_end && *p == '[' ? memchr(p, ']', (size_t)(line_end - p)) : NULL;
		if (close && close - p >= 7 && !memcmp(p, "[image ", 7)) {
			if (!has_image(f, p + 7, (size_t)(close - p) - 7))
				return ds_err_set(err, -EBADMSG, DOM, 0, "%s: image %.*s is empty",
						  name, (int)(close - p) - 7, p + 7);
		} else if (close && (close - p != 7 || memcmp(p, "[policy", 7))) {
			return ds_err_set(err, -EBADMSG, DOM, 0, "%s: unknown section [%.*s]", name,
					  (int)(close - p) - 1, p + 1);
		}
		p = line_end + 1;
	}
	return 0;
}

static int check_whole(const struct ds_tcb_policy_file *f, const char *name, struct ds_err *err)
{
	for (size_t i = 0; i < f->p.n_image; i++)
		if ((f->image_got[i] & GOT_MRS) != GOT_MRS &&
		    (f->image_got[i] & (GOT_MRS | GOT_SNP)) != GOT_SNP)
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "%s: image %s needs mrtd, rtmr0, rtmr1 and rtmr2, or "
					  "snp_measurement",
					  name, f->image_name[i]);
	return 0;
}

static struct ds_tcb_policy_file *new_file(void)
{
	struct ds_tcb_policy_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->p = ds_tcb_policy_default;
	f->p.service_td = f->service_td;
	f->p.deny_ppid = f->deny_ppid;
	f->p.allow_ppid = f->allow_ppid;
	f->p.deny_fmspc = f->deny_fmspc;
	f->p.allow_fmspc = f->allow_fmspc;
	f->p.deny_instance = f->deny_instance;
	f->p.allow_instance = f->allow_instance;
	f->p.snp.deny_chip = f->deny_chip;
	f->p.snp.allow_chip = f->allow_chip;
	f->p.deny_advisory = f->deny.ptr;
	f->p.tolerate_advisory = f->tolerate.ptr;
	f->p.image = f->image;
	return f;
}

int ds_tcb_policy_parse(struct ds_span text, const char *name, struct ds_tcb_policy_file **ret,
			struct ds_err *err)
{
	struct ds_tcb_policy_file *f = new_file();
	int r;

	if (!f)
		return ds_err_set(err, -ENOMEM, DOM, 0, "%s: no memory", name);
	r = ds_conf_parse(text, name, on_key, f, err);
	if (!r)
		r = check_whole(f, name, err);
	if (!r)
		r = check_sections(f, text, name, err);
	if (r) {
		ds_tcb_policy_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

int ds_tcb_policy_load(const char *path, struct ds_tcb_policy_file **ret, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	int r = ds_read_file(AT_FDCWD, path, DS_MAX_CONFIG_FILE, &text);

	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	return ds_tcb_policy_parse(ds_buf_span(&text), path, ret, err);
}

struct ds_tcb_policy_file *ds_tcb_policy_free(struct ds_tcb_policy_file *f)
{
	free(f);
	return NULL;
}

const struct ds_tcb_policy *ds_tcb_policy_get(const struct ds_tcb_policy_file *f)
{
	return &f->p;
}

const uint8_t *ds_tcb_policy_image_hash(const struct ds_tcb_policy_file *f, size_t i)
{
	return i < f->p.n_image && f->image_got[i] & GOT_HASH ? f->image_hash[i] : NULL;
}
