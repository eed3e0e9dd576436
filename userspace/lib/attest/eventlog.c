// SPDX-License-Identifier: Apache-2.0
/* Digests and replay of event logs, see ds/attest/eventlog.h. */
#include <ds/attest/eventlog.h>
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define DOMAIN	     "event-log"
#define SYSTEM_READY "system-ready"

/* A JSON string as RFC 8785 writes it: short escapes, other controls as \u00xx, the rest raw. */
static int add_jcs_string(struct ds_buf *buf, const char *s)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";

	DS_TRY(ds_buf_add_u8(buf, '"'));
	for (; *s; s++) {
		const char *short_esc = strchr(plain, *s);

		if (short_esc)
			DS_TRY(ds_buf_addf(buf, "\\%c", letter[short_esc - plain]));
		else if ((unsigned char)*s < 0x20)
			DS_TRY(ds_buf_addf(buf, "\\u%04x", (unsigned char)*s));
		else
			DS_TRY(ds_buf_add_u8(buf, (uint8_t)*s));
	}
	return ds_buf_add_u8(buf, '"');
}

int ds_event_preimage_v2(const char *name, struct ds_span payload, struct ds_buf *ret)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;

	DS_TRY(ds_buf_addf(&buf, "{\"name\":"));
	DS_TRY(add_jcs_string(&buf, name));
	DS_TRY(ds_buf_addf(&buf, ",\"payload\":\""));
	DS_TRY(ds_buf_add_hex(&buf, payload));
	DS_TRY(ds_buf_addf(&buf, "\",\"type\":%u}", DS_EV_RUNTIME));
	ds_buf_done(ret);
	*ret = ds_buf_steal(&buf);
	return 0;
}

int ds_event_digest(unsigned int version, const char *name, struct ds_span payload, uint8_t ret[48])
{
	DS_BUF struct ds_buf v2 = DS_BUF_NULL;
	uint8_t type[4];
	const struct ds_span v1[] = { DS_SPAN_ARRAY(type), DS_SPAN_LIT(":"), DS_SPAN_STR(name),
				      DS_SPAN_LIT(":"), payload };

	if (version == 1) {
		ds_put_u32le(type, DS_EV_RUNTIME);
		return ds_sha384(v1, DS_ARRAY_SIZE(v1), ret);
	}
	if (version != 2)
		return -EINVAL;
	DS_TRY(ds_event_preimage_v2(name, payload, &v2));
	return ds_sha384_1(ds_buf_span(&v2), ret);
}

