/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event logs: the dstack JSON array (spec/guest-api 7.1) and the TCG2 crypto-agile binary form,
 * which firmware (CCEL) and our kernel module write. Parsing only: nothing here is believed until
 * ds/attest/eventlog.h has replayed it. A log owns its events.
 */
#ifndef DS_WIRE_EVENTLOG_H
#define DS_WIRE_EVENTLOG_H

#include <ds/base/base.h>
#include <ds/base/limits.h>

#define DS_EV_NO_ACTION	  3u	      /* TCG: recorded, never extended */
#define DS_EV_RUNTIME	  0x08000001u /* a named dstack event */
#define DS_EV_DIGEST_ONLY 0x08000002u /* a raw extension */
#define DS_EVENT_IMR	  3u	      /* the register of dstack events */

struct ds_event {
	uint32_t imr;  /* RTMR index from 0 */
	uint32_t type; /* TCG event type or DS_EV_* */
	bool has_digest;
	uint8_t digest[48];
	char name[DS_MAX_EVENT_NAME + 1]; /* "" for firmware events */
	struct ds_buf payload;
	unsigned int version;	/* digest form of runtime events: 1 or 2 */
	struct ds_buf preimage; /* as carried by a version 2 event; empty if absent */
};

/* A zeroed struct is an empty log. */
struct ds_eventlog {
	struct ds_event *ev;
	size_t n;
	size_t cap;
};

#define DS_EVENTLOG_NULL ((struct ds_eventlog){ NULL, 0, 0 })

void ds_eventlog_done(struct ds_eventlog *log);
#define DS_EVENTLOG DS_CLEANUP(ds_eventlog_done)

/*
 * Append a version 1 event; name and payload are copied, digest may be NULL. -EINVAL: name too
 * long; -EFBIG: too many events; -ENOMEM. ret_ev (may be NULL) is valid until the next append.
 */
DS_MUST int ds_eventlog_add(struct ds_eventlog *log, uint32_t imr, uint32_t type,
			    const uint8_t *digest, const char *name, struct ds_span payload,
			    struct ds_event **ret_ev);

/* -EBADMSG with the entry's number in err, -EFBIG, -ENOMEM. A digest may be 48 bytes of hex or
 * empty. */
DS_MUST int ds_eventlog_parse_json(struct ds_span in, struct ds_eventlog *ret, struct ds_err *err);
/*
 * Entries for measurement register 0 are dropped and register n + 1 becomes RTMRn (spec/boot 1.1).
 * Each entry carries exactly one SHA-384 digest. Fill bytes (all 0x00 or all 0xff) may follow the
 * last entry. The data of a runtime event is its preimage, of version 1 or 2, and split into name
 * and payload; data of neither shape is -EBADMSG.
 */
DS_MUST int ds_eventlog_parse_tcg2(struct ds_span in, struct ds_eventlog *ret, struct ds_err *err);
/* JSON when the first byte that is not white space is '[', else TCG2. */
DS_MUST int ds_eventlog_parse(struct ds_span in, struct ds_eventlog *ret, struct ds_err *err);

#endif
