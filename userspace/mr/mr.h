/* SPDX-License-Identifier: Apache-2.0 */
/* Expected measurements of a dstack image (spec/boot.md 5). */
#ifndef DSTACK_MR_H
#define DSTACK_MR_H

#include <ds/base/base.h>
#include <ds/wire/tdvf.h>

#define MR_SIZE	       48
#define MR_MAX_KERNEL  (128u << 20)
#define MR_MAX_INITRD  (1024u << 20)
#define MR_MAX_CMDLINE 4096u
#define EXIT_USAGE     2

struct mr_input {
	struct ds_span firmware, kernel, initrd;
	const char *cmdline; /* ASCII */
	uint64_t memory;     /* bytes */
	bool two_pass;
};

struct mr_result {
	uint8_t mrtd[MR_SIZE];
	uint8_t rtmr[3][MR_SIZE];
};

DS_MUST int mr_measure(const struct mr_input *in, struct mr_result *ret, struct ds_err *err);

/* The event digests, for mr_measure() and the tests. */
#define MR_RTMR0_EVENTS 10
DS_MUST int mr_rtmr0_events(const struct ds_tdvf *tdvf, uint64_t memory,
			    uint8_t ret[MR_RTMR0_EVENTS][MR_SIZE], struct ds_err *err);
DS_MUST int mr_rtmr1_events(const struct mr_input *in, uint8_t ret[5][MR_SIZE], struct ds_err *err);
DS_MUST int mr_rtmr2_events(const struct mr_input *in, uint8_t ret[2][MR_SIZE], struct ds_err *err);
/* Replay on a zero register. */
DS_MUST int mr_replay(const uint8_t (*events)[MR_SIZE], size_t n, uint8_t ret[MR_SIZE]);

/* One JSON object and a line feed. Appends. */
struct mr_machine {
	uint64_t memory;
	uint64_t cpus;
};
DS_MUST int mr_json(const struct mr_result *mr, const struct mr_machine *m, struct ds_buf *buf);

/*
 * Write measurement.json and sha256sum.txt into the image directory dir; ret: SHA-256 of the
 * latter.
 */
DS_MUST int mr_image(int dir, const char *firmware, const struct mr_machine *m,
		     uint8_t ret_hash[32], struct mr_result *ret, struct ds_err *err);

#endif
