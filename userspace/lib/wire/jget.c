// SPDX-License-Identifier: Apache-2.0
/* Typed look-ups in an untrusted JSON object. */
#include "jget.h"

#include <ds/base/text.h>

static const char *type_name(const json_t *j)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",	[JSON_TRUE] = "a boolean",
		[JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
	};

	return names[json_typeof(j)];
}

static int wrong_type(const struct ds_jget *g, const char *key, const char *want, const json_t *j)
{
	return ds_err_set(g->err, -EBADMSG, g->domain, 0, "%s: %s expected, found %s", key, want,
			  type_name(j));
}

int ds_jget_load(const struct ds_jget *g, struct ds_span in, size_t max, json_t **ret)
{
	json_error_t je;
	json_t *j;

	if (in.n > max)
		return ds_err_set(g->err, -EFBIG, g->domain, 0, "%zu bytes, at most %zu expected",
				  in.n, max);
	j = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (!j)
		return ds_err_set(g->err, -EBADMSG, g->domain, (size_t)je.position,
				  "JSON line %d: %s", je.line, je.text);
	if (!json_is_object(j)) {
		int r = ds_err_set(g->err, -EBADMSG, g->domain, 0, "an object expected, found %s",
				   type_name(j));

		json_decref(j);
		return r;
	}
	*ret = j;
	return 0;
}

int ds_jget_str(const struct ds_jget *g, json_t *o, const char *key, const char **ret)
{
	json_t *j = json_object_get(o, key);

	if (!j)
		return 0;
	if (!json_is_string(j))
		return wrong_type(g, key, "a string", j);
	*ret = json_string_value(j);
	return 0;
}

int ds_jget_bool(const struct ds_jget *g, json_t *o, const char *key, bool *ret)
{
	json_t *j = json_object_get(o, key);

	if (!j)
		return 0;
	if (!json_is_boolean(j))
		return wrong_type(g, key, "a boolean", j);
	*ret = json_is_true(j);
	return 0;
}

int ds_jget_obj(const struct ds_jget *g, json_t *o, const char *key, json_t **ret)
{
	json_t *j = json_object_get(o, key);

	if (!j)
		return 0;
	if (!json_is_object(j))
		return wrong_type(g, key, "an object", j);
	*ret = j;
	return 0;
}

int ds_jget_arr(const struct ds_jget *g, json_t *o, const char *key, json_t **ret)
{
	json_t *j = json_object_get(o, key);

	if (!j)
		return 0;
	if (!json_is_array(j))
		return wrong_type(g, key, "an array", j);
	*ret = j;
	return 0;
}

int ds_jget_strs(const struct ds_jget *g, json_t *o, const char *key, const char **ret, size_t max,
		 size_t *ret_n)
{
	json_t *a = NULL, *j;
	size_t i;

	DS_TRY(ds_jget_arr(g, o, key, &a));
	if (!a)
		return 0;
	if (json_array_size(a) > max)
		return ds_err_set(g->err, -EFBIG, g->domain, 0,
				  "%s: %zu items, at most %zu expected", key, json_array_size(a),
				  max);
	json_array_foreach (a, i, j) {
		if (!json_is_string(j))
			return wrong_type(g, key, "strings", j);
		ret[i] = json_string_value(j);
	}
	*ret_n = json_array_size(a);
	return 0;
}

int ds_jget_only(const struct ds_jget *g, json_t *o, const char *what, const char *const *keys,
		 size_t n)
{
	const char *key;
	json_t *j;

	json_object_foreach (o, key, j) {
		char shown[40];
		size_t i = 0;

		while (i < n && strcmp(key, keys[i]))
			i++;
		if (i == n)
			return ds_err_set(g->err, -EBADMSG, g->domain, 0, "%s: unknown key %s",
					  what, ds_escape(DS_SPAN_STR(key), shown, sizeof(shown)));
	}
	return 0;
}
