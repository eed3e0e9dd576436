// SPDX-License-Identifier: Apache-2.0
/* Reading fields of Intel's signed JSON documents (spec/dcap 4.4, 4.5). */
#include <ds/base/text.h>

#include "priv.h"

#define MAX_LEVELS     256u
#define ADVISORY_BYTES 23u

int ds_json_get_hex(const json_t *obj, const char *key, void *out, size_t n)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_string(v) || json_string_length(v) != 2 * n)
		return -EBADMSG;
	return ds_hex_decode(json_string_value(v), json_string_length(v), out, n);
}

int ds_json_get_u64(const json_t *obj, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max)
		return -EBADMSG;
	*ret = (uint64_t)n;
	return 0;
}

int ds_json_get_time(const json_t *obj, const char *key, int64_t *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_string(v))
		return -EBADMSG;
	return ds_time_parse_rfc3339(json_string_value(v), json_string_length(v), ret);
}

bool ds_json_is_text(const json_t *v, const char *text)
{
	return json_is_string(v) &&
	       ds_span_eq(DS_SPAN(json_string_value(v), json_string_length(v)), DS_SPAN_STR(text));
}

/* Optional array of short strings. */
static int advisories(const json_t *level, const json_t **ret)
{
	const json_t *arr = json_object_get(level, "advisoryIDs");

	*ret = arr;
	if (!arr)
		return 0;
	if (!json_is_array(arr) || json_array_size(arr) > DS_VERDICT_ADVISORIES / 3)
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(arr); i++) {
		const json_t *id = json_array_get(arr, i);

		if (!json_is_string(id) || !json_string_length(id) ||
		    json_string_length(id) > ADVISORY_BYTES)
			return -EBADMSG;
	}
	return 0;
}

int ds_json_level_status(const json_t *level, enum ds_tcb_status *ret,
			 const json_t **ret_advisories)
{
	const json_t *word = json_object_get(level, "tcbStatus");
	int64_t date;

	if (!json_is_string(word) || ds_json_get_time(level, "tcbDate", &date) ||
	    ds_tcb_status_parse(DS_SPAN(json_string_value(word), json_string_length(word)), ret))
		return -EBADMSG;
	/* never the status of a level: relaunch comes from comparing two of them */
	if (*ret == DS_TCB_RELAUNCH || *ret == DS_TCB_RELAUNCH_CONFIG)
		return -EBADMSG;
	return advisories(level, ret_advisories);
}

static int svn_level(const json_t *obj, struct ds_svn_level *ret)
{
	uint64_t svn;

	DS_TRY(ds_json_get_u64(json_object_get(obj, "tcb"), "isvsvn", UINT16_MAX, &svn));
	DS_TRY(ds_json_level_status(obj, &ret->status, &ret->advisories));
	if (ret->status != DS_TCB_UP_TO_DATE && ret->status != DS_TCB_OUT_OF_DATE &&
	    ret->status != DS_TCB_REVOKED)
		return -EBADMSG;
	ret->isvsvn = (uint32_t)svn;
	return 0;
}

int ds_json_svn_levels(const json_t *arr, struct ds_svn_level **ret, size_t *ret_n)
{
	DS_FREE struct ds_svn_level *levels = NULL;
	size_t n = json_array_size(arr);

	if (!json_is_array(arr) || !n || n > MAX_LEVELS)
		return -EBADMSG;
	levels = calloc(n, sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		DS_TRY(svn_level(json_array_get(arr, i), &levels[i]));
	*ret = levels;
	*ret_n = n;
	levels = NULL;
	return 0;
}
