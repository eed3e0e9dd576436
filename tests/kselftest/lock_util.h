/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurement lock of dstack_rtmr.ko, held for as long as a test wants: by a TDX module that is
 * busy, which the knob of tdx_emul says how often.
 */
#ifndef LOCK_UTIL_H
#define LOCK_UTIL_H

#include <sys/types.h>

/* A child that has the lock, as the knob that its TDCALLs count down tells; -1 and errno. */
pid_t lk_hold(void);
int lk_release(pid_t pid);

/* Every way to wait for the lock: -1 and errno if it was not got. */
#define LK_WAYS 10
long lk_wait(unsigned int way);

#endif /* LOCK_UTIL_H */
