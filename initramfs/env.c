// SPDX-License-Identifier: Apache-2.0
/*
 * The app's encrypted environment (spec/boot 2.6): opened with the key from the KMS during stage
 * keys, kept in files of this machine's memory, given to the app and to nobody else.
 */
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/keys/envseal.h>
#include <ds/wire/envtext.h>
#include <sys/stat.h>

#include "ctx.h"

#define DIR_ENV	   APP_DIR "/.host-shared"
#define FILE_LINES DIR_ENV "/.decrypted-env"
#define FILE_JSON  DIR_ENV "/.decrypted-env.json"

int env_wanted(const struct ctx *c, struct ds_err *err)
{
	if (!c->hi.item[DS_HI_ENCRYPTED_ENV].n || c->compose.key_provider == DS_KP_KMS)
		return 0;
	return ds_err_set(err, -EOPNOTSUPP, "hostinput", 0,
			  ".encrypted-env: its key comes from a KMS: key_provider kms expected");
}

static int put(struct ctx *c, const struct ds_env *env, enum ds_env_form form, const char *path)
{
	DS_SECRET struct ds_secret *text = NULL;
	size_t n = 0;
	int r;

	DS_TRY(ds_env_write(env, form, &text, &n));
	r = ds_write_file_atomic(AT_FDCWD, path, DS_SPAN(text->p, n), 0600);
	return r ? ds_err_set(&c->err, r, "", 0, "%s: %s", path, strerror(-r)) : 0;
}

int env_open(struct ctx *c)
{
	struct ds_span blob = c->hi.item[DS_HI_ENCRYPTED_ENV];
	DS_SECRET struct ds_secret *text = NULL;
	DS_ENV struct ds_env env = DS_ENV_NULL;

	if (!blob.n)
		return 0;
	if (!c->keys.env)
		return -ENOKEY;
	DS_TRY(ds_env_open(c->keys.env->p, blob, &text, &c->err));
	DS_TRY(ds_env_parse(DS_SPAN(text->p, text->n), false, c->compose.allowed_envs, &env,
			    &c->err));
	if (env.dropped)
		ds_log(DS_LOG_WARN,
		       "what=env dropped=%zu note=\"not in allowed_envs of app-compose.json\"",
		       env.dropped);
	if (mkdir(DIR_ENV, 0700) && errno != EEXIST)
		return ds_err_set(&c->err, -errno, "", 0, DIR_ENV ": %s", strerror(errno));
	DS_TRY(put(c, &env, DS_ENV_LINES, FILE_LINES));
	return put(c, &env, DS_ENV_FLAT, FILE_JSON);
}

int env_apply(void)
{
	DS_SECRET struct ds_secret *text = NULL;
	const char *key;
	json_t *o, *v;
	/* written from a text within that limit, and no longer than it */
	int r = ds_read_file_secret(AT_FDCWD, FILE_JSON, DS_MAX_ENCRYPTED_ENV, &text);

	if (r)
		return r == -ENOENT ? 0 : r;
	o = json_loadb((const char *)text->p, text->n, 0, NULL);
	if (!o)
		return -EBADMSG;
	json_object_foreach (o, key, v)
		if (!r && setenv(key, json_string_value(v), 1))
			r = -errno;
	json_decref(o);
	return r;
}

void env_wipe(void)
{
	/* what is freed is cleared: init_on_free */
	unlink(FILE_LINES);
	unlink(FILE_JSON);
}
