// SPDX-License-Identifier: Apache-2.0
// What callers of the deployed DstackKms and DstackApp rely on: selectors, event topics, interface ids, storage slots.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { contracts, ethers } from "./chain.mjs";

const tuple = "(address,bytes32,address,bytes32,bytes32,bytes32,bytes32,string,string[])";
const both = {
	"owner()": "8da5cb5b",
	"pendingOwner()": "e30c3978",
	"transferOwnership(address)": "f2fde38b",
	"acceptOwnership()": "79ba5097",
	"renounceOwnership()": "715018a6",
	"upgradeToAndCall(address,bytes)": "4f1ef286",
	"proxiableUUID()": "52d1902d",
	"UPGRADE_INTERFACE_VERSION()": "ad3cb1cc",
	"supportsInterface(bytes4)": "01ffc9a7",
	[`isAppAllowed(${tuple})`]: "1e079198",
};
const selectors = {
	KmsAuth: {
		...both,
		"initialize(address,address)": "485cc955",
		[`isKmsAllowed(${tuple})`]: "e067ec9d",
		"kmsInfo()": "09177063",
		"gatewayAppId()": "95f51931",
		"appImplementation()": "25a992da",
		"registeredApps(address)": "a6c4cce9",
		"kmsAllowedAggregatedMrs(bytes32)": "f6fe4f40",
		"kmsAllowedDeviceIds(bytes32)": "13eb9770",
		"allowedOsImages(bytes32)": "9a4e1d18",
		"setKmsInfo((bytes,bytes,bytes,bytes))": "7d025352",
		"setKmsQuote(bytes)": "18c1ecb2",
		"setKmsEventlog(bytes)": "736ede7a",
		"setGatewayAppId(string)": "3971db27",
		"setAppImplementation(address)": "3ceaaa11",
		"addKmsAggregatedMr(bytes32)": "3e32d346",
		"removeKmsAggregatedMr(bytes32)": "2adee48d",
		"addKmsDevice(bytes32)": "4d5922a1",
		"removeKmsDevice(bytes32)": "9e6f3114",
		"addOsImageHash(bytes32)": "06a3ae96",
		"removeOsImageHash(bytes32)": "9425bac6",
		"registerApp(address)": "17a1d80f",
		"deployAndRegisterApp(address,bool,bool,bool,bytes32,bytes32)": "9cb9c31f",
		"deployAndRegisterApp(address,bool,bool,bytes32,bytes32)": "8618169d",
	},
	AppAuth: {
		...both,
		"initialize(address,bool,bool,bool,bytes32,bytes32)": "9ed28193",
		"initialize(address,bool,bool,bytes32,bytes32)": "187515ca",
		"allowedComposeHashes(bytes32)": "2f6622e5",
		"allowedDeviceIds(bytes32)": "bf8b211b",
		"allowAnyDevice()": "3440a16a",
		"requireTcbUpToDate()": "0aa58c83",
		"version()": "54fd4d50",
		"addComposeHash(bytes32)": "dfc77223",
		"removeComposeHash(bytes32)": "67b3f22c",
		"addDevice(bytes32)": "2a819728",
		"removeDevice(bytes32)": "1d266200",
		"setAllowAnyDevice(bool)": "7c4beeb8",
		"setRequireTcbUpToDate(bool)": "6e4c7422",
		"disableUpgrades()": "ec669036",
	},
};
const topics = {
	KmsAuth: {
		AppRegistered: "0d540ad8f39e07d19909687352b9fa017405d93c91a6760981fbae9cf28bfef7",
		AppDeployedViaFactory: "fd86d7f6962eba3b7a3bf9129c06c0b2f885e1c61ef2c9f0dbb856be0deefdee",
		AppImplementationSet: "08bb433f12b5fd81d2d5e0deeb3b4d28371781ddbd80e9d053e7468d2b1aa82d",
		KmsInfoSet: "77cdad119a452bbd96c45635758fc4af8a6bde3deaccf3fada634ddf9a162706",
		GatewayAppIdSet: "5b2b64f770ea5266055ebd3ebf205ef06cbfa738e62684edf0e28356e34acf06",
		KmsAggregatedMrAdded: "68615a0b92795750b3d180ff73429e1291d225e449eee954a567b91104fd9837",
		KmsAggregatedMrRemoved: "54cd662e41eec7ddf0f32f034b2533e481b471dd3ea978222d609ec8fffb1bb0",
		KmsDeviceAdded: "f2b290637b1193e12eb38ab32b986303639b1687cc2cd1e25f993e6eae2f4041",
		KmsDeviceRemoved: "1a9888a45e3df8b7e6bb3090747d598d2a0d78e61388161a90799f54df8f4434",
		OsImageHashAdded: "4911843506849c85a5ca6e6e2c01eed2d3ab86baba619517a2aad9d5ab2aeff2",
		OsImageHashRemoved: "99b3cee95daf3138d0c982299cd0264f5b7a61aa629b42b92f3ec8966aa7f6fe",
		PolicyChanged: "341d3bc64e32172fc5bcf27b0f7f69dc5adc19af64b7aa1dee361e5883c32375",
	},
	AppAuth: {
		ComposeHashAdded: "fecb34306dd9d8b785b54d65489d06afc8822a0893ddacedff40c50a4942d0af",
		ComposeHashRemoved: "755b79bd4b0eeab344d032284a99003b2ddc018b646752ac72d681593a6e8947",
		DeviceAdded: "67fc71ab96fe3fa3c6f78e9a00e635d591b7333ce611c0380bc577aac702243b",
		DeviceRemoved: "e0862975ac517b0478d308012afabc4bc37c23874a18144d7f2dfb852ff95c2c",
		AllowAnyDeviceSet: "bb2cdb6c7b362202d40373f87bc4788301cca658f91711ac1662e1ad2cba4a20",
		RequireTcbUpToDateSet: "afae60561b2481a349b45b3a47357f70eef6ae67e5b6e1749d74de7f19a25aa1",
		UpgradesDisabled: "0e5daa943fcd7e7182d0e893d180695c2ea9f6f1b4a1c5432faf14cf17b774e8",
		PolicyChanged: "341d3bc64e32172fc5bcf27b0f7f69dc5adc19af64b7aa1dee361e5883c32375",
	},
};
// label slot offset. A row of the baseline may never move; rows of ours may only be added from the gap.
const layout = {
	KmsAuth: [
		"kmsInfo 0 0",
		"gatewayAppId 4 0",
		"registeredApps 5 0",
		"kmsAllowedAggregatedMrs 6 0",
		"kmsAllowedDeviceIds 7 0",
		"allowedOsImages 8 0",
		"appImplementation 9 0",
		"__gap 10 0",
	],
	AppAuth: [
		"allowedComposeHashes 0 0",
		"_upgradesDisabled 1 0",
		"allowAnyDevice 1 1",
		"allowedDeviceIds 2 0",
		"requireTcbUpToDate 3 0",
		"restrictOsImages 3 1",
		"restrictTees 3 2",
		"allowedOsImages 4 0",
		"_allowedTees 5 0",
		"_deniedAdvisories 6 0",
		"__gap 7 0",
	],
};

