// SPDX-License-Identifier: Apache-2.0
/*
 * ds_prpc_args() and the typed fields. First byte: body or query. What a typed field accepts must
 * be what it says: a hex field within its limit, a number within its bound.
 */
#include <ds/net/prpc.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void fields(const json_t *args, const char *name)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;
	const json_t *list = NULL;
	struct ds_err err;
	const char *s = "";
	bool b = false;
	uint64_t u = 0;

	if (!ds_json_hex(args, name, 8, &hex, &err) && hex.n > 8)
		abort();
	if (!ds_json_str(args, name, 16, &s, &err) && strlen(s) > 16)
		abort();
	if (!ds_json_u64(args, name, 1000, &u, &err) && u > 1000)
		abort();
	if (!ds_json_opt_u64(args, name, 1000, &b, &u, &err) && u > 1000)
		abort();
	if (!ds_json_strs(args, name, 4, &list, &err) && list && json_array_size(list) > 4)
		abort();
	if (ds_json_bool(args, name, &b, &err) && !err.code)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_JSON json_t *args = NULL;
	DS_FREE char *query = NULL;
	struct ds_err err = DS_ERR_NULL;
	const char *key;
	json_t *v;
	bool get;
	int r;

	if (!n)
		return 0;
	get = p[0] & 1;
	query = strndup((const char *)p + 1, n - 1);
	if (!query)
		return 0;
	r = ds_prpc_args(get, get ? query : "json", "", get ? DS_SPAN_NULL : DS_SPAN(p + 1, n - 1),
			 NULL, &args, &err);
	if (r) {
		if (r == -EBADMSG && !err.msg[0])
			abort(); /* a refusal without a reason */
		return 0;
	}
	fields(args, "absent");
	json_object_foreach (args, key, v)
		fields(args, key);
	return 0;
}
