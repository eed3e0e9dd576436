// SPDX-License-Identifier: Apache-2.0
/* Expected measurements of an image (check 38). */
#include "priv.h"

#define DOMAIN "image"

int ds_image_mr_parse(struct ds_span json, struct ds_image_mr *ret, struct ds_err *err)
{
	static const char *const keys[] = { "mrtd", "rtmr0", "rtmr1", "rtmr2" };
	struct ds_image_mr m;
	uint8_t *const out[] = { m.mr_td, m.rt_mr[0], m.rt_mr[1], m.rt_mr[2] };
	json_error_t je;
	json_t *doc = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, &je);
	int r = 0;

	if (!doc)
		return ds_err_set(err, -EBADMSG, DOMAIN, je.position > 0 ? (size_t)je.position : 0,
				  "JSON: %s", je.text);
	for (size_t i = 0; !r && i < DS_ARRAY_SIZE(keys); i++)
		if (ds_json_get_hex(doc, keys[i], out[i], 48))
			r = ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s: expected 48 bytes of hex",
				       keys[i]);
	json_decref(doc);
	if (!r)
		*ret = m;
	return r;
}

static int compare(struct ds_verdict *v, const char *what, const uint8_t want[48],
		   const uint8_t got[48])
{
	if (ds_ct_equal(want, got, 48)) {
		ds_verdict_pass(v, "measurement", "%s is that of the image", what);
		return 0;
	}
	return ds_verdict_fail_hex(v, DS_REASON_MEASUREMENT, what, DS_SPAN(want, 48),
				   DS_SPAN(got, 48));
}

int ds_verify_image(struct ds_verdict *v, const struct ds_image_mr *image)
{
	static const char *const names[] = { "RTMR0", "RTMR1", "RTMR2" };
	int r;

	if (!v->has_body)
		return ds_verdict_fail(v, DS_REASON_MEASUREMENT,
				       "there is no report to compare with");
	r = compare(v, "MRTD", image->mr_td, v->body.mr_td);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++)
		if (compare(v, names[i], image->rt_mr[i], v->body.rt_mr[i]))
			r = DS_ATTEST_REFUSED;
	return r;
}
