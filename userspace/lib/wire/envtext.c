// SPDX-License-Identifier: Apache-2.0
/* Text of an environment, see ds/wire/envtext.h. */
#include "jget.h"

#include <ds/wire/envtext.h>

#define DOM	 "env"
#define MAX_TEXT (2u << 20)

void ds_env_done(struct ds_env *env)
{
	json_decref(env->root);
	free(env->item);
	*env = DS_ENV_NULL;
}

static bool is_key(const char *s)
{
	if (*s >= '0' && *s <= '9')
		return false;
	for (const char *p = s; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '_'))
			return false;
	return *s;
}

static bool is_allowed(const json_t *allowed, const char *key)
{
	for (size_t i = 0; i < json_array_size(allowed); i++) {
		const char *s = json_string_value(json_array_get(allowed, i));

		if (s && !strcmp(s, key))
			return true;
	}
	return false;
}

/* No message says more of a value than its length, and of a key nothing that is not a key. */
static int check(size_t i, const char *key, const char *value, size_t *sum, struct ds_err *err)
{
	size_t k = strlen(key), v = strlen(value);

	if (k > DS_ENV_MAX_KEY)
		return ds_err_set(err, -EFBIG, DOM, i, "entry %zu: key of %zu bytes, at most %u", i,
				  k, DS_ENV_MAX_KEY);
	if (v > DS_ENV_MAX_VALUE)
		return ds_err_set(err, -EFBIG, DOM, i, "entry %zu: value of %zu bytes, at most %u",
				  i, v, DS_ENV_MAX_VALUE);
	if (!is_key(key))
		return ds_err_set(err, -EBADMSG, DOM, i,
				  "entry %zu: key: [A-Za-z_][A-Za-z0-9_]* expected", i);
	*sum += k + v;
	if (*sum > DS_ENV_MAX_SUM)
		return ds_err_set(err, -EFBIG, DOM, i, "keys and values: more than %u bytes",
				  DS_ENV_MAX_SUM);
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct ds_env_item *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int add(struct ds_env *env, const char *key, const char *value)
{
	struct ds_env_item *p;

	for (size_t i = 0; i < env->n; i++)
		if (!strcmp(env->item[i].key, key)) {
			env->item[i].value = value;
			return 0;
		}
	p = reallocarray(env->item, env->n + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	env->item = p;
	p[env->n++] = (struct ds_env_item){ key, value };
	return 0;
}

static int take(struct ds_env *env, bool all, const json_t *allowed, struct ds_err *err)
{
	struct ds_jget g = { DOM, err };
	json_t *list = NULL;
	size_t sum = 0;

	DS_TRY(ds_jget_arr(&g, env->root, "env", &list));
	if (!list)
		return ds_err_set(err, -EBADMSG, DOM, 0, "env: missing");
	if (json_array_size(list) > DS_ENV_MAX_ITEMS)
		return ds_err_set(err, -EFBIG, DOM, 0, "env: %zu entries, at most %u",
				  json_array_size(list), DS_ENV_MAX_ITEMS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);
		const char *key = NULL, *value = NULL;

		if (!json_is_object(o))
			return ds_err_set(err, -EBADMSG, DOM, i, "entry %zu: an object expected",
					  i);
		DS_TRY(ds_jget_str(&g, o, "key", &key));
		DS_TRY(ds_jget_str(&g, o, "value", &value));
		if (!key || !value)
			return ds_err_set(err, -EBADMSG, DOM, i, "entry %zu: %s: missing", i,
					  key ? "value" : "key");
		if (!all && !is_allowed(allowed, key)) {
			env->dropped++;
			continue;
		}
		DS_TRY(check(i, key, value, &sum, err));
		DS_TRY(add(env, key, value));
	}
	if (env->n)
		qsort(env->item, env->n, sizeof(*env->item), by_key);
	return 0;
}

int ds_env_parse(struct ds_span text, bool all, const json_t *allowed, struct ds_env *ret,
		 struct ds_err *err)
{
	struct ds_env env = DS_ENV_NULL;
	json_error_t je;
	int r;

	if (text.n > MAX_TEXT)
		return ds_err_set(err, -EFBIG, DOM, 0, "%zu bytes, at most %u", text.n, MAX_TEXT);
	env.root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	/* the parser's own words would quote the text */
	if (json_is_object(env.root))
		r = take(&env, all, allowed, err);
	else if (env.root)
		r = ds_err_set(err, -EBADMSG, DOM, 0, "a JSON object expected");
	else
		r = ds_err_set(err, -EBADMSG, DOM, 0, "a JSON object expected: error in line %d",
			       je.line);
	if (r)
		ds_env_done(&env);
	else
		*ret = env;
	return r;
}

static int add_line(json_t *list, struct ds_span line, size_t no, struct ds_err *err)
{
	const uint8_t *eq = memchr(line.p, '=', line.n);
	size_t k = eq ? (size_t)(eq - line.p) : 0;
	json_t *o;

	if (!eq)
		return ds_err_set(err, -EBADMSG, DOM, no, "line %zu: KEY=VALUE expected", no);
	o = json_pack("{s:s%,s:s%}", "key", line.p, k, "value", eq + 1, line.n - k - 1);
	if (!o)
		return ds_err_set(err, -EBADMSG, DOM, no, "line %zu: not UTF-8 without NUL", no);
	return json_array_append_new(list, o) ? -ENOMEM : 0;
}

int ds_env_parse_lines(struct ds_span text, struct ds_env *ret, struct ds_err *err)
{
	struct ds_env env = { .root = json_pack("{s:[]}", "env") };
	json_t *list = json_object_get(env.root, "env");
	int r = list ? 0 : -ENOMEM;
	size_t no = 0;

	if (memchr(text.n ? text.p : (const uint8_t *)"x", 0, text.n))
		r = ds_err_set(err, -EBADMSG, DOM, 0, "NUL in the text");
	while (!r && text.n) {
		const uint8_t *nl = memchr(text.p, '\n', text.n);
		struct ds_span line = DS_SPAN(text.p, nl ? (size_t)(nl - text.p) : text.n);

		no++;
		text = DS_SPAN(text.p + line.n + !!nl, text.n - line.n - !!nl);
		if (line.n && line.p[0] != '#')
			r = add_line(list, line, no, err);
	}
	if (!r)
		r = take(&env, true, NULL, err);
	if (r)
		ds_env_done(&env);
	else
		*ret = env;
	return r;
}

static json_t *to_json(const struct ds_env *env, bool flat)
{
	json_t *o = flat ? json_object() : json_pack("{s:[]}", "env");
	json_t *list = json_object_get(o, "env");

	for (size_t i = 0; o && i < env->n; i++) {
		const struct ds_env_item *it = &env->item[i];

		if (flat ? json_object_set_new(o, it->key, json_string(it->value))
			 : json_array_append_new(list, json_pack("{s:s,s:s}", "key", it->key,
								 "value", it->value))) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static int write_json(const struct ds_env *env, bool flat, struct ds_secret **ret, size_t *ret_n)
{
	DS_JSON json_t *o = to_json(env, flat);
	DS_SECRET struct ds_secret *s = NULL;
	size_t n = o ? json_dumpb(o, NULL, 0, JSON_COMPACT) : 0;

	s = n ? ds_secret_new(n) : NULL;
	if (!s || json_dumpb(o, (char *)s->p, n, JSON_COMPACT) != n)
		return -ENOMEM;
	*ret = s;
	*ret_n = n;
	s = NULL;
	return 0;
}

/* out NULL: only counts. */
static void put(uint8_t *out, size_t *n, char c)
{
	if (out)
		out[*n] = (uint8_t)c;
	++*n;
}

static size_t put_line(const struct ds_env_item *it, uint8_t *out)
{
	bool quoted = strpbrk(it->value, " \t\n|&;<>()$`\\\"'");
	size_t n = 0;

	for (const char *p = it->key; *p; p++)
		put(out, &n, *p);
	put(out, &n, '=');
	if (quoted)
		put(out, &n, '"');
	for (const char *p = it->value; *p; p++) {
		if (strchr("\"$`\\\n", *p))
			put(out, &n, '\\');
		put(out, &n, *p == '\n' ? 'n' : *p);
	}
	if (quoted)
		put(out, &n, '"');
	put(out, &n, '\n');
	return n;
}

int ds_env_write(const struct ds_env *env, enum ds_env_form form, struct ds_secret **ret,
		 size_t *ret_n)
{
	struct ds_secret *s;
	size_t n = 0, at = 0;

	if (form != DS_ENV_LINES)
		return write_json(env, form == DS_ENV_FLAT, ret, ret_n);
	for (size_t i = 0; i < env->n; i++)
		n += put_line(&env->item[i], NULL);
	s = ds_secret_new(n ? n : 1);
	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < env->n; i++)
		at += put_line(&env->item[i], s->p + at);
	*ret = s;
	*ret_n = n;
	return 0;
}
