/* SPDX-License-Identifier: GPL-2.0-only */
/* The boot phase inside dstack_rtmr; dstack_phase.h is what other modules see. */
#ifndef DS_RTMR_PHASE_H
#define DS_RTMR_PHASE_H

#include "dstack_phase.h"

/* BOOT to RUNTIME; nothing if it is RUNTIME already. Caller holds ds_measure_lock. */
void ds_phase_enter_runtime(void);

#endif /* DS_RTMR_PHASE_H */
