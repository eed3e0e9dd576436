// SPDX-License-Identifier: Apache-2.0
/* TDX quotes, versions 4 and 5, see ds/wire/quote.h. Section numbers are those of spec/dcap. */
#include <ds/base/limits.h>
#include <ds/base/rd.h>
#include <ds/wire/quote.h>

#define DOMAIN	      "quote"
#define KEY_TYPE_P256 2u	  /* 1.1 */
#define TEE_TYPE_TDX  0x00000081u /* 1.1 */
#define BODY_TD10     584u	  /* 1.2 */
#define BODY_TD15     648u
#define BODY_TD15_EXT 885u

/* 1.1: the only quoting enclave vendor. */
static const uint8_t intel_vendor[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					  0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

/* Parser state: where we are and why we stopped. */
struct ctx {
	struct ds_rd rd;
	struct ds_quote *q;
	enum ds_quote_fault fault;
	struct ds_err *err;
};

static int fail(struct ctx *c, enum ds_quote_fault fault, size_t offset, const char *what,
		uint64_t expected, uint64_t actual)
{
	c->fault = fault;
	return ds_err_set(c->err, -EBADMSG, DOMAIN, offset, "%s: expected %llu, got %llu", what,
			  (unsigned long long)expected, (unsigned long long)actual);
}

static int cut(struct ctx *c, const char *what)
{
	c->fault = DS_QUOTE_F_TRUNCATED;
	return ds_err_set(c->err, -EBADMSG, DOMAIN, ds_rd_pos(&c->rd),
			  "%s: truncated, %zu bytes are left", what, ds_rd_left(&c->rd));
}

/* 1.1 */
static int header(struct ctx *c)
{
	uint32_t tee_type;
	uint16_t key_type;
	struct ds_span reserved, vendor;

	if (ds_rd_u16le(&c->rd, &c->q->version) || ds_rd_u16le(&c->rd, &key_type) ||
	    ds_rd_u32le(&c->rd, &tee_type) || ds_rd_span(&c->rd, 4, &reserved) ||
	    ds_rd_span(&c->rd, 16, &vendor) ||
	    ds_rd_copy(&c->rd, c->q->user_data, sizeof(c->q->user_data)))
		return cut(c, "header");
	if (c->q->version != 4 && c->q->version != 5)
		return fail(c, DS_QUOTE_F_VERSION, 0, "version (4 or 5)", 4, c->q->version);
	if (key_type != KEY_TYPE_P256)
		return fail(c, DS_QUOTE_F_KEY_TYPE, 2, "attestation key type", KEY_TYPE_P256,
			    key_type);
	if (tee_type != TEE_TYPE_TDX)
		return fail(c, DS_QUOTE_F_TEE_TYPE, 4, "TEE type", TEE_TYPE_TDX, tee_type);
	if (memcmp(vendor.p, intel_vendor, sizeof(intel_vendor))) {
		c->fault = DS_QUOTE_F_VENDOR;
		return ds_err_set(c->err, -EBADMSG, DOMAIN, 12, "QE vendor id is not Intel's");
	}
	return 0;
}

/* 1.2: version 5 says type and size of its body, version 4 has one. */
static int descriptor(struct ctx *c, size_t *ret_size)
{
	static const uint32_t sizes[] = {
		[DS_QUOTE_TD10] = BODY_TD10,
		[DS_QUOTE_TD15] = BODY_TD15,
		[DS_QUOTE_TD15_EXT] = BODY_TD15_EXT,
	};
	uint32_t size;
	uint16_t type;

	c->q->body_type = DS_QUOTE_TD10;
	*ret_size = BODY_TD10;
	if (c->q->version == 4)
		return 0;
	if (ds_rd_u16le(&c->rd, &type) || ds_rd_u32le(&c->rd, &size))
		return cut(c, "body descriptor");
	if (type >= DS_ARRAY_SIZE(sizes) || !sizes[type])
		return fail(c, DS_QUOTE_F_BODY, 48, "body type (2 to 4)", DS_QUOTE_TD15, type);
	if (size != sizes[type])
		return fail(c, DS_QUOTE_F_BODY, 50, "body size", sizes[type], size);
	c->q->body_type = (enum ds_quote_body)type;
	*ret_size = size;
	return 0;
}

/* 1.3; rd holds exactly one body, so no read can fail before the type's end. */
static int body_fields(struct ds_rd *rd, struct ds_td_body *b)
{
	DS_TRY(ds_rd_copy(rd, b->tee_tcb_svn, sizeof(b->tee_tcb_svn)));
	DS_TRY(ds_rd_copy(rd, b->mr_seam, sizeof(b->mr_seam)));
	DS_TRY(ds_rd_copy(rd, b->mr_signer_seam, sizeof(b->mr_signer_seam)));
	DS_TRY(ds_rd_copy(rd, b->seam_attributes, sizeof(b->seam_attributes)));
	DS_TRY(ds_rd_copy(rd, b->td_attributes, sizeof(b->td_attributes)));
	DS_TRY(ds_rd_copy(rd, b->xfam, sizeof(b->xfam)));
	DS_TRY(ds_rd_copy(rd, b->mr_td, sizeof(b->mr_td)));
	DS_TRY(ds_rd_copy(rd, b->mr_config_id, sizeof(b->mr_config_id)));
	DS_TRY(ds_rd_copy(rd, b->mr_owner, sizeof(b->mr_owner)));
	DS_TRY(ds_rd_copy(rd, b->mr_owner_config, sizeof(b->mr_owner_config)));
	DS_TRY(ds_rd_copy(rd, b->rt_mr, sizeof(b->rt_mr)));
	DS_TRY(ds_rd_copy(rd, b->report_data, sizeof(b->report_data)));
	b->has_svn2 = ds_rd_left(rd) > 0;
	if (!b->has_svn2)
		return 0;
	DS_TRY(ds_rd_copy(rd, b->tee_tcb_svn2, sizeof(b->tee_tcb_svn2)));
	return ds_rd_copy(rd, b->mr_service_td, sizeof(b->mr_service_td));
}

static int body(struct ctx *c)
{
	struct ds_rd rd;
	size_t size;
	int r;

	r = descriptor(c, &size);
	if (r)
		return r;
	if (ds_rd_block(&c->rd, size, &rd) || body_fields(&rd, &c->q->body) ||
	    ds_rd_span(&rd, ds_rd_left(&rd), &c->q->ext))
		return cut(c, "TD report");
	c->q->signed_part = DS_SPAN(c->rd.start, ds_rd_pos(&c->rd));
	return 0;
}

/* The parts inside certification data of type 6 (1.2). rd is bounded by the declared size. */
static int qe_cert_data(struct ctx *c, struct ds_rd *rd, size_t base)
{
	struct ds_quote *q = c->q;
	uint16_t auth_len;
	uint32_t size;

	if (ds_rd_span(rd, DS_QE_REPORT_SIZE, &q->qe_report) ||
	    ds_rd_span(rd, 64, &q->qe_report_sig) || ds_rd_u16le(rd, &auth_len) ||
	    ds_rd_span(rd, auth_len, &q->qe_auth) || ds_rd_u16le(rd, &q->cert_type) ||
	    ds_rd_u32le(rd, &size))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base + ds_rd_pos(rd),
			    "QE certification data is short of its parts; bytes left", 0,
			    ds_rd_left(rd));
	/* the size first: behind a wrong length of the authentication data the type is arbitrary */
	if (size != ds_rd_left(rd))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base + ds_rd_pos(rd) - 4,
			    "inner certification data size", ds_rd_left(rd), size);
	if (q->cert_type < 1 || q->cert_type > 7 || q->cert_type == DS_QUOTE_CERT_QE_REPORT)
		return fail(c, DS_QUOTE_F_CERT_TYPE, base + ds_rd_pos(rd) - 6,
			    "inner certification data type (1-5 or 7)", DS_QUOTE_CERT_PCK_CHAIN,
			    q->cert_type);
	return ds_rd_span(rd, size, &q->cert_data);
}

