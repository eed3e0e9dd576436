/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed look-ups in an untrusted JSON object. Each fails with -EBADMSG and names the key, the type
 * expected and the type found. An absent key leaves *ret alone and is no error; null is a wrong
 * type. Results are borrowed.
 */
#ifndef DS_LIB_WIRE_JGET_H
#define DS_LIB_WIRE_JGET_H

#include <ds/base/base.h>
#include <jansson.h>

struct ds_jget {
	const char *domain;
	struct ds_err *err;
};

static inline void ds_cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define DS_JSON DS_CLEANUP(ds_cleanup_json)

/* One JSON object of at most max bytes and nothing after it. */
DS_MUST int ds_jget_load(const struct ds_jget *g, struct ds_span in, size_t max, json_t **ret);
DS_MUST int ds_jget_str(const struct ds_jget *g, json_t *o, const char *key, const char **ret);
DS_MUST int ds_jget_bool(const struct ds_jget *g, json_t *o, const char *key, bool *ret);
DS_MUST int ds_jget_obj(const struct ds_jget *g, json_t *o, const char *key, json_t **ret);
DS_MUST int ds_jget_arr(const struct ds_jget *g, json_t *o, const char *key, json_t **ret);
/* An array of at most max strings. */
DS_MUST int ds_jget_strs(const struct ds_jget *g, json_t *o, const char *key, const char **ret,
			 size_t max, size_t *ret_n);
/* Every key of o must be one of keys. */
DS_MUST int ds_jget_only(const struct ds_jget *g, json_t *o, const char *what,
			 const char *const *keys, size_t n);

#endif
