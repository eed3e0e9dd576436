// SPDX-License-Identifier: Apache-2.0
/* Secret memory, see ds/base/secret.h. */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <ds/base/secret.h>

void ds_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

/*
 * Wiped pages that wait for the next secret: to map one and to unmap it takes five calls, and a key
 * server does it several times for a key. They keep what they were told but the lock, which a child
 * does not inherit: each secret locks its page itself.
 */
static _Atomic(uint8_t *) spare[32];

static uint8_t *take_spare(void)
{
	uint8_t *p = NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(spare) && !p; i++)
		if (atomic_load(&spare[i]))
			p = atomic_exchange(&spare[i], NULL);
	return p;
}

static bool keep_spare(uint8_t *p)
{
#if defined(__SANITIZE_ADDRESS__) || defined(DS_FUZZING)
	return false; /* a use after free must be one */
#endif
	for (size_t i = 0; i < DS_ARRAY_SIZE(spare); i++) {
		uint8_t *none = NULL;

		if (atomic_compare_exchange_strong(&spare[i], &none, p))
			return true;
	}
	return false;
}

/* Zero bytes that no dump and no child gets; NULL: none. */
static uint8_t *map_pages(size_t map)
{
	uint8_t *p = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, map, MADV_DONTDUMP) || madvise(p, map, MADV_WIPEONFORK)) {
		munmap(p, map);
		return NULL;
	}
	return p;
}

/* A process may lock so much: what is kept for speed gives way to what is needed. */
static bool lock(uint8_t *p, size_t map)
{
	uint8_t *kept;

	if (!mlock(p, map))
		return true;
	while ((kept = take_spare()))
		munmap(kept, (size_t)sysconf(_SC_PAGESIZE));
	return !mlock(p, map);
}

struct ds_secret *ds_secret_new(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), map;
	struct ds_secret *s;

	if (__builtin_add_overflow(n ? n : 1, page - 1, &map))
		return NULL;
	map -= map % page;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->p = map == page ? take_spare() : NULL;
	if (!s->p)
		s->p = map_pages(map);
	if (!s->p || !lock(s->p, map)) {
		if (s->p)
			munmap(s->p, map);
		free(s);
		return NULL;
	}
	s->n = n;
	s->map = map;
	return s;
}

struct ds_secret *ds_secret_from(const void *p, size_t n)
{
	struct ds_secret *s = ds_secret_new(n);

	if (s && n)
		memcpy(s->p, p, n);
	return s;
}

struct ds_secret *ds_secret_dup(const struct ds_secret *s)
{
	return ds_secret_from(s->p, s->n);
}

struct ds_secret *ds_secret_free(struct ds_secret *s)
{
	if (!s)
		return NULL;
	ds_wipe(s->p, s->map);
	if (s->map != (size_t)sysconf(_SC_PAGESIZE) || !keep_spare(s->p))
		munmap(s->p, s->map);
	free(s);
	return NULL;
}

int ds_secret_harden_process(void)
{
	struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
		return -errno;
	return 0;
}
