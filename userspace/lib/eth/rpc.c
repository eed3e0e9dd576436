// SPDX-License-Identifier: Apache-2.0
/* JSON-RPC: requests and replies. */
#include "json.h"

#include <ds/base/text.h>
#include <ds/eth/revert.h>
#include <ds/eth/rpc.h>

#define DOM "eth-rpc"
#define ID  1 /* one request per connection */

static int add_0x(struct ds_buf *b, struct ds_span s)
{
	DS_TRY(ds_buf_add(b, "0x", 2));
	return ds_buf_add_hex(b, s);
}

static int open_request(struct ds_buf *b, const char *method)
{
	return ds_buf_addf(b, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":[", ID,
			   method);
}

/* The last parameter: a block by hash. */
static int close_at(struct ds_buf *b, const uint8_t block[32])
{
	DS_TRY(ds_buf_addf(b, ",{\"blockHash\":\""));
	DS_TRY(add_0x(b, DS_SPAN(block, 32)));
	return ds_buf_addf(b, "\",\"requireCanonical\":true}]}");
}

int ds_eth_ask_chain_id(struct ds_buf *ret)
{
	DS_TRY(open_request(ret, "eth_chainId"));
	return ds_buf_add(ret, "]}", 2);
}

int ds_eth_ask_block(const char *tag, struct ds_buf *ret)
{
	DS_TRY(open_request(ret, "eth_getBlockByNumber"));
	return ds_buf_addf(ret, "\"%s\",false]}", tag);
}

int ds_eth_ask_block_number(uint64_t number, struct ds_buf *ret)
{
	char tag[20];

	snprintf(tag, sizeof(tag), "0x%llx", (unsigned long long)number);
	return ds_eth_ask_block(tag, ret);
}

int ds_eth_ask_call(const uint8_t to[20], struct ds_span data, const uint8_t block[32],
		    struct ds_buf *ret)
{
	DS_TRY(open_request(ret, "eth_call"));
	DS_TRY(ds_buf_addf(ret, "{\"to\":\""));
	DS_TRY(add_0x(ret, DS_SPAN(to, 20)));
	DS_TRY(ds_buf_addf(ret, "\",\"data\":\""));
	DS_TRY(add_0x(ret, data));
	DS_TRY(ds_buf_addf(ret, "\"}"));
	return close_at(ret, block);
}

int ds_eth_ask_proof(const uint8_t address[20], const uint8_t (*slot)[32], size_t n_slot,
		     const uint8_t block[32], struct ds_buf *ret)
{
	DS_TRY(open_request(ret, "eth_getProof"));
	DS_TRY(ds_buf_add(ret, "\"", 1));
	DS_TRY(add_0x(ret, DS_SPAN(address, 20)));
	DS_TRY(ds_buf_addf(ret, "\",["));
	for (size_t i = 0; i < n_slot; i++) {
		DS_TRY(ds_buf_addf(ret, "%s\"", i ? "," : ""));
		DS_TRY(add_0x(ret, DS_SPAN(slot[i], 32)));
		DS_TRY(ds_buf_add(ret, "\"", 1));
	}
	DS_TRY(ds_buf_add(ret, "]", 1));
	return close_at(ret, block);
}

int ds_eth_ask_nonce(const uint8_t address[20], struct ds_buf *ret)
{
	DS_TRY(open_request(ret, "eth_getTransactionCount"));
	DS_TRY(ds_buf_add(ret, "\"", 1));
	DS_TRY(add_0x(ret, DS_SPAN(address, 20)));
	return ds_buf_addf(ret, "\",\"pending\"]}");
}

int ds_eth_ask_gas(const uint8_t from[20], const uint8_t to[20], struct ds_span data,
		   struct ds_buf *ret)
{
	DS_TRY(open_request(ret, "eth_estimateGas"));
	DS_TRY(ds_buf_addf(ret, "{\"from\":\""));
	DS_TRY(add_0x(ret, DS_SPAN(from, 20)));
	DS_TRY(ds_buf_addf(ret, "\",\"to\":\""));
	DS_TRY(add_0x(ret, DS_SPAN(to, 20)));
	DS_TRY(ds_buf_addf(ret, "\",\"data\":\""));
	DS_TRY(add_0x(ret, data));
	return ds_buf_addf(ret, "\"}]}");
}

static int ask_hex(const char *method, struct ds_span s, struct ds_buf *ret)
{
	DS_TRY(open_request(ret, method));
	DS_TRY(ds_buf_add(ret, "\"", 1));
	DS_TRY(add_0x(ret, s));
	return ds_buf_addf(ret, "\"]}");
}

int ds_eth_ask_send(struct ds_span tx, struct ds_buf *ret)
{
	return ask_hex("eth_sendRawTransaction", tx, ret);
}

int ds_eth_ask_receipt(const uint8_t hash[32], struct ds_buf *ret)
{
	return ask_hex("eth_getTransactionReceipt", DS_SPAN(hash, 32), ret);
}

static int bad(struct ds_err *err, const char *what, const char *expected)
{
	return ds_err_set(err, -EBADMSG, DOM, 0, "%s: expected %s", what, expected);
}

