// SPDX-License-Identifier: Apache-2.0
/* Extensions of VCEK and VLEK certificates, see ds/wire/amdext.h; item numbers of spec/dcap 9.2. */
#include <ds/wire/amdext.h>

#include "der.h"

#define DOMAIN "amd-ext"

enum item { VERSION = 1, PRODUCT = 2, SPL = 3, HWID = 4, CSP_ID = 5 };

static const uint8_t base_oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01 };

static int small_number(struct ds_rd *rd, uint8_t *ret)
{
	uint32_t v;

	DS_TRY(ds_der_rd_u32(rd, DS_DER_INTEGER, UINT8_MAX, &v));
	*ret = (uint8_t)v;
	return 0;
}

/* Printable ASCII, not empty. */
static int text(struct ds_rd *rd, char *out, size_t size)
{
	struct ds_span s;
	struct ds_rd in;

	if (*out)
		return -EBADMSG;
	DS_TRY(ds_der_rd(rd, DS_DER_IA5STRING, &in));
	s = DS_SPAN(in.p, ds_rd_left(&in));
	if (!s.n || s.n >= size)
		return -EBADMSG;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return -EBADMSG;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return 0;
}

static bool is_hwid_size(size_t n)
{
	return n == 8 || n == 64;
}

/* Raw bytes, or the same in an OCTET STRING: told apart by their exact length. */
static int hwid(struct ds_rd *rd, struct ds_amd_ext *e)
{
	struct ds_rd in = *rd;
	size_t n;

	if (e->hwid_len)
		return -EBADMSG;
	if (!is_hwid_size(ds_rd_left(&in)))
		DS_TRY(ds_der_rd(rd, DS_DER_OCTETS, &in));
	else
		rd->p = rd->end;
	n = ds_rd_left(&in);
	if (!is_hwid_size(n))
		return -EBADMSG;
	e->hwid_len = n;
	memcpy(e->hwid, in.p, n);
	return 0;
}

static int spl(struct ds_rd *rd, unsigned int arc, struct ds_amd_ext *e)
{
	if (arc < DS_AMD_SPL_BOOT_LOADER || arc >= DS_AMD_SPLS || ds_amd_has_spl(e, arc))
		return -EBADMSG;
	e->has_spl = (uint16_t)(e->has_spl | 1u << arc);
	return small_number(rd, &e->spl[arc]);
}

static int skip(struct ds_rd *rd)
{
	rd->p = rd->end;
	return 0;
}

/* One item; arcs is what follows the base. Unknown items but patch levels are left alone. */
static int item(struct ds_span arcs, struct ds_rd *rd, struct ds_amd_ext *e)
{
	uint8_t first = arcs.n ? arcs.p[0] : 0;

	if (first == SPL)
		return arcs.n == 2 ? spl(rd, arcs.p[1], e) : -EBADMSG;
	if (arcs.n != 1)
		return skip(rd);
	switch (first) {
	case VERSION:
		if (e->has_version)
			return -EBADMSG;
		e->has_version = true;
		return small_number(rd, &e->version);
	case PRODUCT:
		return text(rd, e->product, sizeof(e->product));
	case HWID:
		return hwid(rd, e);
	case CSP_ID:
		return text(rd, e->csp_id, sizeof(e->csp_id));
	default:
		return skip(rd);
	}
}

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING } */
static int extension(struct ds_rd *rd, struct ds_span *ret_oid, struct ds_rd *ret_value)
{
	struct ds_rd seq, oid;
	bool critical;

	DS_TRY(ds_der_rd(rd, DS_DER_SEQUENCE, &seq));
	DS_TRY(ds_der_rd(&seq, DS_DER_OID, &oid));
	*ret_oid = DS_SPAN(oid.p, ds_rd_left(&oid));
	if (ds_rd_left(&seq) && *seq.p == DS_DER_BOOLEAN)
		DS_TRY(ds_der_rd_bool(&seq, &critical));
	DS_TRY(ds_der_rd(&seq, DS_DER_OCTETS, ret_value));
	return ds_rd_end(&seq);
}

int ds_amd_ext_parse(struct ds_span in, struct ds_amd_ext *ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in), seq, value;
	struct ds_amd_ext e = { 0 };
	struct ds_span oid, arcs;

	if (ds_der_rd(&rd, DS_DER_SEQUENCE, &seq) || ds_rd_end(&rd))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "not one DER SEQUENCE");
	while (ds_rd_left(&seq)) {
		size_t at = ds_rd_pos(&seq);

		if (extension(&seq, &oid, &value))
			return ds_err_set(err, -EBADMSG, DOMAIN, at, "not an extension");
		if (oid.n < sizeof(base_oid) || memcmp(oid.p, base_oid, sizeof(base_oid)))
			continue;
		arcs = DS_SPAN(oid.p + sizeof(base_oid), oid.n - sizeof(base_oid));
		if (item(arcs, &value, &e) || ds_rd_end(&value))
			return ds_err_set(err, -EBADMSG, DOMAIN, at,
					  "item .%u%s: unknown, repeated or malformed",
					  arcs.n ? arcs.p[0] : 0, arcs.n > 1 ? ".x" : "");
	}
	*ret = e;
	return 0;
}
