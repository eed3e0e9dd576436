// SPDX-License-Identifier: Apache-2.0
/* The files that pid 1 leaves for the agent. */
#include <ds/base/file.h>
#include <ds/base/limits.h>

#include "agent.h"

#define MAX_CONFIG (64u << 10)

static int read_one(const char *dir, const char *name, size_t max, struct ds_buf *ret,
		    struct ds_err *err)
{
	char path[256];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return ds_err_set(err, -ENAMETOOLONG, "config", 0, "%s: path too long", dir);
	r = ds_read_file(AT_FDCWD, path, max, ret);
	return r ? ds_err_set(err, r, "config", 0, "%s: %s", path, strerror(-r)) : 0;
}

static int get_urls(struct agent_config *c, struct ds_err *err)
{
	const json_t *a = NULL;

	DS_TRY(ds_json_strs(c->root, "gateway_urls", AGENT_MAX_URLS, &a, err));
	c->n_gateway_url = json_array_size(a);
	for (size_t i = 0; i < c->n_gateway_url; i++)
		c->gateway_url[i] = json_string_value(json_array_get(a, i));
	return 0;
}

static int get_str(struct agent_config *c, const char *key, const char **ret, struct ds_err *err)
{
	*ret = "";
	DS_TRY(ds_json_str(c->root, key, 1024, ret, err));
	if (!*ret)
		*ret = "";
	return 0;
}

static int get_fields(struct agent_config *c, struct ds_err *err)
{
	DS_BUF struct ds_buf id = DS_BUF_NULL;

	DS_TRY(ds_json_hex(c->root, "app_id", 20, &id, err));
	if (id.n != 20)
		return ds_err_set(err, -EBADMSG, "config", 0,
				  "app_id: 20 bytes expected, found %zu", id.n);
	memcpy(c->app_id, id.p, 20);
	DS_TRY(ds_json_hex(c->root, "instance_id", 20, &c->instance_id, err));
	DS_TRY(ds_json_hex(c->root, "key_provider_id", 512, &c->pin, err));
	DS_TRY(ds_json_hex(c->root, "k256_signature", 65, &c->k256_signature, err));
	DS_TRY(get_str(c, "kms_url", &c->kms_url, err));
	DS_TRY(get_str(c, "gateway_app_id", &c->gateway_app_id, err));
	DS_TRY(get_str(c, "nameserver", &c->nameserver, err));
	if (!*c->nameserver)
		c->nameserver = NULL;
	return get_urls(c, err);
}

static int load(const char *dir, struct agent_config *c, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	json_error_t je;

	DS_TRY(read_one(dir, "agent.json", MAX_CONFIG, &text, err));
	c->root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (!json_is_object(c->root))
		return ds_err_set(err, -EBADMSG, "config", 0,
				  "%s/agent.json: a JSON object expected", dir);
	DS_TRY(get_fields(c, err));
	DS_TRY(read_one(dir, "app-compose.json", DS_MAX_APP_COMPOSE, &c->compose, err));
	DS_TRY(read_one(dir, "vm-config.json", DS_MAX_SYS_CONFIG, &c->vm_config, err));
	return read_one(dir, "kms-root.pem", DS_MAX_CERT_PEM, &c->kms_root_pem, err);
}

int agent_config_load(const char *run_dir, struct agent_config *ret, struct ds_err *err)
{
	struct agent_config c = { .root = NULL };
	int r = load(run_dir, &c, err);

	if (!r && (!ds_buf_cstr(&c.vm_config) || !ds_buf_cstr(&c.compose)))
		r = -ENOMEM;
	if (r)
		agent_config_done(&c);
	else
		*ret = c;
	return r;
}

void agent_config_done(struct agent_config *c)
{
	json_decref(c->root);
	c->root = NULL;
	ds_buf_done(&c->instance_id);
	ds_buf_done(&c->pin);
	ds_buf_done(&c->k256_signature);
	ds_buf_done(&c->compose);
	ds_buf_done(&c->vm_config);
	ds_buf_done(&c->kms_root_pem);
}
