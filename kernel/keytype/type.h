/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two key types, "dstack" and "dstack_kms", and what they have in common.
 *
 * What was handed out of the first is in a list, so that it can be wiped when its time is over,
 * whoever holds a reference. Everything here may sleep.
 */
#ifndef DS_KEYTYPE_TYPE_H
#define DS_KEYTYPE_TYPE_H

#include <linux/key.h>
#include <linux/types.h>

struct seq_file;

/* Its address is the second payload pointer of a root key being added, never of one that exists. */
extern struct key_type ds_key_type;

extern struct key_type ds_kms_type;

/* Who may ask for keys: by system call alone, all code in the machine could otherwise have them. */
bool __must_check ds_key_caller_is_root(void);

/* The describe operation of both. */
void ds_key_describe(const struct key *key, struct seq_file *m);

/*
 * Wipe every app key and volume key: a key nobody has any more waits for the core's collector,
 * which a machine that ends does not wait for. None can be made or read from then on.
 */
void ds_key_wipe_all(void);

/* Wipe every volume key that is still there: none can be made in phase runtime. */
void ds_key_wipe_volumes(void);

#endif /* DS_KEYTYPE_TYPE_H */
