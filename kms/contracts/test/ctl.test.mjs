// SPDX-License-Identifier: Apache-2.0
// dstackctl contract: changes, approvals and the history of contracts on a chain.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ethers, go, startChain, word, world } from "./chain.mjs";

const bin = join(process.env.BIN ?? "build/bin", "dstackctl");
const skip = existsSync(bin) ? false : `${bin} is not built`;
let chain, w, dir, keys, address;

const run = (...args) =>
	new Promise((resolve) => execFile(bin, ["contract", ...args], { encoding: "utf8" }, (e, stdout, stderr) => resolve({ code: e?.code ?? 0, stdout, stderr })));
const to = (contract, url = chain.url) => ["--rpc", url, "--chain-id", "31337", "--address", contract, "--wait", "30"];
async function ok(...args) {
	const r = await run(...args);
	assert.deepEqual([r.code, r.stderr], [0, ""]);
	return r.stdout;
}
async function fails(code, message, ...args) {
	const r = await run(...args);
	assert.equal(r.code, code, r.stdout + r.stderr);
	assert.match(r.stderr, message);
}
async function newKey(name) {
	const key = ethers.Wallet.createRandom();
	const file = join(dir, name);
	writeFileSync(file, key.privateKey.slice(2) + "\n", { mode: 0o600 });
	await go((await chain.signer(0)).sendTransaction({ to: key.address, value: ethers.parseEther("1") }));
	return { file, address: key.address };
}

/** A node that changes the chain's answers, for the time of one call. */
async function through(change, what) {
	const server = http.createServer(async (req, res) => {
		let body = "";
		for await (const piece of req) body += piece;
		const answer = await (await fetch(chain.url, { method: "POST", headers: { "Content-Type": "application/json" }, body })).json();
		change(JSON.parse(body), answer);
		res.end(JSON.stringify(answer));
	});
	await new Promise((r) => server.listen(0, "127.0.0.1", r));
	await what(`http://127.0.0.1:${server.address().port}`);
	server.closeAllConnections();
	server.close();
}

before(async () => {
	if (skip) return;
	dir = mkdtempSync(join(tmpdir(), "ctl-contract-"));
	chain = await startChain();
	w = await world(chain);
	keys = [await newKey("a"), await newKey("b"), await newKey("c")];
	// the application's owner is somebody whose key is a file
	await go(w.app.transferOwnership(keys[0].address));
	const owner = new ethers.Wallet((await import("node:fs")).readFileSync(keys[0].file, "utf8").trim(), chain.provider);
	await go(w.app.connect(owner).acceptOwnership());
	address = await w.app.getAddress();
	w.owner = owner;
});
after(() => {
	chain?.stop();
	if (dir) rmSync(dir, { recursive: true });
});

test("the owner allows and denies", { skip }, async () => {
	const out = await ok("allow", "compose-hash", word(77), ...to(address), "--key", keys[0].file);
	assert.match(out, /^transaction 0x[0-9a-f]{64}\ndone in block \d+\n$/);
	assert.equal(await w.app.allowedComposeHashes(word(77)), true);
	await ok("deny", "compose-hash", word(77).slice(2), ...to(address), "--key", keys[0].file);
	assert.equal(await w.app.allowedComposeHashes(word(77)), false);
	await ok("allow", "device", word(78), ...to(address), "--key", keys[0].file);
	assert.equal(await w.app.allowedDeviceIds(word(78)), true);
});

test("nobody else does", { skip }, async () => {
	const stranger = keys[1].address.toLowerCase();
	await fails(1, new RegExp(`would refuse: reverted: OwnableUnauthorizedAccount: ${stranger} is not the owner\n$`),
		"allow", "compose-hash", word(1), ...to(address), "--key", keys[1].file);
	await fails(1, new RegExp(`reverted: NotApprover: ${stranger} is not an approver\n$`),
		"approve", "allow", "compose-hash", word(1), ...to(address), "--key", keys[1].file);
	// no such function, and no word about it
	await fails(1, /would refuse: the node says/, "allow", "os-image", word(1), ...to(address), "--key", keys[0].file);
});

test("what is wrong has a name", { skip }, async () => {
	await fails(2, /expected compose-hash, device, os-image/, "allow", "everything", word(1), ...to(address));
	await fails(2, /expected 64 hex digits/, "allow", "device", "12", ...to(address));
	await fails(2, /--key is needed/, "allow", "device", word(1), ...to(address));
	await fails(2, /expected allow or deny/, "approve", "add", "device", word(1), ...to(address));
	await fails(2, /expected https, or http to a loopback/, "history", ...to(address, "http://192.0.2.1/"));
	await fails(2, /--chain-id and --address are needed/, "history", "--rpc", chain.url);
	await fails(1, /on chain 31337, expected 1$/m, "history", "--rpc", chain.url, "--chain-id", "1", "--address", address);
	await fails(1, /there is no contract/, "history", ...to(ethers.Wallet.createRandom().address), "--block", "latest");
	chmodSync(keys[1].file, 0o644);
	await fails(1, /expected mode 0600, got 0644/, "allow", "device", word(1), ...to(address), "--key", keys[1].file);
	chmodSync(keys[1].file, 0o600);
	writeFileSync(join(dir, "bad"), "hello", { mode: 0o600 });
	await fails(1, /expected 64 hex digits/, "allow", "device", word(1), ...to(address), "--key", join(dir, "bad"));
});

