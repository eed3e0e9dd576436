// SPDX-License-Identifier: Apache-2.0
/*
 * Event logs: the TCG2 crypto-agile form ("TCG PC Client Platform Firmware Profile", 10.2), as
 * firmware leaves it in the CCEL table and as dstack_rtmr.ko writes it.
 */
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/wire/eventlog.h>
#include <ds/wire/scale.h>

#include "jget.h"

#define DOMAIN	      "event-log"
#define ALG_SHA384    0x000cu
#define SPEC_ID	      "Spec ID Event03"
#define SPEC_ID_SIZE  16u /* with the terminator */
#define SPEC_ID_FIXED 33u
#define FILL_INDEX    0xffffffffu

static int bad(struct ds_err *err, const struct ds_rd *rd, size_t i, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd), "entry %zu: %s", i, what);
}

/* The event data of the first record: which digests the rest carries. Ours must be SHA-384 and
 * nothing else. */
static bool is_spec_id(struct ds_span in)
{
	const uint8_t *p = in.p;

	/* name, platform class, version, errata, uintn size; one algorithm; vendor's bytes */
	return in.n >= SPEC_ID_FIXED && !memcmp(p, SPEC_ID, SPEC_ID_SIZE) &&
	       ds_get_u32le(p + 24) == 1 && ds_get_u16le(p + 28) == ALG_SHA384 &&
	       ds_get_u16le(p + 30) == 48 && in.n == SPEC_ID_FIXED + p[32];
}

/* TCG_PCClientPCREvent with the specification's name. */
static int header(struct ds_rd *rd, struct ds_err *err)
{
	struct ds_span h, data;

	if (ds_rd_span(rd, 4 + 4 + 20 + 4, &h) || ds_rd_span(rd, ds_get_u32le(h.p + 28), &data))
		return bad(err, rd, 0, "header is truncated");
	if (ds_get_u32le(h.p + 4) != DS_EV_NO_ACTION)
		return bad(err, rd, 0, "header is not EV_NO_ACTION");
	if (!is_spec_id(data))
		return bad(err, rd, 0, "not \"" SPEC_ID "\" with SHA-384 as its only digest");
	return 0;
}

/* LE32(type) ":" name ":" payload: what the module records as data of a named event
 * (spec/boot 4.3). */
static int split_preimage(struct ds_span data, char ret_name[DS_MAX_EVENT_NAME + 1],
			  struct ds_span *ret_payload)
{
	const uint8_t *name, *colon;
	size_t n;

	if (data.n < 5 || ds_get_u32le(data.p) != DS_EV_RUNTIME || data.p[4] != ':')
		return -EBADMSG;
	name = data.p + 5;
	colon = memchr(name, ':', data.n - 5);
	n = colon ? (size_t)(colon - name) : 0;
	/* as in the other forms of a log: text, or some reader shows less than was measured */
	if (!n || n > DS_MAX_EVENT_NAME || !ds_utf8_ok(DS_SPAN(name, n)))
		return -EBADMSG;
	memcpy(ret_name, name, n);
	ret_name[n] = '\0';
	*ret_payload = DS_SPAN(colon + 1, data.n - 5 - n - 1);
	return 0;
}

/*
 * {"name":...,"payload":"hex","type":134217729}: the version 2 preimage as data of the event
 * (spec/guest-api 7.2). That it is the canonical text is for the replay to see.
 */
static int split_preimage_v2(struct ds_span data, char name[DS_MAX_EVENT_NAME + 1],
			     struct ds_buf *ret_payload)
{
	static const char *const keys[] = { "name", "payload", "type" };
	const struct ds_jget g = { DOMAIN, NULL };
	DS_JSON json_t *doc = NULL;
	const char *n = NULL, *hex = NULL;
	int r;

