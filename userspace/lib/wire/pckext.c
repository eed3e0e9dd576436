// SPDX-License-Identifier: Apache-2.0
/* The SGX extension of PCK certificates, see ds/wire/pckext.h; item numbers of spec/dcap 3.2. */
#include <ds/wire/pckext.h>

#include "der.h"

#define DOMAIN "pck-ext"

enum item { PPID = 1, TCB = 2, PCEID = 3, FMSPC = 4, SGX_TYPE = 5, INSTANCE = 6, CONFIG = 7 };
#define TCB_PCESVN    17
#define TCB_CPUSVN    18
#define BIT(n)	      (1u << (n))
#define ALL(from, to) ((BIT((to) + 1) - 1) & ~(BIT(from) - 1))

static const uint8_t base_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

/* OID under prefix with one more byte, which ret_arc gets: no arc that matters is above 127. */
static int oid_arc(struct ds_rd *rd, const uint8_t *prefix, size_t n, unsigned int *ret_arc)
{
	const uint8_t *oid;

	DS_TRY(ds_der_rd_exact(rd, DS_DER_OID, n + 1, &oid));
	if (memcmp(oid, prefix, n))
		return -EBADMSG;
	*ret_arc = oid[n];
	return 0;
}

static int octets(struct ds_rd *rd, uint8_t *out, size_t n)
{
	const uint8_t *p;

	DS_TRY(ds_der_rd_exact(rd, DS_DER_OCTETS, n, &p));
	memcpy(out, p, n);
	return 0;
}

/* Item 2: SEQUENCE of sixteen components, PCESVN and CPUSVN. */
static int tcb(struct ds_rd *rd, struct ds_pck_ext *e)
{
	uint8_t oid[sizeof(base_oid) + 1];
	unsigned int seen = 0, arc;
	struct ds_rd seq, pair;
	uint32_t v;

	memcpy(oid, base_oid, sizeof(base_oid));
	oid[sizeof(base_oid)] = TCB;
	DS_TRY(ds_der_rd(rd, DS_DER_SEQUENCE, &seq));
	while (ds_rd_left(&seq)) {
		DS_TRY(ds_der_rd(&seq, DS_DER_SEQUENCE, &pair));
		DS_TRY(oid_arc(&pair, oid, sizeof(oid), &arc));
		if (arc < 1 || arc > TCB_CPUSVN || seen & BIT(arc))
			return -EBADMSG;
		seen |= BIT(arc);
		if (arc == TCB_CPUSVN) {
			DS_TRY(octets(&pair, e->cpusvn, sizeof(e->cpusvn)));
		} else if (arc == TCB_PCESVN) {
			DS_TRY(ds_der_rd_u32(&pair, DS_DER_INTEGER, UINT16_MAX, &v));
			e->pcesvn = (uint16_t)v;
		} else {
			DS_TRY(ds_der_rd_u32(&pair, DS_DER_INTEGER, UINT8_MAX, &v));
			e->tcb[arc - 1] = (uint8_t)v;
		}
		DS_TRY(ds_rd_end(&pair));
	}
	return seen == ALL(1, TCB_CPUSVN) ? 0 : -EBADMSG;
}

/* Item 7: SEQUENCE of three flags. */
static int config(struct ds_rd *rd, struct ds_pck_ext *e)
{
	bool *const flags[] = { NULL, &e->dynamic_platform, &e->cached_keys, &e->smt };
	uint8_t oid[sizeof(base_oid) + 1];
	unsigned int seen = 0, arc;
	struct ds_rd seq, pair;

	memcpy(oid, base_oid, sizeof(base_oid));
	oid[sizeof(base_oid)] = CONFIG;
	DS_TRY(ds_der_rd(rd, DS_DER_SEQUENCE, &seq));
	while (ds_rd_left(&seq)) {
		DS_TRY(ds_der_rd(&seq, DS_DER_SEQUENCE, &pair));
		DS_TRY(oid_arc(&pair, oid, sizeof(oid), &arc));
		if (arc < 1 || arc > 3 || seen & BIT(arc))
			return -EBADMSG;
		seen |= BIT(arc);
		DS_TRY(ds_der_rd_bool(&pair, flags[arc]));
		DS_TRY(ds_rd_end(&pair));
	}
	return seen == ALL(1, 3) ? 0 : -EBADMSG;
}

static int item(struct ds_rd *rd, unsigned int arc, struct ds_pck_ext *e)
{
	uint32_t v;

	switch (arc) {
	case PPID:
		return octets(rd, e->ppid, sizeof(e->ppid));
	case TCB:
		return tcb(rd, e);
	case PCEID:
		return octets(rd, e->pceid, sizeof(e->pceid));
	case FMSPC:
		return octets(rd, e->fmspc, sizeof(e->fmspc));
	case SGX_TYPE:
		DS_TRY(ds_der_rd_u32(rd, DS_DER_ENUMERATED, 2, &v));
		e->sgx_type = (uint8_t)v;
		return 0;
	case INSTANCE:
		return octets(rd, e->instance, sizeof(e->instance));
	case CONFIG:
		return config(rd, e);
	default:
		return -EBADMSG;
	}
}

int ds_pck_ext_parse(struct ds_span in, struct ds_pck_ext *ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in), seq, pair;
	struct ds_pck_ext e = { 0 };
	unsigned int seen = 0, arc;

	if (ds_der_rd(&rd, DS_DER_SEQUENCE, &seq) || ds_rd_end(&rd))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "not one DER SEQUENCE");
	while (ds_rd_left(&seq)) {
		if (ds_der_rd(&seq, DS_DER_SEQUENCE, &pair) ||
		    oid_arc(&pair, base_oid, sizeof(base_oid), &arc))
			return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(&seq),
					  "not a pair of SGX object id and value");
		if (arc > CONFIG || seen & BIT(arc) || item(&pair, arc, &e) || ds_rd_end(&pair))
			return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(&seq),
					  "item %u: unknown, repeated or malformed", arc);
		seen |= BIT(arc);
	}
	if (seen != ALL(PPID, SGX_TYPE) && seen != ALL(PPID, CONFIG))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "items: expected 1 to 5 or 1 to 7, got the set 0x%02x", seen);
	e.platform = seen == ALL(PPID, CONFIG);
	*ret = e;
	return 0;
}
