// SPDX-License-Identifier: Apache-2.0
/* Transactions as ethers signs them (vectors_test.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vectors_test.h"

#include <ds/eth/tx.h>

static void same(const struct ds_eth_tx *tx, const uint8_t *want, size_t n, const uint8_t hash[32])
{
	DS_BUF struct ds_buf raw = DS_BUF_NULL;
	uint8_t key[32], got[32];

	memset(key, 0x11, sizeof(key));
	assert_int_equal(ds_eth_tx_sign(tx, key, &raw, got), 0);
	assert_int_equal(raw.n, n);
	assert_memory_equal(raw.p, want, n);
	assert_memory_equal(got, hash, 32);
}

static void vectors(void **state)
{
	struct ds_eth_tx tx = { .chain_id = 31337, .priority_fee = 1, .max_fee = 1000000007, .gas = 21000 };
	struct ds_eth_tx big = { .chain_id = 1, .nonce = 200, .priority_fee = 1000000000, .max_fee = 30000000000,
				 .gas = 300000, .data = DS_SPAN_ARRAY(vec_ask_approve) };

	memcpy(tx.to, vec_kms, 20);
	memcpy(big.to, vec_app, 20);
	same(&tx, vec_tx, sizeof(vec_tx), vec_tx_hash);
	same(&big, vec_tx_long, sizeof(vec_tx_long), vec_tx_long_hash);
}

static void keys(void **state)
{
	DS_BUF struct ds_buf raw = DS_BUF_NULL;
	uint8_t key[32], address[20], hash[32];

	memset(key, 0x11, sizeof(key));
	assert_int_equal(ds_eth_address(key, address), 0);
	assert_memory_equal(address, vec_key_address, 20);
	memset(key, 0, sizeof(key));
	assert_int_equal(ds_eth_address(key, address), -ERANGE);
	assert_int_equal(ds_eth_tx_sign(&(struct ds_eth_tx){ 0 }, key, &raw, hash), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(vectors), cmocka_unit_test(keys) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
