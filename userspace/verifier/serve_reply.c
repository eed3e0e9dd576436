// SPDX-License-Identifier: Apache-2.0
/* The reply in the reference's field names (its verifier, /verify). */
#include "serve.h"

#include <ds/base/text.h>
#include <ds/wire/jbounds.h>

#define KP_DEPTH  8u
#define KP_VALUES 64u

static void set(json_t *o, const char *key, json_t *v)
{
	json_object_set_new(o, key, v ? v : json_null());
}

/* Of any length, unlike output_hex(). */
static void set_hex(json_t *o, const char *key, const struct ds_buf *b)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	set(o, key,
	    ds_buf_add_hex(&hex, ds_buf_span(b)) ? NULL
						 : json_stringn((const char *)hex.p, hex.n));
}

/* The payload of the key-provider event: {"name":..., "id":...}. */
static json_t *key_provider(const struct ds_identity *id)
{
	json_t *doc, *name, *kid, *o = NULL;

	/* measured, but an event may be as long as a whole log */
	if (ds_json_bounds(ds_buf_span(&id->key_provider), KP_DEPTH, KP_VALUES, NULL))
		return NULL;
	doc = json_loadb((const char *)id->key_provider.p, id->key_provider.n, JSON_REJECT_DUPLICATES,
			 NULL);
	name = json_object_get(doc, "name");
	kid = json_object_get(doc, "id");
	if (json_is_string(name) && json_is_string(kid))
		o = json_pack("{s:O, s:O}", "name", name, "id", kid);
	json_decref(doc);
	return o;
}

static json_t *app_info(const struct ds_verdict *v, const struct ds_identity *id,
			const uint8_t *image_hash)
{
	json_t *o = json_object();
	char key[8];

	output_hex(o, "app_id", id->app_id, sizeof(id->app_id));
	output_hex(o, "compose_hash", id->compose_hash, sizeof(id->compose_hash));
	output_hex(o, "instance_id", id->instance_id, id->instance_id_len);
	output_hex(o, "device_id", id->device_id, sizeof(id->device_id));
	output_hex(o, "mrtd", v->body.mr_td, sizeof(v->body.mr_td));
	for (unsigned int i = 0; i < 4; i++) {
		(void)snprintf(key, sizeof(key), "rtmr%u", i);
		output_hex(o, key, v->body.rt_mr[i], sizeof(v->body.rt_mr[i]));
	}
	output_hex(o, "mr_system", id->mr_system, sizeof(id->mr_system));
	output_hex(o, "mr_aggregated", id->mr_aggregated, sizeof(id->mr_aggregated));
	output_hex(o, "os_image_hash", image_hash, image_hash ? 32 : 0);
	set_hex(o, "key_provider_info", &id->key_provider);
	return o;
}

static const char *variant(const struct ds_verdict *v)
{
	return v->tee == DS_TEE_SNP ? "dstack-amd-sev-snp" : "dstack-tdx";
}

/* What the authorization hooks of a KMS are given. */
static json_t *boot_info(const struct ds_verdict *v, const struct ds_identity *id,
			 const uint8_t *image_hash, json_t *advisories)
{
	json_t *o = json_object();

	set(o, "teeVariant", json_string(variant(v)));
	output_hex(o, "mrAggregated", id->mr_aggregated, sizeof(id->mr_aggregated));
	output_hex(o, "osImageHash", image_hash, image_hash ? 32 : 0);
	output_hex(o, "mrSystem", id->mr_system, sizeof(id->mr_system));
	output_hex(o, "appId", id->app_id, sizeof(id->app_id));
	output_hex(o, "composeHash", id->compose_hash, sizeof(id->compose_hash));
	output_hex(o, "instanceId", id->instance_id, id->instance_id_len);
	output_hex(o, "deviceId", id->device_id, sizeof(id->device_id));
	set_hex(o, "keyProviderInfo", &id->key_provider);
	set(o, "tcbStatus", json_string(v->tcb_status));
	json_object_set(o, "advisoryIds", advisories);
	return o;
}

/* "REASON: detail", so that a program that looks at the first word finds a stable name. */
static json_t *reason(const struct ds_verdict *v)
{
	return v->accepted ? NULL : json_sprintf("%s: %s", ds_reason_name(v->reason), v->detail);
}

const uint8_t *serve_image_hash(const struct ds_verdict *v, const struct ds_tcb_policy_file *policy)
{
	const struct ds_tcb_policy *p = policy ? ds_tcb_policy_get(policy) : NULL;
	const uint8_t *hash = NULL;

	for (size_t i = 0; p && i < p->n_image && !hash; i++)
		if (ds_image_matches(v, &p->image[i]))
			hash = ds_tcb_policy_image_hash(policy, i);
	return hash;
}

json_t *serve_reply(const struct ds_verdict *v, const struct ds_identity *id,
		    const uint8_t *image_hash)
{
	json_t *o = json_object(), *d = json_object(), *advisories = json_array();

	for (size_t i = 0; i < v->n_advisories; i++)
		json_array_append_new(advisories, json_string(v->advisories[i]));
	set(d, "quote_verified", json_boolean(id));
	set(d, "event_log_verified", json_boolean(id && v->tee == DS_TEE_TDX)); /* SNP has none */
	set(d, "os_image_hash_verified", json_boolean(image_hash));
	/* the registers are compared with a list, tables are not computed */
	set(d, "acpi_tables_verified", json_false());
	set(d, "os_image_is_dev", NULL);
	set(d, "os_image_version", NULL);
	set(d, "tee_variant", v->has_body || v->has_snp ? json_string(variant(v)) : NULL);
	set(d, "report_data", NULL);
	if (v->has_body)
		output_hex(d, "report_data", v->body.report_data, sizeof(v->body.report_data));
	if (v->has_snp)
		output_hex(d, "report_data", v->snp.report_data, sizeof(v->snp.report_data));
	set(d, "tcb_status", *v->tcb_status ? json_string(v->tcb_status) : NULL);
	json_object_set(d, "advisory_ids", advisories);
	set(d, "key_provider", id ? key_provider(id) : NULL);
	set(d, "app_info", id ? app_info(v, id, image_hash) : NULL);
	if (v->accepted && id)
		set(d, "boot_info", boot_info(v, id, image_hash, advisories));
	json_decref(advisories);
	set(o, "is_valid", json_boolean(v->accepted));
	set(o, "details", d);
	set(o, "reason", reason(v));
	set(o, "verdict", output_verdict_json(v));
	return o;
}
