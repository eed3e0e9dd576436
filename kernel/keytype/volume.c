// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys for dm-crypt, which takes keys of type "logon" but none of ours.
 *
 * A volume's key is derived from the root key "disk" and handed to the caller's keyring as a logon
 * key, which no process can read. The lease, a key of type "dstack", is what ends it: the core
 * removes the lease when its time is over, and with the lease goes the logon key.
 */
#include <keys/user-type.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/key-type.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "roots.h"
#include "volume.h"

/* Its possessor may find it. Neither link, so that it stays in one keyring, nor set its timeout. */
#define DS_LOGON_PERM	(KEY_POS_VIEW | KEY_POS_SEARCH | KEY_USR_VIEW)

#define DS_LOGON_PREFIX	"dstack:volume:"
#define DS_INFO_PREFIX	"dstack-volume-key:"

static int ds_volume_derive(const struct ds_key_desc *desc, u8 ret_key[DS_KEY_VOLUME_MAX])
{
	char info[sizeof(DS_INFO_PREFIX) + 3 + DS_KEY_LABEL_MAX];
	int len;

	len = scnprintf(info, sizeof(info), DS_INFO_PREFIX "%u:%.*s", desc->size,
			(int)desc->label_len, desc->label);
	return ds_roots_derive(DS_ROOT_DISK, desc->epoch, info, len, ret_key, desc->size);
}

static struct key *ds_volume_alloc(const struct ds_key_desc *desc)
{
	char text[sizeof(DS_LOGON_PREFIX) + DS_KEY_LABEL_MAX];

	scnprintf(text, sizeof(text), DS_LOGON_PREFIX "%.*s", (int)desc->label_len, desc->label);
	return key_alloc(&key_type_logon, text, current_fsuid(), current_fsgid(), current_cred(),
			 DS_LOGON_PERM, KEY_ALLOC_IN_QUOTA, NULL);
}

int ds_volume_make(const struct ds_key_desc *desc, struct key *ring, struct key **ret_logon)
{
	u8 bytes[DS_KEY_VOLUME_MAX];
	struct key *logon;
	int ret;

	ret = ds_volume_derive(desc, bytes);
	if (ret)
		return ret;
	logon = ds_volume_alloc(desc);
	if (IS_ERR(logon)) {
		ret = PTR_ERR(logon);
		goto out;
	}
	ret = key_instantiate_and_link(logon, bytes, desc->size, ring, NULL);
	if (ret) {
		key_put(logon);
		goto out;
	}
	/* Should the core be late to remove the lease, the key cannot be found any more. */
	key_set_timeout(logon, DS_VOLUME_SECONDS);
	*ret_logon = logon;
out:
	memzero_explicit(bytes, sizeof(bytes));
	return ret;
}

void ds_volume_end(struct key *logon)
{
	key_revoke(logon);	/* wipes it */
	key_invalidate(logon);	/* takes it out of its keyring */
	key_put(logon);
}
