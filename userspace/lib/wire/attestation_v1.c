// SPDX-License-Identifier: Apache-2.0
/*
 * The MessagePack form V1 of the attestation blob (spec/guest-api 9): maps with string keys, read
 * through tables of fields. Unknown keys are skipped, a key that appears twice is an error.
 */
#include "attestation_v1.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/wire/msgpack.h>
#include <ds/wire/scale.h>

#define DOMAIN "attestation"

/* One key of a map: read is called with the cursor on the value. */
struct field {
	const char *name;
	int (*read)(struct ds_rd *rd, void *to);
	void *to;
	bool required;
	bool seen;
};

static struct field *find(struct field *fields, size_t n, struct ds_span name)
{
	for (size_t i = 0; i < n; i++)
		if (ds_span_eq(name, DS_SPAN_STR(fields[i].name)))
			return &fields[i];
	return NULL;
}

/* The next value, which has to be of this type. */
static int expect(struct ds_rd *rd, enum ds_mp_type type, struct ds_mp *ret)
{
	DS_TRY(ds_mp_rd(rd, ret));
	return ret->type == type ? 0 : -EBADMSG;
}

static int read_map(struct ds_rd *rd, struct field *fields, size_t n)
{
	struct ds_mp head, key;
	struct field *f;

	DS_TRY(expect(rd, DS_MP_MAP, &head));
	for (uint64_t i = 0; i < head.num; i++) {
		DS_TRY(expect(rd, DS_MP_STR, &key));
		f = find(fields, n, key.str);
		if (f && f->seen)
			return -EBADMSG;
		if (f)
			f->seen = true;
		DS_TRY(f ? f->read(rd, f->to) : ds_mp_skip(rd));
	}
	for (size_t i = 0; i < n; i++)
		if (fields[i].required && !fields[i].seen)
			return -EBADMSG;
	return 0;
}

static int read_u32(struct ds_rd *rd, void *to)
{
	struct ds_mp mp;

	DS_TRY(expect(rd, DS_MP_UINT, &mp));
	if (mp.num > UINT32_MAX)
		return -EBADMSG;
	*(uint32_t *)to = (uint32_t)mp.num;
	return 0;
}

/* A string that stays in the input. */
static int read_str(struct ds_rd *rd, void *to)
{
	struct ds_mp mp;

	DS_TRY(expect(rd, DS_MP_STR, &mp));
	if (!ds_utf8_ok(mp.str))
		return -EBADMSG;
	*(struct ds_span *)to = mp.str;
	return 0;
}

static int read_quote(struct ds_rd *rd, void *to)
{
	return ds_mp_rd_bytes(rd, DS_MAX_QUOTE, to);
}

static int read_report(struct ds_rd *rd, void *to)
{
	return ds_mp_rd_bytes(rd, DS_ATTESTATION_MAX_REPORT, to);
}

/* An array of byte vectors. */
static int read_certs(struct ds_rd *rd, void *to)
{
	struct ds_attestation *att = to;
	struct ds_mp head;

	DS_TRY(expect(rd, DS_MP_ARRAY, &head));
	if (head.num > DS_ATTESTATION_MAX_CERTS)
		return -EFBIG;
	for (uint64_t i = 0; i < head.num; i++)
		DS_TRY(ds_mp_rd_bytes(rd, DS_ATTESTATION_MAX_CERT, &att->cert[att->n_cert++]));
	return 0;
}

static int read_data(struct ds_rd *rd, void *to)
{
	return ds_mp_rd_bytes(rd, DS_MAX_EVENT_LOG, to);
}

/* Bytes, or nil for none. */
static int read_optional_data(struct ds_rd *rd, void *to)
{
	struct ds_rd at = *rd;
	struct ds_mp mp;

	DS_TRY(ds_mp_rd(&at, &mp));
	if (mp.type != DS_MP_NIL)
		return read_data(rd, to);
	*rd = at;
	return 0;
}

