// SPDX-License-Identifier: Apache-2.0
// Every reason of spec kms 4.9, the application's own restrictions, approvals, delays, history.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { behindProxy, contracts, deploy, ethers, failure, go, startChain, word, world } from "./chain.mjs";

const DAY = 86400;
let chain, w, snapshot, a1, a2, a3, outsider;

before(async () => {
	chain = await startChain();
	[a1, a2, a3, outsider] = await Promise.all([2, 3, 4, 5].map(chain.signer));
	w = await world(chain);
});
after(() => chain.stop());
beforeEach(async () => {
	if (snapshot) await chain.provider.send("evm_revert", [snapshot]);
	snapshot = await chain.provider.send("evm_snapshot", []);
});

const app = (change = {}) => w.kms.isAppAllowed({ ...w.boot, ...change });
const appOn = (tee, change = {}) => w.kms.isAppAllowedOn({ ...w.boot, ...change }, tee);
const kms = (change = {}) => w.kms.isKmsAllowed({ ...w.boot, ...change });
const yes = [true, ""];
const no = (reason) => [false, reason];
const says = async (promise, expected) => assert.deepEqual([...(await promise)], expected);
const fails = async (promise, name) => assert.equal(await failure(promise, w.app.interface), name);
const call = (c, name, ...args) => c.interface.encodeFunctionData(name, args);
const addresses = (...s) => Promise.all(s.map((x) => x.getAddress()));
const approvers = async (m, ...s) => go(w.app.setApprovers(await addresses(...s), m));

test("a key server: every reason", async () => {
	await says(kms(), yes);
	await says(kms({ tcbStatus: "uptodate" }), no("TCB status is not up to date"));
	await says(kms({ osImageHash: word(1) }), no("OS image is not allowed"));
	await says(kms({ mrAggregated: word(1) }), no("Aggregated MR not allowed"));
	await says(kms({ deviceId: word(1) }), no("KMS is not allowed to boot on this device"));
	await go(w.kms.removeKmsAggregatedMr(word(8)));
	await says(kms(), no("Aggregated MR not allowed"));
});

test("an application: every reason", async () => {
	await says(app(), yes);
	await says(app({ appId: ethers.ZeroAddress }), no("App not registered"));
	await says(app({ osImageHash: word(1) }), no("OS image is not allowed"));
	const empty = ethers.Wallet.createRandom().address;
	await go(w.kms.registerApp(empty));
	await says(app({ appId: empty }), no("App not deployed or invalid address"));
	await says(app({ tcbStatus: "OutOfDate" }), no("TCB status is not up to date"));
	await says(app({ composeHash: word(1) }), no("Compose hash not allowed"));
	await says(app({ deviceId: word(1) }), no("Device not allowed"));
	await go(w.app.setAllowAnyDevice(true));
	await says(app({ deviceId: word(1) }), yes);
	await go(w.app.setRequireTcbUpToDate(false));
	await says(app({ tcbStatus: "OutOfDate" }), yes);
	await go(w.app.removeComposeHash(word(10)));
	await says(app(), no("Compose hash not allowed"));
});

test("the application's own image, TEE and advisory rules", async () => {
	await go(w.app.setRestrictOsImages(true));
	await says(app(), no("OS image not allowed by the app"));
	await go(w.app.setOsImage(word(7), true));
	await says(app(), yes);
	await go(w.app.setRestrictTees(true));
	await says(app(), no("TEE is not known"));
	await says(appOn("dstack-tdx"), no("TEE not allowed"));
	await go(w.app.setTee("dstack-tdx", true));
	await says(appOn("dstack-tdx"), yes);
	await says(appOn("dstack-amd-sev-snp"), no("TEE not allowed"));
	await go(w.app.setAdvisoryDenied("INTEL-SA-00837", true));
	await says(appOn("dstack-tdx", { advisoryIds: ["A", "INTEL-SA-00837"] }), no("Advisory not allowed"));
	await says(appOn("dstack-tdx", { advisoryIds: ["A"] }), yes);
});

test("only the owner, while there are no approvers", async () => {
	const stranger = w.app.connect(outsider);
	const list = await addresses(outsider);
	for (const tx of [
		() => stranger.addComposeHash(word(1)),
		() => stranger.removeComposeHash(word(10)),
		() => stranger.addDevice(word(1)),
		() => stranger.setAllowAnyDevice(true),
		() => stranger.setRequireTcbUpToDate(false),
		() => stranger.setOsImage(word(1), true),
		() => stranger.setTee("x", true),
		() => stranger.setAdvisoryDenied("x", false),
		() => stranger.setApprovers(list, 1),
		() => stranger.setDelay(5 * DAY),
		() => stranger.disableUpgrades(),
	])
		await fails(tx(), "OwnableUnauthorizedAccount");
	await fails(stranger.approve(call(w.app, "addComposeHash", word(1))), "NotApprover");
	await fails(w.kms.connect(outsider).addOsImageHash(word(1)), "OwnableUnauthorizedAccount");
});

