// SPDX-License-Identifier: Apache-2.0
// The official SDK's half of the encrypted environment, for tests/integration/26-kms-env.sh.
//   verify APP-ID <reply      who signed, by the signature with a time and by the older one
//   encrypt PUBLIC-KEY <env   the environment {"env":[...]} encrypted, in hex
//   decrypt FILE <key         what FILE holds, with WebCrypto and the SDK's X25519
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.NODE_MODULES + '/');
const load = (name) => import(pathToFileURL(require.resolve(name)));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const [what, arg] = process.argv.slice(2);
const input = readFileSync(0);

if (what === 'verify') {
	const { verifyEnvEncryptPublicKey, verifyEnvEncryptPublicKeyLegacy } = await load('@phala/dstack-sdk');
	const r = JSON.parse(input);
	const key = bytes(r.public_key);
	console.log(verifyEnvEncryptPublicKey(key, bytes(r.signature_v1), arg, r.timestamp),
		verifyEnvEncryptPublicKeyLegacy(key, bytes(r.signature), arg));
} else if (what === 'encrypt') {
	const { encryptEnvVars } = await load('@phala/dstack-sdk/encrypt-env-vars');
	console.log(await encryptEnvVars(JSON.parse(input).env, arg));
} else if (what === 'decrypt') {
	const { x25519 } = await load('@noble/curves/ed25519');
	const blob = readFileSync(arg);
	const shared = x25519.getSharedSecret(bytes(input.toString().trim()), blob.subarray(0, 32));
	const key = await crypto.subtle.importKey('raw', shared, 'AES-GCM', false, ['decrypt']);
	const text = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: blob.subarray(32, 44) }, key, blob.subarray(44));
	process.stdout.write(Buffer.from(text));
} else {
	process.exit(2);
}
