// SPDX-License-Identifier: GPL-2.0-only
/*
 * dstack_rtmr: measured events, their log and quotes of a TDX guest.
 */
#include <linux/cpufeature.h>
#include <linux/miscdevice.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <asm/cpu_device_id.h>

#include "measure.h"
#include "quote.h"
#include "selftest.h"
#include "sysfs.h"

static const struct x86_cpu_id tdx_guest_ids[] = {
	X86_MATCH_FEATURE(X86_FEATURE_TDX_GUEST, NULL),
	{}
};
MODULE_DEVICE_TABLE(x86cpu, tdx_guest_ids);

/*
 * There is no exit: the log would be lost, the phase would start over, and the host may own quote
 * buffers.
 */
static int __init ds_rtmr_init(void)
{
	int err;

	if (!x86_match_cpu(tdx_guest_ids))
		return -ENODEV;
	err = ds_measure_init();
	if (err)
		return err;
	err = ds_selftest();
	if (err)
		goto err_measure;
	err = ds_quote_init();
	if (err)
		goto err_measure;
	/* Last: visible only once everything works. */
	err = misc_register(&ds_quote_misc);
	if (err)
		goto err_quote;
	/* For those who poll the log already: an event may have come before we knew the device. */
	ds_sysfs_notify_log();
	return 0;
err_quote:
	ds_quote_exit();
err_measure:
	ds_measure_exit();
	return err;
}
module_init(ds_rtmr_init);

MODULE_DESCRIPTION("Measured event log and quotes of a TDX guest");
MODULE_LICENSE("GPL");
