// SPDX-License-Identifier: Apache-2.0
/* Certificates and lists in Intel's form, see ds/wire/intelcert.h; sections are those of RFC 5280.
 */
#include <ds/wire/intelcert.h>

#include <ds/base/text.h>

#include "der.h"

#define BIT(n)	     (1u << (n))
#define MAX_SERIAL   21 /* 20 octets (4.1.2.2), and a zero before a high bit */
#define BITS	     0x03
#define UTF8	     0x0c
#define PRINTABLE    0x13
#define UTC_TIME     0x17
#define GENERAL_TIME 0x18
#define SET	     0x31
#define CONTEXT(n)   (0x80 | (n))
#define INSIDE(n)    (0xa0 | (n))

/* id-ce is 2.5.29: the last arcs */
enum {
	SKI = 14,
	KEY_USAGE = 15,
	BASIC = 19,
	CRL_NUMBER = 20,
	CRL_REASON = 21,
	CRL_URL = 31,
	AKI = 35
};
#define COMMON_NAME 3 /* 2.5.4.3 */
#define SGX	    0 /* no arc of id-ce */

static const uint8_t sgx_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
/* SEQUENCE { ecdsa-with-SHA256 }, without parameters */
static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
/* SubjectPublicKeyInfo of prime256v1 up to X || Y */
static const uint8_t spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

/* These very bytes. */
static int literal(struct ds_rd *rd, const uint8_t *want, size_t n)
{
	struct ds_span got;

	DS_TRY(ds_rd_span(rd, n, &got));
	return memcmp(got.p, want, n) ? -EBADMSG : 0;
}

static bool next_is(const struct ds_rd *rd, uint8_t tag)
{
	return ds_rd_left(rd) && *rd->p == tag;
}

static struct ds_span rest(const struct ds_rd *rd)
{
	return DS_SPAN(rd->p, ds_rd_left(rd));
}

/* An element and, in ret_whole, its bytes with the header. */
static int whole(struct ds_rd *rd, uint8_t tag, struct ds_rd *ret, struct ds_span *ret_whole)
{
	const uint8_t *from = rd->p;

	DS_TRY(ds_der_rd(rd, tag, ret));
	*ret_whole = DS_SPAN(from, (size_t)(rd->p - from));
	return 0;
}

/* The only element of its kind and the last: what is in it. */
static int only(struct ds_span in, uint8_t tag, struct ds_rd *ret)
{
	struct ds_rd rd = ds_rd_init(in);

	DS_TRY(ds_der_rd(&rd, tag, ret));
	return ds_rd_end(&rd);
}

/* Not negative, minimal. */
static int integer(struct ds_rd *rd, struct ds_span *ret)
{
	struct ds_rd v;

	DS_TRY(ds_der_rd(rd, DS_DER_INTEGER, &v));
	*ret = rest(&v);
	if (!ret->n || ret->n > MAX_SERIAL || ret->p[0] & 0x80 ||
	    (ret->n > 1 && !ret->p[0] && !(ret->p[1] & 0x80)))
		return -EBADMSG;
	return 0;
}

/* 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on, both to the second and in UTC. */
static int read_time(struct ds_rd *rd, int64_t *ret)
{
	bool wide = next_is(rd, GENERAL_TIME);
	char text[] = "20yy-mm-ddThh:mm:ssZ";
	struct ds_span t;
	struct ds_rd v;

	DS_TRY(ds_der_rd(rd, wide ? GENERAL_TIME : UTC_TIME, &v));
	if (wide)
		DS_TRY(ds_rd_copy(&v, text, 2));
	DS_TRY(ds_rd_span(&v, 13, &t));
	if (!wide && t.p[0] >= '5')
		memcpy(text, "19", 2);
	for (size_t i = 0; i < 6; i++)
		memcpy(text + 2 + 3 * i, t.p + 2 * i, 2);
	if (t.p[12] != 'Z' || (wide && memcmp(text, "2050", 4) < 0))
		return -EBADMSG;
	DS_TRY(ds_rd_end(&v));
	return ds_time_parse_rfc3339(text, sizeof(text) - 1, ret);
}