/* The bytes of a revert, if the error has some: alone in data, or as others have it behind a word. */
static int revert_words(const json_t *e, struct ds_buf *ret)
{
	const char *s = json_string_value(json_object_get(e, "data"));
	DS_BUF struct ds_buf bytes = DS_BUF_NULL;

	if (s && !strncmp(s, "Reverted ", 9))
		s += 9;
	if (!s || strncmp(s, "0x", 2))
		return -ENOENT;
	DS_TRY(ds_hex_decode_buf(s + 2, strlen(s + 2), DS_ETH_MAX_CALL, &bytes));
	return ds_eth_revert_words(ds_buf_span(&bytes), ret, NULL);
}

static int node_error(const json_t *e, struct ds_err *err)
{
	const char *text = json_string_value(json_object_get(e, "message"));
	DS_BUF struct ds_buf words = DS_BUF_NULL;

	if (!revert_words(e, &words) && ds_buf_cstr(&words))
		return ds_err_set(err, -EPROTO, DOM, 0, "reverted: %s", ds_buf_cstr(&words));
	return ds_err_set(err, -EPROTO, DOM, 0, "the node says: %.100s", text ? text : "error");
}

int ds_eth_json_result(struct ds_span body, json_t **ret_reply, const json_t **ret,
		       struct ds_err *err)
{
	DS_ETH_JSON json_t *o = NULL;
	const json_t *id;

	if (body.n > DS_ETH_MAX_REPLY)
		return ds_err_set(err, -EFBIG, DOM, 0, "reply is longer than %u bytes",
				  DS_ETH_MAX_REPLY);
	o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o))
		return bad(err, "reply", "a JSON object");
	id = json_object_get(o, "id");
	if (!json_is_integer(id) || json_integer_value(id) != ID)
		return bad(err, "id", "that of the request");
	*ret = json_object_get(o, "error");
	if (*ret && !json_is_null(*ret))
		return node_error(*ret, err);
	*ret = json_object_get(o, "result");
	if (!*ret || json_is_null(*ret))
		return bad(err, "result", "one");
	*ret_reply = o;
	o = NULL;
	return 0;
}

/* "0x" and hex digits; max: bytes. */
static int data(const json_t *j, const char *what, size_t max, struct ds_buf *ret,
		struct ds_err *err)
{
	const char *s = json_string_value(j);
	size_t n = json_string_length(j);
	int r;

	if (!s || n < 2 || memcmp(s, "0x", 2))
		return bad(err, what, "0x and hex digits");
	r = ds_hex_decode_buf(s + 2, n - 2, max, ret);
	if (r == -EFBIG)
		return ds_err_set(err, r, DOM, 0, "%s: more than %zu bytes", what, max);
	return r == -EBADMSG ? bad(err, what, "0x and hex digits") : r;
}

int ds_eth_json_bytes(const json_t *j, const char *what, uint8_t *ret, size_t n, struct ds_err *err)
{
	const char *s = json_string_value(j);

	if (!s || strncmp(s, "0x", 2) || json_string_length(j) != 2 + 2 * n ||
	    ds_hex_decode_exact(s + 2, ret, n))
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: expected 0x and %zu hex digits", what,
				  2 * n);
	return 0;
}

int ds_eth_json_quantity(const json_t *j, const char *what, uint64_t *ret, struct ds_err *err)
{
	const char *s = json_string_value(j);
	size_t n = json_string_length(j);
	uint8_t bytes[8] = { 0 };
	char digits[17];
	uint64_t v = 0;

	if (!s || n < 3 || n > 18 || memcmp(s, "0x", 2) || (s[2] == '0' && n > 3))
		return bad(err, what, "a number as 0x and up to 16 hex digits");
	memset(digits, '0', 16);
	memcpy(digits + 16 - (n - 2), s + 2, n - 2);
	digits[16] = 0;
	if (ds_hex_decode_exact(digits, bytes, sizeof(bytes)))
		return bad(err, what, "a number as 0x and up to 16 hex digits");
	for (int i = 0; i < 8; i++)
		v = v << 8 | bytes[i];
	*ret = v;
	return 0;
}

int ds_eth_take_number(struct ds_span body, uint64_t *ret, struct ds_err *err)
{
	DS_ETH_JSON json_t *reply = NULL;
	const json_t *j = NULL;

	DS_TRY(ds_eth_json_result(body, &reply, &j, err));
	return ds_eth_json_quantity(j, "result", ret, err);
}

int ds_eth_take_chain_id(struct ds_span body, uint64_t *ret, struct ds_err *err)
{
	return ds_eth_take_number(body, ret, err);
}

