// SPDX-License-Identifier: Apache-2.0
// node contract_chain.mjs IMAGE COMPOSE: a chain (anvil) with the policy contracts, an image and an application that runs
// COMPOSE on any device. Prints URL, KMS contract, application; then does what stdin says, a line each: allow, deny.
import { createInterface } from "node:readline";
import { go, startChain, world } from "../../kms/contracts/test/chain.mjs";

const [image, compose] = process.argv.slice(2).map((x) => "0x" + x);
const chain = await startChain();
const w = await world(chain);
await go(w.kms.addOsImageHash(image));
await go(w.app.addComposeHash(compose));
await go(w.app.setAllowAnyDevice(true));
console.log(chain.url, (await w.kms.getAddress()).slice(2).toLowerCase(), (await w.app.getAddress()).slice(2).toLowerCase());
for await (const line of createInterface({ input: process.stdin })) {
	if (line === "allow") await go(w.app.addComposeHash(compose));
	else await go(w.app.removeComposeHash(compose));
	console.log("DONE");
}
chain.stop();
