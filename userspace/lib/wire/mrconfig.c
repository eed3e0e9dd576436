// SPDX-License-Identifier: Apache-2.0
/* MrConfigV3, see ds/wire/mrconfig.h. */
#include <ds/wire/mrconfig.h>

#include <ds/base/limits.h>
#include <ds/base/text.h>

#include "jget.h"

#define VERSION	    3
#define MAX_SCRIPTS 5

/* Hex of exactly n bytes; *ret_has tells whether the key is there. */
static int hex(const struct ds_jget *g, json_t *o, const char *key, uint8_t *out, size_t n,
	       bool *ret_has)
{
	const char *s = NULL;

	DS_TRY(ds_jget_str(g, o, key, &s));
	*ret_has = s != NULL;
	if (s && ds_hex_decode_exact(s, out, n))
		return ds_err_set(g->err, -EBADMSG, g->domain, 0, "%s: expected %zu hex digits",
				  key, 2 * n);
	return 0;
}

static int get_provider(const struct ds_jget *g, json_t *o, struct ds_mr_config *m)
{
	const char *name = NULL, *id = NULL;
	int i = DS_KP_NONE;

	DS_TRY(ds_jget_str(g, o, "key_provider", &name));
	DS_TRY(ds_jget_str(g, o, "key_provider_id", &id));
	while (name && i <= DS_KP_TPM &&
	       strcmp(name, ds_key_provider_name((enum ds_key_provider)i)))
		i++;
	if (!name || i > DS_KP_TPM)
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "key_provider: expected none, local, kms or tpm");
	m->key_provider = (enum ds_key_provider)i;
	m->key_provider_id_len = id ? strlen(id) / 2 : 0;
	if (m->key_provider_id_len > sizeof(m->key_provider_id) ||
	    (id && ds_hex_decode_exact(id, m->key_provider_id, m->key_provider_id_len)))
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "key_provider_id: expected up to %zu bytes of hex",
				  sizeof(m->key_provider_id));
	return 0;
}

/* Bound, but of no use here: only their form is looked at. */
static int check_rest(const struct ds_jget *g, json_t *o)
{
	const char *scripts[MAX_SCRIPTS];
	uint8_t hash[32];
	size_t n = 0;
	bool has;

	DS_TRY(hex(g, o, "gpu_policy_hash", hash, sizeof(hash), &has));
	DS_TRY(ds_jget_strs(g, o, "init_script_hashes", scripts, MAX_SCRIPTS, &n));
	for (size_t i = 0; i < n; i++)
		if (ds_hex_decode_exact(scripts[i], hash, sizeof(hash)))
			return ds_err_set(g->err, -EBADMSG, g->domain, 0,
					  "init_script_hashes: expected 64 hex digits each");
	return 0;
}

int ds_mr_config_parse(struct ds_span json, struct ds_mr_config *ret, struct ds_err *err)
{
	static const char *const keys[] = { "version",	    "app_id",
					    "compose_hash", "gpu_policy_hash",
					    "key_provider", "key_provider_id",
					    "instance_id",  "init_script_hashes" };
	const struct ds_jget g = { "mr-config", err };
	struct ds_mr_config m = { 0 };
	DS_JSON json_t *o = NULL;
	bool has = false;

	DS_TRY(ds_jget_load(&g, json, DS_MAX_SYS_CONFIG, &o));
	DS_TRY(ds_jget_only(&g, o, "document", keys, DS_ARRAY_SIZE(keys)));
	if (json_integer_value(json_object_get(o, "version")) != VERSION)
		return ds_err_set(err, -EBADMSG, g.domain, 0, "version: expected %d", VERSION);
	DS_TRY(hex(&g, o, "app_id", m.app_id, sizeof(m.app_id), &m.has_app_id));
	DS_TRY(hex(&g, o, "instance_id", m.instance_id, sizeof(m.instance_id), &m.has_instance_id));
	DS_TRY(hex(&g, o, "compose_hash", m.compose_hash, sizeof(m.compose_hash), &has));
	if (!has)
		return ds_err_set(err, -EBADMSG, g.domain, 0, "compose_hash: missing");
	DS_TRY(get_provider(&g, o, &m));
	DS_TRY(check_rest(&g, o));
	*ret = m;
	return 0;
}
