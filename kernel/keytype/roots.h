/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root keys: which exist, who may add and read them, when they go away.
 *
 * One slot per name holds a reference to its key from the moment it is added until the machine
 * ends, so a name can be used once; when the machine is about to end, all root keys are
 * revoked. The material itself is the payload of the key and is
 * protected by the key's semaphore. Everything here may sleep.
 */
#ifndef DS_KEYTYPE_ROOTS_H
#define DS_KEYTYPE_ROOTS_H

#include <linux/key.h>
#include <linux/types.h>

#include "desc.h"
#include "hkdf.h"

/**
 * struct ds_key_payload - what the first payload pointer of a key points to
 * @class: class of the key
 * @root: name of the root key (class root)
 * @take_once: may be read, once (class root)
 * @admitted: ".dstack" has let it in (class root, set before the key exists)
 * @taken: bit 0 is set by the one reader that takes the material
 * @node: in the list of what was handed out (classes app and volume)
 * @logon: the key that this is the lease of, and holds a reference to (class volume)
 * @bytes: the material (classes root and app)
 */
struct ds_key_payload {
	enum ds_key_class class;
	enum ds_root_name root;
	bool take_once;
	bool admitted;
	unsigned long taken;
	struct hlist_node node;
	struct key *logon;
	u8 bytes[DS_KEY_LEN];
};

int __must_check ds_roots_init(void);
int __must_check ds_roots_watch_phase(void);
void ds_roots_unwatch_phase(void);
void ds_roots_exit(void);

/* Serial number of the keyring ".dstack", 0 before there is one. Also while the load fails. */
key_serial_t ds_roots_serial(void);

/* Is it ".dstack"? The core links a requested key without asking the keyring's restriction. */
bool ds_roots_is_ring(const struct key *keyring);

/* Make @key, whose payload is set, the root key of its name. -EPERM in the wrong phase, -EEXIST. */
int __must_check ds_roots_claim(enum ds_root_name root, struct key *key);

/*
 * Derive @key_len bytes for @info from a root key: -ENOKEY if there is none of @epoch, or it was
 * taken or wiped. The caller wipes what it got.
 */
int __must_check ds_roots_derive(enum ds_root_name root, u32 epoch, const u8 *info,
				 size_t info_len, u8 *ret_key, size_t key_len);

/* The same from a payload, with its key's semaphore held: -ENOKEY if it was taken. */
int __must_check ds_roots_expand(const struct ds_key_payload *payload, const u8 *info,
				 size_t info_len, u8 *ret_key, size_t key_len);

/*
 * Take the material out of a payload: 0 for one caller, -EKEYREVOKED for all others, who may come
 * at the same time because the key's semaphore is held for reading only.
 */
int __must_check ds_roots_take(struct ds_key_payload *payload, u8 ret_bytes[DS_KEY_LEN]);

/* The read operation for the payload of a root key, with its semaphore held. */
long __must_check ds_roots_read(struct ds_key_payload *payload, char *buffer, size_t buflen);

#ifdef DEBUG
int __must_check ds_key_selftest(void);
#else
static inline int __must_check ds_key_selftest(void)
{
	return 0;
}
#endif

#endif /* DS_KEYTYPE_ROOTS_H */