static bool printable(struct ds_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

/* SEQUENCE OF SET { SEQUENCE { OID, string } }; ret_cn is empty without a common name. */
static int read_name(struct ds_rd *rd, struct ds_span *ret, struct ds_span *ret_cn)
{
	static const uint8_t attribute[] = { 0x55, 0x04 }; /* 2.5.4 and one arc below 128 */
	struct ds_rd seq, set, pair, oid, text;
	uint8_t arc;

	*ret_cn = DS_SPAN_NULL;
	DS_TRY(whole(rd, DS_DER_SEQUENCE, &seq, ret));
	while (ds_rd_left(&seq)) {
		DS_TRY(ds_der_rd(&seq, SET, &set));
		DS_TRY(ds_der_rd(&set, DS_DER_SEQUENCE, &pair));
		DS_TRY(ds_der_rd(&pair, DS_DER_OID, &oid));
		DS_TRY(literal(&oid, attribute, sizeof(attribute)));
		DS_TRY(ds_rd_u8(&oid, &arc));
		DS_TRY(ds_der_rd(&pair, next_is(&pair, UTF8) ? UTF8 : PRINTABLE, &text));
		if (arc & 0x80 || ds_rd_end(&oid) || !printable(rest(&text)) || ds_rd_end(&pair) ||
		    ds_rd_end(&set))
			return -EBADMSG;
		if (arc != COMMON_NAME)
			continue;
		if (ret_cn->n)
			return -EBADMSG;
		*ret_cn = rest(&text);
	}
	return ret_cn->n ? 0 : -EBADMSG;
}

/* The next of a list of extensions: arc of id-ce or SGX, value. */
static int read_extension(struct ds_rd *list, unsigned int *ret_id, bool *ret_critical,
			  struct ds_span *ret)
{
	struct ds_rd seq, id, value;
	struct ds_span oid;

	DS_TRY(ds_der_rd(list, DS_DER_SEQUENCE, &seq));
	DS_TRY(ds_der_rd(&seq, DS_DER_OID, &id));
	oid = rest(&id);
	if (ds_span_eq(oid, DS_SPAN_ARRAY(sgx_oid)))
		*ret_id = SGX;
	else if (oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d && oid.p[2] && oid.p[2] <= AKI)
		*ret_id = oid.p[2];
	else
		return -EBADMSG;
	*ret_critical = false;
	if (next_is(&seq, DS_DER_BOOLEAN)) {
		DS_TRY(ds_der_rd_bool(&seq, ret_critical));
		if (!*ret_critical) /* the default is left out */
			return -EBADMSG;
	}
	DS_TRY(ds_der_rd(&seq, DS_DER_OCTETS, &value));
	*ret = rest(&value);
	return ds_rd_end(&seq);
}

/* 4.2.1.1, the key identifier alone. */
static int read_aki(struct ds_span in, struct ds_span *ret)
{
	struct ds_rd seq, id;

	DS_TRY(only(in, DS_DER_SEQUENCE, &seq));
	DS_TRY(only(rest(&seq), CONTEXT(0), &id));
	*ret = rest(&id);
	return ret->n ? 0 : -EBADMSG;
}

static int read_ski(struct ds_span in, struct ds_span *ret)
{
	struct ds_rd id;

	DS_TRY(only(in, DS_DER_OCTETS, &id));
	*ret = rest(&id);
	return ret->n ? 0 : -EBADMSG;
}

/* 4.2.1.3 without decipherOnly: one octet, unused bits zero. */
static int read_usage(struct ds_span in, uint8_t *ret)
{
	struct ds_rd bits;
	uint8_t unused;

	DS_TRY(only(in, BITS, &bits));
	DS_TRY(ds_rd_u8(&bits, &unused));
	DS_TRY(ds_rd_u8(&bits, ret));
	if (unused > 7 || *ret & (BIT(unused) - 1) || !*ret)
		return -EBADMSG;
	return ds_rd_end(&bits);
}

/* 4.2.1.9 */
static int read_basic(struct ds_span in, struct ds_icert *c)
{
	struct ds_rd seq;
	uint32_t n;

	c->pathlen = -1;
	DS_TRY(only(in, DS_DER_SEQUENCE, &seq));
	if (!ds_rd_left(&seq))
		return 0;
	DS_TRY(ds_der_rd_bool(&seq, &c->ca));
	if (!c->ca)
		return -EBADMSG;
	if (ds_rd_left(&seq)) {
		DS_TRY(ds_der_rd_u32(&seq, DS_DER_INTEGER, UINT8_MAX, &n));
		c->pathlen = (int)n;
	}
	return ds_rd_end(&seq);
}

/* 4.2.1.13: one point, one full name, a URI; nobody follows it. */
static int read_crl_url(struct ds_span in)
{
	struct ds_rd points, point, name, full, uri;

	DS_TRY(only(in, DS_DER_SEQUENCE, &points));
	DS_TRY(only(rest(&points), DS_DER_SEQUENCE, &point));
	DS_TRY(only(rest(&point), INSIDE(0), &name));
	DS_TRY(only(rest(&name), INSIDE(0), &full));
	DS_TRY(only(rest(&full), CONTEXT(6), &uri));
	return printable(rest(&uri)) ? 0 : -EBADMSG;
}

static int read_cert_extension(unsigned int id, struct ds_span value, struct ds_icert *c)
{
	switch (id) {
	case SGX:
		c->sgx = value;
		return value.n ? 0 : -EBADMSG;
	case AKI:
		return read_aki(value, &c->aki);
	case SKI:
		return read_ski(value, &c->ski);
	case KEY_USAGE:
		return read_usage(value, &c->usage);
	case BASIC:
		return read_basic(value, c);
	case CRL_URL:
		return read_crl_url(value);
	default:
		return -EBADMSG;
	}
}

static int read_cert_extensions(struct ds_rd *tbs, struct ds_icert *c)
{
	uint64_t seen = 0, need = 1ull << AKI | 1ull << SKI | 1ull << KEY_USAGE | 1ull << BASIC;
	struct ds_rd outer, list;
	struct ds_span value;
	unsigned int id;
	bool critical;

	DS_TRY(ds_der_rd(tbs, INSIDE(3), &outer));
	DS_TRY(only(rest(&outer), DS_DER_SEQUENCE, &list));
	while (ds_rd_left(&list)) {
		DS_TRY(read_extension(&list, &id, &critical, &value));
		if (seen & 1ull << id || critical != (id == KEY_USAGE || id == BASIC))
			return -EBADMSG;
		seen |= 1ull << id;
		DS_TRY(read_cert_extension(id, value, c));
	}
	return (seen & need) == need ? 0 : -EBADMSG;
}

/* 4.1.2 */
static int read_tbs_cert(struct ds_rd *tbs, struct ds_icert *c)
{
	static const uint8_t v3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
	struct ds_span cn, xy;
	struct ds_rd dates;

	DS_TRY(literal(tbs, v3, sizeof(v3)));
	DS_TRY(integer(tbs, &c->serial));
	DS_TRY(literal(tbs, algorithm, sizeof(algorithm)));
	DS_TRY(read_name(tbs, &c->issuer, &cn));
	DS_TRY(ds_der_rd(tbs, DS_DER_SEQUENCE, &dates));
	DS_TRY(read_time(&dates, &c->from));
	DS_TRY(read_time(&dates, &c->to));
	DS_TRY(ds_rd_end(&dates));
	DS_TRY(read_name(tbs, &c->subject, &c->cn));
	DS_TRY(literal(tbs, spki, sizeof(spki)));
	DS_TRY(ds_rd_span(tbs, 64, &xy));
	c->xy = xy.p;
	DS_TRY(read_cert_extensions(tbs, c));
	return ds_rd_end(tbs);
}

/* SEQUENCE { tbs, algorithm, BIT STRING } of certificates and lists alike. */
static int read_signed(struct ds_span der, struct ds_rd *ret_tbs, struct ds_span *ret_whole,
		       struct ds_span *ret_sig)
{
	struct ds_rd seq, bits;
	uint8_t unused;

	DS_TRY(only(der, DS_DER_SEQUENCE, &seq));
	DS_TRY(whole(&seq, DS_DER_SEQUENCE, ret_tbs, ret_whole));
	DS_TRY(literal(&seq, algorithm, sizeof(algorithm)));
	DS_TRY(ds_der_rd(&seq, BITS, &bits));
	DS_TRY(ds_rd_u8(&bits, &unused));
	if (unused)
		return -EBADMSG;
	*ret_sig = rest(&bits);
	return ds_rd_end(&seq);
}

int ds_icert_parse(struct ds_span der, struct ds_icert *ret)
{
	struct ds_icert c = { 0 };
	struct ds_rd tbs;

	DS_TRY(read_signed(der, &tbs, &c.tbs, &c.sig));
	DS_TRY(read_tbs_cert(&tbs, &c));
	*ret = c;
	return 0;
}

/* 5.3: the reason is the only extension of an entry, and none takes an entry back. */
static int read_entry(struct ds_rd *list, struct ds_span *ret_serial)
{
	struct ds_rd entry, exts;
	struct ds_span value;
	unsigned int id;
	bool critical;
	uint32_t reason;

	DS_TRY(ds_der_rd(list, DS_DER_SEQUENCE, &entry));
	DS_TRY(integer(&entry, ret_serial));
	/* since when does not matter */
	DS_TRY(ds_der_rd(&entry, next_is(&entry, GENERAL_TIME) ? GENERAL_TIME : UTC_TIME, &exts));
	if (!ds_rd_left(&entry))
		return 0;
	DS_TRY(ds_der_rd(&entry, DS_DER_SEQUENCE, &exts));
	DS_TRY(read_extension(&exts, &id, &critical, &value));
	if (id != CRL_REASON || critical || ds_rd_end(&exts) || ds_rd_end(&entry))
		return -EBADMSG;
	exts = ds_rd_init(value);
	DS_TRY(ds_der_rd_u32(&exts, DS_DER_ENUMERATED, 6, &reason));
	return ds_rd_end(&exts);
}

/* 5.2: number and issuer's key, both once. */
static int read_crl_extensions(struct ds_rd *tbs, struct ds_icrl *c)
{
	struct ds_rd outer, list, number;
	struct ds_span value;
	uint64_t seen = 0;
	unsigned int id;
	bool critical;

	DS_TRY(ds_der_rd(tbs, INSIDE(0), &outer));
	DS_TRY(only(rest(&outer), DS_DER_SEQUENCE, &list));
	while (ds_rd_left(&list)) {
		DS_TRY(read_extension(&list, &id, &critical, &value));
		if (critical || seen & 1ull << id || (id != AKI && id != CRL_NUMBER))
			return -EBADMSG;
		seen |= 1ull << id;
		if (id == AKI) {
			DS_TRY(read_aki(value, &c->aki));
			continue;
		}
		number = ds_rd_init(value);
		DS_TRY(integer(&number, &value));
		DS_TRY(ds_rd_end(&number));
	}
	return seen == (1ull << AKI | 1ull << CRL_NUMBER) ? 0 : -EBADMSG;
}

/* 5.1.2 */
static int read_tbs_crl(struct ds_rd *tbs, struct ds_icrl *c)
{
	static const uint8_t v2[] = { 0x02, 0x01, 0x01 };
	struct ds_span ignored;
	struct ds_rd list;

	DS_TRY(literal(tbs, v2, sizeof(v2)));
	DS_TRY(literal(tbs, algorithm, sizeof(algorithm)));
	DS_TRY(read_name(tbs, &c->issuer, &ignored));
	DS_TRY(read_time(tbs, &c->from));
	DS_TRY(read_time(tbs, &c->to));
	if (next_is(tbs, DS_DER_SEQUENCE)) {
		DS_TRY(ds_der_rd(tbs, DS_DER_SEQUENCE, &c->entries));
		list = c->entries;
		while (ds_rd_left(&list))
			DS_TRY(read_entry(&list, &ignored));
	}
	DS_TRY(read_crl_extensions(tbs, c));
	return ds_rd_end(tbs);
}

int ds_icrl_parse(struct ds_span der, struct ds_icrl *ret)
{
	struct ds_icrl c = { 0 };
	struct ds_rd tbs;

	DS_TRY(read_signed(der, &tbs, &c.tbs, &c.sig));
	DS_TRY(read_tbs_crl(&tbs, &c));
	*ret = c;
	return 0;
}

bool ds_icrl_lists(const struct ds_icrl *crl, struct ds_span serial)
{
	struct ds_rd list = crl->entries;
	struct ds_span s;

	while (ds_rd_left(&list))
		if (read_entry(&list, &s) || ds_span_eq(s, serial))
			return true;
	return false;
}