static int read_report_data(struct ds_rd *rd, void *to)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	DS_TRY(ds_mp_rd_bytes(rd, 64, &b));
	if (b.n != 64)
		return -EBADMSG;
	memcpy(to, b.p, 64);
	return 0;
}

/* Remember where a value is and step over it. */
static int read_later(struct ds_rd *rd, void *to)
{
	const uint8_t *p = rd->p;

	DS_TRY(ds_mp_skip(rd));
	*(struct ds_span *)to = DS_SPAN(p, (size_t)(rd->p - p));
	return 0;
}

struct event {
	uint32_t imr, type, version;
	struct ds_span name;
	struct ds_buf digest, payload, preimage;
};

static void event_done(struct event *e)
{
	ds_buf_done(&e->digest);
	ds_buf_done(&e->payload);
	ds_buf_done(&e->preimage);
}

static int keep_event(struct event *e, struct ds_eventlog *log)
{
	char name[DS_MAX_EVENT_NAME + 1] = "";
	struct ds_event *ev;

	if ((e->digest.n && e->digest.n != 48) || e->name.n > DS_MAX_EVENT_NAME || !e->version ||
	    e->version > 2)
		return -EBADMSG;
	if (e->name.n)
		memcpy(name, e->name.p, e->name.n);
	DS_TRY(ds_eventlog_add(log, e->imr, e->type, e->digest.n ? e->digest.p : NULL, name,
			       ds_buf_span(&e->payload), &ev));
	ev->version = e->version;
	ev->preimage = ds_buf_steal(&e->preimage);
	return 0;
}

static int read_event(struct ds_rd *rd, struct ds_eventlog *log)
{
	DS_CLEANUP(event_done) struct event e = { .version = 1 };
	struct field fields[] = {
		{ "imr", read_u32, &e.imr, true, false },
		{ "event_type", read_u32, &e.type, true, false },
		{ "digest", read_data, &e.digest, true, false },
		{ "event", read_str, &e.name, true, false },
		{ "event_payload", read_data, &e.payload, true, false },
		{ "version", read_u32, &e.version, false, false },
		{ "preimage", read_optional_data, &e.preimage, false, false },
	};

	DS_TRY(read_map(rd, fields, DS_ARRAY_SIZE(fields)));
	return keep_event(&e, log);
}

static int read_runtime_event(struct ds_rd *rd, struct ds_eventlog *log)
{
	DS_CLEANUP(event_done) struct event e = { DS_EVENT_IMR, DS_EV_RUNTIME, .version = 1 };
	struct field fields[] = {
		{ "event", read_str, &e.name, true, false },
		{ "payload", read_data, &e.payload, true, false },
		{ "version", read_u32, &e.version, false, false },
	};

	DS_TRY(read_map(rd, fields, DS_ARRAY_SIZE(fields)));
	return keep_event(&e, log);
}

static int read_events(struct ds_rd *rd, int (*one)(struct ds_rd *, struct ds_eventlog *),
		       struct ds_eventlog *log)
{
	struct ds_mp head;

	DS_TRY(expect(rd, DS_MP_ARRAY, &head));
	if (head.num > DS_MAX_EVENTS)
		return -EFBIG;
	for (uint64_t i = 0; i < head.num; i++)
		DS_TRY(one(rd, log));
	return 0;
}

static int read_log(struct ds_rd *rd, void *to)
{
	return read_events(rd, read_event, to);
}

static int read_runtime_events(struct ds_rd *rd, void *to)
{
	return read_events(rd, read_runtime_event, to);
}

/* {"kind": k, "data": {...}}: the kind decides how data is read. */
static int read_tagged(struct ds_span in, struct ds_span *ret_kind, struct ds_span *ret_data,
		       const char *what, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in);
	struct field fields[] = {
		{ "kind", read_str, ret_kind, true, false },
		{ "data", read_later, ret_data, true, false },
	};

	if (read_map(&rd, fields, DS_ARRAY_SIZE(fields)))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s: malformed", what);
	return 0;
}

