/* SPDX-License-Identifier: Apache-2.0 */
/* Choices of abi_fuzz: a private generator for each worker, started from a seed that is printed. */
#ifndef ABI_FUZZ_RND_H
#define ABI_FUZZ_RND_H

#include <stddef.h>
#include <stdint.h>

void rnd_seed(uint64_t seed);
uint64_t rnd(void);
/* 0 to n - 1 */
uint32_t rnd_below(uint32_t n);
#define ONE_OF(array)	((array)[rnd_below(sizeof(array) / sizeof((array)[0]))])

/* Sizes and offsets where code goes wrong. */
size_t rnd_size(void);
int64_t rnd_offset(void);

/*
 * A buffer for a system call, with readable and writable content: mostly good, sometimes with its
 * end in the last bytes of a mapping, sometimes no address of ours at all.
 */
void *rnd_buffer(size_t size);
void rnd_fill(void *to, size_t size);
int rnd_buffers_init(void);

/* One random operation on keys. */
void fuzz_keys(void);
/* Before the workers start: root keys, so that others can be derived. */
void fuzz_keys_prepare(void);
/* The program was started by the kernel to make this key. Returns its exit status. */
int fuzz_upcall(int32_t key);

#endif /* ABI_FUZZ_RND_H */
