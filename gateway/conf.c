// SPDX-License-Identifier: Apache-2.0
/* gateway.conf, see conf.h. Each key is one row: where it belongs and how its value is read. */
#include <net/if.h>

#include <ds/attest/verdict.h>
#include <ds/base/text.h>
#include <ds/net/config.h>

#include "conf.h"

static int fail(struct ds_err *err, const char *expected, const char *value)
{
	char text[64];

	return ds_err_set(err, -EINVAL, "config", 0, "expected %s, got '%s'", expected,
			  ds_escape(DS_SPAN_STR(value), text, sizeof(text)));
}

static int set_host(const char *value, char ret[DS_HOST_MAX + 1], struct ds_err *err)
{
	return ds_host_normalize(DS_SPAN_STR(value), ret) ? fail(err, "a domain name", value) : 0;
}

/* "500ms", "5s", "10m", "2h" to milliseconds. */
static int set_duration(const char *value, unsigned int *ret, struct ds_err *err)
{
	static const struct {
		const char *unit;
		unsigned int ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	size_t n = strspn(value, "0123456789");
	uint64_t v;

	for (size_t i = 0; i < DS_ARRAY_SIZE(units); i++)
		if (!strcmp(value + n, units[i].unit) &&
		    !ds_parse_u64(value, n, 86400000u / units[i].ms, &v) && v) {
			*ret = (unsigned int)v * units[i].ms;
			return 0;
		}
	return fail(err, "a duration such as 500ms, 5s, 10m or 2h, at most a day", value);
}

static int set_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret,
		      struct ds_err *err)
{
	char what[64];

	if (!ds_parse_u64(value, strlen(value), max, ret) && *ret >= min)
		return 0;
	snprintf(what, sizeof(what), "a number from %ju to %ju", (uintmax_t)min, (uintmax_t)max);
	return fail(err, what, value);
}

static int set_port(const char *value, uint16_t *ret, struct ds_err *err)
{
	uint64_t v;

	DS_TRY(set_number(value, 1, 65535, &v, err));
	*ret = (uint16_t)v;
	return 0;
}

static int set_count(const char *value, uint64_t min, uint64_t max, unsigned int *ret,
		     struct ds_err *err)
{
	uint64_t v;

	DS_TRY(set_number(value, min, max, &v, err));
	*ret = (unsigned int)v;
	return 0;
}

static int set_net(const char *value, struct ds_ip4net *ret, struct ds_err *err)
{
	return ds_ip4net_parse(value, ret) ? fail(err, "an IPv4 network such as 10.8.0.0/16", value)
					   : 0;
}

static int set_switch(const char *value, const char *on, const char *off, bool *ret,
		      struct ds_err *err)
{
	char what[32];

	if (!strcmp(value, on) || !strcmp(value, off)) {
		*ret = !strcmp(value, on);
		return 0;
	}
	snprintf(what, sizeof(what), "%s or %s", on, off);
	return fail(err, what, value);
}

static int add_tcb_status(void *ctx, const char *item, struct ds_err *err)
{
	struct ds_gw_conf *c = ctx;
	enum ds_tcb_status st;

	if (ds_tcb_status_parse(DS_SPAN_STR(item), &st) || st == DS_TCB_REVOKED)
		return fail(err, "TCB statuses such as UpToDate (Revoked cannot be allowed)", item);
	c->tcb_status |= 1u << st;
	return 0;
}

static int gateway_key(struct ds_gw_conf *c, const char *key, const char *v, struct ds_err *err)
{
	if (!strcmp(key, "base_domain"))
		return set_host(v, c->base_domain, err);
	if (!strcmp(key, "listen"))
		return ds_conf_addr(v, &c->listen_addr, &c->listen_port, err);
	if (!strcmp(key, "rpc_listen"))
		return ds_conf_addr(v, &c->rpc_addr, &c->rpc_port, err);
	if (!strcmp(key, "rpc_domain"))
		return set_host(v, c->rpc_domain, err);
	if (!strcmp(key, "external_port"))
		return set_port(v, &c->external_port, err);
	if (!strcmp(key, "workers"))
		return set_count(v, 0, 64, &c->workers, err);
	if (!strcmp(key, "max_connections"))
		return set_count(v, 1, 1000000, &c->max_connections, err);
	if (!strcmp(key, "status"))
		return set_switch(v, "down", "up", &c->down, err);
	if (!strcmp(key, "state_dir"))
		return ds_conf_str(v, &c->state_dir, err);
	if (!strcmp(key, "handshake_timeout"))
		return set_duration(v, &c->handshake_ms, err);
	if (!strcmp(key, "connect_timeout"))
		return set_duration(v, &c->connect_ms, err);
	if (!strcmp(key, "idle_timeout"))
		return set_duration(v, &c->idle_ms, err);
	return DS_CONF_E_UNKNOWN;
}

static int wireguard_key(struct ds_gw_conf *c, const char *key, const char *v, struct ds_err *err)
{
	if (!strcmp(key, "enabled"))
		return ds_conf_bool(v, &c->wg_enabled, err);
	if (!strcmp(key, "interface"))
		return strlen(v) >= IFNAMSIZ || strchr(v, '/')
			       ? fail(err, "an interface name", v)
			       : ds_conf_str(v, &c->wg_interface, err);
	if (!strcmp(key, "port"))
		return set_port(v, &c->wg_port, err);
	if (!strcmp(key, "endpoint"))
		return ds_ip4_endpoint_parse(v, &c->wg_endpoint) ? fail(err, "IPV4:PORT", v) : 0;
	if (!strcmp(key, "ip"))
		return set_net(v, &c->wg_ip, err);
	if (!strcmp(key, "client_ip_range"))
		return set_net(v, &c->client_range, err);
	return DS_CONF_E_UNKNOWN;
}

