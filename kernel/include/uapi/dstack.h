/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Userspace interface of dstack_rtmr.ko: /dev/dstack and the constants of the measured event log.
 *
 * The sysfs half is described in Documentation/ABI/testing/sysfs-class-misc-dstack, this half in
 * Documentation/ABI/testing/dev-dstack.
 */
#ifndef _UAPI_DSTACK_H
#define _UAPI_DSTACK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DSTACK_DEVICE		"/dev/dstack"
#define DSTACK_SYSFS_DIR	"/sys/class/misc/dstack"

#define DSTACK_DIGEST_SIZE	48	/* SHA-384, one RTMR */
#define DSTACK_REPORTDATA_SIZE	64
#define DSTACK_TDREPORT_SIZE	1024

/* Limits of one event and of the whole log. */
#define DSTACK_EVENT_NAME_MAX		64
#define DSTACK_EVENT_PAYLOAD_MAX	4000
#define DSTACK_EVENT_WRITE_MAX		(DSTACK_EVENT_NAME_MAX + 1 + DSTACK_EVENT_PAYLOAD_MAX)
#define DSTACK_LOG_MAX			(4 * 1024 * 1024)

/*
 * Event types in the TCG2 log. A named event carries its digest preimage as event data,
 * LE32(type) ':' name ':' payload, so SHA-384(event data) equals the logged digest. A raw
 * extension (48 bytes written to a measurement file, or DSTACK_IOC_EXTEND) has no event data.
 */
#define DSTACK_EV_RUNTIME	0x08000001U
#define DSTACK_EV_DIGEST_ONLY	0x08000002U

/* The PCR index field of the log: RTMRn is recorded as n + 1, as in the CCEL table. */
#define DSTACK_LOG_PCR(rtmr)	((rtmr) + 1)
#define DSTACK_EVENT_RTMR	3

/**
 * struct dstack_report - a TDREPORT and the log it covers, taken under one lock
 * @reportdata: in, bound into the report
 * @tdreport: out, TDREPORT as the TDX module wrote it
 * @log_len: out, bytes of eventlog whose replay gives the RTMRs in @tdreport
 * @log_events: out, events in that prefix
 */
struct dstack_report {
	__u8 reportdata[DSTACK_REPORTDATA_SIZE];
	__u8 tdreport[DSTACK_TDREPORT_SIZE];
	__u64 log_len;
	__u64 log_events;
};

/**
 * struct dstack_extend - extend one RTMR with a raw digest, logged as DSTACK_EV_DIGEST_ONLY
 * @rtmr: in, 2, or 3 in phase boot
 * @reserved: in, must be zero
 * @digest: in, extended into the register
 * @value: out, the register after the extension, by replay of the log: what the register holds as
 *	long as "consistent" says 1, which covers registers 2 and 3
 * @event_index: out, position of the event in the log, from 0
 * @log_len: out, bytes of eventlog up to and including this event
 */
struct dstack_extend {
	__u32 rtmr;
	__u32 reserved;
	__u8 digest[DSTACK_DIGEST_SIZE];
	__u8 value[DSTACK_DIGEST_SIZE];
	__u64 event_index;
	__u64 log_len;
};

/* States of the quote request behind one open file. */
#define DSTACK_QUOTE_NEW	0	/* no REPORTDATA written yet */
#define DSTACK_QUOTE_WAITING	1	/* queued or with the host */
#define DSTACK_QUOTE_DONE	2	/* the quote can be read */
#define DSTACK_QUOTE_FAILED	3	/* read() returns the error */

/**
 * struct dstack_quote_info - state of the quote request of this open file
 * @log_len: out, bytes of eventlog this quote covers; fixed by the write of REPORTDATA
 * @log_events: out, events in that prefix
 * @state: out, DSTACK_QUOTE_*
 * @quote_len: out, bytes of the quote in state DONE, else 0
 */
struct dstack_quote_info {
	__u64 log_len;
	__u64 log_events;
	__u32 state;
	__u32 quote_len;
};

#define DSTACK_IOC_MAGIC	0xD5
#define DSTACK_IOC_REPORT	_IOWR(DSTACK_IOC_MAGIC, 1, struct dstack_report)
#define DSTACK_IOC_EXTEND	_IOWR(DSTACK_IOC_MAGIC, 2, struct dstack_extend)
#define DSTACK_IOC_QUOTE_INFO	_IOR(DSTACK_IOC_MAGIC, 3, struct dstack_quote_info)

#endif /* _UAPI_DSTACK_H */
