// SPDX-License-Identifier: Apache-2.0
/* Reading fields of Intel's signed JSON documents (spec/dcap 4.4, 4.5). */
#include <ds/base/text.h>

#include "priv.h"

#define MAX_LEVELS     256u
#define ADVISORY_BYTES 23u

int ds_json_get_hex(const struct ds_jnode *obj, const char *key, void *out, size_t n)
{
	struct ds_span text = ds_jtext(ds_jget(obj, key));

	if (text.n != 2 * n)
		return -EBADMSG;
	return ds_hex_decode((const char *)text.p, text.n, out, n);
}

int ds_json_get_u64(const struct ds_jnode *obj, const char *key, uint64_t max, uint64_t *ret)
{
	const struct ds_jnode *v = ds_jget(obj, key);

	if (!ds_jis(v, DS_JINTEGER) || v->integer < 0 || (uint64_t)v->integer > max)
		return -EBADMSG;
	*ret = (uint64_t)v->integer;
	return 0;
}

int ds_json_get_time(const struct ds_jnode *obj, const char *key, int64_t *ret)
{
	struct ds_span text = ds_jtext(ds_jget(obj, key));

	return ds_time_parse_rfc3339((const char *)text.p, text.n, ret);
}

bool ds_json_is_text(const struct ds_jnode *v, const char *text)
{
	return ds_span_eq(ds_jtext(v), DS_SPAN_STR(text));
}

/* Optional array of short strings. */
static int advisories(const struct ds_jnode *level, const struct ds_jnode **ret)
{
	const struct ds_jnode *arr = ds_jget(level, "advisoryIDs");

	*ret = arr;
	if (!arr)
		return 0;
	if (!ds_jis(arr, DS_JARRAY) || arr->n > DS_VERDICT_ADVISORIES / 3)
		return -EBADMSG;
	for (const struct ds_jnode *id = ds_jfirst(arr); id; id = ds_jnext(id)) {
		struct ds_span text = ds_jtext(id);

		if (!text.n || text.n > ADVISORY_BYTES)
			return -EBADMSG;
	}
	return 0;
}

int ds_json_level_status(const struct ds_jnode *level, enum ds_tcb_status *ret,
			 const struct ds_jnode **ret_advisories)
{
	int64_t date;

	if (ds_json_get_time(level, "tcbDate", &date) ||
	    ds_tcb_status_parse(ds_jtext(ds_jget(level, "tcbStatus")), ret))
		return -EBADMSG;
	/* never the status of a level: relaunch comes from comparing two of them */
	if (*ret == DS_TCB_RELAUNCH || *ret == DS_TCB_RELAUNCH_CONFIG)
		return -EBADMSG;
	return advisories(level, ret_advisories);
}

static int svn_level(const struct ds_jnode *obj, struct ds_svn_level *ret)
{
	uint64_t svn;

	DS_TRY(ds_json_get_u64(ds_jget(obj, "tcb"), "isvsvn", UINT16_MAX, &svn));
	DS_TRY(ds_json_level_status(obj, &ret->status, &ret->advisories));
	if (ret->status != DS_TCB_UP_TO_DATE && ret->status != DS_TCB_OUT_OF_DATE &&
	    ret->status != DS_TCB_REVOKED)
		return -EBADMSG;
	ret->isvsvn = (uint32_t)svn;
	return 0;
}

int ds_json_svn_levels(const struct ds_jnode *arr, struct ds_svn_level **ret, size_t *ret_n)
{
	DS_FREE struct ds_svn_level *levels = NULL;
	const struct ds_jnode *v = ds_jfirst(arr);
	size_t n = ds_jcount(arr);

	if (!n || n > MAX_LEVELS)
		return -EBADMSG;
	levels = calloc(n, sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	for (size_t i = 0; v; v = ds_jnext(v))
		DS_TRY(svn_level(v, &levels[i++]));
	*ret = levels;
	*ret_n = n;
	levels = NULL;
	return 0;
}
