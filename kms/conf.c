// SPDX-License-Identifier: Apache-2.0
/* kms.conf. */
#include "conf.h"

#include <ds/net/config.h>

#define DOM "config"

static int append(char **list, size_t *n, size_t max, const char *item, struct ds_err *err)
{
	if (*n == max)
		return ds_err_set(err, -EFBIG, DOM, 0, "more than %zu values", max);
	DS_TRY(ds_conf_str(item, &list[*n], err));
	++*n;
	return 0;
}

static int add_name(void *ctx, const char *item, struct ds_err *err)
{
	struct kms_conf *c = ctx;

	return append(c->alt_names, &c->n_alt_names, KMS_MAX_NAMES, item, err);
}

static int client_cert(const char *value, enum kms_client_cert *ret, struct ds_err *err)
{
	if (strcmp(value, "required") && strcmp(value, "optional"))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected required or optional, got '%s'",
				  value);
	*ret = value[0] == 'r' ? KMS_CLIENT_REQUIRED : KMS_CLIENT_OPTIONAL;
	return 0;
}

static int at_least_one(const char *value, uint64_t max, uint64_t *ret, struct ds_err *err)
{
	uint64_t v = 0;

	DS_TRY(ds_conf_u64(value, max, &v, err));
	if (!v)
		return ds_err_set(err, -EINVAL, DOM, 0, "expected 1 to %llu",
				  (unsigned long long)max);
	*ret = v;
	return 0;
}

static int backend(const char *value, enum kms_backend *ret, struct ds_err *err)
{
	static const char *const names[] = { [KMS_BACKEND_FILE] = "file",
					     [KMS_BACKEND_WEBHOOK] = "webhook",
					     [KMS_BACKEND_CONTRACT] = "contract" };

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++)
		if (!strcmp(value, names[i])) {
			*ret = (enum kms_backend)i;
			return 0;
		}
	return ds_err_set(err, -EINVAL, DOM, 0, "expected file, webhook or contract, got '%s'",
			  value);
}

/* One of n words; *ret is its index. */
static int word(const char *value, const char *const *words, unsigned n, unsigned *ret,
		struct ds_err *err)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(value, words[i])) {
			*ret = i;
			return 0;
		}
	return ds_err_set(err, -EINVAL, DOM, 0, "expected %s or %s%s%s, got '%s'", words[0],
			  words[1], n > 2 ? " or " : "", n > 2 ? words[2] : "", value);
}

int kms_seal_parse(const char *value, enum kms_seal *ret, struct ds_err *err)
{
	static const char *const words[] = { "development", "kernel" };
	unsigned i;

	DS_TRY(word(value, words, 2, &i, err));
	*ret = (enum kms_seal)i;
	return 0;
}

static int replication(const char *value, enum kms_replication *ret, struct ds_err *err)
{
	static const char *const words[] = { "off", "sealed", "stock" };
	unsigned i;

	DS_TRY(word(value, words, 3, &i, err));
	*ret = (enum kms_replication)i;
	return 0;
}

/* How this node gets its roots, what they are sealed with, and who else may have them. */
static int node_key(struct kms_conf *c, const char *key, const char *value, struct ds_err *err)
{
	if (!strcmp(key, "seal")) {
		c->seal_given = true;
		return kms_seal_parse(value, &c->seal, err);
	}
	if (!strcmp(key, "agent"))
		return ds_conf_str(value, &c->agent, err);
	if (!strcmp(key, "lease_seconds"))
		return at_least_one(value, 3600, &c->lease_seconds, err);
	if (!strcmp(key, "replication"))
		return replication(value, &c->replication, err);
	if (!strcmp(key, "replicate_to"))
		return ds_conf_str(value, &c->replicate_to, err);
	if (!strcmp(key, "onboard_listen"))
		return ds_conf_addr(value, &c->onboard_addr, &c->onboard_port, err);
	if (!strcmp(key, "onboard_token"))
		return ds_conf_str(value, &c->onboard_token, err);
	return DS_CONF_E_UNKNOWN;
}

