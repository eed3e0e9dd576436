// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots of the root keys and the keyring ".dstack".
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/key-type.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "dstack_phase.h"
#include "roots.h"
#include "type.h"

#define DS_KEYRING_PERM		(KEY_USR_VIEW | KEY_USR_READ)
#define DS_KEYRING_PERM_BOOT	(DS_KEYRING_PERM | KEY_USR_WRITE)

static struct key *ds_roots_keyring;

/* Not asked of the keyring: sysfs reads it before there is one and, should the load fail, after. */
static key_serial_t ds_roots_keyring_serial;

/* Protects the slots. A slot that is set stays set, whatever becomes of its key. */
static DEFINE_MUTEX(ds_roots_lock);
static struct key *ds_roots[DS_ROOT_COUNT];

/* Names whose material was taken; the worker revokes what a reader, holding the key, cannot. */
static unsigned long ds_roots_taken;

static struct key *ds_roots_get(enum ds_root_name root)
{
	guard(mutex)(&ds_roots_lock);
	return key_get(ds_roots[root]);
}

static void ds_roots_revoke(enum ds_root_name root)
{
	struct key *key = ds_roots_get(root);

	if (!key)
		return;
	key_revoke(key);
	key_put(key);
}

static void ds_roots_reap(struct work_struct *work)
{
	unsigned int root;

	for (root = 0; root < DS_ROOT_COUNT; root++)
		if (test_and_clear_bit(root, &ds_roots_taken))
			ds_roots_revoke(root);
}

static DECLARE_WORK(ds_roots_work, ds_roots_reap);

int ds_roots_claim(enum ds_root_name root, struct key *key)
{
	guard(mutex)(&ds_roots_lock);
	/*
	 * Under the lock: whoever sees BOOT here has filled the slot before the notifier, which
	 * runs after the change, looks into it.
	 */
	if (dstack_phase_get() != DSTACK_PHASE_BOOT)
		return -EPERM;
	if (ds_roots[root])
		return -EEXIST;
	ds_roots[root] = key_get(key);
	return 0;
}

int ds_roots_expand(const struct ds_key_payload *payload, const u8 *info, size_t info_len,
		    u8 *ret_key, size_t key_len)
{
	ds_hkdf_ratls(payload->bytes, info, info_len, ret_key, key_len);
	/*
	 * A take-once key may be taken meanwhile, which is noticed: the bit is set before the first
	 * byte is wiped. Pairs with the barrier in test_and_set_bit().
	 */
	smp_rmb();
	if (!test_bit(0, &payload->taken))
		return 0;
	memzero_explicit(ret_key, key_len);
	return -ENOKEY;
}

int ds_roots_derive(enum ds_root_name root, u32 epoch, const u8 *info, size_t info_len,
		    u8 *ret_key, size_t key_len)
{
	const struct ds_key_payload *payload;
	struct key *key;
	int ret = -ENOKEY;

	if (epoch)
		return -ENOKEY;
	key = ds_roots_get(root);
	if (!key)
		return -ENOKEY;
	down_read(&key->sem);
	payload = key->payload.data[0];
	if (payload)
		ret = ds_roots_expand(payload, info, info_len, ret_key, key_len);
	up_read(&key->sem);
	key_put(key);
	return ret;
}

int ds_roots_take(struct ds_key_payload *payload, u8 ret_bytes[DS_KEY_LEN])
{
	if (test_and_set_bit(0, &payload->taken))
		return -EKEYREVOKED;
	memcpy(ret_bytes, payload->bytes, DS_KEY_LEN);
	memzero_explicit(payload->bytes, DS_KEY_LEN);
	return 0;
}

long ds_roots_read(struct ds_key_payload *payload, char *buffer, size_t buflen)
{
	int ret;

	if (!payload->take_once)
		return -EOPNOTSUPP;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!buffer || buflen < DS_KEY_LEN)
		return test_bit(0, &payload->taken) ? -EKEYREVOKED : DS_KEY_LEN;
	ret = ds_roots_take(payload, buffer);
	if (ret)
		return ret;
	set_bit(payload->root, &ds_roots_taken);
	schedule_work(&ds_roots_work);
	return DS_KEY_LEN;
}

/*
 * What ".dstack" lets in: root keys being added by the administrator of the machine. The mark is an
 * address that only this type's preparse hands out, and an existing key never carries it, so a link
 * is refused without a look at a payload that may be going away.
 */
static int ds_roots_restrict(struct key *keyring, const struct key_type *type,
			     const union key_payload *payload, struct key *restriction_key)
{
	struct ds_key_payload *root;

	if (payload->data[1] != &ds_key_type)
		return -EPERM;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	root = payload->data[0];
	root->admitted = true;
	return 0;
}

static int ds_roots_phase(struct notifier_block *nb, unsigned long phase, void *data)
{
	if (phase != DSTACK_PHASE_RUNTIME)
		return NOTIFY_DONE;
	ds_roots_revoke(DS_ROOT_DISK);
	ds_roots_revoke(DS_ROOT_ENV);
	ds_key_wipe_volumes();
	down_write(&ds_roots_keyring->sem);
	ds_roots_keyring->perm = DS_KEYRING_PERM;
	up_write(&ds_roots_keyring->sem);
	return NOTIFY_OK;
}

static struct notifier_block ds_roots_nb = { .notifier_call = ds_roots_phase };

/* Before the machine halts, powers off or restarts: memory must not outlive the keys' owner. */
static int ds_roots_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned int root;

	for (root = 0; root < DS_ROOT_COUNT; root++)
		ds_roots_revoke(root);
	ds_key_wipe_all();
	return NOTIFY_DONE;
}

static struct notifier_block ds_roots_reboot_nb = { .notifier_call = ds_roots_reboot };

key_serial_t ds_roots_serial(void)
{
	return READ_ONCE(ds_roots_keyring_serial);
}

bool ds_roots_is_ring(const struct key *keyring)
{
	return keyring == ds_roots_keyring;
}

int ds_roots_init(void)
{
	struct key_restriction *restriction;
	struct key *keyring;
	int ret;

	restriction = kzalloc(sizeof(*restriction), GFP_KERNEL);
	if (!restriction)
		return -ENOMEM;
	restriction->check = ds_roots_restrict;

	/* KEEP is inherited by the root keys: nobody in userspace can unlink or revoke them. */
	keyring = keyring_alloc(".dstack", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID, current_cred(),
				DS_KEYRING_PERM_BOOT, KEY_ALLOC_NOT_IN_QUOTA | KEY_ALLOC_SET_KEEP,
				restriction, NULL);
	if (IS_ERR(keyring)) {
		kfree(restriction);
		return PTR_ERR(keyring);
	}
	ds_roots_keyring = keyring;
	WRITE_ONCE(ds_roots_keyring_serial, key_serial(keyring));
	ret = register_reboot_notifier(&ds_roots_reboot_nb);
	if (ret)
		key_put(keyring);
	return ret;
}

int ds_roots_watch_phase(void)
{
	return dstack_phase_register(&ds_roots_nb);
}

void ds_roots_unwatch_phase(void)
{
	dstack_phase_unregister(&ds_roots_nb);
}

/* Only when the load fails, before the type is there: no root key can exist. */
void ds_roots_exit(void)
{
	unregister_reboot_notifier(&ds_roots_reboot_nb);
	key_put(ds_roots_keyring);
}
