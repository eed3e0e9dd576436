// SPDX-License-Identifier: Apache-2.0
/* The policy file: parsing and decision. */
#include "policy.h"
#include "names.h"

#include <ctype.h>
#include <ds/base/text.h>
#include <ds/net/config.h>

#define DOM	 "policy"
#define MAX_LIST 4096u /* images, apps, and entries of one list */

enum { SEEN_MRTD = 1, SEEN_RTMR0 = 2, SEEN_RTMR1 = 4, SEEN_RTMR2 = 8, SEEN_OS = 16, SEEN_TDX = 31, SEEN_SNP = 32 };

/* One more zeroed element at the end of a list. */
static void *grow(void *list, size_t *n, size_t size)
{
	uint8_t *p;

	if (*n >= MAX_LIST)
		return NULL;
	p = reallocarray(list, *n + 1, size);
	if (p)
		memset(p + *n * size, 0, size);
	return p;
}

#define GROW(list, n)                                                                              \
	({                                                                                         \
		void *grow_p_ = grow(list, &(n), sizeof(*(list)));                                 \
		if (grow_p_)                                                                       \
			(list) = grow_p_;                                                          \
		grow_p_ ? &(list)[(n)++] : NULL;                                                   \
	})

static int name_ok(const char *name, struct ds_err *err)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			n = 0;
	if (!n || n > KMS_MAX_NAME)
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "image name: expected 1 to %u of [A-Za-z0-9._-], got '%s'",
				  KMS_MAX_NAME, name);
	return 0;
}

static int get_image(struct kms_policy *p, const char *name, struct kms_image **ret,
		     struct ds_err *err)
{
	struct kms_image *im;

	for (size_t i = 0; i < p->n_image; i++)
		if (!strcmp(p->image[i].name, name)) {
			*ret = &p->image[i];
			return 0;
		}
	DS_TRY(name_ok(name, err));
	im = GROW(p->image, p->n_image);
	if (!im)
		return ds_err_set(err, -ENOMEM, DOM, 0, "too many images");
	snprintf(im->name, sizeof(im->name), "%s", name);
	*ret = im;
	return 0;
}

static int get_app(struct kms_policy *p, const char *hex, struct kms_app **ret, struct ds_err *err)
{
	struct kms_app *app;
	uint8_t id[20];

	DS_TRY(ds_conf_hex(hex, id, sizeof(id), err));
	for (size_t i = 0; i < p->n_app; i++)
		if (!memcmp(p->app[i].id, id, sizeof(id))) {
			*ret = &p->app[i];
			return 0;
		}
	app = GROW(p->app, p->n_app);
	if (!app)
		return ds_err_set(err, -ENOMEM, DOM, 0, "too many apps");
	memcpy(app->id, id, sizeof(id));
	*ret = app;
	return 0;
}

static int image_key(struct kms_policy *p, const char *name, const char *key, const char *value,
		     struct ds_err *err)
{
	struct kms_image *im = NULL;

	DS_TRY(get_image(p, name, &im, err));
	if (!strcmp(key, "mrtd")) {
		im->seen |= SEEN_MRTD;
		return ds_conf_hex(value, im->mr.mr_td, 48, err);
	}
	if (!strncmp(key, "rtmr", 4) && key[4] >= '0' && key[4] <= '2' && !key[5]) {
		im->seen |= SEEN_RTMR0 << (key[4] - '0');
		return ds_conf_hex(value, im->mr.rt_mr[key[4] - '0'], 48, err);
	}
	if (!strcmp(key, "snp_measurement")) {
		im->seen |= SEEN_SNP;
		im->mr.has_snp = true;
		return ds_conf_hex(value, im->mr.snp, 48, err);
	}
	if (!strcmp(key, "os_image_hash")) {
		im->seen |= SEEN_OS;
		return ds_conf_hex(value, im->os_image_hash, 32, err);
	}
	return DS_CONF_E_UNKNOWN;
}

static int add_compose(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_app *app = ctx;
	uint8_t(*h)[32] = GROW(app->compose, app->n_compose);

	return h ? ds_conf_hex(item, *h, 32, err) : -ENOMEM;
}

static int add_device(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_app *app = ctx;
	uint8_t(*h)[32];

	if (!strcmp(item, "any")) {
		app->any_device = true;
		return 0;
	}
	h = GROW(app->device, app->n_device);
	return h ? ds_conf_hex(item, *h, 32, err) : -ENOMEM;
}

