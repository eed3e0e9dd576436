/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot phase of the guest, as other modules see it.
 *
 * dstack_rtmr.ko owns the phase. It starts as BOOT and changes to RUNTIME once, when the event
 * "system-ready" is measured or "runtime" is written to the sysfs file; it never goes back.
 */
#ifndef DSTACK_PHASE_H
#define DSTACK_PHASE_H

struct notifier_block;

enum dstack_phase {
	DSTACK_PHASE_BOOT = 0,
	DSTACK_PHASE_RUNTIME = 1,
};

/* May be called from any context; the value is stale as soon as it is returned if BOOT. */
int dstack_phase_get(void);

/*
 * The notifier is called in process context with the new phase as action and may sleep. The write
 * that changes the phase returns only after every notifier has returned, and dstack_phase_get()
 * already says RUNTIME by then. Registering after the change calls the notifier at once, from
 * dstack_phase_register(). A notifier must not register, unregister or measure.
 */
int __must_check dstack_phase_register(struct notifier_block *nb);
void dstack_phase_unregister(struct notifier_block *nb);

#endif /* DSTACK_PHASE_H */
