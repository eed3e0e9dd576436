// SPDX-License-Identifier: Apache-2.0
/* Replies of a node: those of a real one (vectors_test.h), cut, changed and lied about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vectors_test.h"

#include <ds/crypto/hash.h>
#include <ds/eth/abi.h>
#include <ds/eth/rpc.h>

#define N_KMS (sizeof(vec_kms_slots) / 32)
#define N_APP (sizeof(vec_app_slots) / 32)

static struct ds_eth_block block;


static int take_block(void **state)
{
	struct ds_err err = DS_ERR_NULL;

	return ds_eth_take_block(DS_SPAN_STR(vec_block), &block, &err);
}

static int proof(const char *body, size_t n, const uint8_t address[20], const void *slots, size_t n_slot,
		 struct ds_eth_account *acc, uint8_t (*word)[32])
{
	return ds_eth_take_proof(DS_SPAN(body, n), block.state_root, address, slots, n_slot, acc, word,
				 NULL);
}

static void simple(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	DS_BUF struct ds_buf data = DS_BUF_NULL;
	struct ds_eth_block b;
	struct ds_span reason;
	bool allowed = false;
	uint64_t id = 0;

	assert_int_equal(ds_eth_take_chain_id(DS_SPAN_STR(vec_chain_id), &id, &err), 0);
	assert_int_equal(id, 31337);
	assert_true(block.number > 100);
	for (size_t n = 0; n < strlen(vec_block); n++)
		assert_int_equal(ds_eth_take_block(DS_SPAN(vec_block, n), &b, &err), -EBADMSG);
	assert_int_equal(ds_eth_take_call(DS_SPAN_STR(vec_yes), &data, &err), 0);
	assert_int_equal(ds_eth_abi_ruling(ds_buf_span(&data), &allowed, &reason, &err), 0);
	assert_true(allowed);
	ds_buf_done(&data);
	assert_int_equal(ds_eth_take_call(DS_SPAN_STR(vec_no), &data, &err), 0);
	assert_int_equal(ds_eth_abi_ruling(ds_buf_span(&data), &allowed, &reason, &err), 0);
	assert_false(allowed);
	assert_true(ds_span_eq(reason, DS_SPAN_LIT("Compose hash not allowed")));
	ds_buf_done(&data);
	assert_int_equal(ds_eth_take_call(DS_SPAN_STR(vec_reverts), &data, &err), -EPROTO);
	assert_string_equal(err.msg, "the node says: execution reverted");
}

static void reverts(void **state)
{
	static const struct {
		const char *data, *want;
	} t[] = {
		{ "\"0x0e5feca1\"", "reverted: NeedsApproval: this takes approvals and execute, the "
				    "owner's word is not enough" },
		{ "\"Reverted 0xd6bda275\"", "reverted: FailedCall: a call inside failed without a reason" },
		{ "\"0x12345678\"", "the node says: no" },
		{ "\"0x0e5feca\"", "the node says: no" },
		{ "\"0x0e5feca100\"", "the node says: no" },
		{ "\"0e5feca1\"", "the node says: no" },
		{ "\"0xyes\"", "the node says: no" },
		{ "null", "the node says: no" },
		{ "{\"data\":\"0x0e5feca1\"}", "the node says: no" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		DS_BUF struct ds_buf body = DS_BUF_NULL, data = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;

		assert_int_equal(ds_buf_addf(&body, "{\"id\":1,\"error\":{\"message\":\"no\",\"data\":%s}}",
					     t[i].data), 0);
		assert_int_equal(ds_eth_take_call(ds_buf_span(&body), &data, &err), -EPROTO);
		assert_string_equal(err.msg, t[i].want);
	}
}

#define R(result) "{\"id\":1,\"result\":" result "}"

static void malformed(void **state)
{
	static const struct {
		const char *body;
		int r;
	} t[] = {
		{ R("\"0x1\""), 0 },
		{ R("\"0x0\""), 0 },
		{ R("\"0xfFfFfFfFfFfFfFfF\""), 0 },
		{ "{\"id\":1,\"error\":null,\"result\":\"0x1\"}", 0 },
		{ "", -EBADMSG },
		{ "[]", -EBADMSG },
		{ "{\"id\":2,\"result\":\"0x1\"}", -EBADMSG },
		{ "{\"id\":\"1\",\"result\":\"0x1\"}", -EBADMSG },
		{ "{\"result\":\"0x1\"}", -EBADMSG },
		{ "{\"id\":1}", -EBADMSG },
		{ R("null"), -EBADMSG },
		{ R("1"), -EBADMSG },
		{ R("\"1\""), -EBADMSG },
		{ R("\"0x\""), -EBADMSG },
		{ R("\"0x01\""), -EBADMSG },
		{ R("\"0x1g\""), -EBADMSG },
		{ R("\"0x 1\""), -EBADMSG },
		{ R("\"0x10000000000000000\""), -EBADMSG },
		{ R("\"0x1\"") " x", -EBADMSG },
		{ "{\"id\":1,\"result\":\"0x1\",\"result\":\"0x2\"}", -EBADMSG },
		{ "{\"id\":1,\"result\":\"0x1\",\"error\":{\"code\":1}}", -EPROTO },
	};
	struct ds_err err = DS_ERR_NULL;
	DS_BUF struct ds_buf data = DS_BUF_NULL;
	uint64_t v = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++)
		if (ds_eth_take_chain_id(DS_SPAN_STR(t[i].body), &v, &err) != t[i].r)
			fail_msg("%zu: %s", i, t[i].body);
	assert_int_equal(ds_eth_take_call(DS_SPAN_STR(R("\"0x\"")), &data, &err), 0);
	assert_int_equal(data.n, 0);
	assert_int_equal(ds_eth_take_call(DS_SPAN_STR(R("\"0x1\"")), &data, &err), -EBADMSG);
	assert_int_equal(ds_eth_take_call(DS_SPAN_STR(R("\"0x\\u0000\"")), &data, &err), -EBADMSG);
}

static void too_long(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, data = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint64_t v = 0;

	assert_int_equal(ds_buf_addf(&b, R("\"0x1\"")), 0);
	while (b.n <= DS_ETH_MAX_REPLY)
		assert_int_equal(ds_buf_add(&b, " ", 1), 0);
	assert_int_equal(ds_eth_take_chain_id(ds_buf_span(&b), &v, &err), -EFBIG);
	b.n--;
	assert_int_equal(ds_eth_take_chain_id(ds_buf_span(&b), &v, &err), 0);
	b.n = 0;
	assert_int_equal(ds_buf_addf(&b, "{\"id\":1,\"result\":\"0x"), 0);
	for (size_t i = 0; i <= DS_ETH_MAX_CALL; i++)
		assert_int_equal(ds_buf_add(&b, "00", 2), 0);
	assert_int_equal(ds_buf_addf(&b, "\"}"), 0);
	assert_int_equal(ds_eth_take_call(ds_buf_span(&b), &data, &err), -EFBIG);
}

static void proofs(void **state)
{
	static const uint8_t one[32] = { [31] = 1 }, none[32], nobody[20] = { [18] = 0xde, [19] = 0xad };
	struct ds_eth_account acc;
	uint8_t word[N_KMS][32], hash[32];

	assert_int_equal(proof(vec_kms_proof, strlen(vec_kms_proof), vec_kms, vec_kms_slots, N_KMS, &acc, word), 0);
	assert_true(acc.exists);
	assert_memory_equal(word[0], one, 32);	/* the app is registered */
	assert_memory_equal(word[1], one, 32);	/* the image allowed */
	assert_memory_equal(word[2], none, 32); /* another is not */
	assert_memory_equal(word[3], vec_history_head, 32);
	assert_memory_equal(word[4], none, 32);
	assert_int_equal(proof(vec_app_proof, strlen(vec_app_proof), vec_app, vec_app_slots, N_APP, &acc, word), 0);
	assert_memory_equal(word[0], one, 32);
	assert_memory_equal(word[1], one, 32);
	assert_memory_equal(word[2], none, 32);
	assert_memory_equal(word[3], one, 32); /* requireTcbUpToDate */
	/* an account without code and storage; nobody's account */
	assert_int_equal(proof(vec_absent_proof, strlen(vec_absent_proof), nobody, one, 1, &acc, word), 0);
	assert_false(acc.exists);
	assert_memory_equal(word[0], none, 32);
	ds_keccak256(NULL, 0, hash);
	assert_memory_equal(acc.code_hash, hash, 32);
	/* of another account, another block, other slots */
	assert_int_equal(proof(vec_kms_proof, strlen(vec_kms_proof), vec_app, vec_kms_slots, N_KMS, &acc, word), -EBADMSG);
	assert_int_equal(proof(vec_kms_proof, strlen(vec_kms_proof), vec_kms, vec_kms_slots, N_KMS - 1, &acc, word), -EBADMSG);
	assert_int_equal(proof(vec_kms_proof, strlen(vec_kms_proof), vec_kms, vec_kms_slots + 32, N_KMS - 1, &acc, word), -EBADMSG);
	block.state_root[0] ^= 1;
	assert_int_equal(proof(vec_kms_proof, strlen(vec_kms_proof), vec_kms, vec_kms_slots, N_KMS, &acc, word), -EBADMSG);
	block.state_root[0] ^= 1;
}

