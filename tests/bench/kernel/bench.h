/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark of the kernel modules: operations of ours and of their peers, and the clockwork
 * that runs them from several processes at once. Nothing is asserted but that every operation
 * succeeds.
 */
#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

#include <stdint.h>

/*
 * One thing to measure. init runs once in each caller, before its warm-up; run is what is timed.
 * Both return 0, or -1 and errno. elsewhere, if any, says after a run how many nanoseconds of it
 * were somebody else's work and do not count; it can speak for one caller only.
 */
struct op {
	const char *name;
	int (*init)(void);
	int (*run)(void);
	uint64_t (*elsewhere)(void);
};

extern const struct op op_event;       /* an event through /sys/class/misc/dstack/event */
extern const struct op op_rtmr;	       /* 48 given bytes into our rtmr3:sha384 */
extern const struct op op_intree_rtmr; /* 48 given bytes into the in-tree rtmr3:sha384 */
extern const struct op
	op_intree_event;	     /* the same, the digest made by the caller as for an event */
extern const struct op op_quote;     /* /dev/dstack, from open to close */
extern const struct op op_tsm_quote; /* configfs-tsm, inblob to outblob */
extern const struct op op_quote_wait, op_tsm_quote_wait; /* what they add to the host's time */
extern const struct op op_app_key;  /* request_key("dstack", "app:...") and read */
extern const struct op op_user_key; /* add_key("user", ...) and read */
extern const struct op op_get_key;  /* GetKey on the agent's socket */

/* Root key, key holder and agent, for the last four. 0, or -1 and errno; what failed goes to
 * stderr. */
int keys_prepare(void);
int agent_start(void);

#endif
