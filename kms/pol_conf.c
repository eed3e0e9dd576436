// SPDX-License-Identifier: Apache-2.0
/* kms-contract.conf, see dstack-kms-policy(8). */
#include "pol.h"

#include <ctype.h>
#include <ds/net/config.h>

#define DOM "config"

static int number(const char *value, uint64_t min, uint64_t max, uint64_t *ret, struct ds_err *err)
{
	uint64_t v = 0;

	DS_TRY(ds_conf_u64(value, max, &v, err));
	if (v < min)
		return ds_err_set(err, -EINVAL, DOM, 0, "expected %llu to %llu",
				  (unsigned long long)min, (unsigned long long)max);
	*ret = v;
	return 0;
}

static int get_proofs(const char *value, enum pol_proofs *ret, struct ds_err *err)
{
	static const char *const names[] = { "off", "kms", "all" };

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++)
		if (!strcmp(value, names[i])) {
			*ret = (enum pol_proofs)i;
			return 0;
		}
	return ds_err_set(err, -EINVAL, DOM, 0, "expected off, kms or all, got '%s'", value);
}

static int get_block(const char *value, char **ret, struct ds_err *err)
{
	if (strcmp(value, "finalized") && strcmp(value, "safe") && strcmp(value, "latest"))
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "expected finalized, safe or latest, got '%s'", value);
	return ds_conf_str(value, ret, err);
}

static int contract_key(struct pol_conf *c, const char *key, const char *value, struct ds_err *err)
{
	uint64_t seconds = 0;

	if (!strcmp(key, "chain_id"))
		return number(value, 1, INT64_MAX, &c->chain_id, err);
	if (!strcmp(key, "address")) {
		c->has_contract = true;
		return ds_conf_hex(strncmp(value, "0x", 2) ? value : value + 2, c->contract, 20,
				   err);
	}
	if (!strcmp(key, "quorum"))
		return number(value, 1, DS_ETH_MAX_NODES_ASKED, &c->quorum, err);
	if (!strcmp(key, "block"))
		return get_block(value, &c->block, err);
	if (!strcmp(key, "ask_tee"))
		return ds_conf_bool(value, &c->ask_tee, err);
	if (!strcmp(key, "proofs"))
		return get_proofs(value, &c->proofs, err);
	if (!strcmp(key, "lease_seconds")) {
		DS_TRY(number(value, 1, 3600, &seconds, err));
		c->lease_ms = seconds * 1000;
		return 0;
	}
	if (!strcmp(key, "max_block_age"))
		return number(value, 1, UINT32_MAX, &c->max_block_age, err);
	if (!strcmp(key, "timeout_ms"))
		return number(value, 1, 60000, &c->timeout_ms, err);
	if (!strcmp(key, "state"))
		return ds_conf_str(value, &c->state, err);
	return DS_CONF_E_UNKNOWN;
}

static int api_key(struct pol_conf *c, const char *key, const char *value, struct ds_err *err)
{
	if (!strcmp(key, "socket"))
		return ds_conf_str(value, &c->socket, err);
	if (!strcmp(key, "listen"))
		return ds_conf_addr(value, &c->addr, &c->port, err);
	if (!strcmp(key, "port_file"))
		return ds_conf_str(value, &c->port_file, err);
	return DS_CONF_E_UNKNOWN;
}

static int get_node(struct pol_conf *c, const char *name, struct ds_eth_node **ret,
		    struct ds_err *err)
{
	char *copy = NULL;

	for (size_t i = 0; i < c->n_node; i++)
		if (!strcmp(c->node[i].name, name)) {
			*ret = &c->node[i];
			return 0;
		}
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			name = "";
	if (!*name || strlen(name) > 32)
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "name of an endpoint: expected 1 to 32 of [A-Za-z0-9._-]");
	if (c->n_node == DS_ETH_MAX_NODES_ASKED)
		return ds_err_set(err, -EFBIG, DOM, 0, "more than %u endpoints",
				  DS_ETH_MAX_NODES_ASKED);
	DS_TRY(ds_conf_str(name, &copy, err));
	*ret = &c->node[c->n_node++];
	(*ret)->name = copy;
	return 0;
}

