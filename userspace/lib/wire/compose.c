// SPDX-License-Identifier: Apache-2.0
/* app-compose.json (spec/boot 3.1, 3.2). */
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/compose.h>

#include "jget.h"

static const char *const provider_names[] = {
	[DS_KP_NONE] = "none",
	[DS_KP_LOCAL] = "local",
	[DS_KP_KMS] = "kms",
	[DS_KP_TPM] = "tpm",
};

const char *ds_key_provider_name(enum ds_key_provider kp)
{
	return provider_names[kp];
}

/* "1".."3" in canonical decimal, or the numbers 1 and 2: old guests know numbers only, so 3 must be
 * the string. */
static int get_version(const struct ds_jget *g, json_t *o, unsigned int *ret)
{
	json_t *j = json_object_get(o, "manifest_version");
	const char *s = json_string_value(j);

	if (s && s[0] >= '1' && s[0] <= '3' && !s[1]) {
		*ret = (unsigned int)(s[0] - '0');
		return 0;
	}
	if (json_is_integer(j) && json_integer_value(j) >= 1 && json_integer_value(j) <= 2) {
		*ret = (unsigned int)json_integer_value(j);
		return 0;
	}
	return ds_err_set(
		g->err, -EBADMSG, g->domain, 0,
		"manifest_version: \"1\" to \"3\" or the number 1 or 2 expected, found %s",
		!j  ? "nothing"
		: s ? "another string"
		    : "another value");
}

static int get_init_scripts(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	json_t *j = json_object_get(o, "init_script");

	if (j && json_is_string(j)) {
		c->init_script[0] = json_string_value(j);
		c->n_init_script = 1;
		return 0;
	}
	return ds_jget_strs(g, o, "init_script", c->init_script, DS_COMPOSE_MAX_SCRIPTS,
			    &c->n_init_script);
}

static int has_feature(const struct ds_jget *g, json_t *o, const char *name, bool *ret)
{
	const char *v[64];
	size_t n = 0;

	DS_TRY(ds_jget_strs(g, o, "features", v, DS_ARRAY_SIZE(v), &n));
	for (size_t i = 0; i < n; i++)
		*ret |= !strcmp(v[i], name);
	return 0;
}

static int get_provider(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	const char *s = NULL, *id = NULL;
	bool kms = false, local = false;
	size_t i = 0;

	DS_TRY(ds_jget_str(g, o, "key_provider", &s));
	DS_TRY(ds_jget_bool(g, o, "kms_enabled", &kms));
	DS_TRY(ds_jget_bool(g, o, "local_key_provider_enabled", &local));
	c->key_provider = kms ? DS_KP_KMS : local ? DS_KP_LOCAL : DS_KP_NONE;
	if (s) {
		while (i < DS_ARRAY_SIZE(provider_names) && strcmp(s, provider_names[i]))
			i++;
		if (i == DS_ARRAY_SIZE(provider_names))
			return ds_err_set(g->err, -EBADMSG, g->domain, 0,
					  "key_provider: none, local, kms or tpm expected");
		c->key_provider = (enum ds_key_provider)i;
	}
	DS_TRY(ds_jget_str(g, o, "key_provider_id", &id));
	if (id && ds_hex_decode_buf(id, strlen(id), DS_COMPOSE_MAX_PIN, &c->key_provider_id))
		return ds_err_set(
			g->err, -EBADMSG, g->domain, 0,
			"key_provider_id: at most %d bytes in hex expected, found %zu characters",
			DS_COMPOSE_MAX_PIN, strlen(id));
	if (c->key_provider_id.n && (c->key_provider == DS_KP_NONE || c->key_provider == DS_KP_TPM))
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "key_provider_id: empty expected with key_provider %s",
				  ds_key_provider_name(c->key_provider));
	return 0;
}

static int get_kms_mrs(const struct ds_jget *g, json_t *o, struct ds_kms_wish *w)
{
	const char *v[DS_COMPOSE_MAX_KMS_MR];

	DS_TRY(ds_jget_strs(g, o, "mr_aggregated", v, DS_ARRAY_SIZE(v), &w->n));
	for (size_t i = 0; i < w->n; i++)
		if (ds_hex_decode_exact(v[i], w->mr_aggregated[i], sizeof(w->mr_aggregated[i])))
			return ds_err_set(g->err, -EBADMSG, g->domain, 0,
					  "kms_attestation: mr_aggregated: item %zu: 32 bytes in "
					  "hex expected, found %zu characters",
					  i, strlen(v[i]));
	/* an empty list would be no demand at all */
	return w->n ? 0
		    : ds_err_set(g->err, -EBADMSG, g->domain, 0,
				 "kms_attestation: mr_aggregated: at least one value expected");
}

