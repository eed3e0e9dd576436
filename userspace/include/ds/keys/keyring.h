/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of the kernel key type "dstack" (dstack_key.ko). Thin wrappers of add_key(2),
 * request_key(2), keyctl(2): errors are those of the kernel. -ENODEV: the module is not loaded.
 */
#ifndef DS_KEYS_KEYRING_H
#define DS_KEYS_KEYRING_H

#include <ds/base/base.h>
#include <ds/base/secret.h>

/* The key of a path longer than this cannot be asked for: -ENAMETOOLONG (the kernel's limit). */
#define DS_KEYRING_PATH_MAX 1024u

/*
 * name: "k256", "disk" or "env". Needs CAP_SYS_ADMIN and boot phase. The caller still owns (and
 * wipes) key.
 */
DS_MUST int ds_keyring_add_root(const char *name, const struct ds_secret *key);
/*
 * The 32 bytes of "app:<path>", derived by the kernel. The key is linked to the process keyring
 * while it is read, which is what gives possession, and unlinked again: a daemon that is asked for
 * many paths keeps none. -EBADMSG: the kernel's payload is not 32 bytes.
 */
DS_MUST int ds_keyring_app_key(struct ds_span path, struct ds_secret **ret);
/*
 * The description that ds_keyring_app_key() asks for: "app:" and the path, escaped
 * (docs/keyring.md).
 */
DS_MUST int ds_keyring_app_desc(struct ds_span path, struct ds_buf *ret);

#endif
