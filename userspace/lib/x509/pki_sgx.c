// SPDX-License-Identifier: Apache-2.0
/* The SGX extension of a PCK certificate, DER by hand: see spec/dcap.md 3.2. */
#include "pki_int.h"

#include <ds/crypto/hash.h>

#define DER_BOOLEAN  0x01
#define DER_INTEGER  0x02
#define DER_OCTETS   0x04
#define DER_OID	     0x06
#define DER_ENUM     0x0a
#define DER_SEQUENCE 0x30

/* Components 9 to 16 are unused on the pretended processor. */
const uint8_t pki_cpusvn[16] = { 3, 3, 2, 2, 2, 1, 0, 3 };

/* 1.2.840.113741.1.13.1, then one or two more arcs below 128. */
static const uint8_t base_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

static int add_tlv(struct ds_buf *buf, uint8_t tag, struct ds_span value)
{
	if (value.n > 0xffff)
		return -EFBIG;
	DS_TRY(ds_buf_add_u8(buf, tag));
	if (value.n > 0xff) {
		DS_TRY(ds_buf_add_u8(buf, 0x82));
		DS_TRY(ds_buf_add_u8(buf, (uint8_t)(value.n >> 8)));
	} else if (value.n > 0x7f) {
		DS_TRY(ds_buf_add_u8(buf, 0x81));
	}
	DS_TRY(ds_buf_add_u8(buf, (uint8_t)value.n));
	return ds_buf_add_span(buf, value);
}

/* SEQUENCE { OID base.arc[.sub], value }; sub 0 means none. */
static int add_item(struct ds_buf *buf, uint8_t arc, uint8_t sub, uint8_t tag, struct ds_span value)
{
	DS_BUF struct ds_buf item = DS_BUF_NULL;
	uint8_t oid[sizeof(base_oid) + 2];
	size_t n = sizeof(base_oid);

	memcpy(oid, base_oid, n);
	oid[n++] = arc;
	if (sub)
		oid[n++] = sub;
	DS_TRY(add_tlv(&item, DER_OID, DS_SPAN(oid, n)));
	DS_TRY(add_tlv(&item, tag, value));
	return add_tlv(buf, DER_SEQUENCE, ds_buf_span(&item));
}

/* A non-negative INTEGER: a leading zero when the top bit is set. */
static int add_uint(struct ds_buf *buf, uint8_t arc, uint8_t sub, unsigned int v)
{
	uint8_t der[3] = { 0, (uint8_t)(v >> 8), (uint8_t)v };
	size_t skip = 0;

	while (skip < 2 && !der[skip] && !(der[skip + 1] & 0x80))
		skip++;
	return add_item(buf, arc, sub, DER_INTEGER, DS_SPAN(der + skip, sizeof(der) - skip));
}

static int add_tcb(struct ds_buf *buf)
{
	DS_BUF struct ds_buf tcb = DS_BUF_NULL;

	for (uint8_t i = 0; i < 16; i++)
		DS_TRY(add_uint(&tcb, 2, (uint8_t)(i + 1), pki_cpusvn[i]));
	DS_TRY(add_uint(&tcb, 2, 17, PKI_PCESVN));
	DS_TRY(add_item(&tcb, 2, 18, DER_OCTETS, DS_SPAN_ARRAY(pki_cpusvn)));
	return add_item(buf, 2, 0, DER_SEQUENCE, ds_buf_span(&tcb));
}

/* What only a Platform CA certifies: the instance and how it is configured. */
static int add_platform(struct ds_buf *buf, const uint8_t instance[16])
{
	DS_BUF struct ds_buf conf = DS_BUF_NULL;
	static const uint8_t yes[] = { 0xff }, no[] = { 0 };

	DS_TRY(add_item(buf, 6, 0, DER_OCTETS, DS_SPAN(instance, 16)));
	DS_TRY(add_item(&conf, 7, 1, DER_BOOLEAN, DS_SPAN_ARRAY(yes)));
	DS_TRY(add_item(&conf, 7, 2, DER_BOOLEAN, DS_SPAN_ARRAY(no)));
	DS_TRY(add_item(&conf, 7, 3, DER_BOOLEAN, DS_SPAN_ARRAY(yes)));
	return add_item(buf, 7, 0, DER_SEQUENCE, ds_buf_span(&conf));
}

int pki_sgx_ext(const struct ds_pki *pki, struct ds_buf *buf)
{
	static const uint8_t pceid[2];
	DS_BUF struct ds_buf items = DS_BUF_NULL;
	uint8_t id[DS_SHA256_SIZE], xy[DS_P256_XY_SIZE];
	const uint8_t sgx_type = pki->processor ? 0 : 1;

	/* PPID and instance id: stable for one platform of a PKI, different between two. */
	DS_TRY(ds_p256_xy(pki->root.key, xy));
	DS_TRY(ds_sha256_1(DS_SPAN_ARRAY(xy), id));
	id[0] ^= pki->platform;
	id[16] ^= pki->platform;
	DS_TRY(add_item(&items, 1, 0, DER_OCTETS, DS_SPAN(id, 16)));
	DS_TRY(add_tcb(&items));
	DS_TRY(add_item(&items, 3, 0, DER_OCTETS, DS_SPAN_ARRAY(pceid)));
	DS_TRY(add_item(&items, 4, 0, DER_OCTETS, DS_SPAN_ARRAY(pki->fmspc)));
	DS_TRY(add_item(&items, 5, 0, DER_ENUM, DS_SPAN(&sgx_type, 1)));
	if (!pki->processor)
		DS_TRY(add_platform(&items, id + 16));
	return add_tlv(buf, DER_SEQUENCE, ds_buf_span(&items));
}
