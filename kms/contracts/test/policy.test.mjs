// SPDX-License-Identifier: Apache-2.0
// dstack-kms-policy against a chain, through nodes that lie, lag, hang or are somewhere else.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { ethers, go, startChain, word, world } from "./chain.mjs";

const bin = join(process.env.BIN ?? "build/bin", "dstack-kms-policy");
const skip = existsSync(bin) ? false : `${bin} is not built`;
const hex = (x) => x.slice(2).toLowerCase();
let chain, w, dir, nodes, daemon, snapshot, calls;

/** A node: passes requests on to the chain, and changes what it is told to. */
async function startNode() {
	const node = { fault: null, asked: [] };
	node.server = http.createServer(async (req, res) => {
		let body = "";
		for await (const piece of req) body += piece;
		const q = JSON.parse(body);
		node.asked.push(q.method);
		if (node.fault?.hang) return;
		if (node.fault?.drop) return req.socket.destroy();
		if (node.fault?.garbage) return res.end("<html>");
		if (node.fault?.big) return res.write(" "), res.end(" ".repeat(2 << 20)); // no length in front
		if (node.fault?.status) return res.writeHead(node.fault.status).end(body);
		if (node.fault?.redirect) return res.writeHead(302, { Location: chain.url }).end();
		if (node.fault?.ask) node.fault.ask(q);
		const answer = await (await fetch(chain.url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(q) })).json();
		if (node.fault?.answer) node.fault.answer(q, answer);
		res.end(JSON.stringify(answer));
	});
	await new Promise((r) => node.server.listen(0, "127.0.0.1", r));
	node.url = `http://127.0.0.1:${node.server.address().port}/key-of-the-account`;
	return node;
}

async function startDaemon(options = "", endpoints = nodes) {
	const port = join(dir, "port");
	rmSync(port, { force: true });
	// a key may be there once
	const defaults = { state: join(dir, "seen"), block: "latest", max_block_age: 4000000000, lease_seconds: 2, timeout_ms: 1500 };
	const unless = Object.entries(defaults).filter(([k]) => !options.match(new RegExp(`^${k} `, "m")));
	writeFileSync(
		join(dir, "conf"),
		`[contract]\nchain_id = 31337\naddress = ${await w.kms.getAddress()}\n` +
			unless.map(([k, v]) => `${k} = ${v}\n`).join("") +
			`${options}\n[api]\nlisten = 127.0.0.1:0\nport_file = ${port}\n` +
			endpoints.map((n, i) => `[endpoint n${i}]\nurl = ${n.url}\n`).join(""),
	);
	const child = spawn(bin, ["--config", join(dir, "conf")], { stdio: ["ignore", "ignore", "pipe"] });
	const d = { child, log: [] };
	const lines = createInterface({ input: child.stderr });
	await new Promise((resolve) => {
		lines.on("line", (l) => {
			d.log.push(l);
			if (l.includes("event=ready")) resolve();
		});
		child.on("exit", resolve);
	});
	if (child.exitCode === null) d.url = `http://127.0.0.1:${readFileSync(port, "utf8").trim()}`;
	d.stop = async () => {
		if (child.exitCode !== null) return;
		const code = await new Promise((r) => (child.on("exit", r), child.kill()));
		assert.equal(code, 0, d.log.slice(-30).join("\n"));
	};
	return d;
}

const body = (boot, tee = "dstack-tdx") => ({
	teeVariant: tee,
	mrAggregated: hex(boot.mrAggregated),
	osImageHash: hex(boot.osImageHash),
	mrSystem: hex(boot.mrSystem),
	appId: hex(boot.appId),
	composeHash: hex(boot.composeHash),
	instanceId: "",
	deviceId: hex(boot.deviceId),
	keyProviderInfo: "",
	tcbStatus: boot.tcbStatus,
	advisoryIds: boot.advisoryIds,
});
async function post(path, json) {
	const r = await fetch(daemon.url + path, { method: "POST", body: typeof json === "string" ? json : JSON.stringify(json) });
	return { status: r.status, ...(await r.json()) };
}
// An advisory that nobody denies makes each question a new one.
const app = (change = {}, tee) => post("/bootAuth/app", body({ ...w.boot, advisoryIds: [`N-${calls++}`], ...change }, tee));
const kms = (change = {}) => post("/bootAuth/kms", body({ ...w.boot, advisoryIds: [`N-${calls++}`], ...change }));
async function says(promise, allowed, reason = "") {
	const r = await promise;
	assert.deepEqual([r.status, r.isAllowed, r.reason], [200, allowed, reason], daemon.log.slice(-3).join("\n"));
	return r;
}
async function closed(promise, why) {
	const r = await promise;
	assert.deepEqual([r.status, r.isAllowed, r.reason], [503, false, "authorization backend unavailable"]);
	assert.match(daemon.log.filter((l) => l.includes("event=unavailable")).at(-1), why);
}
const logged = (re) => assert.ok(daemon.log.some((l) => re.test(l)), `${re} is not in\n${daemon.log.join("\n")}`);
async function restart(options, endpoints) {
	await daemon?.stop();
	daemon = await startDaemon(options, endpoints);
}
const leaseOver = () => new Promise((r) => setTimeout(r, 2100));

