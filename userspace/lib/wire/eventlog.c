// SPDX-License-Identifier: Apache-2.0
/* Event logs: the container and the JSON form, see ds/wire/eventlog.h. */
#include <jansson.h>

#include <ds/base/text.h>
#include <ds/wire/eventlog.h>
#include <ds/wire/jbounds.h>

#define DOMAIN	   "event-log"
#define MAX_DEPTH  64u
#define MAX_VALUES (8 * DS_MAX_EVENTS) /* an event has five, and two more of version 2 */

static void event_done(struct ds_event *ev)
{
	ds_buf_done(&ev->payload);
	ds_buf_done(&ev->preimage);
}

void ds_eventlog_done(struct ds_eventlog *log)
{
	for (size_t i = 0; i < log->n; i++)
		event_done(&log->ev[i]);
	free(log->ev);
	*log = DS_EVENTLOG_NULL;
}

static int grow(struct ds_eventlog *log)
{
	size_t cap = log->cap ? 2 * log->cap : 32;
	struct ds_event *ev;

	if (log->n < log->cap)
		return 0;
	if (log->n >= DS_MAX_EVENTS)
		return -EFBIG;
	ev = reallocarray(log->ev, cap, sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	log->ev = ev;
	log->cap = cap;
	return 0;
}

int ds_eventlog_add(struct ds_eventlog *log, uint32_t imr, uint32_t type, const uint8_t *digest,
		    const char *name, struct ds_span payload, struct ds_event **ret_ev)
{
	struct ds_event ev = { .imr = imr, .type = type, .version = 1 };
	size_t len = strlen(name);
	int r;

	if (len > DS_MAX_EVENT_NAME)
		return -EINVAL;
	r = grow(log);
	if (!r)
		r = ds_buf_add_span(&ev.payload, payload);
	if (r)
		return r;
	memcpy(ev.name, name, len + 1);
	if (digest) {
		ev.has_digest = true;
		memcpy(ev.digest, digest, sizeof(ev.digest));
	}
	log->ev[log->n] = ev;
	if (ret_ev)
		*ret_ev = &log->ev[log->n];
	log->n++;
	return 0;
}

static void cleanup_json(json_t **j)
{
	json_decref(*j);
}

static int bad(struct ds_err *err, size_t i, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, 0, "event %zu: %s", i, what);
}

static int get_u32(const json_t *obj, const char *key, uint32_t *ret)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)n;
	return 0;
}

static int get_hex(const json_t *obj, const char *key, struct ds_buf *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_string(v))
		return -EBADMSG;
	return ds_hex_decode_buf(json_string_value(v), json_string_length(v), DS_MAX_EVENT_LOG,
				 ret);
}

/* spec/guest-api 7.1: version is left out for 1, preimage belongs to version 2. */
static int parse_version(const json_t *obj, struct ds_event *ev, size_t i, struct ds_err *err)
{
	uint32_t version = 1;
	int r;

	if (json_object_get(obj, "version") && get_u32(obj, "version", &version))
		return bad(err, i, "version is not a number");
	if (version != 1 && version != 2)
		return bad(err, i, "version is neither 1 nor 2");
	ev->version = version;
	if (!json_object_get(obj, "preimage"))
		return 0;
	r = get_hex(obj, "preimage", &ev->preimage);
	return r == -ENOMEM ? r : r ? bad(err, i, "preimage is not hex") : 0;
}

static int parse_entry(const json_t *obj, size_t i, struct ds_eventlog *log, struct ds_err *err)
{
	DS_BUF struct ds_buf payload = DS_BUF_NULL;
	const json_t *name = json_object_get(obj, "event");
	const json_t *hex = json_object_get(obj, "digest");
	struct ds_event *ev;
	uint8_t digest[48];
	uint32_t imr, type;
	bool has_digest;
	int r;

	if (!json_is_object(obj))
		return bad(err, i, "not an object");
	if (get_u32(obj, "imr", &imr) || imr > 3)
		return bad(err, i, "imr is not 0 to 3");
	if (get_u32(obj, "event_type", &type))
		return bad(err, i, "event_type is not a 32-bit number");
	if (!json_is_string(name) || json_string_length(name) > DS_MAX_EVENT_NAME)
		return bad(err, i, "event is not a string of up to 64 bytes");
	if (!json_is_string(hex))
		return bad(err, i, "digest is not a string");
	has_digest = json_string_length(hex) != 0;
	if (has_digest && ds_hex_decode_exact(json_string_value(hex), digest, sizeof(digest)))
		return bad(err, i, "digest is not 48 bytes of hex");
	r = get_hex(obj, "event_payload", &payload);
	if (r)
		return r == -ENOMEM ? r : bad(err, i, "event_payload is not hex");
	r = ds_eventlog_add(log, imr, type, has_digest ? digest : NULL, json_string_value(name),
			    ds_buf_span(&payload), &ev);
	if (r)
		return ds_err_set(err, r, DOMAIN, 0, "event %zu: too many events or no memory", i);
	return parse_version(obj, ev, i, err);
}

int ds_eventlog_parse_json(struct ds_span in, struct ds_eventlog *ret, struct ds_err *err)
{
	__attribute__((cleanup(cleanup_json))) json_t *root = NULL;
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	json_error_t je;

	if (in.n > DS_MAX_EVENT_LOG)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "size: expected at most %u, got %zu",
				  DS_MAX_EVENT_LOG, in.n);
	DS_TRY(ds_json_bounds(in, MAX_DEPTH, MAX_VALUES, err));
	root = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return ds_err_set(err, -EBADMSG, DOMAIN, je.position > 0 ? (size_t)je.position : 0,
				  "JSON: %s", je.text);
	if (!json_is_array(root))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "not a JSON array");
	for (size_t i = 0; i < json_array_size(root); i++)
		DS_TRY(parse_entry(json_array_get(root, i), i, &log, err));
	*ret = log;
	log = DS_EVENTLOG_NULL;
	return 0;
}

int ds_eventlog_parse(struct ds_span in, struct ds_eventlog *ret, struct ds_err *err)
{
	size_t i = 0;

	while (i < in.n && strchr(" \t\r\n", in.p[i]) && in.p[i])
		i++;
	if (i < in.n && in.p[i] == '[')
		return ds_eventlog_parse_json(in, ret, err);
	return ds_eventlog_parse_tcg2(in, ret, err);
}
