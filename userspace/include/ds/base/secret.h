/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret memory: own pages, locked, kept out of core dumps, wiped in children and on free. Handover takes a pointer
 * to the caller's pointer and clears it. Never print one; ds_hex_encode() into another secret is the only text form.
 */
#ifndef DS_BASE_SECRET_H
#define DS_BASE_SECRET_H

#include <ds/base/base.h>

struct ds_secret {
	uint8_t *p; /* n usable bytes, page-backed */
	size_t n;
	size_t map;
};

/*
 * n zero bytes; NULL when memory or the lock limit (RLIMIT_MEMLOCK) is exhausted. Up to 32 pages are
 * kept, wiped and locked, for those that come after.
 */
struct ds_secret *ds_secret_new(size_t n);
struct ds_secret *ds_secret_from(const void *p, size_t n);
struct ds_secret *ds_secret_dup(const struct ds_secret *s);
/* Wipe and free; takes NULL, returns NULL. */
struct ds_secret *ds_secret_free(struct ds_secret *s);
void ds_wipe(void *p, size_t n);

static inline void ds_cleanup_secret(struct ds_secret **s)
{
	*s = ds_secret_free(*s);
}
#define DS_SECRET DS_CLEANUP(ds_cleanup_secret)

/* For a key-holding process, before any secret exists: not dumpable, no core files. 0 or negative errno. */
DS_MUST int ds_secret_harden_process(void);

#endif