	DS_TRY(ds_jget_load(&g, data, DS_MAX_EVENT_LOG, &doc));
	DS_TRY(ds_jget_only(&g, doc, "event", keys, DS_ARRAY_SIZE(keys)));
	DS_TRY(ds_jget_str(&g, doc, "name", &n));
	DS_TRY(ds_jget_str(&g, doc, "payload", &hex));
	if (!n || !hex || !*n || strlen(n) > DS_MAX_EVENT_NAME ||
	    json_integer_value(json_object_get(doc, "type")) != DS_EV_RUNTIME)
		return -EBADMSG;
	r = ds_hex_decode_buf(hex, strlen(hex), DS_MAX_EVENT_LOG, ret_payload);
	if (!r)
		memcpy(name, n, strlen(n) + 1);
	return r;
}

static int add_v2(struct ds_eventlog *log, uint32_t imr, const uint8_t *digest, struct ds_span data)
{
	DS_BUF struct ds_buf payload = DS_BUF_NULL;
	char name[DS_MAX_EVENT_NAME + 1];
	struct ds_event *ev;

	DS_TRY(split_preimage_v2(data, name, &payload));
	DS_TRY(ds_eventlog_add(log, imr, DS_EV_RUNTIME, digest, name, ds_buf_span(&payload), &ev));
	ev->version = 2;
	return ds_buf_add_span(&ev->preimage, data);
}

/* TCG_PCR_EVENT2 */
static int entry(struct ds_rd *rd, size_t i, struct ds_eventlog *log, struct ds_err *err)
{
	char name[DS_MAX_EVENT_NAME + 1] = "";
	struct ds_span h, data;
	uint32_t index, type;
	int r;

	/* index, type, number of digests, algorithm, digest, size of the data */
	if (ds_rd_span(rd, 4 + 4 + 4 + 2 + 48 + 4, &h) ||
	    ds_rd_span(rd, ds_get_u32le(h.p + 62), &data))
		return bad(err, rd, i, "truncated");
	index = ds_get_u32le(h.p);
	type = ds_get_u32le(h.p + 4);
	if (ds_get_u32le(h.p + 8) != 1)
		return bad(err, rd, i, "expected exactly one digest");
	if (ds_get_u16le(h.p + 12) != ALG_SHA384)
		return bad(err, rd, i, "expected a SHA-384 digest");
	if (index > 4)
		return bad(err, rd, i, "measurement register is not 0 to 4");
	if (!index)
		return 0;
	if (type == DS_EV_RUNTIME && data.n && *data.p == '{') {
		r = add_v2(log, index - 1, h.p + 14, data);
		if (r == -EBADMSG)
			return bad(err, rd, i, "runtime event data is no preimage of version 2");
	} else if (type == DS_EV_RUNTIME && split_preimage(data, name, &data)) {
		return bad(err, rd, i, "runtime event data is not type:name:payload");
	} else {
		r = ds_eventlog_add(log, index - 1, type, h.p + 14, name, data, NULL);
	}
	return r ? ds_err_set(err, r, DOMAIN, ds_rd_pos(rd),
			      "entry %zu: too many events or no memory", i)
		 : 0;
}

/* Is what is left the fill of a fixed-size table? */
static bool is_fill(const struct ds_rd *rd)
{
	uint8_t fill = *rd->p;

	if (fill != 0 && fill != 0xff)
		return false;
	for (const uint8_t *p = rd->p; p < rd->end; p++)
		if (*p != fill)
			return false;
	return true;
}

int ds_eventlog_parse_tcg2(struct ds_span in, struct ds_eventlog *ret, struct ds_err *err)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct ds_rd rd = ds_rd_init(in);

	if (in.n > DS_MAX_EVENT_LOG)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "size: expected at most %u, got %zu",
				  DS_MAX_EVENT_LOG, in.n);
	DS_TRY(header(&rd, err));
	for (size_t i = 1; ds_rd_left(&rd) && !is_fill(&rd); i++) {
		if (ds_rd_left(&rd) >= 4 && ds_get_u32le(rd.p) == FILL_INDEX)
			return bad(err, &rd, i, "something lies behind the fill bytes");
		DS_TRY(entry(&rd, i, &log, err));
	}
	*ret = log;
	log = DS_EVENTLOG_NULL;
	return 0;
}
