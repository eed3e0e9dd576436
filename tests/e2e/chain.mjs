// SPDX-License-Identifier: Apache-2.0
// node chain.mjs DIR: a chain (anvil) with KmsAuth and two applications. One has two of three approvers and accepts any device;
// the other has its owner alone, no device, and is not registered yet. The keys of owner, a, b and c go to files in DIR. Prints
// URL, KmsAuth, the two applications; then does what stdin says, a line each: time SECONDS, register ADDRESS.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { behindProxy, deploy, ethers, go, startChain } from "../../kms/contracts/test/chain.mjs";

const [dir] = process.argv.slice(2);
const chain = await startChain();
process.on("exit", () => chain.stop());
process.on("SIGTERM", () => process.exit(143));
// Accounts of our own, in files that dstackctl can read.
const accounts = [];
for (const name of ["owner", "a", "b", "c"]) {
	const wallet = ethers.Wallet.createRandom(chain.provider);
	writeFileSync(join(dir, name), wallet.privateKey.slice(2) + "\n", { mode: 0o600 });
	await go((await chain.signer(0)).sendTransaction({ to: wallet.address, value: ethers.parseEther("10") }));
	accounts.push(wallet);
}
const [owner, ...approvers] = accounts;
const implementation = await (await deploy("AppAuth", owner)).getAddress();
const kms = await behindProxy("KmsAuth", owner, "initialize", [owner.address, implementation]);
const make = () =>
	behindProxy("AppAuth", owner, "initialize(address,bool,bool,bytes32,bytes32)", [owner.address, false, false, ethers.ZeroHash, ethers.ZeroHash]);
const [many, one] = [await make(), await make()];
await go(many.setAllowAnyDevice(true));
await go(many.setApprovers(approvers.map((w) => w.address), 2));
await go(kms.registerApp(await many.getAddress()));

const plain = async (c) => (await c.getAddress()).slice(2).toLowerCase();
console.log(chain.url, await plain(kms), await plain(many), await plain(one));
for await (const line of createInterface({ input: process.stdin })) {
	const [what, value] = line.split(" ");
	if (what === "time") await chain.passTime(value);
	else await go(kms.registerApp("0x" + value));
	console.log("DONE");
}
process.exit(0);