static int add_image(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_app *app = ctx;
	char(*name)[KMS_MAX_NAME + 1];

	DS_TRY(name_ok(item, err));
	name = GROW(app->image, app->n_image);
	if (!name)
		return -ENOMEM;
	snprintf(*name, sizeof(*name), "%s", item);
	return 0;
}

/* Where a list that names nothing would allow more than one that names something. */
static int filled_list(const char *value, int (*fn)(void *ctx, const char *item, struct ds_err *err),
		       void *ctx, struct ds_err *err)
{
	if (!value[strspn(value, ", \t")])
		return ds_err_set(err, -EINVAL, DOM, 0, "empty list");
	return ds_conf_more(ds_conf_list(value, fn, ctx, err));
}

static int app_key(struct kms_policy *p, const char *hex, const char *key, const char *value,
		   struct ds_err *err)
{
	struct kms_app *app = NULL;

	DS_TRY(get_app(p, hex, &app, err));
	if (!strcmp(key, "compose_hash"))
		return ds_conf_more(ds_conf_list(value, add_compose, app, err));
	if (!strcmp(key, "device"))
		return ds_conf_more(ds_conf_list(value, add_device, app, err));
	if (!strcmp(key, "image"))
		return filled_list(value, add_image, app, err);
	return DS_CONF_E_UNKNOWN;
}

static int nodes_key(struct kms_policy *p, const char *key, const char *value, struct ds_err *err)
{
	p->has_kms = true;
	if (!strcmp(key, "mr_aggregated"))
		return ds_conf_more(ds_conf_list(value, add_compose, &p->kms, err));
	if (!strcmp(key, "device"))
		return ds_conf_more(ds_conf_list(value, add_device, &p->kms, err));
	if (!strcmp(key, "image"))
		return filled_list(value, add_image, &p->kms, err);
	return DS_CONF_E_UNKNOWN;
}

static int add_status(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_policy *p = ctx;
	enum ds_tcb_status st;

	if (ds_tcb_status_parse(DS_SPAN_STR(item), &st))
		return ds_err_set(err, -EINVAL, DOM, 0, "unknown TCB status '%s'", item);
	if (st == DS_TCB_REVOKED)
		return ds_err_set(err, -EINVAL, DOM, 0, "Revoked can never be allowed");
	p->tcb_status |= 1u << st;
	p->tcb_given = true;
	return 0;
}

static int add_reserved(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_policy *p = ctx;
	char **name;

	if (!kms_reserved_ok(item))
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "expected host names, or .NAME for all below it, got '%s'", item);
	name = GROW(p->reserved, p->n_reserved);
	return name ? ds_conf_str(item, name, err) : -ENOMEM;
}

static int add_node_name(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_policy *p = ctx;
	char **name;

	if (!kms_node_name_ok(item))
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "expected host names or addresses, got '%s'", item);
	name = GROW(p->node, p->n_node);
	return name ? ds_conf_str(item, name, err) : -ENOMEM;
}

static int policy_key(struct kms_policy *p, const char *key, const char *value, struct ds_err *err)
{
	if (!strcmp(key, "tcb_status"))
		return filled_list(value, add_status, p, err);
	if (!strcmp(key, "allow_emulated"))
		return ds_conf_bool(value, &p->allow_emulated, err);
	if (!strcmp(key, "min_tcb_evaluation"))
		return ds_conf_u64(value, UINT32_MAX, &p->min_tcb_evaluation, err);
	if (!strcmp(key, "reserved_names"))
		return filled_list(value, add_reserved, p, err);
	if (!strcmp(key, "node_names"))
		return ds_conf_more(ds_conf_list(value, add_node_name, p, err));
	if (!strcmp(key, "gateway_app_id")) {
		uint8_t id[20];

		DS_TRY(ds_conf_hex(value, id, sizeof(id), err));
		return ds_conf_str(value, &p->gateway_app_id, err);
	}
	return DS_CONF_E_UNKNOWN;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	if (!strcmp(section, "policy"))
		return policy_key(ctx, key, value, err);
	if (!strcmp(section, "kms"))
		return nodes_key(ctx, key, value, err);
	if (!strncmp(section, "image ", 6))
		return image_key(ctx, section + 6, key, value, err);
	if (!strncmp(section, "app ", 4))
		return app_key(ctx, section + 4, key, value, err);
	return DS_CONF_E_UNKNOWN;
}

static bool has_image(const struct kms_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_image; i++)
		if (!strcmp(p->image[i].name, name))
			return true;
	return false;
}

