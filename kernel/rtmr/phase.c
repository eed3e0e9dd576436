// SPDX-License-Identifier: GPL-2.0-only
/* The boot phase: a latch and those who want to know when it falls. */
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>

#include "measure.h"
#include "phase.h"

/* Both change under ds_measure_lock only; the phase is read without it. */
static enum dstack_phase phase = DSTACK_PHASE_BOOT;
static RAW_NOTIFIER_HEAD(listeners);

/**
 * dstack_phase_get - the current phase
 *
 * Any context.
 *
 * Return: DSTACK_PHASE_*. BOOT may be stale by the time it is returned; RUNTIME is final.
 */
int dstack_phase_get(void)
{
	return READ_ONCE(phase);
}
EXPORT_SYMBOL_GPL(dstack_phase_get);

/**
 * dstack_phase_register - be called when the phase becomes RUNTIME
 * @nb: called in process context with the phase as action, under the measurement lock
 *
 * If it is RUNTIME already, @nb is called before this returns. @nb must not register, unregister or
 * measure.
 *
 * Return: 0, or -EEXIST if @nb is registered already.
 */
int dstack_phase_register(struct notifier_block *nb)
{
	int err;

	guard(mutex)(&ds_measure_lock);
	err = raw_notifier_chain_register(&listeners, nb);
	if (!err && phase == DSTACK_PHASE_RUNTIME)
		nb->notifier_call(nb, phase, NULL);
	return err;
}
EXPORT_SYMBOL_GPL(dstack_phase_register);

/**
 * dstack_phase_unregister - undo dstack_phase_register()
 * @nb: not called any more when this returns
 */
void dstack_phase_unregister(struct notifier_block *nb)
{
	guard(mutex)(&ds_measure_lock);
	raw_notifier_chain_unregister(&listeners, nb);
}
EXPORT_SYMBOL_GPL(dstack_phase_unregister);

void ds_phase_enter_runtime(void)
{
	lockdep_assert_held(&ds_measure_lock);
	if (phase == DSTACK_PHASE_RUNTIME)
		return;
	/* The phase first: a listener must not miss what is being added while it cleans up. */
	WRITE_ONCE(phase, DSTACK_PHASE_RUNTIME);
	raw_notifier_call_chain(&listeners, DSTACK_PHASE_RUNTIME, NULL);
	pr_info("phase: runtime\n");
}