static int get_kms_attestation(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	static const char *const keys[] = { "mr_aggregated", "quote_root", "allow_emulated" };
	struct ds_kms_wish *w = &c->kms_attestation;
	json_t *a = NULL;

	DS_TRY(ds_jget_obj(g, o, "kms_attestation", &a));
	if (!a)
		return 0;
	DS_TRY(ds_jget_only(g, a, "kms_attestation", keys, DS_ARRAY_SIZE(keys)));
	if (c->key_provider != DS_KP_KMS)
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "kms_attestation: key_provider kms expected, found %s",
				  ds_key_provider_name(c->key_provider));
	DS_TRY(get_kms_mrs(g, a, w));
	DS_TRY(ds_jget_str(g, a, "quote_root", &w->quote_root));
	if (w->quote_root && !*w->quote_root)
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "kms_attestation: quote_root: a PEM certificate expected, "
				  "found an empty string");
	return ds_jget_bool(g, a, "allow_emulated", &w->allow_emulated);
}

static int add_jcs_string(struct ds_buf *b, const char *s)
{
	static const char esc[] = "\b\t\n\f\r\"\\", let[] = "btnfr\"\\";

	DS_TRY(ds_buf_add_u8(b, '"'));
	for (; *s; s++) {
		const char *e = strchr(esc, *s);

		if (e)
			DS_TRY(ds_buf_addf(b, "\\%c", let[e - esc]));
		else if ((unsigned char)*s < 0x20)
			DS_TRY(ds_buf_addf(b, "\\u%04x", (unsigned int)*s));
		else
			DS_TRY(ds_buf_add_u8(b, (uint8_t)*s));
	}
	return ds_buf_add_u8(b, '"');
}

/* RFC 8785 of the policy: its keys are known and none holds a number, so sorting and strings are
 * all there is. */
static int get_gpu_policy(const struct ds_jget *g, json_t *req, struct ds_buf *ret)
{
	static const char *const keys[] = { "allow_debug", "allow_devtools", "allow_insecure_boot",
					    "attest_gpu", "rego" };
	json_t *o = NULL;

	DS_TRY(ds_jget_obj(g, req, "gpu_policy", &o));
	DS_TRY(ds_jget_only(g, o, "gpu_policy", keys, DS_ARRAY_SIZE(keys)));
	DS_TRY(ds_buf_add_u8(ret, '{'));
	for (size_t i = 0; i < DS_ARRAY_SIZE(keys); i++) {
		const char *s = NULL;
		bool v = false;

		if (!json_object_get(o, keys[i]))
			continue;
		DS_TRY(ds_buf_addf(ret, "%s\"%s\":", ret->n > 1 ? "," : "", keys[i]));
		if (strcmp(keys[i], "rego")) {
			DS_TRY(ds_jget_bool(g, o, keys[i], &v));
			DS_TRY(ds_buf_addf(ret, "%s", v ? "true" : "false"));
		} else {
			DS_TRY(ds_jget_str(g, o, keys[i], &s));
			DS_TRY(add_jcs_string(ret, s));
		}
	}
	return ds_buf_add_u8(ret, '}');
}

static int get_platforms(const struct ds_jget *g, json_t *req, struct ds_compose *c)
{
	static const char *const names[] = { "dstack-tdx", "dstack-gcp-tdx", "dstack-amd-sev-snp",
					     "dstack-nitro-enclave", "dstack-aws-nitro-tpm" };
	const char *v[16];
	size_t n = 0;

	c->has_platforms = json_object_get(req, "platforms");
	DS_TRY(ds_jget_strs(g, req, "platforms", v, DS_ARRAY_SIZE(v), &n));
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < DS_ARRAY_SIZE(names) && strcmp(v[i], names[k]))
			k++;
		if (k == DS_ARRAY_SIZE(names))
			return ds_err_set(g->err, -EBADMSG, g->domain, 0,
					  "requirements.platforms: item %zu is no known platform",
					  i);
		c->platforms |= 1u << k;
	}
	return 0;
}

static int get_requirements(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	static const char *const keys[] = { "os_version", "platforms", "tdx_measure_acpi_tables",
					    "launch_token_hash", "gpu_policy" };
	json_t *req = NULL;
	bool acpi = false;

	DS_TRY(ds_jget_obj(g, o, "requirements", &req));
	c->has_requirements = req;
	DS_TRY(ds_jget_only(g, req, "requirements", keys, DS_ARRAY_SIZE(keys)));
	DS_TRY(ds_jget_str(g, req, "os_version", &c->os_version));
	DS_TRY(ds_jget_str(g, req, "launch_token_hash", &c->launch_token_hash));
	DS_TRY(ds_jget_bool(g, req, "tdx_measure_acpi_tables", &acpi));
	c->measure_acpi = json_object_get(req, "tdx_measure_acpi_tables") ? acpi : -1;
	DS_TRY(get_platforms(g, req, c));
	return get_gpu_policy(g, req, &c->gpu_policy_jcs);
}

