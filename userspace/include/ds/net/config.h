/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INI files, strict: an unknown section or key, a wrong value, a key given twice in sections of one
 * name or a malformed line is an error that names file and line.
 */
#ifndef DS_NET_CONFIG_H
#define DS_NET_CONFIG_H

#include <ds/base/base.h>

/* Returned by the callback: this key does not exist here. */
#define DS_CONF_E_UNKNOWN 1
/* Returned by the callback: taken, and this key may come again, because its values add up. */
#define DS_CONF_MORE 2

/*
 * One key; called in file order; key and value NULL opens a section. 0 (a key that comes once),
 * DS_CONF_MORE, DS_CONF_E_UNKNOWN, or negative with err. Strings are valid during the call.
 */
typedef int (*ds_conf_fn)(void *ctx, const char *section, const char *key, const char *value,
			  struct ds_err *err);

/* Pure; name stands in messages ("NAME:LINE: ..."). */
DS_MUST int ds_conf_parse(struct ds_span text, const char *name, ds_conf_fn fn, void *ctx,
			  struct ds_err *err);
DS_MUST int ds_conf_load(const char *path, ds_conf_fn fn, void *ctx, struct ds_err *err);

/* Values. err names what was expected. */
DS_MUST int ds_conf_bool(const char *value, bool *ret, struct ds_err *err); /* yes | no */
DS_MUST int ds_conf_u64(const char *value, uint64_t max, uint64_t *ret, struct ds_err *err);
DS_MUST int ds_conf_hex(const char *value, void *ret, size_t want, struct ds_err *err);
/* A copy replaces *ret. */
DS_MUST int ds_conf_str(const char *value, char **ret, struct ds_err *err);
/* "ADDR:PORT" or "[ADDR6]:PORT", numeric. */
DS_MUST int ds_conf_addr(const char *value, char **ret_addr, uint16_t *ret_port,
			 struct ds_err *err);
/* Calls fn for each item of a list separated by commas and blanks. */
DS_MUST int ds_conf_list(const char *value,
			 int (*fn)(void *ctx, const char *item, struct ds_err *err), void *ctx,
			 struct ds_err *err);

/* For a callback: what a key that may come again returns. */
static inline int ds_conf_more(int r)
{
	return r ? r : DS_CONF_MORE;
}

#endif