bool ds_event_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > DS_MAX_EVENT_NAME)
		return false;
	for (const char *p = name; *p; p++)
		if (*p == ':' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

/* The digest that counts: recomputed for runtime events, as given for the rest. */
static int event_digest(const struct ds_event *ev, size_t i, uint8_t ret[48], struct ds_err *err)
{
	DS_BUF struct ds_buf pre = DS_BUF_NULL;

	if (ev->type != DS_EV_RUNTIME) {
		if (ev->has_digest) {
			memcpy(ret, ev->digest, 48);
			return 0;
		}
		(void)ds_err_set(err, -EBADMSG, DOMAIN, 0, "event %zu (type 0x%08x): no digest", i,
				 ev->type);
		return DS_EVENTLOG_E_DIGEST;
	}
	if (!ds_event_name_ok(ev->name)) {
		(void)ds_err_set(err, -EBADMSG, DOMAIN, 0,
				 "event %zu: name \"%s\" may not be empty or hold ':' or controls",
				 i, ev->name);
		return DS_EVENTLOG_E_NAME;
	}
	if (ev->preimage.n) {
		DS_TRY(ds_event_preimage_v2(ev->name, ds_buf_span(&ev->payload), &pre));
		if (ev->version != 2 ||
		    !ds_span_eq(ds_buf_span(&pre), ds_buf_span(&ev->preimage))) {
			(void)ds_err_set(err, -EBADMSG, DOMAIN, 0,
					 "event %zu (%s): preimage is not the canonical one", i,
					 ev->name);
			return DS_EVENTLOG_E_PREIMAGE;
		}
	}
	return ds_event_digest(ev->version, ev->name, ds_buf_span(&ev->payload), ret);
}

static int fold(uint8_t rtmr[48], const uint8_t digest[48])
{
	const struct ds_span parts[] = { DS_SPAN(rtmr, 48), DS_SPAN(digest, 48) };

	return ds_sha384(parts, DS_ARRAY_SIZE(parts), rtmr);
}

/* Firmware's EV_NO_ACTION entries are informative and never extended; RTMR3 has no firmware
 * entries. */
static bool is_extended(const struct ds_event *ev)
{
	return ev->type != DS_EV_NO_ACTION || ev->imr == DS_EVENT_IMR;
}

int ds_eventlog_replay(const struct ds_eventlog *log, uint8_t ret_rtmr[4][48], struct ds_err *err)
{
	uint8_t rtmr[4][48] = { 0 }, digest[48];

	for (size_t i = 0; i < log->n; i++) {
		const struct ds_event *ev = &log->ev[i];

		if (ev->imr > 3)
			return ds_err_set(err, -EBADMSG, DOMAIN, 0,
					  "event %zu: imr: expected 0 to 3, got %u", i, ev->imr);
		if (!is_extended(ev))
			continue;
		DS_TRY(event_digest(ev, i, digest, err));
		DS_TRY(fold(rtmr[ev->imr], digest));
	}
	memcpy(ret_rtmr, rtmr, sizeof(rtmr));
	return 0;
}

int ds_eventlog_replay_rtmr3(const struct ds_eventlog *log, const char *stop_after, uint8_t ret[48],
			     struct ds_err *err)
{
	uint8_t rtmr[48] = { 0 }, digest[48];

	for (size_t i = 0; i < log->n; i++) {
		const struct ds_event *ev = &log->ev[i];

		if (ev->imr != DS_EVENT_IMR)
			continue;
		DS_TRY(event_digest(ev, i, digest, err));
		DS_TRY(fold(rtmr, digest));
		if (stop_after && ev->type == DS_EV_RUNTIME && !strcmp(ev->name, stop_after))
			break;
	}
	memcpy(ret, rtmr, sizeof(rtmr));
	return 0;
}

size_t ds_eventlog_launch(const struct ds_eventlog *log, bool *ret_opaque)
{
	bool opaque = false;
	size_t i;

	for (i = 0; i < log->n; i++) {
		const struct ds_event *ev = &log->ev[i];

		if (ev->imr != DS_EVENT_IMR)
			continue;
		if (ev->type != DS_EV_RUNTIME) {
			opaque = true;
			break;
		}
		if (!strcmp(ev->name, SYSTEM_READY)) {
			i++;
			break;
		}
	}
	if (ret_opaque)
		*ret_opaque = opaque;
	return i;
}

const struct ds_event *ds_eventlog_find(const struct ds_eventlog *log, const char *name)
{
	size_t n = ds_eventlog_launch(log, NULL);

	for (size_t i = 0; i < n; i++)
		if (log->ev[i].imr == DS_EVENT_IMR && !strcmp(log->ev[i].name, name))
			return &log->ev[i];
	return NULL;
}

static int event_to_json(const struct ds_event *ev, struct ds_buf *buf)
{
	DS_BUF struct ds_buf pre = DS_BUF_NULL;
	uint8_t digest[48];
	bool has = ev->has_digest;

	memcpy(digest, ev->digest, sizeof(digest));
	if (ev->type == DS_EV_RUNTIME) {
		DS_TRY(ds_event_digest(ev->version, ev->name, ds_buf_span(&ev->payload), digest));
		has = true;
	}
	DS_TRY(ds_buf_addf(buf, "{\"imr\":%u,\"event_type\":%u,\"digest\":\"", ev->imr, ev->type));
	DS_TRY(ds_buf_add_hex(buf, DS_SPAN(digest, has ? sizeof(digest) : 0)));
	DS_TRY(ds_buf_addf(buf, "\",\"event\":"));
	DS_TRY(add_jcs_string(buf, ev->name));
	DS_TRY(ds_buf_addf(buf, ",\"event_payload\":\""));
	DS_TRY(ds_buf_add_hex(buf, ds_buf_span(&ev->payload)));
	DS_TRY(ds_buf_add_u8(buf, '"'));
	if (ev->version == 2 && ev->type == DS_EV_RUNTIME) {
		DS_TRY(ds_event_preimage_v2(ev->name, ds_buf_span(&ev->payload), &pre));
		DS_TRY(ds_buf_addf(buf, ",\"version\":2,\"preimage\":\""));
		DS_TRY(ds_buf_add_hex(buf, ds_buf_span(&pre)));
		DS_TRY(ds_buf_add_u8(buf, '"'));
	}
	return ds_buf_add_u8(buf, '}');
}

int ds_eventlog_to_json(const struct ds_eventlog *log, struct ds_buf *ret)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;

	DS_TRY(ds_buf_add_u8(&buf, '['));
	for (size_t i = 0; i < log->n; i++) {
		if (i)
			DS_TRY(ds_buf_add_u8(&buf, ','));
		DS_TRY(event_to_json(&log->ev[i], &buf));
	}
	DS_TRY(ds_buf_add_u8(&buf, ']'));
	return ds_buf_add_span(ret, ds_buf_span(&buf));
}
