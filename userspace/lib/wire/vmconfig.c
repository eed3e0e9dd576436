// SPDX-License-Identifier: Apache-2.0
/* vm_config, see ds/wire/vmconfig.h. */
#include <ds/wire/vmconfig.h>

#include <ds/base/limits.h>
#include <ds/base/text.h>

#include "jget.h"

#define DOMAIN "vm-config"

static int number(json_t *o, const char *key, uint64_t max, uint64_t *ret, struct ds_err *err)
{
	json_t *v = json_object_get(o, key);

	if (!v)
		return 0;
	/* what is below zero is above every max */
	if (!json_is_integer(v) || (uint64_t)json_integer_value(v) > max)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s: expected a number from 0 to %llu",
				  key, (unsigned long long)max);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int read_fields(const struct ds_jget *g, json_t *o, struct ds_vm_config *ret)
{
	const char *hash = NULL;
	uint64_t cpus = 0;

	DS_TRY(ds_jget_str(g, o, "os_image_hash", &hash));
	if (hash && *hash) {
		if (ds_hex_decode_exact(hash, ret->os_image_hash, sizeof(ret->os_image_hash)))
			return ds_err_set(g->err, -EBADMSG, DOMAIN, 0,
					  "os_image_hash: expected 64 hex digits");
		ret->has_os_image_hash = true;
	}
	DS_TRY(number(o, "cpu_count", UINT32_MAX, &cpus, g->err));
	ret->cpu_count = (uint32_t)cpus;
	return number(o, "memory_size", INT64_MAX, &ret->memory_size, g->err);
}

int ds_vm_config_parse(struct ds_span json, struct ds_vm_config *ret, struct ds_err *err)
{
	const struct ds_jget g = { DOMAIN, err };
	struct ds_vm_config out = { 0 };
	DS_JSON json_t *outer = NULL, *inner = NULL;
	const char *text = NULL;

	if (json.n) {
		DS_TRY(ds_jget_load(&g, json, DS_MAX_SYS_CONFIG, &outer));
		DS_TRY(ds_jget_str(&g, outer, "vm_config", &text));
		if (text && *text)
			DS_TRY(ds_jget_load(&g, DS_SPAN_STR(text), DS_MAX_SYS_CONFIG, &inner));
		/* an older blob with an empty vm_config string holds no fields of ours either */
		if (!text || inner)
			DS_TRY(read_fields(&g, inner ? inner : outer, &out));
	}
	*ret = out;
	return 0;
}
