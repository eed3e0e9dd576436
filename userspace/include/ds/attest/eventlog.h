/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event log proves: digests of runtime events are recomputed from name and payload, never
 * taken from the log, and the replay is compared with registers by the caller
 * (spec/guest-api 7.2, 7.4; spec/dcap 7).
 */
#ifndef DS_ATTEST_EVENTLOG_H
#define DS_ATTEST_EVENTLOG_H

#include <ds/base/base.h>
#include <ds/wire/eventlog.h>

/* Positive outcomes of ds_eventlog_replay() and ds_eventlog_replay_rtmr3(). */
#define DS_EVENTLOG_E_NAME                                                                         \
	1 /* a runtime event's name is empty, or has ":" or a control character */
#define DS_EVENTLOG_E_PREIMAGE 2 /* a version 2 preimage that is not the canonical one */
#define DS_EVENTLOG_E_DIGEST   3 /* an event that is not recomputed has no digest */

/* SHA-384 of the preimage of a runtime event; version 1 or 2, else -EINVAL. No name check: see
 * ds_event_name_ok(). */
DS_MUST int ds_event_digest(unsigned int version, const char *name, struct ds_span payload,
			    uint8_t ret[48]);
/* The version 2 preimage: canonical JSON. */
DS_MUST int ds_event_preimage_v2(const char *name, struct ds_span payload, struct ds_buf *ret);
/* 1 to 64 bytes without ":" and control characters: the version 1 preimage is ambiguous otherwise.
 */
bool ds_event_name_ok(const char *name);

/*
 * All four registers from zero. 0; a positive DS_EVENTLOG_E_* with err naming the event; negative
 * errno. Events with imr above 3 are -EBADMSG.
 */
DS_MUST int ds_eventlog_replay(const struct ds_eventlog *log, uint8_t ret_rtmr[4][48],
			       struct ds_err *err);
/* RTMR3 alone. stop_after (may be NULL): the replay ends after the first runtime event of that
 * name. */
DS_MUST int ds_eventlog_replay_rtmr3(const struct ds_eventlog *log, const char *stop_after,
				     uint8_t ret[48], struct ds_err *err);
/*
 * How many entries at the start of the log belong to the launch. It ends behind the first
 * system-ready, or in front of the first opaque RTMR3 entry (any that is not a runtime event;
 * ret_opaque, may be NULL, says so): such an entry is known by its digest alone, so it may be
 * anything, even the system-ready behind which the app writes what it likes.
 */
size_t ds_eventlog_launch(const struct ds_eventlog *log, bool *ret_opaque);
/* Some event of the launch has a name of dstack's launch: other systems write other logs. */
bool ds_eventlog_is_dstack(const struct ds_eventlog *log);
/* The first runtime event of that name in the launch; NULL if there is none. */
const struct ds_event *ds_eventlog_find(const struct ds_eventlog *log, const char *name);
/*
 * The JSON array of spec/guest-api 7.1, keys in order, appended to ret. Digests of runtime events
 * are recomputed and version 2 preimages written, so every verifier of the ecosystem can read it.
 */
DS_MUST int ds_eventlog_to_json(const struct ds_eventlog *log, struct ds_buf *ret);

#endif