before(async () => {
	if (skip) return;
	calls = 0;
	dir = mkdtempSync(join(tmpdir(), "kms-policy-"));
	chain = await startChain();
	w = await world(chain);
	await go(w.kms.setGatewayAppId("0x" + "ab".repeat(20)));
	nodes = await Promise.all([startNode(), startNode(), startNode()]);
});
after(async () => {
	await daemon?.stop();
	nodes?.forEach((n) => (n.server.closeAllConnections(), n.server.close()));
	chain?.stop();
	if (dir) rmSync(dir, { recursive: true });
});
beforeEach(async () => {
	if (skip) return;
	for (const n of nodes) Object.assign(n, { fault: null, asked: [] });
	if (snapshot) await chain.provider.send("evm_revert", [snapshot]);
	snapshot = await chain.provider.send("evm_snapshot", []);
	rmSync(join(dir, "seen"), { force: true });
});

test("an application: every reason", { skip }, async () => {
	await restart("proofs = all");
	const r = await says(app(), true);
	assert.equal(r.gatewayAppId, "0x" + "ab".repeat(20));
	assert.equal(r.chainId, 31337);
	assert.equal(r.kmsContractAddr, (await w.kms.getAddress()).toLowerCase());
	assert.equal(r.blockHash, (await chain.provider.getBlock(r.blockNumber)).hash);
	await says(app({ appId: ethers.ZeroAddress }), false, "App not registered");
	await says(app({ osImageHash: word(1) }), false, "OS image is not allowed");
	await says(app({ tcbStatus: "OutOfDate" }), false, "TCB status is not up to date");
	await says(app({ composeHash: word(1) }), false, "Compose hash not allowed");
	await says(app({ deviceId: word(1) }), false, "Device not allowed");
	const empty = ethers.Wallet.createRandom().address;
	await go(w.kms.registerApp(empty));
	await go(w.app.setAllowAnyDevice(true));
	await leaseOver();
	await says(app({ appId: empty }), false, "App not deployed or invalid address");
	await says(app({ deviceId: word(1) }), true);
	await go(w.app.setRestrictTees(true));
	await go(w.app.setTee("dstack-tdx", true));
	await leaseOver();
	await says(app(), true);
	await says(app({}, "dstack-amd-sev-snp"), false, "TEE not allowed");
});

test("a key server: every reason", { skip }, async () => {
	await restart();
	await says(kms(), true);
	await says(kms({ tcbStatus: "uptodate" }), false, "TCB status is not up to date");
	await says(kms({ osImageHash: word(1) }), false, "OS image is not allowed");
	await says(kms({ mrAggregated: word(1) }), false, "Aggregated MR not allowed");
	await says(kms({ deviceId: word(1) }), false, "KMS is not allowed to boot on this device");
});

test("what it says of itself", { skip }, async () => {
	await restart();
	const r = await (await fetch(daemon.url + "/")).json();
	assert.equal(r.status, "ok");
	assert.equal(r.gatewayAppId, "0x" + "ab".repeat(20));
	assert.equal(r.appImplementation, (await w.kms.appImplementation()).toLowerCase());
	assert.equal(r.historyHead, await w.kms.historyHead());
	for (const n of nodes) n.asked = [];
	await restart("proofs = off\nask_tee = no");
	await says(app(), true);
	assert.ok(!nodes.some((n) => n.asked.includes("eth_getProof")));
});

test("requests that are none", { skip }, async () => {
	await restart();
	for (const change of [{ appId: "xx" }, { appId: "00".repeat(21) }, { deviceId: "00".repeat(64) }, { tcbStatus: 1 }, { advisoryIds: [1] }, { advisoryIds: Array(129).fill("") }, { composeHash: undefined }]) {
		const r = await post("/bootAuth/app", { ...body(w.boot), ...change });
		assert.deepEqual([r.status, r.isAllowed], [400, false]);
	}
	assert.equal((await post("/bootAuth/app", "[]")).status, 400);
	assert.equal(nodes[0].asked.length, 0);
});

