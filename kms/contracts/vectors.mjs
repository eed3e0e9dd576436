// SPDX-License-Identifier: Apache-2.0
// node vectors.mjs >../../userspace/lib/eth/vectors_test.h: replies of a node about our contracts, for the unit tests of
// userspace/lib/eth. Needs NODE_MODULES and CONTRACTS as scripts/check-contracts sets them.
import { ethers, go, startChain, word, world } from "./test/chain.mjs";

const chain = await startChain();
const out = [];
const text = (s) => s.replace(/\\/g, "\\\\").replace(/"/g, '\\"').match(/(?:\\.|[^\\]){1,90}/g).map((l) => `\t"${l}"`).join("\n");
const string = (name, s) => out.push(`static const char ${name}[] =\n${text(s)};`);
const bytes = (name, hex) =>
	out.push(`static const uint8_t ${name}[] = {\n\t${hex.slice(2).match(/../g).map((b) => "0x" + b).join(", ").replace(/(.{90}[^ ]*) /g, "$1\n\t")}\n};`);

async function ask(method, ...params) {
	const r = await fetch(chain.url, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
	});
	return r.text();
}

const w = await world(chain);
for (let i = 0; i < 60; i++) await go(w.kms.registerApp(ethers.toBeHex(i + 1, 20)));
for (let i = 0; i < 60; i++) await go(w.kms.addOsImageHash(word(100 + i)));
for (let i = 0; i < 4; i++) await go(w.app.addComposeHash(word(50 + i)));
for (let i = 0; i < 2; i++) await go(w.app.removeComposeHash(word(50 + i)));
const block = await ask("eth_getBlockByNumber", "latest", false);
const at = { blockHash: JSON.parse(block).result.hash, requireCanonical: true };
const kms = await w.kms.getAddress();
const app = await w.app.getAddress();
const coder = ethers.AbiCoder.defaultAbiCoder();
const slotOf = (key, slot) => ethers.keccak256(coder.encode(["bytes32", "uint256"], [ethers.zeroPadValue(key, 32), slot]));
const governed = 0xb3e9075bad5cdfd9808df8037ff9f619a2274c46adbaa7c29300b0b06c26d200n;
const call = (c, name, args) => c.interface.encodeFunctionData(name, args);
const boot = { ...w.boot, advisoryIds: ["INTEL-SA-1", "INTEL-SA-00837-and-a-name-that-is-longer-than-a-word"] };

out.push(`/* SPDX-License-Identifier: Apache-2.0 */
/* Made by kms/contracts/vectors.mjs: what anvil says about our contracts, and calldata as ethers encodes it. */
#ifndef DS_LIB_ETH_VECTORS_TEST_H
#define DS_LIB_ETH_VECTORS_TEST_H

#include <stdint.h>`);
string("vec_chain_id", await ask("eth_chainId"));
string("vec_block", block);
bytes("vec_kms", kms);
bytes("vec_app", app);
const slots = [
	slotOf(app, 5),
	slotOf(word(7), 8),
	slotOf(word(8), 8), // no image
	ethers.toBeHex(governed + 7n, 32),
	ethers.toBeHex(4, 32), // gatewayAppId, empty
];
bytes("vec_kms_slots", ethers.concat(slots));
bytes("vec_history_head", await w.kms.historyHead());
bytes("vec_app_history_head", await w.app.historyHead());
string("vec_kms_proof", await ask("eth_getProof", kms, slots, at));
const appSlots = [slotOf(word(10), 0), slotOf(word(9), 2), ethers.toBeHex(1, 32), ethers.toBeHex(3, 32)];
bytes("vec_app_slots", ethers.concat(appSlots));
string("vec_app_proof", await ask("eth_getProof", app, appSlots, at));
string("vec_absent_proof", await ask("eth_getProof", ethers.toBeHex(0xdead, 20), [word(1)], at));
string("vec_account_proof", await ask("eth_getProof", await w.owner.getAddress(), [], at));
bytes("vec_ask_kms", call(w.kms, "isKmsAllowed", [boot]));
bytes("vec_ask_app", call(w.kms, "isAppAllowed", [boot]));
bytes("vec_ask_app_on", call(w.kms, "isAppAllowedOn", [boot, "dstack-tdx"]));
string("vec_yes", await ask("eth_call", { to: kms, data: call(w.kms, "isAppAllowedOn", [boot, "dstack-tdx"]) }, at));
string("vec_no", await ask("eth_call", { to: kms, data: call(w.kms, "isAppAllowed", [{ ...boot, composeHash: word(1) }]) }, at));
string("vec_reverts", await ask("eth_call", { to: kms, data: "0x12345678" }, at));
string("vec_changes", await ask("eth_getLogs", { address: app, topics: [w.kms.interface.getEvent("PolicyChanged").topicHash], fromBlock: "0x0", toBlock: JSON.parse(block).result.number }));
bytes("vec_ask_compose", call(w.app, "addComposeHash", [word(77)]));
bytes("vec_ask_approve", call(w.app, "approve", [call(w.app, "addComposeHash", [word(77)])]));
// transactions of a key that is no secret, so that their bytes are known
const key = new ethers.Wallet("0x" + "11".repeat(32));
bytes("vec_key_address", key.address);
for (const [name, tx] of [
	["vec_tx", { chainId: 31337, nonce: 0, maxPriorityFeePerGas: 1, maxFeePerGas: 1000000007, gasLimit: 21000, to: kms, data: "0x" }],
	["vec_tx_long", { chainId: 1, nonce: 200, maxPriorityFeePerGas: 1000000000, maxFeePerGas: 30000000000n, gasLimit: 300000, to: app, data: call(w.app, "approve", [call(w.app, "addComposeHash", [word(77)])]) }],
]) {
	const raw = await key.signTransaction({ type: 2, value: 0, ...tx });
	bytes(name, raw);
	bytes(name + "_hash", ethers.keccak256(raw));
}
out.push("#endif");
console.log(out.join("\n\n"));
chain.stop();