test("M of N: a code version needs M approvals and the delay, and is executed once", async () => {
	await approvers(2, a1, a2, a3);
	await fails(w.app.addComposeHash(word(20)), "NeedsApproval");
	const add = call(w.app, "addComposeHash", word(20));
	await go(w.app.connect(a1).approve(add));
	await fails(w.app.connect(a1).approve(add), "AlreadyApproved");
	await fails(w.app.connect(outsider).approve(add), "NotApprover");
	await fails(w.app.approve(add), "NotApprover"); // nor the owner
	await fails(w.app.connect(outsider).execute(add), "NotApproved");
	await go(w.app.connect(a2).approve(add));
	await fails(w.app.connect(outsider).execute(add), "NotReady");
	await says(app({ composeHash: word(20) }), no("Compose hash not allowed"));
	await chain.passTime(2 * DAY);
	await go(w.app.connect(outsider).execute(add));
	await says(app({ composeHash: word(20) }), yes);
	await fails(w.app.connect(outsider).execute(add), "NotApproved");
	// revoked by the owner at once; the old approvals do not bring it back
	await go(w.app.removeComposeHash(word(20)));
	await says(app({ composeHash: word(20) }), no("Compose hash not allowed"));
	await fails(w.app.connect(a1).execute(add), "NotApproved");
});

test("approvals can be withdrawn, lapse, and end with the approvers", async () => {
	await approvers(2, a1, a2, a3);
	const add = call(w.app, "addComposeHash", word(21));
	await go(w.app.connect(a1).approve(add));
	await go(w.app.connect(a2).approve(add));
	await go(w.app.connect(a2).withdrawApproval(add));
	await chain.passTime(2 * DAY);
	await fails(w.app.execute(add), "NotApproved");
	await go(w.app.connect(a3).approve(add)); // enough again: the delay starts anew
	await fails(w.app.execute(add), "NotReady");
	await chain.passTime(33 * DAY);
	await fails(w.app.execute(add), "Lapsed");
	await go(w.app.connect(a1).approve(add)); // from the beginning
	await fails(w.app.execute(add), "NotApproved");
	await go(w.app.connect(a2).approve(add));
	await chain.passTime(2 * DAY);
	// other approvers meanwhile: what the old ones approved is void
	const change = call(w.app, "setApprovers", await addresses(a3), 1);
	await go(w.app.connect(a1).approve(change));
	await go(w.app.connect(a2).approve(change));
	await chain.passTime(2 * DAY);
	await go(w.app.execute(change));
	await fails(w.app.execute(add), "NotApproved");
	await fails(w.app.connect(a1).approve(add), "NotApprover");
	assert.equal(await w.app.threshold(), 1n);
});

test("approvers are checked", async () => {
	const [x, y] = await addresses(a1, a2);
	for (const [list, m] of [[[x], 2], [[x], 0], [[], 1], [[x, x], 1], [[ethers.ZeroAddress], 1], [Array(33).fill(y), 1]])
		await fails(w.app.setApprovers(list, m), "InvalidApprovers");
});

test("an upgrade waits, also without approvers; disabling is for good", async () => {
	const impl = await deploy("AppAuth", w.owner);
	const to = await impl.getAddress();
	await fails(w.app.upgradeToAndCall(to, "0x"), "NeedsApproval");
	const up = call(w.app, "upgradeToAndCall", to, "0x");
	await go(w.app.approve(up));
	await fails(w.app.execute(up), "NotReady");
	await chain.passTime(2 * DAY);
	await go(w.app.execute(up));
	const slot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
	assert.equal(ethers.dataSlice(await chain.provider.getStorage(await w.app.getAddress(), slot), 12), to.toLowerCase());
	await says(app(), yes); // state is kept
	await go(w.app.disableUpgrades());
	await go(w.app.approve(up));
	await chain.passTime(2 * DAY);
	await fails(w.app.execute(up), "Upgrades are permanently disabled");
});

test("a former owner's approval does not count", async () => {
	const impl = await (await deploy("AppAuth", w.owner)).getAddress();
	const up = call(w.app, "upgradeToAndCall", impl, "0x");
	await go(w.app.approve(up));
	await go(w.app.transferOwnership(await outsider.getAddress()));
	await go(w.app.connect(outsider).acceptOwnership());
	await chain.passTime(2 * DAY);
	await fails(w.app.execute(up), "NotApproved");
	// nor the time that began with it
	await go(w.app.connect(outsider).approve(up));
	await fails(w.app.execute(up), "NotReady");
	await chain.passTime(2 * DAY);
	await go(w.app.execute(up));
});