/* 1.2, 1.6: every nested length fits exactly. */
static int signature_data(struct ctx *c)
{
	struct ds_quote *q = c->q;
	struct ds_rd sig, outer;
	uint32_t len, size;
	uint16_t type;
	size_t base;

	if (ds_rd_u32le(&c->rd, &len))
		return cut(c, "signature data length");
	base = ds_rd_pos(&c->rd);
	if (ds_rd_block(&c->rd, len, &sig))
		return cut(c, "signature data");
	if (ds_rd_span(&sig, 64, &q->signature) || ds_rd_span(&sig, 64, &q->attest_key) ||
	    ds_rd_u16le(&sig, &type) || ds_rd_u32le(&sig, &size))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base - 4, "signature data length (at least)",
			    134, len);
	if (type != DS_QUOTE_CERT_QE_REPORT)
		return fail(c, DS_QUOTE_F_CERT_TYPE, base + 128, "outer certification data type",
			    DS_QUOTE_CERT_QE_REPORT, type);
	if (size != ds_rd_left(&sig))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base + 130, "outer certification data size",
			    ds_rd_left(&sig), size);
	DS_TRY(ds_rd_block(&sig, size, &outer));
	return qe_cert_data(c, &outer, base + 134);
}

/* 1.6, rule 3: guests deliver fixed-size buffers, so zeros may follow and nothing else. */
static int padding(struct ctx *c)
{
	c->q->used = ds_rd_pos(&c->rd);
	for (const uint8_t *p = c->rd.p; p < c->rd.end; p++)
		if (*p)
			return fail(c, DS_QUOTE_F_TRAILING, (size_t)(p - c->rd.start),
				    "byte behind the quote", 0, *p);
	return 0;
}

int ds_quote_parse_fault(struct ds_span in, struct ds_quote *ret, enum ds_quote_fault *ret_fault,
			 struct ds_err *err)
{
	struct ds_quote q = { 0 };
	struct ctx c = { ds_rd_init(in), &q, DS_QUOTE_OK, err };
	int r;

	if (in.n > DS_MAX_QUOTE) {
		*ret_fault = DS_QUOTE_F_SIZE;
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "size: expected at most %u, got %zu",
				  DS_MAX_QUOTE, in.n);
	}
	r = header(&c);
	if (!r)
		r = body(&c);
	if (!r)
		r = signature_data(&c);
	if (!r)
		r = padding(&c);
	*ret_fault = c.fault;
	if (!r)
		*ret = q;
	return r;
}

int ds_quote_parse(struct ds_span in, struct ds_quote *ret, struct ds_err *err)
{
	enum ds_quote_fault fault;

	return ds_quote_parse_fault(in, ret, &fault, err);
}
