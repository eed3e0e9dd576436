// SPDX-License-Identifier: Apache-2.0
// node build.mjs [OUT]: compile the contracts with solc; OUT (default ../../build/contracts) gets NAME.json with abi,
// bytecode, method identifiers and storage layout. Warnings are errors.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
// Where the packages are; the source tree itself has no node_modules.
const modules = process.env.NODE_MODULES ?? join(here, "node_modules");
const solc = createRequire(join(modules, "x.js"))("solc");

function compile() {
	const ours = readdirSync(here).filter((f) => f.endsWith(".sol"));
	const sources = Object.fromEntries(ours.map((f) => [f, { content: readFileSync(join(here, f), "utf8") }]));
	const input = {
		language: "Solidity",
		sources,
		settings: {
			optimizer: { enabled: true, runs: 200 },
			evmVersion: "cancun",
			metadata: { bytecodeHash: "none", appendCBOR: false },
			outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.methodIdentifiers", "storageLayout"] } },
		},
	};
	const out = JSON.parse(
		solc.compile(JSON.stringify(input), {
			import: (path) => {
				try {
					return { contents: readFileSync(join(modules, path), "utf8") };
				} catch (e) {
					return { error: String(e) };
				}
			},
		}),
	);
	const faults = (out.errors ?? []).filter((e) => e.severity !== "info");
	if (faults.length) throw new Error(faults.map((e) => e.formattedMessage).join("\n"));
	const ret = {};
	for (const [file, names] of [
		["KmsAuth.sol", ["KmsAuth"]],
		["AppAuth.sol", ["AppAuth"]],
		["@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol", ["ERC1967Proxy"]],
	])
		for (const name of names) {
			const c = out.contracts[file][name];
			ret[name] = {
				abi: c.abi,
				bytecode: "0x" + c.evm.bytecode.object,
				methods: c.evm.methodIdentifiers,
				storage: (c.storageLayout?.storage ?? []).map(({ label, slot, offset, type }) => ({
					label,
					slot: Number(slot),
					offset,
					type: type.replace(/\)\d+_/g, ")_"),
				})),
			};
		}
	return ret;
}

const dir = process.argv[2] ?? join(here, "../../build/contracts");
mkdirSync(dir, { recursive: true });
for (const [name, c] of Object.entries(compile())) writeFileSync(join(dir, `${name}.json`), JSON.stringify(c, null, 1));
