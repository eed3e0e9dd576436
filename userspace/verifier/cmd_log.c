// SPDX-License-Identifier: Apache-2.0
/* dstack-verify log: does an event log give the registers it claims to explain? */
#include "verify.h"

#include <ds/attest/eventlog.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>

#define USAGE "log --event-log FILE [--quote QUOTE | --rtmr3 HEX] [--json]"

static int load_log(const char *path, struct ds_eventlog *log, struct ds_verdict *v)
{
	DS_BUF struct ds_buf raw = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r = input_file(path, DS_MAX_EVENT_LOG, &raw);

	if (r == -EFBIG)
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "more than %u bytes",
				       DS_MAX_EVENT_LOG);
	if (r)
		return -EIO;
	r = ds_eventlog_parse(ds_buf_span(&raw), log, &err);
	if (r == -ENOMEM)
		return r;
	if (r)
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "byte %zu: %s", err.offset,
				       err.msg);
	return 0;
}

/* The registers to compare with. Only parsed: whether the quote itself is genuine is for 'quote' or
 * 'app' to say. */
static int load_quote(const char *path, struct ds_verdict *v)
{
	DS_BUF struct ds_buf raw = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	enum ds_quote_fault fault;
	struct ds_quote q;
	int r = input_quote(path, &raw);

	if (r == -EFBIG)
		return ds_verdict_fail(v, DS_REASON_PARSE_SIZE, "quote: more than %u bytes",
				       DS_MAX_QUOTE);
	if (r)
		return -EIO;
	if (ds_quote_parse_fault(ds_buf_span(&raw), &q, &fault, &err))
		return ds_verdict_fail(v, ds_quote_fault_reason(fault), "quote: byte %zu: %s",
				       err.offset, err.msg);
	v->has_body = true;
	v->quote_version = q.version;
	v->body = q.body;
	return 0;
}

/*
 * Who can have measured an event: dstack's launch, the app that it started, or, of a bare digest in
 * RTMR3, anybody: what it stands for is unknown. Other registers are firmware's, and their entries
 * are shown only when they look like dstack's. NULL: not shown.
 */
static const char *origin_of(const struct ds_event *ev, bool in_launch)
{
	if (ev->imr != DS_EVENT_IMR)
		return ev->type == DS_EV_RUNTIME ? "firmware" : NULL;
	if (ev->type != DS_EV_RUNTIME)
		return "opaque";
	return in_launch ? "launch" : "application";
}

static json_t *events_json(const struct ds_eventlog *log)
{
	const size_t launch = ds_eventlog_launch(log, NULL);
	json_t *arr = json_array(), *o;

	for (size_t i = 0; i < log->n; i++) {
		const struct ds_event *ev = &log->ev[i];
		const char *origin = origin_of(ev, i < launch);
		DS_FREE char *hex = malloc(2 * ev->payload.n + 1);

		if (!hex || !origin)
			continue;
		/* name and payload of an opaque entry explain nothing, so they are not repeated */
		if (ev->type == DS_EV_RUNTIME) {
			ds_hex_encode(ev->payload.p, ev->payload.n, hex);
			o = json_pack("{s:s, s:s, s:i}", "event", ev->name, "event_payload", hex,
				      "version", (int)ev->version);
		} else {
			o = json_object();
			output_hex(o, "digest", ev->digest, sizeof(ev->digest));
		}
		json_object_set_new(o, "imr", json_integer(ev->imr));
		json_object_set_new(o, "origin", json_string(origin));
		json_array_append_new(arr, o);
	}
	return arr;
}

/* What the log gives, for people and programs. */
static json_t *replay_json(const struct ds_eventlog *log, const uint8_t rtmr[4][48])
{
	json_t *o = json_object(), *regs = json_object();
	char key[8];

	for (unsigned int i = 0; i < 4; i++) {
		(void)snprintf(key, sizeof(key), "rt_mr%u", i);
		output_hex(regs, key, rtmr[i], 48);
	}
	json_object_set_new(o, "replayed", regs);
	json_object_set_new(o, "events", events_json(log));
	return o;
}

