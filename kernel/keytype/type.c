// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the key type "dstack".
 *
 * No byte from userspace ever becomes an app key: their payload is derived in instantiate. Whoever
 * finds a key "app:X" anywhere can trust it.
 */
#include <keys/request_key_auth-type.h>
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/key-type.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "dstack_phase.h"
#include "roots.h"
#include "type.h"
#include "volume.h"

#define DS_ROOT_PERM		KEY_USR_VIEW
#define DS_ROOT_PERM_TAKE_ONCE	(KEY_USR_VIEW | KEY_USR_READ)

#define DS_VOLUME_PERM \
	(KEY_POS_VIEW | KEY_POS_SEARCH | KEY_POS_WRITE | KEY_POS_LINK | KEY_USR_VIEW)

/*
 * What was handed out: app keys and leases of volume keys. The lock protects the list, the material
 * of app keys once they are in it, and whether there may be any. It is taken with the semaphore of
 * a key of this type held, and held when that of a logon key is taken.
 */
static DEFINE_MUTEX(ds_handed_lock);
static HLIST_HEAD(ds_handed);
static bool ds_handed_over;

/*
 * Held while a volume key is made, from the look at the phase until it is in the list: whoever has
 * taken it after the phase changed finds all there are. Taken under the measurement lock, before
 * any semaphore of a key.
 */
static DEFINE_MUTEX(ds_volume_lock);

static int ds_handed_add(struct ds_key_payload *payload)
{
	guard(mutex)(&ds_handed_lock);
	if (ds_handed_over)
		return -ENOKEY;
	hlist_add_head(&payload->node, &ds_handed);
	return 0;
}

static int ds_apps_read(const struct ds_key_payload *payload, char *buffer)
{
	guard(mutex)(&ds_handed_lock);
	if (ds_handed_over)
		return -EKEYREVOKED;
	memcpy(buffer, payload->bytes, DS_KEY_LEN);
	return 0;
}

void ds_key_wipe_volumes(void)
{
	struct ds_key_payload *payload;

	scoped_guard(mutex, &ds_volume_lock) {
		guard(mutex)(&ds_handed_lock);
		hlist_for_each_entry(payload, &ds_handed, node)
			if (payload->logon)
				key_revoke(payload->logon);
	}
	rcu_barrier();		/* a revoked logon key is wiped by an RCU callback */
}

void ds_key_wipe_all(void)
{
	struct ds_key_payload *payload;

	scoped_guard(mutex, &ds_handed_lock) {
		ds_handed_over = true;
		hlist_for_each_entry(payload, &ds_handed, node)
			memzero_explicit(payload->bytes, DS_KEY_LEN);
	}
	ds_key_wipe_volumes();
}

/* Of a root key, which is in no list, an app key or a lease. */
static void ds_key_free(struct ds_key_payload *payload)
{
	if (!payload)
		return;
	/* While it is in the list: ds_key_wipe_volumes() is to miss none that can be used. */
	if (payload->logon)
		key_revoke(payload->logon);
	scoped_guard(mutex, &ds_handed_lock)
		hlist_del_init(&payload->node);
	if (payload->logon)
		ds_volume_end(payload->logon);
	kfree_sensitive(payload);
}

static int ds_key_vet_description(const char *text)
{
	struct ds_key_desc desc;

	return ds_key_desc_parse(text, &desc);
}

static int ds_key_preparse(struct key_preparsed_payload *prep)
{
	struct ds_key_payload *payload;
	struct ds_key_desc desc;
	int ret;

	if (!prep->orig_description)
		return -EINVAL;
	ret = ds_key_desc_parse(prep->orig_description, &desc);
	if (ret)
		return ret;
	if (desc.class == DS_KEY_APP)
		return 0;		/* what came along is not looked at, now or later */
	if (desc.class == DS_KEY_VOLUME) {
		prep->expiry = ktime_get_real_seconds() + DS_VOLUME_SECONDS;
		return 0;
	}
	if (desc.epoch)
		return -EOPNOTSUPP;
	if (prep->datalen != DS_KEY_LEN)
		return -EINVAL;
	payload = kzalloc(sizeof(*payload), GFP_KERNEL);
	if (!payload)
		return -ENOMEM;
	payload->class = DS_KEY_ROOT;
	payload->root = desc.root;
	payload->take_once = desc.take_once;
	memcpy(payload->bytes, prep->data, DS_KEY_LEN);
	prep->payload.data[0] = payload;
	prep->payload.data[1] = &ds_key_type;
	return 0;
}

static void ds_key_free_preparse(struct key_preparsed_payload *prep)
{
	kfree_sensitive(prep->payload.data[0]);
}

static int ds_key_instantiate_root(struct key *key, struct key_preparsed_payload *prep)
{
	struct ds_key_payload *payload = prep->payload.data[0];
	int ret;

	/* Set by the restriction of ".dstack" alone: no other keyring will do. */
	if (!payload || !payload->admitted)
		return -EPERM;
	key->perm = payload->take_once ? DS_ROOT_PERM_TAKE_ONCE : DS_ROOT_PERM;
	key->payload.data[0] = payload;
	/* From here on a change of phase may revoke the key: the payload is no longer ours. */
	ret = ds_roots_claim(payload->root, key);
	if (ret) {
		key->payload.data[0] = NULL;
		return ret;
	}
	prep->payload.data[0] = NULL;
	return 0;
}

