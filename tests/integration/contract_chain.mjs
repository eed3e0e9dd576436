// SPDX-License-Identifier: Apache-2.0
// node contract_chain.mjs IMAGE COMPOSE: a chain (anvil) with the policy contracts, an image and an application that runs
// COMPOSE on any device, and three nodes that pass questions on to it. Prints KMS contract, application, URLs of the nodes; then
// does what stdin says, a line each, and answers DONE:
//   allow, deny              the application's compose hash
//   kms MR DEVICE, unkms MR  a key server
//   lie N yes|no, honest     node N gives every question about a machine that answer, whatever the contract says
import http from "node:http";
import { createInterface } from "node:readline";
import { ethers, go, startChain, world } from "../../kms/contracts/test/chain.mjs";

const [image, compose] = process.argv.slice(2).map((x) => "0x" + x);
const chain = await startChain();
const w = await world(chain);
const nodes = [];
const says = (yes) => ethers.AbiCoder.defaultAbiCoder().encode(["bool", "string"], [yes, yes ? "" : "no"]);

async function startNode() {
	const node = { lie: null };
	node.server = http.createServer(async (req, res) => {
		let body = "";
		for await (const piece of req) body += piece;
		const q = JSON.parse(body);
		const answer = await (await fetch(chain.url, { method: "POST", headers: { "Content-Type": "application/json" }, body })).json();
		// a question about a machine has arguments, gatewayAppId() and the like have none
		if (node.lie && q.method === "eth_call" && q.params[0].data.length > 100) answer.result = says(node.lie === "yes");
		res.end(JSON.stringify(answer));
	});
	await new Promise((r) => node.server.listen(0, "127.0.0.1", r));
	node.url = `http://127.0.0.1:${node.server.address().port}`;
	nodes.push(node);
}

const words = {
	allow: () => go(w.app.addComposeHash(compose)),
	deny: () => go(w.app.removeComposeHash(compose)),
	kms: async (mr, device) => {
		await go(w.kms.addKmsAggregatedMr("0x" + mr));
		await go(w.kms.addKmsDevice("0x" + device));
	},
	unkms: (mr) => go(w.kms.removeKmsAggregatedMr("0x" + mr)),
	lie: (n, what) => (nodes[n].lie = what),
	honest: () => nodes.forEach((n) => (n.lie = null)),
};

await go(w.kms.addOsImageHash(image));
await go(w.app.addComposeHash(compose));
await go(w.app.setAllowAnyDevice(true));
for (let i = 0; i < 3; i++) await startNode();
console.log(...[w.kms, w.app].map((c) => c.target.slice(2).toLowerCase()), ...nodes.map((n) => n.url));
for await (const line of createInterface({ input: process.stdin })) {
	const [word, ...args] = line.split(" ");
	await words[word](...args);
	console.log("DONE");
}
nodes.forEach((n) => (n.server.closeAllConnections(), n.server.close()));
chain.stop();
