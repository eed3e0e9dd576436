// SPDX-License-Identifier: Apache-2.0
/* .sys-config.json and .instance_info (spec/boot 2.3, 2.5). */
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/compose.h>

#include "jget.h"

static int get_network(const struct ds_jget *g, json_t *own, struct ds_sysconfig *c)
{
	static const char *const keys[] = { "address", "gateway", "dns" };
	json_t *net = NULL;

	DS_TRY(ds_jget_obj(g, own, "network", &net));
	DS_TRY(ds_jget_only(g, net, "dstack_c.network", keys, DS_ARRAY_SIZE(keys)));
	DS_TRY(ds_jget_str(g, net, "address", &c->net_address));
	DS_TRY(ds_jget_str(g, net, "gateway", &c->net_gateway));
	return ds_jget_str(g, net, "dns", &c->net_dns);
}

static int get_own(const struct ds_jget *g, json_t *o, struct ds_sysconfig *c)
{
	json_t *own = NULL;
	const char *notify = "ttyS1";

	DS_TRY(ds_jget_obj(g, o, "dstack_c", &own));
	DS_TRY(ds_jget_str(g, own, "notify", &notify));
	if (strcmp(notify, "ttyS1"))
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "dstack_c.notify: ttyS1 expected");
	return get_network(g, own, c);
}

static int get_urls(const struct ds_jget *g, json_t *o, struct ds_sysconfig *c)
{
	DS_TRY(ds_jget_strs(g, o, "kms_urls", c->kms_url, DS_SYSCONFIG_MAX_URLS, &c->n_kms_url));
	DS_TRY(ds_jget_strs(g, o, "tproxy_urls", c->gateway_url, DS_SYSCONFIG_MAX_URLS,
			    &c->n_gateway_url));
	return ds_jget_strs(g, o, "gateway_urls", c->gateway_url, DS_SYSCONFIG_MAX_URLS,
			    &c->n_gateway_url);
}

static int parse(const struct ds_jget *g, struct ds_span in, struct ds_sysconfig *c)
{
	c->mr_config = "";
	DS_TRY(ds_jget_load(g, in, DS_MAX_SYS_CONFIG, &c->root));
	DS_TRY(get_urls(g, c->root, c));
	DS_TRY(ds_jget_str(g, c->root, "vm_config", &c->vm_config));
	DS_TRY(ds_jget_str(g, c->root, "mr_config", &c->mr_config));
	if (!c->vm_config)
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "vm_config: missing, a string expected");
	return get_own(g, c->root, c);
}

int ds_sysconfig_parse(struct ds_span in, struct ds_sysconfig *ret, struct ds_err *err)
{
	struct ds_jget g = { ".sys-config.json", err };
	struct ds_sysconfig c = DS_SYSCONFIG_NULL;
	int r = parse(&g, in, &c);

	if (r)
		ds_sysconfig_done(&c);
	else
		*ret = c;
	return r;
}

void ds_sysconfig_done(struct ds_sysconfig *c)
{
	json_decref(c->root);
	*c = DS_SYSCONFIG_NULL;
}

/* Empty or absent is "not given"; anything else must be 20 bytes in hex. */
static int get_id(const struct ds_jget *g, json_t *o, const char *key, uint8_t id[20], bool *has)
{
	const char *s = "";

	DS_TRY(ds_jget_str(g, o, key, &s));
	if (!*s)
		return 0;
	if (ds_hex_decode_exact(s, id, 20))
		return ds_err_set(g->err, -EBADMSG, g->domain, 0,
				  "%s: 20 bytes in hex expected, found %zu characters", key,
				  strlen(s));
	*has = true;
	return 0;
}

int ds_instance_info_parse(struct ds_span in, struct ds_instance_info *ret, struct ds_err *err)
{
	struct ds_jget g = { ".instance_info", err };
	struct ds_instance_info info = { 0 };
	uint8_t unused[20];
	bool has = false;
	DS_JSON json_t *o = NULL;

	DS_TRY(ds_jget_load(&g, in, DS_MAX_INSTANCE_INFO, &o));
	DS_TRY(get_id(&g, o, "instance_id_seed", info.seed, &info.has_seed));
	DS_TRY(get_id(&g, o, "instance_id", unused, &has));
	DS_TRY(get_id(&g, o, "app_id", info.app_id, &info.has_app_id));
	*ret = info;
	return 0;
}