// One of three: the others decide.
const yes = ethers.AbiCoder.defaultAbiCoder().encode(["bool", "string"], [true, ""]);
const no = ethers.AbiCoder.defaultAbiCoder().encode(["bool", "string"], [false, "no"]);
const lie = (value) => ({ answer: (q, a) => q.method === "eth_call" && q.params[0].data.length > 100 && (a.result = value) });
const of = (method, change) => ({ answer: (q, a) => q.method === method && change(a, q) });
const otherChain = of("eth_chainId", (a) => (a.result = "0x1"));
for (const [name, fault, message] of [
	["lies", lie(no), /endpoint-disagrees name=n0/],
	["is down", { drop: true }, /endpoint-failed name=n0/],
	["hangs", { hang: true }, /endpoint-failed name=n0.*no reply in time/],
	["is on another chain", otherChain, /endpoint-failed name=n0.*chain: expected 31337, got 1"/],
	["talks nonsense", { garbage: true }, /endpoint-failed name=n0/],
	["talks too much", { big: true }, /endpoint-failed name=n0.*too large/],
	["has an error status", { status: 500 }, /endpoint-failed name=n0.*status 200, got 500/],
	["sends us elsewhere", { redirect: true }, /endpoint-failed name=n0.*status 200, got 302/],
	["has another state", of("eth_getBlockByNumber", (a) => (a.result.stateRoot = word(1))), /endpoint-disagrees name=n0 op=block/],
	["claims a later block", of("eth_getBlockByNumber", (a, q) => q.params[0] === "latest" && (a.result.number = "0xffffff")), null],
	["holds back", { ask: (q) => q.method === "eth_getBlockByNumber" && q.params[0] === "latest" && (q.params[0] = "0x1") }, null],
])
	test(`one of three ${name}`, { skip }, async () => {
		nodes[0].fault = fault;
		await restart();
		const r = await says(app(), true);
		assert.equal(r.blockNumber, await chain.provider.getBlockNumber());
		// who answers when the others have agreed already is not heard
		for (let i = 0; message && i < 50 && !daemon.log.some((l) => message.test(l)); i++) await says(app(), true);
		if (message) logged(message);
		assert.ok(!daemon.log.some((l) => l.includes("key-of-the-account")));
	});

// Nothing is proven here: the two that are honest are all there is.
for (const liar of [0, 1, 2])
	test(`one of three, n${liar}, lies yes while two say no, and no while two say yes`, { skip }, async () => {
		await restart("proofs = off");
		nodes[liar].fault = lie(yes);
		await says(app({ composeHash: word(1) }), false, "Compose hash not allowed");
		await says(kms({ mrAggregated: word(1) }), false, "Aggregated MR not allowed");
		nodes[liar].fault = lie(no);
		await says(app(), true);
		await says(kms(), true);
	});

test("two of three that lie alike are the limit; two that fail are too many", { skip }, async () => {
	nodes[0].fault = nodes[1].fault = otherChain;
	await restart();
	await closed(app(), /expected 2 of 3 endpoints to agree/);
	nodes[0].fault = nodes[1].fault = { hang: true };
	await closed(app(), /expected 2 of 3 endpoints to agree/);
	nodes[0].fault = lie(no);
	nodes[1].fault = { drop: true };
	await closed(app(), /expected 2 of 3 endpoints to agree/);
	nodes[0].fault = nodes[1].fault = null;
	await leaseOver();
	await says(app(), true);
});

test("all say yes, the storage says no", { skip }, async () => {
	await restart();
	for (const n of nodes) n.fault = lie(yes);
	await closed(app({ osImageHash: word(1) }), /storage says no/);
	await closed(app({ appId: ethers.ZeroAddress }), /storage says no/);
	await closed(kms({ mrAggregated: word(1) }), /storage says no/);
	await closed(kms({ deviceId: word(1) }), /storage says no/);
	// what the application's contract keeps is looked at with proofs = all
	await says(app({ composeHash: word(1) }), true);
	await restart("proofs = all");
	await closed(app({ composeHash: word(1) }), /storage says no/);
	await closed(app({ deviceId: word(1) }), /storage says no/);
	await says(app(), true);
});

test("a proof that is none", { skip }, async () => {
	for (const n of nodes)
		n.fault = of("eth_getProof", (a) => {
			const p = a.result.storageProof.at(-1).proof;
			p[p.length - 1] = p[p.length - 1].replace(/.$/, (c) => (c === "1" ? "2" : "1"));
		});
	await restart();
	await closed(app(), /eth_getProof: expected 1 of 3/);
	nodes[2].fault = null; // one that has it is enough
	await says(app(), true);
});

test("an answer is used while its lease lasts, and not longer", { skip }, async () => {
	await restart();
	const same = { advisoryIds: ["SAME"] };
	await says(app(same), true);
	await go(w.app.removeComposeHash(word(10)));
	for (const n of nodes) n.fault = { drop: true };
	const asked = nodes[0].asked.length;
	await says(app(same), true);
	assert.equal(nodes[0].asked.length, asked);
	await leaseOver();
	await closed(app(same), /endpoints to agree/);
	for (const n of nodes) n.fault = null;
	await says(app(same), false, "Compose hash not allowed");
});

test("an answer that comes after its lease", { skip }, async () => {
	await restart("timeout_ms = 3000");
	// the call itself takes longer than the lease
	for (const n of nodes) {
		const server = n.server.listeners("request")[0];
		n.server.removeAllListeners("request");
		n.server.on("request", async (req, res) => {
			let slow = false;
			n.fault = { answer: (q) => (slow = q.method === "eth_call" && q.params[0].data.length > 100) };
			const end = res.end.bind(res);
			res.end = (text) => (slow ? setTimeout(() => end(text), 2200) : end(text));
			return server(req, res);
		});
		n.undo = () => (n.server.removeAllListeners("request"), n.server.on("request", server));
	}
	await closed(app(), /lease ran out/);
	nodes.forEach((n) => n.undo());
});

test("a block older than one that was seen, also after a restart", { skip }, async () => {
	const early = await chain.provider.send("evm_snapshot", []);
	for (let i = 0; i < 3; i++) await go(w.kms.addOsImageHash(word(200 + i)));
	await restart();
	const seen = (await says(app(), true)).blockNumber;
	assert.match(readFileSync(join(dir, "seen"), "utf8"), new RegExp(`^31337 ${seen} [0-9a-f]{64}\n$`));
	await chain.provider.send("evm_revert", [early]);
	await leaseOver();
	await closed(app(), new RegExp(`is older than ${seen}, which was seen`));
	await restart();
	await closed(app(), new RegExp(`is older than ${seen}, which was seen`));
	// the same height with another block on it
	for (let i = 0; i < 3; i++) await go(w.kms.addOsImageHash(word(300 + i)));
	assert.equal(await chain.provider.getBlockNumber(), seen);
	await closed(app(), /another hash than the one that was seen/);
	await go(w.kms.addOsImageHash(word(400)));
	await says(app(), true);
	snapshot = null;
});

test("a block that is too old by its own time", { skip }, async () => {
	await restart("max_block_age = 60");
	await says(app(), true);
	nodes[0].fault = of("eth_getBlockByNumber", (a) => (a.result.timestamp = "0x1"));
	await leaseOver();
	await says(app(), true);
	logged(/endpoint-failed name=n0 op=latest.*seconds old, expected at most 60/);
	for (const n of nodes) n.fault = of("eth_getBlockByNumber", (a) => (a.result.timestamp = ethers.toQuantity(Math.floor(Date.now() / 1000) - 90)));
	await leaseOver();
	await closed(app(), /seconds old, expected at most 60/);
	// lies about the time of the newest one only
	for (const n of nodes) n.fault = of("eth_getBlockByNumber", (a, q) => q.params[0] !== "latest" && (a.result.timestamp = "0x1"));
	await closed(app(), /seconds old, expected at most 60/);
});

test("a state that cannot be kept ends the answers", { skip }, async () => {
	await restart(`state = ${join(dir, "no", "such", "folder")}`);
	await closed(app(), /No such file/);
	writeFileSync(join(dir, "seen"), "1 5 " + "00".repeat(32) + "\n");
	await restart();
	assert.equal(daemon.child.exitCode, 1);
	assert.match(daemon.log.join(), /it is of chain 1, expected 31337/);
	writeFileSync(join(dir, "seen"), "31337 5\n");
	await restart();
	assert.match(daemon.log.join(), /expected CHAIN NUMBER HASH/);
});

test("configurations that are none", { skip }, async () => {
	for (const [options, endpoints, message] of [
		["quorum = 1", nodes, /quorum of 3 endpoints: expected 2 to 3, got 1/],
		["quorum = 4", nodes, /expected 2 to 3, got 4/],
		["block = earliest", nodes, /expected finalized, safe or latest/],
		["proofs = some", nodes, /expected off, kms or all/],
		["", [nodes[0], nodes[0], nodes[1]], /n0 and n1 are one and have one voice/],
		["", [{ url: "http://192.0.2.1/" }], /expected https, or http to a loopback/],
		["", [], /\[endpoint NAME\] is missing/],
	]) {
		await restart(options, endpoints);
		assert.equal(daemon.child.exitCode, 1);
		assert.match(daemon.log.join(), message);
	}
	await restart("quorum = 3");
	await says(app(), true);
	nodes[0].fault = lie(no);
	await closed(app(), /expected 3 of 3/);
});