/* Whatever digit of a proof a node changes, it proves nothing else. */
static void changed(void **state)
{
	struct ds_eth_account acc, was;
	uint8_t word[N_KMS][32], kept[N_KMS][32];
	size_t n = strlen(vec_kms_proof), same = 0;
	DS_FREE char *body = strdup(vec_kms_proof);

	assert_non_null(body);
	assert_int_equal(proof(body, n, vec_kms, vec_kms_slots, N_KMS, &was, kept), 0);
	for (size_t i = 0; i < n; i++) {
		char c = body[i];

		body[i] = c == '1' ? '2' : '1';
		if (!proof(body, n, vec_kms, vec_kms_slots, N_KMS, &acc, word)) {
			/* in what it claims beside the proof, or in a name */
			assert_memory_equal(word, kept, sizeof(kept));
			assert_memory_equal(acc.storage_root, was.storage_root, 32);
			same++;
		}
		body[i] = c;
		if (i % 7 == 0)
			assert_int_equal(proof(body, i, vec_kms, vec_kms_slots, N_KMS, &acc, word), -EBADMSG);
	}
	assert_true(same < n / 4);
}

static void receipts(void **state)
{
	static const struct {
		const char *body;
		int r;
		bool done, success;
	} t[] = {
		{ "{\"id\":1,\"result\":null}", 0, false, false },
		{ R("{\"status\":\"0x1\",\"blockNumber\":\"0x9\"}"), 0, true, true },
		{ R("{\"status\":\"0x0\",\"blockNumber\":\"0x9\"}"), 0, true, false },
		{ R("{\"status\":\"0x1\"}"), -EBADMSG, true, false },
		{ R("{\"blockNumber\":\"0x9\"}"), -EBADMSG, true, false },
		{ "{\"id\":1}", -EBADMSG, true, false },
		{ "", -EBADMSG, true, false },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_eth_receipt receipt = { 0 };
		struct ds_err err = DS_ERR_NULL;
		bool done = false;

		assert_int_equal(ds_eth_take_receipt(DS_SPAN_STR(t[i].body), &done, &receipt, &err), t[i].r);
		assert_int_equal(done, t[i].done);
		assert_int_equal(receipt.success, t[i].success);
		if (receipt.success)
			assert_int_equal(receipt.block, 9);
	}
}

