// SPDX-License-Identifier: Apache-2.0
/* Events of a policy contract. */
#include "json.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/eth/history.h>

#define SLOT                                                                                       \
	0xb3, 0xe9, 0x07, 0x5b, 0xad, 0x5c, 0xdf, 0xd9, 0x80, 0x8d, 0xf8, 0x03, 0x7f, 0xf9, 0xf6,  \
		0x19, 0xa2, 0x27, 0x4c, 0x46, 0xad, 0xba, 0xa7, 0xc2, 0x93, 0x00, 0xb0, 0xb0,      \
		0x6c, 0x26, 0xd2

const uint8_t ds_eth_history_slots[2][32] = { { SLOT, 0x06 }, { SLOT, 0x07 } };

/* Keccak-256 of the event's signature (spec/kms 4.8) */
static const uint8_t topic[32] = { 0x34, 0x1d, 0x3b, 0xc6, 0x4e, 0x32, 0x17, 0x2f, 0xc5, 0xbc, 0xf2,
				   0x7b, 0x0f, 0x7f, 0x69, 0xdc, 0x5a, 0xdc, 0x19, 0xaf, 0x64, 0xb7,
				   0xaa, 0x1d, 0xee, 0x36, 0x1e, 0x58, 0x83, 0xc3, 0x23, 0x75 };

int ds_eth_ask_changes(const uint8_t contract[20], uint64_t from, uint64_t to, struct ds_buf *ret)
{
	char address[41], hex[65];

	return ds_buf_addf(ret,
			   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{"
			   "\"address\":\"0x%s\",\"topics\":[\"0x%s\"],\"fromBlock\":\"0x%llx\","
			   "\"toBlock\":\"0x%llx\"}]}",
			   ds_hex_encode(contract, 20, address), ds_hex_encode(topic, 32, hex),
			   (unsigned long long)from, (unsigned long long)to);
}

static int bad(struct ds_err *err, const char *what)
{
	return ds_err_set(err, -EBADMSG, "history", 0, "event: %s", what);
}

static int take_change(const json_t *log, const uint8_t contract[20], struct ds_eth_change *ret,
		       struct ds_err *err)
{
	static const uint8_t zero[31];
	const json_t *topics = json_object_get(log, "topics");
	uint8_t word[5][32] = { 0 }, address[20];

	if (json_array_size(topics) != 4)
		return bad(err, "expected four topics");
	for (size_t i = 0; i < 4; i++)
		DS_TRY(ds_eth_json_bytes(json_array_get(topics, i), "topic", word[i], 32, err));
	DS_TRY(ds_eth_json_bytes(json_object_get(log, "data"), "data", word[4], 32, err));
	DS_TRY(ds_eth_json_bytes(json_object_get(log, "address"), "address", address, 20, err));
	if (memcmp(address, contract, 20) || memcmp(word[0], topic, 32))
		return bad(err, "it is not one that was asked for");
	if (memcmp(word[1], zero, 12) || memcmp(word[4], zero, 31) || word[4][31] > 1)
		return bad(err, "actor or truth value has bytes too many");
	DS_TRY(ds_eth_json_quantity(json_object_get(log, "blockNumber"), "blockNumber", &ret->block,
				    err));
	memcpy(ret->actor, word[1] + 12, 20);
	memcpy(ret->policy, word[2], 32);
	memcpy(ret->value, word[3], 32);
	ret->enabled = word[4][31];
	return 0;
}

int ds_eth_take_changes(struct ds_span reply, const uint8_t contract[20], uint64_t from, uint64_t to,
			int (*fn)(void *arg, const struct ds_eth_change *c), void *arg,
			struct ds_err *err)
{
	DS_ETH_JSON json_t *o = NULL;
	const json_t *list = NULL;
	struct ds_eth_change c;

	DS_TRY(ds_eth_json_result(reply, &o, &list, err));
	if (!json_is_array(list))
		return bad(err, "expected an array");
	for (size_t i = 0; i < json_array_size(list); i++) {
		DS_TRY(take_change(json_array_get(list, i), contract, &c, err));
		if (c.block < from || c.block > to)
			return bad(err, "it is of a block that was not asked for");
		from = c.block;
		DS_TRY(fn(arg, &c));
	}
	return 0;
}

void ds_eth_history_fold(uint8_t head[32], const struct ds_eth_change *c)
{
	uint8_t actor[32] = { 0 }, enabled[32] = { 0 };
	const struct ds_span parts[] = { DS_SPAN(head, 32), DS_SPAN_ARRAY(actor),
					 DS_SPAN_ARRAY(c->policy), DS_SPAN_ARRAY(c->value),
					 DS_SPAN_ARRAY(enabled) };

	memcpy(actor + 12, c->actor, 20);
	enabled[31] = c->enabled;
	ds_keccak256(parts, DS_ARRAY_SIZE(parts), head);
}

const char *ds_eth_policy_name(const uint8_t policy[32])
{
	static const char *const names[] = {
		"app-implementation", "implementation-upgrade", "kms-info", "gateway-app-id",
		"registered-app", "kms-aggregated-mr", "kms-device", "os-image", "compose-hash", "device",
		"allow-any-device", "require-tcb-up-to-date", "upgrades-disabled", "restrict-os-images",
		"app-os-image", "restrict-tees", "tee", "denied-advisory", "approvers", "delay",
	};
	uint8_t hash[32];

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		struct ds_span s = DS_SPAN_STR(names[i]);

		ds_keccak256(&s, 1, hash);
		if (!memcmp(hash, policy, 32))
			return names[i];
	}
	return NULL;
}