static int tls_key(struct ds_gw_conf *c, const char *key, const char *v, struct ds_err *err)
{
	if (!strcmp(key, "agent"))
		return ds_conf_str(v, &c->agent, err);
	if (!strcmp(key, "cert"))
		return ds_conf_str(v, &c->cert, err);
	if (!strcmp(key, "key"))
		return ds_conf_str(v, &c->key, err);
	if (!strcmp(key, "kms_root"))
		return ds_conf_str(v, &c->kms_root, err);
	return DS_CONF_E_UNKNOWN;
}

static int attest_key(struct ds_gw_conf *c, const char *key, const char *v, struct ds_err *err)
{
	if (!strcmp(key, "root_ca"))
		return ds_conf_str(v, &c->root_ca, err);
	if (!strcmp(key, "collateral"))
		return ds_conf_str(v, &c->collateral, err);
	if (!strcmp(key, "tcb_policy"))
		return ds_conf_str(v, &c->tcb_policy, err);
	if (!strcmp(key, "allow_emulated"))
		return ds_conf_bool(v, &c->allow_emulated, err);
	if (!strcmp(key, "tcb_status"))
		return ds_conf_more(ds_conf_list(v, add_tcb_status, c, err));
	return DS_CONF_E_UNKNOWN;
}

static int one_key(void *ctx, const char *section, const char *key, const char *value,
		   struct ds_err *err)
{
	static const struct {
		const char *name;
		int (*fn)(struct ds_gw_conf *c, const char *key, const char *v, struct ds_err *err);
	} sections[] = {
		{ "gateway", gateway_key },
		{ "wireguard", wireguard_key },
		{ "tls", tls_key },
		{ "attest", attest_key },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(sections); i++)
		if (!strcmp(section, sections[i].name))
			return key ? sections[i].fn(ctx, key, value, err) : 0;
	return DS_CONF_E_UNKNOWN;
}

/* What one key alone cannot tell. */
static int check(struct ds_gw_conf *c, const char *name, struct ds_err *err)
{
	const char *wrong = NULL;

	if (!c->base_domain[0])
		wrong = "[gateway] base_domain is missing";
	else if (!c->listen_addr)
		wrong = "[gateway] listen is missing";
	else if (!c->rpc_addr)
		wrong = "[gateway] rpc_listen is missing";
	else if (!c->state_dir)
		wrong = "[gateway] state_dir is missing";
	else if (!c->agent == !(c->cert && c->key) || !c->cert != !c->key)
		wrong = "[tls] needs either agent, or cert and key";
	else if (c->tcb_policy && c->tcb_status)
		wrong = "[attest] takes tcb_status or tcb_policy, not both";
	else if (!c->agent && !c->kms_root)
		wrong = "[tls] kms_root is required with certificate files";
	else if (!c->client_range.prefix || c->client_range.prefix > 30 ||
		 c->client_range.prefix < 8)
		wrong = "[wireguard] client_ip_range is missing, or its prefix is not 8 to 30";
	else if (c->client_range.addr & ~ds_ip4net_mask(c->client_range))
		wrong = "[wireguard] client_ip_range has host bits set";
	else if (c->wg_enabled && (!c->wg_endpoint.sin_port || !c->wg_ip.prefix))
		wrong = "[wireguard] endpoint and ip are required";
	else if (c->wg_enabled && !ds_ip4net_covers(c->wg_ip, c->client_range))
		wrong = "[wireguard] client_ip_range is not inside ip's network";
	return wrong ? ds_err_set(err, -EINVAL, "config", 0, "%s: %s", name, wrong) : 0;
}

static int defaults(struct ds_gw_conf *c)
{
	*c = (struct ds_gw_conf){ .max_connections = 20000,
				  .handshake_ms = 5000,
				  .connect_ms = 5000,
				  .idle_ms = 600000,
				  .wg_enabled = true,
				  .wg_port = 51820 };
	c->wg_interface = strdup("wg-ds-gw");
	return c->wg_interface ? 0 : -ENOMEM;
}

static int finish(int r, struct ds_gw_conf *c, const char *name, struct ds_gw_conf *ret,
		  struct ds_err *err)
{
	if (!r)
		r = check(c, name, err);
	if (r) {
		ds_gw_conf_done(c);
		return r;
	}
	if (!c->external_port)
		c->external_port = c->listen_port;
	if (!c->tcb_status)
		c->tcb_status = 1u << DS_TCB_UP_TO_DATE;
	*ret = *c;
	return 0;
}

int ds_gw_conf_parse(struct ds_span text, const char *name, struct ds_gw_conf *ret,
		     struct ds_err *err)
{
	struct ds_gw_conf c;

	DS_TRY(defaults(&c));
	return finish(ds_conf_parse(text, name, one_key, &c, err), &c, name, ret, err);
}

int ds_gw_conf_load(const char *path, struct ds_gw_conf *ret, struct ds_err *err)
{
	struct ds_gw_conf c;

	DS_TRY(defaults(&c));
	return finish(ds_conf_load(path, one_key, &c, err), &c, path, ret, err);
}

void ds_gw_conf_done(struct ds_gw_conf *c)
{
	free(c->listen_addr);
	free(c->rpc_addr);
	free(c->state_dir);
	free(c->wg_interface);
	free(c->agent);
	free(c->cert);
	free(c->key);
	free(c->kms_root);
	free(c->root_ca);
	free(c->collateral);
	free(c->tcb_policy);
	*c = (struct ds_gw_conf){ 0 };
}