static int wrong_kind(struct ds_span kind, const char *what, const char *want, struct ds_err *err)
{
	char shown[32];

	return ds_err_set(err, -EOPNOTSUPP, DOMAIN, 0, "%s kind %s, expected %s", what,
			  ds_escape(kind, shown, sizeof(shown)), want);
}

static int decode_tdx(struct ds_rd *rd, struct ds_attestation *att)
{
	struct field fields[] = {
		{ "quote", read_quote, &att->quote, true, false },
		{ "event_log", read_log, &att->log, true, false },
	};

	return read_map(rd, fields, DS_ARRAY_SIZE(fields));
}

static int decode_snp(struct ds_rd *rd, struct ds_attestation *att)
{
	struct ds_span mr_config;
	struct field fields[] = {
		{ "report", read_report, &att->quote, true, false },
		{ "cert_chain", read_certs, att, true, false },
		{ "mr_config", read_str, &mr_config, true, false },
	};

	att->kind = DS_ATTESTATION_SNP;
	DS_TRY(read_map(rd, fields, DS_ARRAY_SIZE(fields)));
	return mr_config.n > DS_MAX_SYS_CONFIG ? -EFBIG
					       : ds_buf_add_span(&att->mr_config, mr_config);
}

static int decode_platform(struct ds_span in, struct ds_attestation *att, struct ds_err *err)
{
	struct ds_span kind, data;
	struct ds_rd rd;
	bool snp;
	int r;

	DS_TRY(read_tagged(in, &kind, &data, "platform", err));
	snp = ds_span_eq(kind, DS_SPAN_LIT("sev-snp"));
	if (!snp && !ds_span_eq(kind, DS_SPAN_LIT("tdx")))
		return wrong_kind(kind, "platform", "tdx or sev-snp", err);
	rd = ds_rd_init(data);
	r = snp ? decode_snp(&rd, att) : decode_tdx(&rd, att);
	return r ? ds_err_set(err, r, DOMAIN, 0, "platform data: malformed or too large") : 0;
}

static int decode_stack(struct ds_span in, struct ds_attestation *att, struct ds_err *err)
{
	struct ds_span kind, data, config;
	struct field fields[] = {
		{ "report_data", read_report_data, att->report_data, true, false },
		{ "runtime_events", read_runtime_events, &att->runtime_events, true, false },
		{ "config", read_str, &config, true, false },
	};
	struct ds_rd rd;
	int r;

	DS_TRY(read_tagged(in, &kind, &data, "stack", err));
	if (!ds_span_eq(kind, DS_SPAN_LIT("dstack")))
		return wrong_kind(kind, "stack", "dstack", err);
	rd = ds_rd_init(data);
	r = read_map(&rd, fields, DS_ARRAY_SIZE(fields));
	if (!r && config.n > DS_MAX_SYS_CONFIG)
		r = -EFBIG;
	if (r)
		return ds_err_set(err, r, DOMAIN, 0, "stack data: malformed or too large");
	return ds_buf_add_span(&att->config, config);
}

int ds_attestation_decode_v1(struct ds_rd *rd, struct ds_attestation *att, struct ds_err *err)
{
	struct ds_span platform, stack;
	uint32_t version;
	struct field fields[] = {
		{ "version", read_u32, &version, true, false },
		{ "platform", read_later, &platform, true, false },
		{ "stack", read_later, &stack, true, false },
	};

	if (read_map(rd, fields, DS_ARRAY_SIZE(fields)))
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
				  "V1: malformed or cut short");
	if (ds_rd_end(rd))
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd), "V1: bytes follow");
	if (version != 1)
		return ds_err_set(err, -EOPNOTSUPP, DOMAIN, 0, "version %u, expected 1", version);
	DS_TRY(decode_platform(platform, att, err));
	return decode_stack(stack, att, err);
}
