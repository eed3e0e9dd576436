// SPDX-License-Identifier: GPL-2.0-only
/*
 * dstack_key.ko: keys of a confidential VM, held by the kernel.
 *
 * See Documentation/ABI/testing/key-type-dstack.
 */
#include <linux/key-type.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "hold.h"
#include "roots.h"
#include "type.h"

static int ds_keyring_param_set(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

static int ds_keyring_param_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", ds_roots_serial());
}

static const struct kernel_param_ops ds_keyring_param_ops = {
	.set = ds_keyring_param_set,
	.get = ds_keyring_param_get,
};

module_param_cb(keyring, &ds_keyring_param_ops, NULL, 0444);
MODULE_PARM_DESC(keyring, "serial number of the keyring .dstack (read only)");

/*
 * There is no exit: loaded again, the module would take every root key a second time.
 */
static int __init ds_key_init(void)
{
	int ret;

	ret = ds_key_selftest();
	if (ret)
		return ret;
	ret = ds_roots_init();
	if (ret)
		return ret;
	/* Before the first key can exist: a phase that has passed must not be missed. */
	ret = ds_roots_watch_phase();
	if (ret)
		goto err_roots;
	ret = register_key_type(&ds_kms_type);
	if (ret)
		goto err_phase;
	ret = register_key_type(&ds_key_type);
	if (ret)
		goto err_kms;
	/* It cannot be undone, so it is last. */
	ret = ds_hold_ftrace();
	if (ret)
		goto err_key;
	return 0;

err_key:
	unregister_key_type(&ds_key_type);
err_kms:
	unregister_key_type(&ds_kms_type);
err_phase:
	ds_roots_unwatch_phase();
err_roots:
	ds_roots_exit();
	return ret;
}

module_init(ds_key_init);

MODULE_DESCRIPTION("dstack keys: root keys from the KMS, app keys derived in the kernel");
MODULE_LICENSE("GPL");
