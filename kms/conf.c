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
	if (!strcmp(key, "release_log"))
		return ds_conf_str(value, &c->release_log, err);
	if (!strcmp(key, "port_file"))
		return ds_conf_str(value, &c->port_file, err);
	if (!strcmp(key, "alt_names"))
		return ds_conf_list(value, add_name, c, err);
	if (!strcmp(key, "sign_cert_client_cert"))
		return client_cert(value, &c->sign_cert_client, err);
	if (!strcmp(key, "max_cert_days"))
		return at_least_one(value, 3650, &c->cert_days, err);
	if (!strcmp(key, "max_connections"))
		return at_least_one(value, 4096, &c->max_connections, err);
	if (!strcmp(key, "request_seconds"))
		return at_least_one(value, 300, &c->request_seconds, err);
	return DS_CONF_E_UNKNOWN;
}

static int on_key(void *ctx, const char *section, const char *key, const char *value,
		  struct ds_err *err)
{
	struct kms_conf *c = ctx;

	if (!strcmp(section, "kms"))
		return kms_key(c, key, value, err);
	if (!strcmp(section, "attest")) {
		if (!strcmp(key, "root_ca"))
			return ds_conf_str(value, &c->root_ca, err);
		if (!strcmp(key, "tcb_policy"))
			return ds_conf_str(value, &c->tcb_policy, err);
		if (!strcmp(key, "collateral"))
			return append(c->collateral, &c->n_collateral, KMS_MAX_COLLATERAL, value,
				      err);
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
	free(c->port_file);
	free(c->root_ca);
	free(c->tcb_policy);
	for (size_t i = 0; i < c->n_alt_names; i++)
		free(c->alt_names[i]);
	for (size_t i = 0; i < c->n_collateral; i++)
		free(c->collateral[i]);
	*c = (struct kms_conf){ 0 };
}

static int check_whole(const struct kms_conf *c, const char *path, struct ds_err *err)
{
	const char *missing = !c->cert_dir	 ? "cert_dir"
			      : !c->addr	 ? "listen"
			      : !c->policy	 ? "policy"
			      : !c->release_log	 ? "release_log"
			      : !c->n_collateral ? "collateral (section [attest])"
						 : NULL;

	return missing ? ds_err_set(err, -EINVAL, DOM, 0, "%s: %s is missing", path, missing) : 0;
}

int kms_conf_load(const char *path, struct kms_conf *ret, struct ds_err *err)
{
	struct kms_conf c = { .cert_days = 90, .max_connections = 128, .request_seconds = 10 };
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
