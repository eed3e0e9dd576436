/* SPDX-License-Identifier: Apache-2.0 */
/* Following notify.log of a starting machine: inotify for growth, a pidfd for its end, one deadline. */
#ifndef DS_TOOLS_FOLLOW_H
#define DS_TOOLS_FOLLOW_H

#include "vm.h"

enum follow_end {
	FOLLOW_READY = 1, /* the guest said boot.progress "done" */
	FOLLOW_REFUSED,	  /* the guest said boot.error; reason filled */
	FOLLOW_EXITED,	  /* the emulator ended without either */
	FOLLOW_TIMEOUT,
};

/* Called for every event; the line is bounded and escaped. */
typedef void (*follow_fn)(void *ctx, const struct notify_event *ev);

/* Returns an enum follow_end, or negative errno. pidfd may be -1 (then only the deadline ends it). */
DS_MUST int follow_boot(const struct vm *vm, int pidfd, unsigned int timeout_s, follow_fn fn, void *ctx);

#endif
