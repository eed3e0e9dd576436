// SPDX-License-Identifier: Apache-2.0
/* 0x02 || RLP of the fields; what is signed has no signature in it. */
#include <ds/crypto/hash.h>
#include <ds/crypto/k256.h>
#include <ds/eth/tx.h>

#define TYPE 0x02

static int add_head(struct ds_buf *b, uint8_t base, size_t n)
{
	uint8_t len[8];
	size_t k = 0;

	if (n <= 55)
		return ds_buf_add_u8(b, (uint8_t)(base + n));
	for (size_t v = n; v; v >>= 8)
		k++;
	for (size_t i = 0; i < k; i++)
		len[i] = (uint8_t)(n >> 8 * (k - 1 - i));
	DS_TRY(ds_buf_add_u8(b, (uint8_t)(base + 55 + k)));
	return ds_buf_add(b, len, k);
}

static int add_string(struct ds_buf *b, struct ds_span s)
{
	if (s.n != 1 || s.p[0] >= 0x80)
		DS_TRY(add_head(b, 0x80, s.n));
	return ds_buf_add_span(b, s);
}

/* Big-endian, without zeros in front. */
static int add_number(struct ds_buf *b, const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return add_string(b, DS_SPAN(p, n));
}

static int add_u64(struct ds_buf *b, uint64_t v)
{
	uint8_t p[8];

	for (int i = 0; i < 8; i++)
		p[7 - i] = (uint8_t)(v >> 8 * i);
	return add_number(b, p, sizeof(p));
}

static int add_fields(struct ds_buf *b, const struct ds_eth_tx *tx)
{
	DS_TRY(add_u64(b, tx->chain_id));
	DS_TRY(add_u64(b, tx->nonce));
	DS_TRY(add_u64(b, tx->priority_fee));
	DS_TRY(add_u64(b, tx->max_fee));
	DS_TRY(add_u64(b, tx->gas));
	DS_TRY(add_string(b, DS_SPAN(tx->to, sizeof(tx->to))));
	DS_TRY(add_u64(b, 0)); /* value */
	DS_TRY(add_string(b, tx->data));
	return add_head(b, 0xc0, 0); /* access list */
}

static int wrap(struct ds_buf *ret, const struct ds_buf *fields)
{
	DS_TRY(ds_buf_add_u8(ret, TYPE));
	DS_TRY(add_head(ret, 0xc0, fields->n));
	return ds_buf_add_span(ret, ds_buf_span(fields));
}

static void hash(const struct ds_buf *b, uint8_t ret[32])
{
	struct ds_span s = ds_buf_span(b);

	ds_keccak256(&s, 1, ret);
}

int ds_eth_tx_sign(const struct ds_eth_tx *tx, const uint8_t sk[32], struct ds_buf *ret,
		   uint8_t ret_hash[32])
{
	DS_BUF struct ds_buf fields = DS_BUF_NULL, all = DS_BUF_NULL;
	uint8_t digest[32], sig[DS_K256_SIG_SIZE];

	DS_TRY(add_fields(&fields, tx));
	DS_TRY(wrap(&all, &fields));
	hash(&all, digest);
	DS_TRY(ds_k256_sign_recoverable(sk, digest, sig));
	DS_TRY(add_u64(&fields, sig[64]));
	DS_TRY(add_number(&fields, sig, 32));
	DS_TRY(add_number(&fields, sig + 32, 32));
	all.n = 0;
	DS_TRY(wrap(&all, &fields));
	hash(&all, ret_hash);
	return ds_buf_add_span(ret, ds_buf_span(&all));
}

int ds_eth_address(const uint8_t sk[32], uint8_t ret[20])
{
	uint8_t pub[65], h[32];
	struct ds_span xy = DS_SPAN(pub + 1, 64);

	DS_TRY(ds_k256_pub_full(sk, pub));
	ds_keccak256(&xy, 1, h);
	memcpy(ret, h + 12, 20);
	return 0;
}