static void print_replay(const struct ds_eventlog *log, const uint8_t rtmr[4][48])
{
	bool opaque;
	const size_t launch = ds_eventlog_launch(log, &opaque);
	char hex[97], text[160];

	for (size_t i = 0; i < log->n; i++) {
		const struct ds_event *ev = &log->ev[i];
		const char *origin = origin_of(ev, i < launch);
		char what[32];

		if (!origin)
			continue;
		(void)snprintf(what, sizeof(what), "%s event", origin);
		if (ev->type == DS_EV_RUNTIME)
			(void)snprintf(text, sizeof(text), "%s (%zu bytes)",
				       ds_escape(DS_SPAN_STR(ev->name), hex, sizeof(hex)),
				       ev->payload.n);
		output_field("", what,
			     ev->type == DS_EV_RUNTIME ? text : ds_hex_encode(ev->digest, 48, hex));
	}
	if (opaque)
		output_linef("note",
			     "a bare digest before system-ready: no event behind it counts as launch");
	for (unsigned int i = 0; i < 4; i++) {
		(void)snprintf(text, sizeof(text), "replay of rt_mr%u", i);
		output_field("", text, ds_hex_encode(rtmr[i], 48, hex));
	}
}

static int judge(const struct options *o, struct ds_eventlog *log, struct ds_verdict *v)
{
	uint8_t want[4][48] = { 0 };

	if (o->rtmr3 && ds_hex_decode_exact(o->rtmr3, want[3], 48)) {
		fputs("dstack-verify: --rtmr3: expected 96 hex digits\n", stderr);
		return -EINVAL;
	}
	DS_TRY(load_log(o->event_log, log, v));
	if (o->quote) {
		DS_TRY(load_quote(o->quote, v));
		memcpy(want, v->body.rt_mr, sizeof(want));
	}
	if (o->quote || o->rtmr3)
		DS_TRY(ds_verify_log(v, log, want, o->quote != NULL));
	return 0;
}

/* Logs of other systems are theirs; one of dstack's must keep to the rules of the launch. */
static int check_launch(const struct ds_eventlog *log, struct ds_verdict *v)
{
	if (!ds_eventlog_is_dstack(log))
		return 0;
	DS_TRY(ds_verify_launch_events(v, log, "event log"));
	ds_verdict_pass(v, "launch", "only dstack's launch events before system-ready, each once");
	return 0;
}

static int replay(const struct ds_eventlog *log, uint8_t rtmr[4][48], struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	int r = ds_eventlog_replay(log, rtmr, &err);

	if (!r)
		return 0;
	return ds_verdict_fail(v,
			       r == DS_EVENTLOG_E_NAME	     ? DS_REASON_EVENT_NAME
			       : r == DS_EVENTLOG_E_PREIMAGE ? DS_REASON_EVENT_PREIMAGE
							     : DS_REASON_EVENT_LOG_FORMAT,
			       "%s", err.msg);
}

/* With nothing to compare with there is no verdict: exit 0 says that the log can be read and
 * replayed. */
static int output_replay_only(const struct options *o, json_t *replay)
{
	if (o->json) {
		json_object_set_new(replay, "verdict", json_string("replayed"));
		json_dumpf(replay, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		puts("replayed: nothing to compare with (give --quote or --rtmr3)");
	}
	return fflush(stdout) ? EXIT_USAGE : EXIT_ACCEPTED;
}

static int finish(const struct options *o, const struct ds_eventlog *log, struct ds_verdict *v,
		  int r)
{
	json_t *replayed = NULL;
	uint8_t rtmr[4][48];
	int rc;

	if (!r)
		r = replay(log, rtmr, v);
	if (!r)
		r = check_launch(log, v);
	if (r < 0)
		return EXIT_USAGE;
	if (!r)
		ds_verdict_accept(v);
	if (!r) {
		replayed = replay_json(log, rtmr);
		if (!o->json)
			print_replay(log, rtmr);
		if (!o->json && o->quote)
			output_linef("note", "the quote was only read: whether it is genuine is for "
					     "'dstack-verify quote' to say");
	}
	rc = r || o->quote || o->rtmr3 ? output_verdict(o, v, replayed)
				       : output_replay_only(o, replayed);
	json_decref(replayed);
	return rc;
}

int cmd_log(int argc, char **argv)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	OPTIONS struct options o = { 0 };
	DS_FREE struct ds_verdict *v = NULL;
	int r, first;

	r = options_parse(argc, argv, OPT_EVENT_LOG | OPT_QUOTE | OPT_RTMR3, 0, USAGE, &o, &first);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	if (!o.event_log || (o.quote && o.rtmr3)) {
		fputs("dstack-verify log: --event-log is needed, and at most one of --quote and "
		      "--rtmr3\n",
		      stderr);
		return EXIT_USAGE;
	}
	v = malloc(sizeof(*v));
	if (!v)
		return EXIT_USAGE;
	ds_verdict_init(v);
	r = judge(&o, &log, v);
	return finish(&o, &log, v, r);
}