static int node_key(struct pol_conf *c, const char *name, const char *key, const char *value,
		    struct ds_err *err)
{
	struct ds_eth_node *node = NULL;

	DS_TRY(get_node(c, name, &node, err));
	if (!strcmp(key, "url"))
		return ds_conf_str(value, (char **)&node->url, err);
	if (!strcmp(key, "ca"))
		return ds_conf_str(value, (char **)&node->ca, err);
	return DS_CONF_E_UNKNOWN;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	if (!strcmp(section, "contract"))
		return contract_key(ctx, key, value, err);
	if (!strcmp(section, "api"))
		return api_key(ctx, key, value, err);
	if (!strncmp(section, "endpoint ", 9))
		return node_key(ctx, section + 9, key, value, err);
	return DS_CONF_E_UNKNOWN;
}

void pol_conf_done(struct pol_conf *c)
{
	free(c->socket);
	free(c->addr);
	free(c->port_file);
	free(c->state);
	free(c->block);
	for (size_t i = 0; i < c->n_node; i++) {
		free((char *)c->node[i].name);
		free((char *)c->node[i].url);
		free((char *)c->node[i].ca);
	}
	*c = (struct pol_conf){ 0 };
}

static int check_nodes(struct pol_conf *c, const char *path, struct ds_err *err)
{
	struct ds_err why = DS_ERR_NULL;
	int r;

	for (size_t i = 0; i < c->n_node; i++) {
		struct ds_eth_node *node = &c->node[i];

		if (!node->url)
			return ds_err_set(err, -EINVAL, DOM, 0, "%s: [endpoint %s] has no url",
					  path, node->name);
		r = ds_eth_node_check(node, &why);
		if (r)
			return ds_err_set(err, r, DOM, 0, "%s: %s", path, why.msg);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(c->node[k].url, node->url))
				return ds_err_set(err, -EINVAL, DOM, 0,
						  "%s: endpoints %s and %s are one and have one voice",
						  path, c->node[k].name, node->name);
		node->timeout_ms = (unsigned)c->timeout_ms;
	}
	return 0;
}

static int check_whole(struct pol_conf *c, const char *path, struct ds_err *err)
{
	const char *missing = !c->chain_id	       ? "chain_id" :
			      !c->has_contract	       ? "address" :
			      !c->state		       ? "state" :
			      !c->n_node	       ? "[endpoint NAME]" :
			      !c->socket && !c->addr   ? "socket or listen (section [api])" :
							 NULL;

	if (missing)
		return ds_err_set(err, -EINVAL, DOM, 0, "%s: %s is missing", path, missing);
	if (c->socket && c->addr)
		return ds_err_set(err, -EINVAL, DOM, 0, "%s: socket and listen exclude each other",
				  path);
	DS_TRY(check_nodes(c, path, err));
	if (!c->quorum)
		c->quorum = c->n_node / 2 + 1;
	/* else two groups of nodes could agree on two answers */
	if (c->quorum > c->n_node || c->quorum * 2 <= c->n_node)
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "%s: quorum of %zu endpoints: expected %zu to %zu, got %llu", path,
				  c->n_node, c->n_node / 2 + 1, c->n_node,
				  (unsigned long long)c->quorum);
	return c->block ? 0 : ds_conf_str("finalized", &c->block, err);
}

int pol_conf_load(const char *path, struct pol_conf *ret, struct ds_err *err)
{
	struct pol_conf c = { .ask_tee = true,
			      .proofs = POL_PROOFS_KMS,
			      .lease_ms = 60000,
			      .max_block_age = 3600,
			      .timeout_ms = 3000 };
	int r = ds_conf_load(path, on_key, &c, err);

	if (!r)
		r = check_whole(&c, path, err);
	if (r) {
		pol_conf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
