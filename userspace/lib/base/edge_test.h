/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: input that ends where the memory ends, so that to read one byte too many is fatal. */
#ifndef DS_BASE_EDGE_TEST_H
#define DS_BASE_EDGE_TEST_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ds/base/base.h>

/* A copy that lasts until the next one. */
static inline struct ds_span at_edge(const void *p, size_t n)
{
	static uint8_t *map;
	static size_t room;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), need = (n / page + 1) * page;

	if (need > room) {
		if (map)
			munmap(map, room + page);
		map = mmap(NULL, need + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
		if (map == MAP_FAILED || mprotect(map + need, page, PROT_NONE))
			abort();
		room = need;
	}
	if (n)
		memcpy(map + room - n, p, n);
	return DS_SPAN(map + room - n, n);
}

#endif