static int ds_key_instantiate_app(struct key *key, const struct ds_key_desc *desc)
{
	struct ds_key_payload *payload;
	u8 *path;
	int ret;

	/* Only request_key() constructs a key this way, add_key() never does. */
	if (!test_bit(KEY_FLAG_USER_CONSTRUCT, &key->flags))
		return -EPERM;
	path = kmalloc(DS_KEY_PATH_MAX, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	payload = kzalloc(sizeof(*payload), GFP_KERNEL);
	if (!payload) {
		ret = -ENOMEM;
		goto out;
	}
	payload->class = DS_KEY_APP;
	ds_key_desc_path(desc, path);
	ret = ds_roots_derive(DS_ROOT_K256, desc->epoch, path, desc->path_len, payload->bytes,
			      DS_KEY_LEN);
	if (!ret)
		ret = ds_handed_add(payload);
	if (ret) {
		kfree_sensitive(payload);
		goto out;
	}
	key->payload.data[0] = payload;
out:
	kfree(path);
	return ret;
}

/* Only ds_key_request() gives the key a payload before this. */
static int ds_key_instantiate_volume(struct key *key)
{
	if (!key->payload.data[0])
		return -EPERM;
	key->perm = DS_VOLUME_PERM;
	return key_payload_reserve(key, 0);
}

/* The core holds its construction lock and has charged def_datalen to the owner's quota. */
static int ds_key_instantiate(struct key *key, struct key_preparsed_payload *prep)
{
	struct ds_key_desc desc;
	int ret;

	ret = ds_key_desc_parse(key->description, &desc);
	if (ret)
		return ret;
	if (desc.class == DS_KEY_ROOT)
		return ds_key_instantiate_root(key, prep);
	if (desc.class == DS_KEY_VOLUME)
		return ds_key_instantiate_volume(key);
	return ds_key_instantiate_app(key, &desc);
}

/* The core holds the key's semaphore for writing. */
static void ds_key_revoke(struct key *key)
{
	struct ds_key_payload *payload = key->payload.data[0];

	key->payload.data[0] = NULL;
	ds_key_free(payload);
	WARN_ON_ONCE(key_payload_reserve(key, 0));	/* giving back cannot fail */
}

static void ds_key_destroy(struct key *key)
{
	ds_key_free(key->payload.data[0]);
	key->payload.data[0] = NULL;
}

void ds_key_describe(const struct key *key, struct seq_file *m)
{
	seq_puts(m, key->description);
	if (key_is_positive(key))
		seq_printf(m, ": %u", key->datalen);
}

/* The core holds the key's semaphore for reading. */
static long ds_key_read(const struct key *key, char *buffer, size_t buflen)
{
	struct ds_key_payload *payload = key->payload.data[0];
	int ret;

	if (!payload)
		return -EKEYREVOKED;
	if (payload->class == DS_KEY_ROOT)
		return ds_roots_read(payload, buffer, buflen);
	if (payload->class == DS_KEY_VOLUME)
		return -EOPNOTSUPP;
	ret = buffer && buflen >= DS_KEY_LEN ? ds_apps_read(payload, buffer) : 0;
	return ret ? ret : DS_KEY_LEN;
}

bool ds_key_caller_is_root(void)
{
	return current_user_ns() == &init_user_ns && uid_eq(current_fsuid(), GLOBAL_ROOT_UID);
}

/* Runs in the task that wants the key. */
static int ds_key_may_request(const struct request_key_auth *rka, const struct ds_key_desc *desc)
{
	if (desc->class == DS_KEY_ROOT || !ds_key_caller_is_root() ||
	    ds_roots_is_ring(rka->dest_keyring))
		return -EPERM;
	if (desc->class == DS_KEY_VOLUME && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return rka->callout_len ? -EINVAL : 0;
}

/* The key is not yet anybody's: what is set here, instantiate finds. */
static int ds_key_prepare_volume(const struct request_key_auth *rka, const struct ds_key_desc *desc)
{
	struct ds_key_payload *payload;
	int ret;

	guard(mutex)(&ds_volume_lock);
	if (dstack_phase_get() != DSTACK_PHASE_BOOT)
		return -EPERM;
	payload = kzalloc(sizeof(*payload), GFP_KERNEL);
	if (!payload)
		return -ENOMEM;
	payload->class = DS_KEY_VOLUME;
	ret = ds_volume_make(desc, rka->dest_keyring, &payload->logon);
	if (!ret)
		ret = ds_handed_add(payload);
	if (ret) {
		ds_key_free(payload);
		return ret;
	}
	rka->target_key->payload.data[0] = payload;
	return 0;
}

static int ds_key_request(struct key *authkey, void *aux)
{
	const struct request_key_auth *rka = get_request_key_auth(authkey);
	struct key *key = rka->target_key;
	struct ds_key_desc desc;
	int ret;

	ret = ds_key_desc_parse(key->description, &desc);
	if (!ret)
		ret = ds_key_may_request(rka, &desc);
	if (!ret && desc.class == DS_KEY_VOLUME)
		ret = ds_key_prepare_volume(rka, &desc);
	if (!ret)
		ret = key_instantiate_and_link(key, NULL, 0, NULL, authkey);
	/* A key that is rejected is not destroyed with what it was prepared with. */
	if (ret)
		ds_key_destroy(key);
	/*
	 * Left to the core, a refusal would be answered from memory for a minute, and an app that
	 * asked before the root key was there would miss it.
	 */
	if (ret)
		key_reject_and_link(key, 0, -ret, NULL, authkey);
	complete_request_key(authkey, ret);
	return ret;
}

struct key_type ds_key_type = {
	.name			= "dstack",
	.def_datalen		= DS_KEY_LEN,
	.flags			= KEY_TYPE_INSTANT_REAP,
	.vet_description	= ds_key_vet_description,
	.preparse		= ds_key_preparse,
	.free_preparse		= ds_key_free_preparse,
	.instantiate		= ds_key_instantiate,
	.revoke			= ds_key_revoke,
	.destroy		= ds_key_destroy,
	.describe		= ds_key_describe,
	.read			= ds_key_read,
	.request_key		= ds_key_request,
};