static int kms_key(struct kms_conf *c, const char *key, const char *value, struct ds_err *err)
{
	if (!strcmp(key, "cert_dir"))
		return ds_conf_str(value, &c->cert_dir, err);
	if (!strcmp(key, "user"))
		return ds_conf_str(value, &c->user, err);
	if (!strcmp(key, "listen"))
		return ds_conf_addr(value, &c->addr, &c->port, err);
	if (!strcmp(key, "policy"))
		return ds_conf_str(value, &c->policy, err);
	if (!strcmp(key, "policy_backend"))
		return backend(value, &c->backend, err);
	if (!strcmp(key, "release_log"))
		return ds_conf_str(value, &c->release_log, err);
	if (!strcmp(key, "admin_socket"))
		return ds_conf_str(value, &c->admin_socket, err);
	if (!strcmp(key, "public_metrics"))
		return ds_conf_bool(value, &c->public_metrics, err);
	if (!strcmp(key, "port_file"))
		return ds_conf_str(value, &c->port_file, err);
	if (!strcmp(key, "alt_names"))
		return ds_conf_more(ds_conf_list(value, add_name, c, err));
	if (!strcmp(key, "sign_cert_client_cert"))
		return client_cert(value, &c->sign_cert_client, err);
	if (!strcmp(key, "max_cert_days"))
		return at_least_one(value, 3650, &c->cert_days, err);
	if (!strcmp(key, "max_connections"))
		return at_least_one(value, 4096, &c->max_connections, err);
	if (!strcmp(key, "request_seconds"))
		return at_least_one(value, 300, &c->request_seconds, err);
	return node_key(c, key, value, err);
}

static int auth_key(struct kms_auth_conf *a, const char *key, const char *value, struct ds_err *err)
{
	if (!strcmp(key, "url")) {
		DS_TRY(ds_conf_str(value, &a->url, err));
		for (size_t n = strlen(a->url); n && a->url[n - 1] == '/'; n--)
			a->url[n - 1] = 0;
		return 0;
	}
	if (!strcmp(key, "ca"))
		return ds_conf_str(value, &a->ca, err);
	if (!strcmp(key, "insecure_http"))
		return ds_conf_bool(value, &a->insecure_http, err);
	if (!strcmp(key, "timeout_ms"))
		return at_least_one(value, 60000, &a->timeout_ms, err);
	if (!strcmp(key, "chain_id"))
		return at_least_one(value, INT64_MAX, &a->chain_id, err);
	if (!strcmp(key, "contract")) {
		a->has_contract = true;
		return ds_conf_hex(strncmp(value, "0x", 2) ? value : value + 2, a->contract, 20,
				   err);
	}
	return DS_CONF_E_UNKNOWN;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	struct kms_conf *c = ctx;

	if (!strcmp(section, "kms"))
		return kms_key(c, key, value, err);
	if (!strcmp(section, "auth"))
		return auth_key(&c->auth, key, value, err);
	if (!strcmp(section, "attest")) {
		if (!strcmp(key, "root_ca"))
			return ds_conf_str(value, &c->root_ca, err);
		if (!strcmp(key, "tcb_policy"))
			return ds_conf_str(value, &c->tcb_policy, err);
		if (!strcmp(key, "collateral"))
			return ds_conf_more(append(c->collateral, &c->n_collateral,
						   KMS_MAX_COLLATERAL, value, err));
	}
	return DS_CONF_E_UNKNOWN;
}

void kms_conf_done(struct kms_conf *c)
{
	free(c->cert_dir);
	free(c->user);
	free(c->addr);
	free(c->policy);
	free(c->release_log);
	free(c->admin_socket);
	free(c->port_file);
	free(c->agent);
	free(c->replicate_to);
	free(c->onboard_addr);
	free(c->onboard_token);
	free(c->root_ca);
	free(c->tcb_policy);
	free(c->auth.url);
	free(c->auth.ca);
	for (size_t i = 0; i < c->n_alt_names; i++)
		free(c->alt_names[i]);
	for (size_t i = 0; i < c->n_collateral; i++)
		free(c->collateral[i]);
	*c = (struct kms_conf){ 0 };
}

