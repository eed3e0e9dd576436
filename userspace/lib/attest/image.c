// SPDX-License-Identifier: Apache-2.0
/* Expected measurements of an image (check 38). */
#include "priv.h"

#define DOMAIN "image"

static const char *const keys[] = { "mrtd", "rtmr0", "rtmr1", "rtmr2" };

static int read_keys(const struct ds_jnode *doc, struct ds_image_mr *m, struct ds_err *err)
{
	uint8_t *const out[] = { m->mr_td, m->rt_mr[0], m->rt_mr[1], m->rt_mr[2] };

	m->has_snp = ds_jget(doc, "measurement") != NULL;
	if (m->has_snp && ds_json_get_hex(doc, "measurement", m->snp, sizeof(m->snp)))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "measurement: expected 48 bytes of hex");
	m->snp_only = m->has_snp;
	for (size_t i = 0; i < DS_ARRAY_SIZE(keys); i++)
		if (ds_jget(doc, keys[i]))
			m->snp_only = false;
	for (size_t i = 0; !m->snp_only && i < DS_ARRAY_SIZE(keys); i++)
		if (ds_json_get_hex(doc, keys[i], out[i], 48))
			return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s: expected 48 bytes of hex",
					  keys[i]);
	return 0;
}

int ds_image_mr_parse(struct ds_span json, struct ds_image_mr *ret, struct ds_err *err)
{
	struct ds_image_mr m = { 0 };
	DS_JDOC struct ds_jdoc doc = DS_JDOC_NULL;

	DS_TRY(ds_jdoc_parse(json, false, &doc, err));
	DS_TRY(read_keys(doc.root, &m, err));
	*ret = m;
	return 0;
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

bool ds_image_matches(const struct ds_verdict *v, const struct ds_image_mr *im)
{
	if (v->tee == DS_TEE_SNP)
		return v->has_snp && im->has_snp && !memcmp(v->snp.measurement, im->snp, 48);
	return v->has_body && !im->snp_only && !memcmp(v->body.mr_td, im->mr_td, 48) &&
	       !memcmp(v->body.rt_mr, im->rt_mr, sizeof(im->rt_mr));
}

int ds_verify_image(struct ds_verdict *v, const struct ds_image_mr *image)
{
	static const char *const names[] = { "RTMR0", "RTMR1", "RTMR2" };
	bool snp = v->tee == DS_TEE_SNP;
	int r;

	if (snp ? !v->has_snp : !v->has_body)
		return ds_verdict_fail(v, DS_REASON_MEASUREMENT,
				       "there is no report to compare with");
	if (snp ? !image->has_snp : image->snp_only)
		return ds_verdict_fail(v, DS_REASON_MEASUREMENT,
				       "the image's measurement on %s is not given",
				       snp ? "SEV-SNP" : "TDX");
	if (snp)
		return compare(v, "MEASUREMENT", image->snp, v->snp.measurement);
	r = compare(v, "MRTD", image->mr_td, v->body.mr_td);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++)
		if (compare(v, names[i], image->rt_mr[i], v->body.rt_mr[i]))
			r = DS_ATTEST_REFUSED;
	return r;
}