static void requests(void **state)
{
	static const uint8_t a[20] = { 0xab }, h[32] = { 0xcd }, s[2][32] = { { 1 }, { 2 } };
	DS_BUF struct ds_buf b = DS_BUF_NULL;
#define Z20 "0xab00000000000000000000000000000000000000"
#define Z31 "00000000000000000000000000000000000000000000000000000000000000"
#define HEAD "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\""
#define AT ",{\"blockHash\":\"0xcd" Z31 "\",\"requireCanonical\":true}]}"

	assert_int_equal(ds_eth_ask_chain_id(&b), 0);
	assert_string_equal(ds_buf_cstr(&b), HEAD "eth_chainId\",\"params\":[]}");
	b.n = 0;
	assert_int_equal(ds_eth_ask_block("finalized", &b), 0);
	assert_string_equal(ds_buf_cstr(&b), HEAD "eth_getBlockByNumber\",\"params\":[\"finalized\",false]}");
	b.n = 0;
	assert_int_equal(ds_eth_ask_block_number(UINT64_MAX, &b), 0);
	assert_string_equal(ds_buf_cstr(&b), HEAD "eth_getBlockByNumber\",\"params\":[\"0xffffffffffffffff\",false]}");
	b.n = 0;
	assert_int_equal(ds_eth_ask_call(a, DS_SPAN_LIT("\x12"), h, &b), 0);
	assert_string_equal(ds_buf_cstr(&b), HEAD "eth_call\",\"params\":[{\"to\":\"" Z20 "\",\"data\":\"0x12\"}" AT);
	b.n = 0;
	assert_int_equal(ds_eth_ask_proof(a, s, 2, h, &b), 0);
	assert_string_equal(ds_buf_cstr(&b), HEAD "eth_getProof\",\"params\":[\"" Z20 "\",[\"0x01" Z31 "\",\"0x02" Z31 "\"]" AT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple), cmocka_unit_test(malformed), cmocka_unit_test(too_long),
		cmocka_unit_test(proofs), cmocka_unit_test(changed),   cmocka_unit_test(requests), cmocka_unit_test(receipts),
		cmocka_unit_test(reverts),
	};

	return cmocka_run_group_tests(tests, take_block, NULL);
}
