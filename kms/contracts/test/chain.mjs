// SPDX-License-Identifier: Apache-2.0
// A chain of our own (anvil on loopback, a port of its choice) with both contracts deployed as in production: behind proxies.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = process.env.NODE_MODULES ?? join(here, "../node_modules");
const require = createRequire(join(modules, "x.js"));
export const ethers = require("ethers");
const out = process.env.CONTRACTS ?? join(here, "../../../build/contracts");
export const contracts = Object.fromEntries(
	["KmsAuth", "AppAuth", "ERC1967Proxy"].map((name) => [name, JSON.parse(readFileSync(join(out, `${name}.json`), "utf8"))]),
);

export async function startChain() {
	const bin = require.resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
	const child = spawn(bin, ["--port", "0", "--host", "127.0.0.1", "--hardfork", "cancun"], { stdio: ["ignore", "pipe", "inherit"] });
	const url = await new Promise((resolve, reject) => {
		child.on("exit", (code) => reject(new Error(`anvil ended with ${code}`)));
		createInterface({ input: child.stdout }).on("line", (l) => {
			const m = l.match(/Listening on ([0-9.]+:[0-9]+)/);
			if (m) resolve(`http://${m[1]}`);
		});
	});
	const provider = new ethers.JsonRpcProvider(url, undefined, { cacheTimeout: -1, staticNetwork: true, batchMaxCount: 1 });
	provider.pollingInterval = 20;
	const signer = (i) => provider.getSigner(i);
	return {
		url,
		provider,
		signer,
		async passTime(seconds) {
			await provider.send("evm_increaseTime", [Number(seconds)]);
			await provider.send("evm_mine", []);
		},
		stop() {
			provider.destroy();
			child.removeAllListeners("exit");
			child.kill();
		},
	};
}

export async function deploy(name, signer, ...args) {
	const c = await new ethers.ContractFactory(contracts[name].abi, contracts[name].bytecode, signer).deploy(...args);
	await go(c.deploymentTransaction());
	return c;
}

export async function behindProxy(name, signer, init, args) {
	const impl = await deploy(name, signer);
	const proxy = await deploy("ERC1967Proxy", signer, await impl.getAddress(), impl.interface.encodeFunctionData(init, args));
	return new ethers.Contract(await proxy.getAddress(), contracts[name].abi, signer);
}

export const word = (n) => ethers.zeroPadValue(ethers.toBeHex(n), 32);

/** A KMS contract with one image, and an application of `owner` that accepts one compose hash and device. */
export async function world(chain) {
	const owner = await chain.signer(0);
	const appOwner = await chain.signer(1);
	const appImpl = await deploy("AppAuth", owner);
	const kms = await behindProxy("KmsAuth", owner, "initialize", [await owner.getAddress(), await appImpl.getAddress()]);
	await go(kms.addOsImageHash(word(7)));
	await go(kms.addKmsAggregatedMr(word(8)));
	await go(kms.addKmsDevice(word(9)));
	const receipt = await go(
		kms
			.connect(appOwner)
			["deployAndRegisterApp(address,bool,bool,bool,bytes32,bytes32)"](await appOwner.getAddress(), false, true, false, word(9), word(10)),
	);
	const made = receipt.logs.map((l) => kms.interface.parseLog(l)).find((l) => l?.name === "AppDeployedViaFactory");
	const app = new ethers.Contract(made.args.appId, contracts.AppAuth.abi, appOwner);
	const boot = {
		appId: made.args.appId,
		composeHash: word(10),
		instanceId: ethers.ZeroAddress,
		deviceId: word(9),
		mrAggregated: word(8),
		mrSystem: word(11),
		osImageHash: word(7),
		tcbStatus: "UpToDate",
		advisoryIds: [],
	};
	return { owner, appOwner, kms, app, boot };
}

/** The receipt of a transaction. ethers waits for new block numbers, which a chain put back to a snapshot does not have. */
export async function go(promise) {
	const tx = await promise;
	for (;;) {
		const receipt = await tx.provider.getTransactionReceipt(tx.hash);
		if (receipt?.status === 0) throw new Error(`${tx.hash} failed`);
		if (receipt) return receipt;
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

/** The name of the custom error, or the text of require(), that a call ended with; "" if it went through. */
export async function failure(promise, iface) {
	try {
		await go(promise);
		return "";
	} catch (e) {
		const data = e.data ?? e.info?.error?.data?.data ?? e.info?.error?.data;
		if (typeof data === "string" && data.length >= 10) {
			const err = iface.parseError(data);
			if (err) return err.name === "Error" ? err.args[0] : err.name;
		}
		return e.reason ?? e.message;
	}
}
