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
#define HEADER	      48u
#define DESCRIPTOR    6u
#define SIG_HEAD      134u /* 1.2: signature, key, type and size of the certification data */

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
	const uint8_t *vendor;
	struct ds_span h;
	uint32_t tee_type;
	uint16_t key_type;

	if (ds_rd_span(&c->rd, HEADER, &h))
		return cut(c, "header");
	c->q->version = ds_get_u16le(h.p);
	key_type = ds_get_u16le(h.p + 2);
	tee_type = ds_get_u32le(h.p + 4);
	vendor = h.p + 12;
	memcpy(c->q->user_data, h.p + 28, sizeof(c->q->user_data));
	if (c->q->version != 4 && c->q->version != 5)
		return fail(c, DS_QUOTE_F_VERSION, 0, "version (4 or 5)", 4, c->q->version);
	if (key_type != KEY_TYPE_P256)
		return fail(c, DS_QUOTE_F_KEY_TYPE, 2, "attestation key type", KEY_TYPE_P256,
			    key_type);
	if (tee_type != TEE_TYPE_TDX)
		return fail(c, DS_QUOTE_F_TEE_TYPE, 4, "TEE type", TEE_TYPE_TDX, tee_type);
	if (memcmp(vendor, intel_vendor, sizeof(intel_vendor))) {
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
	struct ds_span d;
	uint32_t size;
	uint16_t type;

	c->q->body_type = DS_QUOTE_TD10;
	*ret_size = BODY_TD10;
	if (c->q->version == 4)
		return 0;
	if (ds_rd_span(&c->rd, DESCRIPTOR, &d))
		return cut(c, "body descriptor");
	type = ds_get_u16le(d.p);
	size = ds_get_u32le(d.p + 2);
	if (type >= DS_ARRAY_SIZE(sizes) || !sizes[type])
		return fail(c, DS_QUOTE_F_BODY, 48, "body type (2 to 4)", DS_QUOTE_TD15, type);
	if (size != sizes[type])
		return fail(c, DS_QUOTE_F_BODY, 50, "body size", sizes[type], size);
	c->q->body_type = (enum ds_quote_body)type;
	*ret_size = size;
	return 0;
}

/* 1.3; in is a whole body. */
static void body_fields(struct ds_span in, struct ds_td_body *b)
{
	const uint8_t *p = in.p;

	memcpy(b->tee_tcb_svn, p, sizeof(b->tee_tcb_svn));
	memcpy(b->mr_seam, p + 16, sizeof(b->mr_seam));
	memcpy(b->mr_signer_seam, p + 64, sizeof(b->mr_signer_seam));
	memcpy(b->seam_attributes, p + 112, sizeof(b->seam_attributes));
	memcpy(b->td_attributes, p + 120, sizeof(b->td_attributes));
	memcpy(b->xfam, p + 128, sizeof(b->xfam));
	memcpy(b->mr_td, p + 136, sizeof(b->mr_td));
	memcpy(b->mr_config_id, p + 184, sizeof(b->mr_config_id));
	memcpy(b->mr_owner, p + 232, sizeof(b->mr_owner));
	memcpy(b->mr_owner_config, p + 280, sizeof(b->mr_owner_config));
	memcpy(b->rt_mr, p + 328, sizeof(b->rt_mr));
	memcpy(b->report_data, p + 520, sizeof(b->report_data));
	b->has_svn2 = in.n > BODY_TD10;
	if (b->has_svn2) {
		memcpy(b->tee_tcb_svn2, p + BODY_TD10, sizeof(b->tee_tcb_svn2));
		memcpy(b->mr_service_td, p + 600, sizeof(b->mr_service_td));
	}
}

static int body(struct ctx *c)
{
	struct ds_span in;
	size_t size, plain;

	DS_TRY(descriptor(c, &size));
	if (ds_rd_span(&c->rd, size, &in))
		return cut(c, "TD report");
	body_fields(in, &c->q->body);
	plain = c->q->body.has_svn2 ? BODY_TD15 : BODY_TD10;
	c->q->ext = DS_SPAN(in.p + plain, in.n - plain);
	c->q->signed_part = DS_SPAN(c->rd.start, ds_rd_pos(&c->rd));
	return 0;
}

/* The parts inside certification data of type 6 (1.2), the rest of rd, which begins at base. */
static int qe_cert_data(struct ctx *c, struct ds_rd *rd, size_t base)
{
	struct ds_quote *q = c->q;
	struct ds_span head, tail;
	uint32_t size;

	if (ds_rd_span(rd, DS_QE_REPORT_SIZE + 64 + 2, &head) ||
	    ds_rd_span(rd, ds_get_u16le(head.p + head.n - 2), &q->qe_auth) ||
	    ds_rd_span(rd, 2 + 4, &tail))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base + ds_rd_pos(rd),
			    "QE certification data is short of its parts; bytes left", 0,
			    ds_rd_left(rd));
	q->qe_report = DS_SPAN(head.p, DS_QE_REPORT_SIZE);
	q->qe_report_sig = DS_SPAN(head.p + DS_QE_REPORT_SIZE, 64);
	q->cert_type = ds_get_u16le(tail.p);
	size = ds_get_u32le(tail.p + 2);
	/* the size first: behind a wrong length of the authentication data the type is arbitrary */
	if (size != ds_rd_left(rd))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base + ds_rd_pos(rd) - 4,
			    "inner certification data size", ds_rd_left(rd), size);
	if (q->cert_type < 1 || q->cert_type > 7 || q->cert_type == DS_QUOTE_CERT_QE_REPORT)
		return fail(c, DS_QUOTE_F_CERT_TYPE, base + ds_rd_pos(rd) - 6,
			    "inner certification data type (1-5 or 7)", DS_QUOTE_CERT_PCK_CHAIN,
			    q->cert_type);
	q->cert_data = DS_SPAN(rd->p, size);
	return 0;
}

/* 1.2, 1.6: every nested length fits exactly. */
static int signature_data(struct ctx *c)
{
	struct ds_quote *q = c->q;
	struct ds_span head;
	struct ds_rd sig;
	uint32_t len, size;
	uint16_t type;
	size_t base;

	if (ds_rd_u32le(&c->rd, &len))
		return cut(c, "signature data length");
	base = ds_rd_pos(&c->rd);
	if (ds_rd_block(&c->rd, len, &sig))
		return cut(c, "signature data");
	if (ds_rd_span(&sig, SIG_HEAD, &head))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base - 4, "signature data length (at least)",
			    SIG_HEAD, len);
	q->signature = DS_SPAN(head.p, 64);
	q->attest_key = DS_SPAN(head.p + 64, 64);
	type = ds_get_u16le(head.p + 128);
	size = ds_get_u32le(head.p + 130);
	if (type != DS_QUOTE_CERT_QE_REPORT)
		return fail(c, DS_QUOTE_F_CERT_TYPE, base + 128, "outer certification data type",
			    DS_QUOTE_CERT_QE_REPORT, type);
	if (size != ds_rd_left(&sig))
		return fail(c, DS_QUOTE_F_AUTH_LEN, base + 130, "outer certification data size",
			    ds_rd_left(&sig), size);
	return qe_cert_data(c, &sig, base);
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