int ds_eth_take_block(struct ds_span body, struct ds_eth_block *ret, struct ds_err *err)
{
	struct ds_eth_block b = { 0 };
	DS_ETH_JSON json_t *reply = NULL;
	const json_t *j = NULL, *fee;

	DS_TRY(ds_eth_json_result(body, &reply, &j, err));
	DS_TRY(ds_eth_json_quantity(json_object_get(j, "number"), "number", &b.number, err));
	DS_TRY(ds_eth_json_quantity(json_object_get(j, "timestamp"), "timestamp", &b.time, err));
	DS_TRY(ds_eth_json_bytes(json_object_get(j, "hash"), "hash", b.hash, 32, err));
	DS_TRY(ds_eth_json_bytes(json_object_get(j, "stateRoot"), "stateRoot", b.state_root, 32,
				 err));
	fee = json_object_get(j, "baseFeePerGas"); /* since EIP-1559 */
	if (fee)
		DS_TRY(ds_eth_json_quantity(fee, "baseFeePerGas", &b.base_fee, err));
	*ret = b;
	return 0;
}

int ds_eth_take_call(struct ds_span body, struct ds_buf *ret, struct ds_err *err)
{
	DS_ETH_JSON json_t *reply = NULL;
	const json_t *j = NULL;

	DS_TRY(ds_eth_json_result(body, &reply, &j, err));
	return data(j, "result", DS_ETH_MAX_CALL, ret, err);
}

int ds_eth_take_sent(struct ds_span body, uint8_t ret_hash[32], struct ds_err *err)
{
	DS_ETH_JSON json_t *reply = NULL;
	const json_t *j = NULL;

	DS_TRY(ds_eth_json_result(body, &reply, &j, err));
	return ds_eth_json_bytes(j, "result", ret_hash, 32, err);
}

int ds_eth_take_receipt(struct ds_span body, bool *ret_done, struct ds_eth_receipt *ret,
			struct ds_err *err)
{
	struct ds_eth_receipt receipt;
	DS_ETH_JSON json_t *reply = NULL;
	const json_t *j = NULL;
	uint64_t status = 0;

	/* null: nobody has put it into a block */
	reply = json_loadb((const char *)body.p, body.n < DS_ETH_MAX_REPLY ? body.n : 0,
			   JSON_REJECT_DUPLICATES, NULL);
	*ret_done = !json_is_null(json_object_get(reply, "result"));
	json_decref(reply);
	reply = NULL;
	if (!*ret_done)
		return 0;
	DS_TRY(ds_eth_json_result(body, &reply, &j, err));
	DS_TRY(ds_eth_json_quantity(json_object_get(j, "status"), "status", &status, err));
	DS_TRY(ds_eth_json_quantity(json_object_get(j, "blockNumber"), "blockNumber",
				    &receipt.block, err));
	receipt.success = status == 1;
	*ret = receipt;
	return 0;
}

struct nodes {
	struct ds_buf buf[DS_ETH_MAX_NODES];
	struct ds_span span[DS_ETH_MAX_NODES];
	size_t n;
};

static void nodes_done(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->n; i++)
		ds_buf_done(&nodes->buf[i]);
	nodes->n = 0;
}
#define NODES DS_CLEANUP(nodes_done)

/* ret is empty, and is done with by the caller even if this fails. */
static int take_nodes(const json_t *list, const char *what, struct nodes *ret, struct ds_err *err)
{
	if (!json_is_array(list) || json_array_size(list) > DS_ETH_MAX_NODES)
		return bad(err, what, "an array of up to 65 nodes");
	for (size_t i = 0; i < json_array_size(list); i++) {
		ret->buf[i] = DS_BUF_NULL;
		ret->n = i + 1;
		DS_TRY(data(json_array_get(list, i), what, DS_ETH_MAX_NODE, &ret->buf[i], err));
		ret->span[i] = ds_buf_span(&ret->buf[i]);
	}
	return 0;
}

static int take_word(const json_t *entry, const uint8_t root[32], const uint8_t slot[32],
		     uint8_t ret[32], struct ds_err *err)
{
	NODES struct nodes nodes;

	nodes.n = 0;
	DS_TRY(take_nodes(json_object_get(entry, "proof"), "proof", &nodes, err));
	return ds_eth_storage_proof(root, slot, nodes.span, nodes.n, ret, err);
}

int ds_eth_take_proof(struct ds_span body, const uint8_t state_root[32], const uint8_t address[20],
		      const uint8_t (*slot)[32], size_t n_slot, struct ds_eth_account *ret_account,
		      uint8_t (*ret_word)[32], struct ds_err *err)
{
	struct ds_eth_account acc;
	DS_ETH_JSON json_t *reply = NULL;
	const json_t *j = NULL, *list;
	NODES struct nodes nodes;

	nodes.n = 0;
	DS_TRY(ds_eth_json_result(body, &reply, &j, err));
	DS_TRY(take_nodes(json_object_get(j, "accountProof"), "accountProof", &nodes, err));
	DS_TRY(ds_eth_account_proof(state_root, address, nodes.span, nodes.n, &acc, err));
	list = json_object_get(j, "storageProof");
	if (!json_is_array(list) || json_array_size(list) != n_slot)
		return bad(err, "storageProof", "one for each slot");
	for (size_t i = 0; i < n_slot; i++)
		DS_TRY(take_word(json_array_get(list, i), acc.storage_root, slot[i], ret_word[i],
				 err));
	*ret_account = acc;
	return 0;
}
