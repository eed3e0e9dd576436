// SPDX-License-Identifier: Apache-2.0
// Property: no sequence of calls by outsiders changes an authorization, who decides, or what runs.
// SEQUENCES=N and SEED=N choose how many and which.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { contracts, ethers, go, startChain, word, world } from "./chain.mjs";

const sequences = Number(process.env.SEQUENCES ?? 10);
const perSequence = 80;
let seed = Number(process.env.SEED ?? Date.now() % 1e9) >>> 0;
function rnd(n) {
	// mulberry32
	seed = (seed + 0x6d2b79f5) >>> 0;
	let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
	t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) % n;
}
let chain, w, actors, pool;

before(async () => {
	chain = await startChain();
	w = await world(chain);
});
after(() => chain.stop());

// Values that matter here, so that random calls hit something.
function value(type) {
	const pick = (list) => list[rnd(list.length)];
	if (type.baseType === "array") return Array.from({ length: rnd(3) }, () => value(type.arrayChildren));
	if (type.baseType === "tuple") return type.components.map(value);
	if (type.type === "address") return pick(pool);
	if (type.type === "bool") return rnd(2) === 1;
	if (type.type === "bytes32") return word(pick([1, 7, 8, 9, 10, 11, 12])); // those that state() asks about
	if (type.type === "bytes4") return ethers.dataSlice(word(rnd(1 << 30)), 28);
	if (type.type === "string") return pick(["", "UpToDate", "dstack-tdx", "INTEL-SA-00837"]);
	if (type.type === "bytes") return rnd(3) ? randomCall(rnd(2) ? w.kms : w.app) : "0x";
	if (type.type.startsWith("uint")) return BigInt(rnd(2) ? rnd(40) : rnd(100 * 86400));
	throw new Error(`no value of type ${type.type}`);
}
function randomCall(c) {
	const writes = c.interface.fragments.filter((f) => f.type === "function" && !["view", "pure"].includes(f.stateMutability));
	// a nested call must not nest for ever
	const f = writes[rnd(writes.length)];
	depth++;
	const data = depth > 3 ? "0x" : c.interface.encodeFunctionData(f, f.inputs.map(value));
	depth--;
	return data;
}
let depth = 0;

async function state() {
	const boots = [];
	for (const composeHash of [10, 11, 12]) for (const deviceId of [9, 1]) for (const tcbStatus of ["UpToDate", "OutOfDate"])
		boots.push({ ...w.boot, composeHash: word(composeHash), deviceId: word(deviceId), tcbStatus });
	const read = [];
	for (const b of boots) {
		read.push(w.kms.isKmsAllowed(b), w.kms.isAppAllowed(b), w.kms.isAppAllowedOn(b, "dstack-tdx"), w.kms.isAppAllowed({ ...b, osImageHash: word(1) }));
	}
	for (const c of [w.kms, w.app]) {
		read.push(c.owner(), c.pendingOwner(), c.threshold(), c.delay(), c.approvers());
		read.push(chain.provider.getStorage(await c.getAddress(), "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"));
	}
	read.push(w.kms.appImplementation(), w.kms.gatewayAppId(), w.kms.kmsInfo());
	return JSON.stringify(await Promise.all(read), (_, v) => (typeof v === "bigint" ? v.toString() : v));
}

for (const mode of ["owner alone", "2 of 3 approvers"]) {
	test(`outsiders change nothing: ${mode}, ${sequences} sequences of ${perSequence}, SEED=${seed}`, async () => {
		actors = await Promise.all([6, 7, 8].map(chain.signer));
		if (mode !== "owner alone") {
			const list = await Promise.all([2, 3, 4].map(async (i) => (await chain.signer(i)).getAddress()));
			await go(w.app.setApprovers(list, 2));
			await go(w.kms.setApprovers(list, 2));
			// an operation of the insiders is under way, too
			await go(w.app.connect(await chain.signer(2)).approve(w.app.interface.encodeFunctionData("addComposeHash", [word(11)])));
		}
		pool = [...(await Promise.all(actors.map((a) => a.getAddress()))), await w.kms.getAddress(), await w.app.getAddress(), ethers.ZeroAddress];
		const expected = await state();
		let through = 0;
		for (let i = 0; i < sequences; i++) {
			const snapshot = await chain.provider.send("evm_snapshot", []);
			const said = [];
			for (let j = 0; j < perSequence; j++) {
				const c = rnd(2) ? w.kms : w.app;
				const data = randomCall(c);
				const from = await actors[rnd(actors.length)].getAddress();
				said.push(`${from} -> ${await c.getAddress()} ${data}`);
				const tx = await chain.provider.send("eth_sendTransaction", [{ from, to: await c.getAddress(), data, gas: "0x4c4b40" }]).catch(() => null);
				const receipt = tx && (await chain.provider.getTransactionReceipt(tx));
				if (receipt?.status === 1) through++;
				if (rnd(5) === 0) await chain.passTime(rnd(4) * 86400);
			}
			assert.equal(await state(), expected, `after:\n${said.join("\n")}`);
			await chain.provider.send("evm_revert", [snapshot]);
		}
		assert.ok(through > 0, "some calls went through (registerApp is for everybody)");
	});
}
