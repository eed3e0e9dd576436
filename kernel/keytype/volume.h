/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys of encrypted volumes: derived from a root key, handed to dm-crypt as a key of type "logon".
 *
 * Whoever makes one owns a reference to it and ends it. Everything here may sleep.
 */
#ifndef DS_KEYTYPE_VOLUME_H
#define DS_KEYTYPE_VOLUME_H

#include <linux/key.h>

#include "desc.h"

#define DS_VOLUME_SECONDS 10	/* from the making of a volume's key to its end */

/**
 * ds_volume_make() - derive a volume's key and put it where dm-crypt finds it
 * @desc: description of the lease (class volume)
 * @ring: keyring that gets the key of type "logon"
 * @ret_logon: set on success; the caller ends it with ds_volume_end()
 *
 * Called by the task that asked, whose quota is charged, with no lock of a key or keyring held.
 *
 * Return: 0, -ENOKEY without root key "disk", -EDQUOT, -ENOMEM, or what linking to @ring says.
 */
int __must_check ds_volume_make(const struct ds_key_desc *desc, struct key *ring,
				struct key **ret_logon);

/* Revoke the key, take it out of its keyring and let go of it. */
void ds_volume_end(struct key *logon);

#endif /* DS_KEYTYPE_VOLUME_H */
