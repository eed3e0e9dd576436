// SPDX-License-Identifier: Apache-2.0
/*
 * Merkle-Patricia proofs. Nodes are separated by a byte of length; in each the mark is replaced by
 * the hash of the node behind it, and the root is the first one's, so that the walk goes on behind
 * the hashes.
 */
#include <ds/crypto/hash.h>
#include <ds/eth/mpt.h>
#include <stdlib.h>

#define MAX 8

static const uint8_t mark[32] = "the hash of the following node..";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t slot[32] = { [31] = 5 };
	struct ds_buf node[MAX] = { 0 };
	struct ds_span span[MAX];
	struct ds_eth_account acc;
	struct ds_err err = DS_ERR_NULL;
	uint8_t root[32] = { 0 }, word[32];
	size_t k = 0;

	for (size_t at = 0; at < n && k < MAX; k++) {
		size_t len = p[at++];

		len = len > n - at ? n - at : len;
		if (ds_buf_add(&node[k], p + at, len))
			abort();
		at += len;
	}
	for (size_t i = k; i--;) {
		uint8_t *m = i + 1 < k && node[i].n ? memmem(node[i].p, node[i].n, mark, 32) : NULL;

		if (m)
			memcpy(m, root, 32);
		span[i] = ds_buf_span(&node[i]);
		ds_keccak256(&span[i], 1, root);
	}
	(void)!ds_eth_storage_proof(root, slot, span, k, word, &err);
	(void)!ds_eth_account_proof(root, slot, span, k, &acc, &err);
	for (size_t i = 0; i < k; i++)
		ds_buf_done(&node[i]);
	return 0;
}