test("the call alone", { skip }, async () => {
	assert.equal((await ok("--dry-run", "allow", "device", word(5))).trim(), w.app.interface.encodeFunctionData("addDevice", [word(5)]));
	const inner = w.app.interface.encodeFunctionData("removeComposeHash", [word(5)]);
	assert.equal((await ok("--dry-run", "approve", "deny", "compose-hash", word(5))).trim(), w.app.interface.encodeFunctionData("approve", [inner]));
});

test("two of three approve, a fourth executes", { skip }, async () => {
	await go(w.app.connect(w.owner).setApprovers(keys.map((k) => k.address), 2));
	const what = ["allow", "compose-hash", word(90), ...to(address)];
	await fails(1, /would refuse: reverted: NeedsApproval: /, ...what, "--key", keys[0].file);
	await fails(1, /reverted: NotApproved: operation 0x[0-9a-f]{8}\.\. does not/, "execute", ...what, "--key", keys[0].file);
	await ok("approve", ...what, "--key", keys[0].file);
	await fails(1, new RegExp(`reverted: AlreadyApproved: operation 0x[0-9a-f]{8}\\.\\. has the approval of ${keys[0].address.toLowerCase()} already`),
		"approve", ...what, "--key", keys[0].file);
	await ok("approve", ...what, "--key", keys[1].file);
	await ok("withdraw", ...what, "--key", keys[1].file);
	await ok("approve", ...what, "--key", keys[2].file);
	await fails(1, /reverted: NotReady: operation 0x[0-9a-f]{8}\.\. can be executed from \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ on/,
		"execute", ...what, "--key", keys[1].file);
	await chain.passTime(2 * 86400 + 1);
	await ok("execute", ...what, "--key", keys[1].file);
	assert.equal(await w.app.allowedComposeHashes(word(90)), true);
});

test("the history is whole, or it is not", { skip }, async () => {
	const latest = [...to(address), "--block", "latest"];
	const head = await w.app.historyHead();
	const out = await ok("history", ...latest, "--head", head);
	assert.match(out, new RegExp(`complete: ${await w.app.historyLength()} changes, head ${head} at block \\d+\n$`));
	assert.match(out, new RegExp(`^\\d+ ${keys[0].address.toLowerCase()} \\+ device ${word(78)}$`, "m"));
	assert.match(out, /- compose-hash 0x0{62}4d$/m);
	await fails(1, /the head is .*, expected 0{64}/, "history", ...latest, "--head", "00".repeat(32));
	await fails(1, /NOT COMPLETE: \d+ changes give head/, "history", ...latest, "--from", String(await chain.provider.getBlockNumber()));
	// a node that keeps one event to itself, or makes the proof up
	for (const [lie, message] of [
		[(q, a) => q.method === "eth_getLogs" && a.result.splice(1, 1), /NOT COMPLETE/],
		[(q, a) => q.method === "eth_getLogs" && (a.result[0].topics[3] = word(1)), /NOT COMPLETE/],
		[(q, a) => q.method === "eth_getLogs" && (a.result[0].address = ethers.ZeroAddress), /not one that was asked for/],
		[(q, a) => q.method === "eth_getProof" && a.result.storageProof.reverse(), /eth_getProof/],
	])
		await through(lie, (url) => fails(1, message, "history", ...to(address, url), "--block", "latest"));
});

test("a history that does not fit into one reply", { skip }, async () => {
	const many = (q, a) => q.method === "eth_getLogs" && a.result.length > 2; // a block may have two
	const whole = new RegExp(`complete: ${await w.app.historyLength()} changes`);
	for (const limit of [
		(q, a) => many(q, a) && (delete a.result, (a.error = { code: -32005, message: "query returned more than 2 results" })),
		(q, a) => many(q, a) && (a.padding = "x".repeat(2 << 20)),
	])
		await through(limit, async (url) => assert.match(await ok("history", ...to(address, url), "--block", "latest"), whole));
	// however few blocks are asked for
	const none = (q, a) => q.method === "eth_getLogs" && (delete a.result, (a.error = { message: "no" }));
	await through(none, (url) => fails(1, /eth_getLogs: the node says: no/, "history", ...to(address, url), "--block", "latest"));
});
