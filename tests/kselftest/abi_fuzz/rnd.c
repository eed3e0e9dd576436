// SPDX-License-Identifier: Apache-2.0
/* Numbers, sizes and buffers. */
#include <string.h>
#include <sys/mman.h>

#include "rnd.h"

#define BUFFER_SIZE	(256 * 1024)

static uint64_t state;
static uint8_t *buffer;

void rnd_seed(uint64_t seed)
{
	state = seed * 2654435761u + 1;
}

/* xorshift64* */
uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

uint32_t rnd_below(uint32_t n)
{
	return (uint32_t)(rnd() >> 32) % n;
}

size_t rnd_size(void)
{
	static const uint32_t edges[] = {
		0, 1, 16, 48, 63, 64, 65, 96, 1024, 1032, 1040, 4000, 4064, 4065, 4066, 4095, 4096,
		4097, 8192, 16384, 65536, 131072, 131096, BUFFER_SIZE,
	};
	size_t size = ONE_OF(edges);

	switch (rnd_below(4)) {
	case 0:
		return rnd_below(8192);
	case 1:
		return size ? size + rnd_below(5) - 2 : 0;
	default:
		return size;
	}
}

int64_t rnd_offset(void)
{
	static const int64_t edges[] = {
		0, 0, 0, 0, 1, 47, 48, 49, 65, 4095, 4096, 1 << 22, (1 << 22) + 1, INT32_MAX,
		(int64_t)UINT32_MAX + 1, INT64_MAX, -1, INT64_MIN,
	};

	return rnd_below(4) ? ONE_OF(edges) : rnd_below(1 << 20);
}

void rnd_fill(void *to, size_t size)
{
	uint8_t *p = to;

	while (size--)
		*p++ = (uint8_t)(rnd() >> 56);
}

void *rnd_buffer(size_t size)
{
	switch (rnd_below(16)) {
	case 0:
		return NULL;
	case 1:
		return (void *)0xffffffff81000000UL;
	case 2:	/* runs into the hole behind */
		return buffer + BUFFER_SIZE - rnd_below(64);
	case 3:	/* ends exactly there */
		return size <= BUFFER_SIZE ? buffer + BUFFER_SIZE - size : buffer;
	default:
		return buffer;
	}
}

int rnd_buffers_init(void)
{
	buffer = mmap(NULL, BUFFER_SIZE + 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		return -1;
	rnd_fill(buffer, BUFFER_SIZE);
	return munmap(buffer + BUFFER_SIZE, 4096);
}