static bool is_local(const char *url)
{
	static const char *const local[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };

	if (!strncmp(url, "unix:", 5))
		return true;
	for (size_t i = 0; i < DS_ARRAY_SIZE(local); i++) {
		size_t n = strlen(local[i]);

		if (!strncmp(url, local[i], n) && (!url[n] || strchr(":/", url[n])))
			return true;
	}
	return false;
}

/* What decides about keys is asked where nobody can answer in its place. */
static int check_auth(const struct kms_conf *c, const char *path, struct ds_err *err)
{
	const struct kms_auth_conf *a = &c->auth;
	const char *wrong = NULL;

	if (c->backend == KMS_BACKEND_FILE)
		wrong = a->url || a->ca || a->has_contract || a->chain_id ?
				"section [auth] needs policy_backend = webhook or contract" :
				NULL;
	else if (!a->url || !*a->url)
		wrong = "url (section [auth]) is missing";
	else if (c->backend == KMS_BACKEND_CONTRACT && (!a->has_contract || !a->chain_id))
		wrong = "policy_backend = contract needs contract and chain_id in section [auth]";
	else if (!strncmp(a->url, "https://", 8))
		wrong = a->ca ? NULL : "an https url needs ca (section [auth])";
	else if (!is_local(a->url) && !a->insecure_http)
		wrong = "url (section [auth]): expected https, or http to a loopback address or a "
			"Unix socket (or insecure_http = yes)";
	return wrong ? ds_err_set(err, -EINVAL, DOM, 0, "%s: %s", path, wrong) : 0;
}

/* Whoever reaches that listener first makes the roots, or chooses from whom they come. */
static bool is_loopback(const char *addr)
{
	return !strncmp(addr, "127.", 4) || !strcmp(addr, "::1");
}

static int check_node(const struct kms_conf *c, const char *path, struct ds_err *err)
{
	const char *wrong = NULL;

	if (!c->seal_given)
		wrong = "seal is missing: kernel, or development for roots in plain files";
	else if (c->onboard_addr && !is_loopback(c->onboard_addr))
		wrong = "onboard_listen: expected a loopback address";
	else if (!c->onboard_addr != !c->onboard_token)
		wrong = "onboard_listen and onboard_token go together";
	else if (c->replication && !c->agent)
		wrong = "replication needs agent: other nodes ask for evidence";
	else if (c->replication == KMS_REPLICATION_SEALED && !c->replicate_to)
		wrong = "replication = sealed needs replicate_to: the file with the keys of the "
			"nodes that may have the roots";
	else if (c->replication == KMS_REPLICATION_STOCK && c->replicate_to)
		wrong = "replicate_to protects nothing with replication = stock: expected sealed";
	return wrong ? ds_err_set(err, -EINVAL, DOM, 0, "%s: %s", path, wrong) : 0;
}

static int check_whole(const struct kms_conf *c, const char *path, struct ds_err *err)
{
	const char *missing = !c->cert_dir	 ? "cert_dir"
			      : !c->addr	 ? "listen"
			      : !c->policy	 ? "policy"
			      : !c->release_log	 ? "release_log"
			      : !c->n_collateral ? "collateral (section [attest])"
						 : NULL;

	if (missing)
		return ds_err_set(err, -EINVAL, DOM, 0, "%s: %s is missing", path, missing);
	DS_TRY(check_node(c, path, err));
	return check_auth(c, path, err);
}

int kms_conf_load(const char *path, struct kms_conf *ret, struct ds_err *err)
{
	struct kms_conf c = { .cert_days = 90, .max_connections = 128, .request_seconds = 10,
			      .lease_seconds = 60,
			      .auth = { .timeout_ms = 5000 } };
	int r = ds_conf_load(path, on_key, &c, err);

	if (!r)
		r = check_whole(&c, path, err);
	if (r) {
		kms_conf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
