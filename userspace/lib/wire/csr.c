// SPDX-License-Identifier: Apache-2.0
/* Certificate request, see ds/wire/csr.h. */
#include <ds/wire/csr.h>

#include <ds/base/limits.h>
#include <ds/base/rd.h>
#include <ds/wire/scale.h>

#define DOMAIN	 "csr"
#define CONFIRM	 DS_SPAN_LIT("please sign cert:")
#define MAX_SPKI 512u
#define MAX_NAME 255u
#define MAX_SANS 64u

void ds_csr_done(struct ds_csr *csr)
{
	ds_buf_done(&csr->spki);
	free(csr->org);
	free(csr->subject);
	for (size_t i = 0; i < csr->n_alt_names; i++)
		free(csr->alt_names[i]);
	free(csr->alt_names);
	ds_attestation_done(&csr->att);
	*csr = DS_CSR_NULL;
}

static int encode_time(struct ds_buf *buf, bool has, uint64_t t)
{
	DS_TRY(ds_scale_add_bool(buf, has));
	return has ? ds_buf_add_u64le(buf, t) : 0;
}

static int encode_names(const struct ds_csr *csr, struct ds_buf *buf)
{
	DS_TRY(ds_scale_add_bool(buf, csr->org));
	if (csr->org)
		DS_TRY(ds_scale_add_bytes(buf, DS_SPAN_STR(csr->org)));
	DS_TRY(ds_scale_add_bytes(buf, csr->subject ? DS_SPAN_STR(csr->subject) : DS_SPAN_NULL));
	DS_TRY(ds_scale_add_compact(buf, csr->n_alt_names));
	for (size_t i = 0; i < csr->n_alt_names; i++)
		DS_TRY(ds_scale_add_bytes(buf, DS_SPAN_STR(csr->alt_names[i])));
	return 0;
}

int ds_csr_encode(const struct ds_csr *csr, enum ds_attestation_form form, struct ds_buf *buf)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	DS_TRY(ds_scale_add_bytes(&out, CONFIRM));
	DS_TRY(ds_scale_add_bytes(&out, ds_buf_span(&csr->spki)));
	DS_TRY(encode_names(csr, &out));
	DS_TRY(ds_scale_add_bool(&out, csr->server_auth));
	DS_TRY(ds_scale_add_bool(&out, csr->client_auth));
	DS_TRY(ds_scale_add_bool(&out, csr->ext_quote));
	DS_TRY(ds_scale_add_bool(&out, csr->ext_app_info));
	DS_TRY(encode_time(&out, csr->has_not_before, csr->not_before));
	DS_TRY(encode_time(&out, csr->has_not_after, csr->not_after));
	DS_TRY(ds_attestation_encode(&csr->att, form, &out));
	return ds_buf_add_span(buf, ds_buf_span(&out));
}

static int decode_time(struct ds_rd *rd, bool *ret_has, uint64_t *ret)
{
	DS_TRY(ds_scale_rd_bool(rd, ret_has));
	return *ret_has ? ds_rd_u64le(rd, ret) : 0;
}

static int decode_alt_names(struct ds_rd *rd, struct ds_csr *csr)
{
	size_t n;

	DS_TRY(ds_scale_rd_compact(rd, &n));
	if (n > MAX_SANS)
		return -EFBIG;
	csr->alt_names = calloc(n + 1, sizeof(*csr->alt_names));
	if (!csr->alt_names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		DS_TRY(ds_scale_rd_str(rd, MAX_NAME, &csr->alt_names[i]));
		csr->n_alt_names++;
	}
	return 0;
}

static int decode_names(struct ds_rd *rd, struct ds_csr *csr, const char **part)
{
	bool has_org;

	*part = "organisation";
	DS_TRY(ds_scale_rd_bool(rd, &has_org));
	if (has_org)
		DS_TRY(ds_scale_rd_str(rd, MAX_NAME, &csr->org));
	*part = "subject";
	DS_TRY(ds_scale_rd_str(rd, MAX_NAME, &csr->subject));
	*part = "alternative names";
	return decode_alt_names(rd, csr);
}

static int decode_head(struct ds_rd *rd, struct ds_csr *csr, const char **part)
{
	struct ds_span s;

	*part = "confirmation";
	DS_TRY(ds_scale_rd_bytes(rd, CONFIRM.n, &s));
	if (!ds_span_eq(s, CONFIRM))
		return -EBADMSG;
	*part = "public key";
	DS_TRY(ds_scale_rd_bytes(rd, MAX_SPKI, &s));
	DS_TRY(ds_buf_add_span(&csr->spki, s));
	DS_TRY(decode_names(rd, csr, part));
	*part = "flags";
	DS_TRY(ds_scale_rd_bool(rd, &csr->server_auth));
	DS_TRY(ds_scale_rd_bool(rd, &csr->client_auth));
	DS_TRY(ds_scale_rd_bool(rd, &csr->ext_quote));
	DS_TRY(ds_scale_rd_bool(rd, &csr->ext_app_info));
	*part = "not_before";
	DS_TRY(decode_time(rd, &csr->has_not_before, &csr->not_before));
	*part = "not_after";
	return decode_time(rd, &csr->has_not_after, &csr->not_after);
}

int ds_csr_decode(struct ds_span in, struct ds_csr *ret, struct ds_err *err)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	struct ds_rd rd = ds_rd_init(in);
	const char *part = "";
	int r;

	if (in.n > DS_MAX_ATTESTATION)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "%zu bytes, at most %u", in.n,
				  DS_MAX_ATTESTATION);
	r = decode_head(&rd, &csr, &part);
	if (r == -EBADMSG || r == -EFBIG)
		return ds_err_set(err, r, DOMAIN, ds_rd_pos(&rd), "%s: %s", part,
				  r == -EFBIG ? "too large" : "malformed or cut short");
	if (r)
		return r;
	DS_TRY(ds_attestation_decode(DS_SPAN(rd.p, ds_rd_left(&rd)), &csr.att, err));
	*ret = csr;
	csr = DS_CSR_NULL;
	return 0;
}