/* What only the whole file shows: half-described images, apps that name an image which is not
 * there. */
static int check_whole(struct kms_policy *p, const char *name, struct ds_err *err)
{
	char hex[41];

	for (size_t i = 0; i < p->n_image; i++) {
		struct kms_image *im = &p->image[i];

		im->mr.snp_only = im->seen == (SEEN_SNP | SEEN_OS);
		if (!im->mr.snp_only && (im->seen & SEEN_TDX) != SEEN_TDX)
			return ds_err_set(
				err, -EINVAL, DOM, 0,
				"%s: [image %s] needs mrtd, rtmr0, rtmr1, rtmr2 and os_image_hash, "
				"or snp_measurement and os_image_hash",
				name, im->name);
	}
	for (size_t i = 0; i < p->n_app; i++)
		for (size_t k = 0; k < p->app[i].n_image; k++)
			if (!has_image(p, p->app[i].image[k]))
				return ds_err_set(
					err, -EINVAL, DOM, 0,
					"%s: [app %s] names image '%s', which is not there", name,
					ds_hex_encode(p->app[i].id, 20, hex), p->app[i].image[k]);
	for (size_t k = 0; k < p->kms.n_image; k++)
		if (!has_image(p, p->kms.image[k]))
			return ds_err_set(err, -EINVAL, DOM, 0,
					  "%s: [kms] names image '%s', which is not there", name,
					  p->kms.image[k]);
	if (!p->tcb_given)
		p->tcb_status = 1u << DS_TCB_UP_TO_DATE;
	return 0;
}

static void app_done(struct kms_app *app)
{
	free(app->compose);
	free(app->device);
	free(app->image);
}

struct kms_policy *kms_policy_free(struct kms_policy *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->n_app; i++)
		app_done(&p->app[i]);
	app_done(&p->kms);
	for (size_t i = 0; i < p->n_reserved; i++)
		free(p->reserved[i]);
	free(p->reserved);
	for (size_t i = 0; i < p->n_node; i++)
		free(p->node[i]);
	free(p->node);
	free(p->app);
	free(p->image);
	free(p->gateway_app_id);
	free(p);
	return NULL;
}

static int finish(int r, struct kms_policy *p, const char *name, struct kms_policy **ret,
		  struct ds_err *err)
{
	if (!r)
		r = check_whole(p, name, err);
	if (r) {
		kms_policy_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

int kms_policy_parse(struct ds_span text, const char *name, struct kms_policy **ret,
		     struct ds_err *err)
{
	struct kms_policy *p = calloc(1, sizeof(*p));

	return p ? finish(ds_conf_parse(text, name, on_key, p, err), p, name, ret, err) : -ENOMEM;
}

static int check_remote(const struct kms_policy *p, const char *name, struct ds_err *err)
{
	const char *what = p->n_app	     ? "[app] sections"
			   : p->has_kms	     ? "[kms] keys"
			   : p->gateway_app_id ? "gateway_app_id"
					     : NULL;

	return what ? ds_err_set(err, -EINVAL, DOM, 0,
				 "%s: %s have no effect unless policy_backend = file", name, what) :
		      0;
}

int kms_policy_load(const char *path, bool remote, struct kms_policy **ret, struct ds_err *err)
{
	struct kms_policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = ds_conf_load(path, on_key, p, err);
	if (!r && remote)
		r = check_remote(p, path, err);
	return finish(r, p, path, ret, err);
}

static const struct {
	const char *code, *text;
} denials[] = {
	[KMS_ALLOW] = { "allowed", "" },
	[KMS_DENY_EMULATED] = { "emulated", "Emulated evidence is not allowed" },
	[KMS_DENY_ROOT] = { "custom-root",
			    "Evidence under a root that is not Intel's or AMD's needs allow_emulated" },
	[KMS_DENY_APP] = { "app-unknown", "App not registered" },
	[KMS_DENY_COMPOSE] = { "compose-hash", "Compose hash not allowed" },
	[KMS_DENY_IMAGE] = { "os-image", "OS image is not allowed" },
	[KMS_DENY_DEVICE] = { "device", "Device not allowed" },
	[KMS_DENY_KMS_TCB] = { "tcb-status", "TCB status is not up to date" },
	[KMS_DENY_KMS_MR] = { "mr-aggregated", "Aggregated MR not allowed" },
	[KMS_DENY_KMS_DEVICE] = { "device", "KMS is not allowed to boot on this device" },
};

const char *kms_deny_code(enum kms_deny d)
{
	return denials[d].code;
}

const char *kms_deny_text(enum kms_deny d)
{
	return denials[d].text;
}

/* app NULL: any */
static bool app_takes_image(const struct kms_app *app, const char *name)
{
	if (!app)
		return true;
	for (size_t i = 0; i < app->n_image; i++)
		if (!strcmp(app->image[i], name))
			return true;
	return !app->n_image;
}

static const struct kms_image *find_image(const struct kms_policy *p, const struct kms_app *app,
					  const struct ds_verdict *v, struct ds_span claimed)
{
	for (size_t i = 0; i < p->n_image; i++) {
		const struct kms_image *im = &p->image[i];

		if (!ds_image_matches(v, &im->mr))
			continue;
		if (claimed.n && !ds_span_eq(claimed, DS_SPAN_ARRAY(im->os_image_hash)))
			continue;
		if (app_takes_image(app, im->name))
			return im;
	}
	return NULL;
}

static bool in_list(const uint8_t (*list)[32], size_t n, const uint8_t want[32])
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(list[i], want, 32))
			return true;
	return false;
}

