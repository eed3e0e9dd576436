// SPDX-License-Identifier: Apache-2.0
/* Secret memory, see ds/base/secret.h. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <ds/base/secret.h>

void ds_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
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
	s->p = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->p == MAP_FAILED) {
		free(s);
		return NULL;
	}
	s->n = n;
	s->map = map;
	if (mlock(s->p, map) || madvise(s->p, map, MADV_DONTDUMP) || madvise(s->p, map, MADV_WIPEONFORK))
		return ds_secret_free(s);
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
