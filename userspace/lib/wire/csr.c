// SPDX-License-Identifier: Apache-2.0
/* Certificate request, see ds/wire/csr.h. */
#include <ds/wire/csr.h>

#include <ds/base/limits.h>
#include <ds/base/rd.h>
#include <ds/wire/quote.h>
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
	return ds_scale_rd_bool(rd, &csr->ext_quote);
}

static int decode_head_v2(struct ds_rd *rd, struct ds_csr *csr, const char **part)
{
	DS_TRY(decode_head(rd, csr, part));
	DS_TRY(ds_scale_rd_bool(rd, &csr->ext_app_info));
	*part = "not_before";
	DS_TRY(decode_time(rd, &csr->has_not_before, &csr->not_before));
	*part = "not_after";
	return decode_time(rd, &csr->has_not_after, &csr->not_after);
}

static int check_size(struct ds_span in, struct ds_err *err)
{
	return in.n <= DS_MAX_ATTESTATION ? 0 :
					    ds_err_set(err, -EFBIG, DOMAIN, 0, "%zu bytes, at most %u",
						       in.n, DS_MAX_ATTESTATION);
}

/* What went wrong at the cursor, in words. */
static int fail_part(int r, const struct ds_rd *rd, const char *part, struct ds_err *err)
{
	if (r != -EBADMSG && r != -EFBIG)
		return r;
	return ds_err_set(err, r, DOMAIN, ds_rd_pos(rd), "%s: %s", part,
			  r == -EFBIG		 ? "too large"
			  : !strcmp(part, "end") ? "bytes follow"
						 : "malformed or cut short");
}

int ds_csr_decode(struct ds_span in, struct ds_csr *ret, struct ds_err *err)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	struct ds_rd rd = ds_rd_init(in);
	const char *part = "";
	int r;

	DS_TRY(check_size(in, err));
	r = decode_head_v2(&rd, &csr, &part);
	if (r)
		return fail_part(r, &rd, part, err);
	DS_TRY(ds_attestation_decode(DS_SPAN(rd.p, ds_rd_left(&rd)), &csr.att, err));
	*ret = csr;
	csr = DS_CSR_NULL;
	return 0;
}

static int decode_parts_v1(struct ds_rd *rd, struct ds_csr *csr, struct ds_span *ret_log,
			   const char **part)
{
	struct ds_span quote;

	DS_TRY(decode_head(rd, csr, part));
	*part = "quote";
	DS_TRY(ds_scale_rd_bytes(rd, DS_MAX_QUOTE, &quote));
	DS_TRY(ds_buf_add_span(&csr->att.quote, quote));
	*part = "event log";
	DS_TRY(ds_scale_rd_bytes(rd, DS_MAX_ATTESTATION, ret_log));
	*part = "end";
	return ds_rd_end(rd);
}

int ds_csr_decode_v1(struct ds_span in, struct ds_csr *ret, struct ds_err *err)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	struct ds_rd rd = ds_rd_init(in);
	struct ds_span log = DS_SPAN_NULL;
	struct ds_quote quote;
	const char *part = "";
	int r;

	DS_TRY(check_size(in, err));
	r = decode_parts_v1(&rd, &csr, &log, &part);
	if (r)
		return fail_part(r, &rd, part, err);
	DS_TRY(ds_eventlog_parse_json(log, &csr.att.log, err));
	DS_TRY(ds_attestation_take_runtime(&csr.att));
	/* a quote that is none is for the verifier to name */
	if (!ds_quote_parse(ds_buf_span(&csr.att.quote), &quote, NULL))
		memcpy(csr.att.report_data, quote.body.report_data, sizeof(csr.att.report_data));
	*ret = csr;
	csr = DS_CSR_NULL;
	return 0;
}