/* All AMD machines whose host masks the chip id would be one device. */
static bool is_masked(const struct ds_verdict *v)
{
	static const uint8_t masked[DS_SNP_CHIP_ID];

	return v->tee == DS_TEE_SNP && !memcmp(v->snp.chip_id, masked, sizeof(masked));
}

static bool takes_device(const struct kms_app *app, const struct ds_verdict *v,
			 const struct ds_identity *id)
{
	return app->any_device ||
	       (!is_masked(v) &&
		in_list((const uint8_t(*)[32])app->device, app->n_device, id->device_id));
}

static enum kms_deny check_trust(const struct kms_policy *p, const struct ds_verdict *v)
{
	if (v->emulated && !p->allow_emulated)
		return KMS_DENY_EMULATED;
	/* whoever holds the key of that root can vouch for any machine, real or not */
	if (v->custom_root && !p->allow_emulated)
		return KMS_DENY_ROOT;
	return KMS_ALLOW;
}

enum kms_deny kms_policy_decide_image(const struct kms_policy *p, const struct ds_verdict *v,
				      struct ds_span claimed, const struct kms_image **ret_image)
{
	enum kms_deny d = check_trust(p, v);
	const struct kms_image *im = d ? NULL : find_image(p, NULL, v, claimed);

	if (!d && !im)
		return KMS_DENY_IMAGE;
	if (!d)
		*ret_image = im;
	return d;
}

enum kms_deny kms_policy_decide(const struct kms_policy *p, const struct ds_verdict *v,
				const struct ds_identity *id, struct ds_span claimed,
				const struct kms_image **ret_image)
{
	const struct kms_app *app = NULL;
	const struct kms_image *im;
	enum kms_deny d = check_trust(p, v);

	if (d)
		return d;
	for (size_t i = 0; i < p->n_app && !app; i++)
		if (!memcmp(p->app[i].id, id->app_id, 20))
			app = &p->app[i];
	if (!app)
		return KMS_DENY_APP;
	im = find_image(p, app, v, claimed);
	if (!im)
		return KMS_DENY_IMAGE;
	if (!in_list((const uint8_t(*)[32])app->compose, app->n_compose, id->compose_hash))
		return KMS_DENY_COMPOSE;
	if (!takes_device(app, v, id))
		return KMS_DENY_DEVICE;
	*ret_image = im;
	return KMS_ALLOW;
}

enum kms_deny kms_policy_decide_kms(const struct kms_policy *p, const struct ds_verdict *v,
				    const struct ds_identity *id, struct ds_span claimed,
				    const struct kms_image **ret_image)
{
	enum kms_deny d = check_trust(p, v);
	const struct kms_image *im;

	if (d)
		return d;
	if (v->tcb != DS_TCB_UP_TO_DATE)
		return KMS_DENY_KMS_TCB;
	im = find_image(p, &p->kms, v, claimed);
	if (!im)
		return KMS_DENY_IMAGE;
	/* without a section [kms] the list is empty: nobody */
	if (!in_list((const uint8_t(*)[32])p->kms.compose, p->kms.n_compose, id->mr_aggregated))
		return KMS_DENY_KMS_MR;
	if (!takes_device(&p->kms, v, id))
		return KMS_DENY_KMS_DEVICE;
	*ret_image = im;
	return KMS_ALLOW;
}
