// SPDX-License-Identifier: Apache-2.0
/*
 * Keccak as Ethereum uses it (padding 0x01); OpenSSL 3.0 has only SHA-3 (0x06). FIPS 202
 * sections 3.2 and 4, with the state as 25 lanes of 64 bits. No table lookup depends on data.
 */
#include <ds/crypto/hash.h>

#include <ds/base/rd.h>
#include <ds/base/secret.h>

#define ROUNDS 24

struct keccak {
	uint64_t a[25]; /* lane x, y at 5 * y + x */
	uint8_t block[136];
	size_t rate;
	size_t fill;
};

static uint64_t rotl(uint64_t v, unsigned int n)
{
	return n ? v << n | v >> (64 - n) : v;
}

/* Round constants: bit 2^j - 1 of constant i is output 7 i + j of the LFSR x^8 + x^6 + x^5 + x^4 +
 * 1 (3.2.5). */
static uint64_t iota_constant(uint8_t *lfsr)
{
	uint64_t c = 0;

	for (unsigned int j = 0; j < 7; j++) {
		if (*lfsr & 1)
			c |= UINT64_C(1) << ((1u << j) - 1);
		*lfsr = (uint8_t)(*lfsr << 1 ^ (*lfsr & 0x80 ? 0x71 : 0));
	}
	return c;
}

static void theta(uint64_t a[25])
{
	uint64_t c[5], d;

	for (unsigned int x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (unsigned int x = 0; x < 5; x++) {
		d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
		for (unsigned int y = 0; y < 25; y += 5)
			a[y + x] ^= d;
	}
}

/* rho and pi in one walk: lane (x, y) turned by the t-th triangular number moves to (y, 2 x + 3 y).
 */
static void rho_pi(uint64_t a[25])
{
	unsigned int x = 1, y = 0, next;
	uint64_t moving = a[1], kept;

	for (unsigned int t = 0; t < ROUNDS; t++) {
		next = (2 * x + 3 * y) % 5;
		x = y;
		y = next;
		kept = a[5 * y + x];
		a[5 * y + x] = rotl(moving, (t + 1) * (t + 2) / 2 % 64);
		moving = kept;
	}
}

static void chi(uint64_t a[25])
{
	uint64_t row[5];

	for (unsigned int y = 0; y < 25; y += 5) {
		memcpy(row, a + y, sizeof(row));
		for (unsigned int x = 0; x < 5; x++)
			a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

static void absorb(struct keccak *k)
{
	uint8_t lfsr = 1;

	for (size_t i = 0; i < k->rate / 8; i++)
		k->a[i] ^= ds_get_u64le(k->block + 8 * i);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		theta(k->a);
		rho_pi(k->a);
		chi(k->a);
		k->a[0] ^= iota_constant(&lfsr);
	}
	k->fill = 0;
}

static void update(struct keccak *k, struct ds_span in)
{
	while (in.n) {
		size_t n = k->rate - k->fill;

		if (n > in.n)
			n = in.n;
		memcpy(k->block + k->fill, in.p, n);
		k->fill += n;
		in.p += n;
		in.n -= n;
		if (k->fill == k->rate)
			absorb(k);
	}
}

void ds_keccak(const struct ds_span *parts, size_t n_parts, uint8_t *out, size_t n_out)
{
	struct keccak k = { .rate = 200 - 2 * n_out };
	uint8_t lane[8];

	for (size_t i = 0; i < n_parts; i++)
		update(&k, parts[i]);
	memset(k.block + k.fill, 0, k.rate - k.fill);
	k.block[k.fill] ^= 0x01;
	k.block[k.rate - 1] ^= 0x80;
	absorb(&k);
	for (size_t i = 0; i < n_out; i += 8) {
		ds_put_u64le(lane, k.a[i / 8]);
		memcpy(out + i, lane, 8);
	}
	ds_wipe(lane, sizeof(lane));
	ds_wipe(&k, sizeof(k));
}

void ds_keccak256(const struct ds_span *parts, size_t n_parts, uint8_t ret[32])
{
	ds_keccak(parts, n_parts, ret, 32);
}
