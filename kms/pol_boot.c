// SPDX-License-Identifier: Apache-2.0
/* The body of POST bootAuth/app and bootAuth/kms (spec/kms 4.5, 4.7). */
#include "pol.h"

#include <ds/base/text.h>

#define DOM	     "request"
#define MAX_STATUS   128u
#define MAX_ADVISORY 256u

static int bad(struct ds_err *err, const char *key, const char *expected)
{
	return ds_err_set(err, -EBADMSG, DOM, 0, "%s: expected %s", key, expected);
}

/* Up to n bytes of hex, zeros in front of what is missing. */
static int get_hex(const json_t *o, const char *key, uint8_t *ret, size_t n, struct ds_err *err)
{
	const json_t *j = json_object_get(o, key);
	const char *s = json_string_value(j);
	size_t len = json_string_length(j);
	uint8_t bytes[32] = { 0 };

	if (!s)
		return bad(err, key, "hex digits");
	if (len >= 2 && s[0] == '0' && s[1] == 'x') {
		s += 2;
		len -= 2;
	}
	if (len / 2 > n || ds_hex_decode(s, len, bytes, n))
		return bad(err, key, n == 20 ? "up to 40 hex digits" : "up to 64 hex digits");
	memset(ret, 0, n);
	memcpy(ret + n - len / 2, bytes, len / 2);
	return 0;
}

static int text(const json_t *j, const char *key, size_t max, const char **ret, struct ds_err *err)
{
	const char *s = json_string_value(j);

	if (!s || json_string_length(j) > max || strlen(s) != json_string_length(j))
		return bad(err, key, "a short string");
	*ret = s;
	return 0;
}

static int advisories(const json_t *list, struct pol_boot *b, struct ds_err *err)
{
	if (!json_is_array(list) || json_array_size(list) > DS_ARRAY_SIZE(b->advisory))
		return bad(err, "advisoryIds", "an array of up to 128 strings");
	for (size_t i = 0; i < json_array_size(list); i++)
		DS_TRY(text(json_array_get(list, i), "advisoryIds", MAX_ADVISORY, &b->advisory[i],
			    err));
	b->boot.advisory = b->advisory;
	b->boot.n_advisory = json_array_size(list);
	return 0;
}

static int fields(const json_t *o, struct pol_boot *b, struct ds_err *err)
{
	struct ds_eth_boot *boot = &b->boot;
	const json_t *tee = json_object_get(o, "teeVariant");

	b->tee = "";
	if (tee)
		DS_TRY(text(tee, "teeVariant", 64, &b->tee, err));
	DS_TRY(get_hex(o, "appId", boot->app_id, 20, err));
	DS_TRY(get_hex(o, "composeHash", boot->compose_hash, 32, err));
	DS_TRY(get_hex(o, "instanceId", boot->instance_id, 20, err));
	DS_TRY(get_hex(o, "deviceId", boot->device_id, 32, err));
	DS_TRY(get_hex(o, "mrAggregated", boot->mr_aggregated, 32, err));
	DS_TRY(get_hex(o, "mrSystem", boot->mr_system, 32, err));
	DS_TRY(get_hex(o, "osImageHash", boot->os_image_hash, 32, err));
	DS_TRY(text(json_object_get(o, "tcbStatus"), "tcbStatus", MAX_STATUS, &boot->tcb_status,
		    err));
	return advisories(json_object_get(o, "advisoryIds"), b, err);
}

void pol_boot_done(struct pol_boot *b)
{
	json_decref(b->json);
	b->json = NULL;
}

int pol_boot_parse(struct ds_span body, struct pol_boot *ret, struct ds_err *err)
{
	int r;

	*ret = (struct pol_boot){ .json = json_loadb((const char *)body.p, body.n,
						     JSON_REJECT_DUPLICATES, NULL) };
	r = json_is_object(ret->json) ? fields(ret->json, ret, err) :
					bad(err, "body", "a JSON object");
	if (r)
		pol_boot_done(ret);
	return r;
}