test("a proxy of the baseline's that was upgraded has the delay, too", async () => {
	// its initializer has run long ago, and knew of no delay
	const slot = "0xb3e9075bad5cdfd9808df8037ff9f619a2274c46adbaa7c29300b0b06c26d202";
	await chain.provider.send("anvil_setStorageAt", [await w.app.getAddress(), slot, ethers.ZeroHash]);
	assert.equal(await w.app.delay(), BigInt(2 * DAY));
	await fails(w.app.setDelay(3600), "NeedsApproval");
	const up = call(w.app, "upgradeToAndCall", await (await deploy("AppAuth", w.owner)).getAddress(), "0x");
	await go(w.app.approve(up));
	await fails(w.app.execute(up), "NotReady");
	await chain.passTime(2 * DAY);
	await go(w.app.execute(up));
});

test("the delay is raised at once and lowered by an operation", async () => {
	await go(w.app.setDelay(5 * DAY));
	await fails(w.app.setDelay(2 * DAY), "NeedsApproval");
	await fails(w.app.setDelay(60), "InvalidDelay");
	await fails(w.app.setDelay(91 * DAY), "InvalidDelay");
	const lower = call(w.app, "setDelay", 3600);
	await go(w.app.approve(lower));
	await chain.passTime(2 * DAY);
	await fails(w.app.execute(lower), "NotReady");
	await chain.passTime(3 * DAY);
	await go(w.app.execute(lower));
	assert.equal(await w.app.delay(), 3600n);
});

test("tightening needs no approval in M of N, loosening does", async () => {
	await approvers(2, a1, a2);
	await fails(w.app.setAllowAnyDevice(true), "NeedsApproval");
	await fails(w.app.setRequireTcbUpToDate(false), "NeedsApproval");
	await fails(w.app.setOsImage(word(1), true), "NeedsApproval");
	await fails(w.app.setAdvisoryDenied("x", false), "NeedsApproval");
	await go(w.app.setRestrictTees(true));
	await fails(w.app.setRestrictTees(false), "NeedsApproval");
	await go(w.app.setAdvisoryDenied("x", true));
	await go(w.app.removeDevice(word(9)));
	await says(appOn("x"), no("TEE not allowed"));
});

test("the history's head is the fold of its events", async () => {
	await go(w.app.addComposeHash(word(30)));
	await go(w.app.removeComposeHash(word(30)));
	await go(w.app.setRestrictTees(true));
	for (const c of [w.app, w.kms]) {
		let head = ethers.ZeroHash;
		const events = await c.queryFilter(c.filters.PolicyChanged(), 0);
		for (const { args: e } of events)
			head = ethers.keccak256(
				ethers.AbiCoder.defaultAbiCoder().encode(["bytes32", "address", "bytes32", "bytes32", "bool"], [head, e.actor, e.policy, e.value, e.enabled]),
			);
		assert.equal(await c.historyHead(), head);
		assert.equal(await c.historyLength(), BigInt(events.length));
	}
});

test("a baseline application contract is asked the baseline's question", async () => {
	// stands in for a deployed DstackApp: answers isAppAllowed with (true, "") and supports no interface of ours
	const legacy = await new ethers.ContractFactory(
		[],
		// PUSH1 1 PUSH0 MSTORE PUSH1 64 PUSH1 32 MSTORE PUSH1 96 PUSH0 RETURN for selector 1e079198, else revert
		"0x" + "6020600d60003960206000f3fe" + "5f3560e01c631e079198146011575f5ffd5b60015f5260406020526060" + "5ff3" + "00",
		w.owner,
	).deploy();
	await go(legacy.deploymentTransaction());
	const appId = await legacy.getAddress();
	await go(w.kms.registerApp(appId));
	await says(appOn("dstack-tdx", { appId }), yes);
});

test("nobody initializes twice, or an implementation", async () => {
	await fails(w.kms.initialize(await outsider.getAddress(), ethers.ZeroAddress), "InvalidInitialization");
	const impl = await deploy("KmsAuth", w.owner);
	await fails(impl.initialize(await outsider.getAddress(), ethers.ZeroAddress), "InvalidInitialization");
});

test("a KMS contract under approvers: an image needs M of N", async () => {
	const k = await behindProxy("KmsAuth", w.owner, "initialize", [await w.owner.getAddress(), ethers.ZeroAddress]);
	await go(k.setApprovers(await addresses(a1, a2), 2));
	await fails(k.addOsImageHash(word(7)), "NeedsApproval");
	const add = call(k, "addOsImageHash", word(7));
	await go(k.connect(a1).approve(add));
	await go(k.connect(a2).approve(add));
	await chain.passTime(2 * DAY);
	await go(k.execute(add));
	assert.equal(await k.allowedOsImages(word(7)), true);
	assert.equal(await failure(k["deployAndRegisterApp(address,bool,bool,bytes32,bytes32)"](await a1.getAddress(), false, true, word(0), word(0)), k.interface), "app implementation is not set");
});