static int get_strings(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	c->pre_launch_script = "";
	DS_TRY(ds_jget_str(g, o, "name", &c->name));
	DS_TRY(ds_jget_str(g, o, "runner", &c->runner));
	DS_TRY(ds_jget_str(g, o, "bash_script", &c->bash_script));
	DS_TRY(ds_jget_str(g, o, "pre_launch_script", &c->pre_launch_script));
	DS_TRY(ds_jget_str(g, o, "storage_fs", &c->storage_fs));
	if (!c->name || !c->runner)
		return ds_err_set(g->err, -EBADMSG, g->domain, 0, "%s: missing, a string expected",
				  c->name ? "runner" : "name");
	return 0;
}

static int get_flags(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	bool tproxy = false;

	c->public_tcbinfo = c->secure_time = true;
	DS_TRY(ds_jget_bool(g, o, "public_logs", &c->public_logs));
	DS_TRY(ds_jget_bool(g, o, "public_sysinfo", &c->public_sysinfo));
	DS_TRY(ds_jget_bool(g, o, "public_tcbinfo", &c->public_tcbinfo));
	DS_TRY(ds_jget_bool(g, o, "secure_time", &c->secure_time));
	DS_TRY(ds_jget_bool(g, o, "no_instance_id", &c->no_instance_id));
	DS_TRY(ds_jget_bool(g, o, "gateway_enabled", &c->gateway_enabled));
	DS_TRY(ds_jget_bool(g, o, "tproxy_enabled", &tproxy));
	c->gateway_enabled |= tproxy;
	return has_feature(g, o, "tproxy-net", &c->gateway_enabled);
}

static int get_allowed_envs(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	DS_TRY(ds_jget_arr(g, o, "allowed_envs", &c->allowed_envs));
	for (size_t i = 0; i < json_array_size(c->allowed_envs); i++)
		if (!json_is_string(json_array_get(c->allowed_envs, i)))
			return ds_err_set(g->err, -EBADMSG, g->domain, 0,
					  "allowed_envs: strings expected");
	return 0;
}

static int get_rest(const struct ds_jget *g, json_t *o, struct ds_compose *c)
{
	json_t *v = NULL, *elv = json_object_get(o, "event_log_version");

	DS_TRY(ds_jget_arr(g, o, "verity_volumes", &v));
	c->n_verity_volumes = json_array_size(v);
	DS_TRY(ds_jget_obj(g, o, "port_policy", &c->port_policy));
	DS_TRY(get_allowed_envs(g, o, c));
	c->event_log_version = 1;
	if (elv) {
		if (!json_is_integer(elv) || json_integer_value(elv) < 1 ||
		    json_integer_value(elv) > 2)
			return ds_err_set(g->err, -EBADMSG, g->domain, 0,
					  "event_log_version: 1 or 2 expected");
		c->event_log_version = (unsigned int)json_integer_value(elv);
	}
	/* spec/boot 3.1, version rules: older guests must not run what they do not understand. */
	if (c->manifest_version < 3 &&
	    (c->has_requirements || c->n_init_script > 1 || !strcmp(c->runner, "nerdctl-compose")))
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "manifest_version: \"3\" expected with %s, found %u",
				  c->has_requirements	 ? "requirements"
				  : c->n_init_script > 1 ? "several init scripts"
							 : "nerdctl-compose",
				  c->manifest_version);
	return 0;
}

static int parse(const struct ds_jget *g, struct ds_span in, struct ds_compose *c)
{
	DS_TRY(ds_jget_load(g, in, DS_MAX_APP_COMPOSE, &c->root));
	DS_TRY(get_version(g, c->root, &c->manifest_version));
	DS_TRY(get_strings(g, c->root, c));
	DS_TRY(get_flags(g, c->root, c));
	DS_TRY(get_init_scripts(g, c->root, c));
	DS_TRY(get_provider(g, c->root, c));
	DS_TRY(get_kms_attestation(g, c->root, c));
	DS_TRY(get_requirements(g, c->root, c));
	return get_rest(g, c->root, c);
}

int ds_compose_parse(struct ds_span in, struct ds_compose *ret, struct ds_err *err)
{
	struct ds_jget g = { "app-compose.json", err };
	struct ds_compose c = DS_COMPOSE_NULL;
	int r = parse(&g, in, &c);

	if (r)
		ds_compose_done(&c);
	else
		*ret = c;
	return r;
}

void ds_compose_done(struct ds_compose *c)
{
	json_decref(c->root);
	ds_buf_done(&c->key_provider_id);
	ds_buf_done(&c->gpu_policy_jcs);
	*c = DS_COMPOSE_NULL;
}