for (const name of ["KmsAuth", "AppAuth"]) {
	test(`${name}: selectors of the deployed contracts`, () => {
		for (const [signature, selector] of Object.entries(selectors[name])) assert.equal(contracts[name].methods[signature], selector, signature);
	});
	test(`${name}: event topics of the deployed contracts`, () => {
		const iface = new ethers.Interface(contracts[name].abi);
		for (const [event, topic] of Object.entries(topics[name])) assert.equal(iface.getEvent(event)?.topicHash, "0x" + topic, event);
	});
	test(`${name}: storage layout`, () => {
		assert.deepEqual(
			contracts[name].storage.map((s) => `${s.label} ${s.slot} ${s.offset}`),
			layout[name],
		);
	});
}

test("every error has words in userspace/lib/eth/revert.c", () => {
	const table = readFileSync(new URL("../../../userspace/lib/eth/revert.c", import.meta.url), "utf8");
	const named = [...table.matchAll(/^\t\{ "(\w+\([\w,]*\))", "([ahnt]*)"/gm)].map((m) => [m[1], m[2]]);
	const letters = { address: /a/, bytes32: /h/, uint64: /[nt]/ };
	const errors = new Map(["KmsAuth", "AppAuth"].flatMap((name) => contracts[name].abi.filter((e) => e.type === "error")
		.map((e) => [`${e.name}(${e.inputs.map((i) => i.type)})`, e.inputs])));
	assert.deepEqual(named.map(([signature]) => signature).sort(), [...errors.keys()].sort());
	for (const [signature, args] of named) {
		assert.equal(args.length, errors.get(signature).length, signature);
		errors.get(signature).forEach((input, i) => assert.match(args[i], letters[input.type], signature));
	}
});

test("interface id of the management functions", () => {
	const m = contracts.AppAuth.methods;
	const id = ["addComposeHash(bytes32)", "removeComposeHash(bytes32)", "addDevice(bytes32)", "removeDevice(bytes32)"]
		.map((s) => parseInt(m[s], 16))
		.reduce((a, b) => a ^ b, 0);
	assert.equal((id >>> 0).toString(16), "8fd37527");
});

test("namespaced storage is where ERC-7201 says", () => {
	const inner = BigInt(ethers.id("dstack-c.governed")) - 1n;
	const slot = BigInt(ethers.keccak256(ethers.zeroPadValue(ethers.toBeHex(inner), 32))) & ~0xffn;
	// solc puts the constant into the bytecode.
	assert.ok(contracts.KmsAuth.bytecode.includes(slot.toString(16).padStart(64, "0")));
});
