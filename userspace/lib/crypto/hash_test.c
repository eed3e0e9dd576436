// SPDX-License-Identifier: Apache-2.0
/* Hashes, key derivation and report data: published vectors and those of the specification. */
#include "vec_test.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <ds/crypto/hash.h>
#include <ds/crypto/kdf.h>
#include <ds/crypto/rand.h>

static void sha_of_parts(void **state)
{
	const struct ds_span abc[] = { DS_SPAN_LIT("a"), DS_SPAN_NULL, DS_SPAN_LIT("bc") };
	uint8_t out[64];

	assert_int_equal(ds_sha256(abc, 3, out), 0);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(ds_sha384(abc, 3, out), 0);
	assert_hex(out, 48,
		   "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		   "8086072ba1e7cc2358baeca134c825a7");
	assert_int_equal(ds_sha512(abc, 3, out), 0);
	assert_hex(out, 64,
		   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	assert_int_equal(ds_sha256_1(DS_SPAN_NULL, out), 0);
	assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, cases 1, 2 and 6 */
static void hmac(void **state)
{
	const struct ds_span two[] = { DS_SPAN_LIT("what do ya want "),
				       DS_SPAN_LIT("for nothing?") };
	const struct ds_span hi = DS_SPAN_LIT("Hi There");
	const struct ds_span big =
		DS_SPAN_LIT("Test Using Larger Than Block-Size Key - Hash Key First");
	uint8_t key[131], out[32];

	memset(key, 0x0b, 20);
	assert_int_equal(ds_hmac_sha256(DS_SPAN(key, 20), &hi, 1, out), 0);
	assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_int_equal(ds_hmac_sha256(DS_SPAN_LIT("Jefe"), two, 2, out), 0);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	assert_int_equal(ds_hmac_sha256(DS_SPAN_ARRAY(key), &big, 1, out), 0);
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/*
 * Messages 00 01 02 ... around each rate, from a second implementation that agrees with another
 * library's SHA-3 when its padding byte is 06.
 */
static const struct {
	size_t n_out, n;
	const char *want;
} keccaks[] = {
	{ 32, 0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" },
	{ 32, 135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62" },
	{ 32, 136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e" },
	{ 32, 137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db" },
	{ 32, 271, "7c974895b2a88303ff2dc6b58f438ceb0b298cac91099ac0539cc0f477506191" },
	{ 32, 272, "fdf2ec49e749960d3c8521a0219af8d03e30e2b3bf19bd16150ee0eaf133d66e" },
	{ 32, 413, "42c05358750e234b362cda466256976eaca19fa6c03dc6e7a745c05ee834a80b" },
	{ 48, 0,
	  "2c23146a63a29acf99e73b88f8c24eaa7dc60aa771780ccc006afbfa8fe2479b2dd2b21362337441ac12b515"
	  "911957ff" },
	{ 48, 103,
	  "594b7f9a689485dba9802ed9f13e986b0b9bb83b448d402a37a628fedbeee0783b1d03c8a9a211fe9d8269a6"
	  "a45ad0a1" },
	{ 48, 104,
	  "7f6de44434fc3011507c34186e81e80174f82052f4c63e67b85fc82835ec7659a767052484569835c98bcdc8"
	  "2c785e3f" },
	{ 48, 105,
	  "1480a097d5c3cc04b85bfba18666c3fd5f246744f8798f247f3c107187d8899a2711edd8aa5cfcaf77b9f334"
	  "50c8d785" },
	{ 64, 0,
	  "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304"
	  "c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e" },
	{ 64, 71,
	  "fe0953f9afdffed7ff9764c2590ff0e6af1b0689e42ddca68d6ef003ddce2671"
	  "b806e0d2e6d57117bb75ad6166e2e990ca662b6a7f8945584f5308459eabae15" },
	{ 64, 72,
	  "76fa23369085405345fe6a2831f334113bee6b111056e21072082af56e7c1ab4"
	  "458858dbdb5f88e0d86d38ca654310c9a30712319c1f4f9783fe9f3ac0469527" },
	{ 64, 73,
	  "e417b9573c871d948d48f62f6b16ea6cd1f1557a462ff5c1ae276d14d2fb43cd"
	  "7084631656bf60f4ceb881133113d304335bd93487e8ec3e845ebc3c1877ca12" },
};

static void keccak(void **state)
{
	uint8_t msg[413], out[64];
	const struct ds_span abc = DS_SPAN_LIT("abc");

	for (size_t i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)i;
	for (size_t i = 0; i < DS_ARRAY_SIZE(keccaks); i++) {
		/* however the message is cut, the result is the same */
		for (size_t cut = 0; cut <= keccaks[i].n; cut += 45) {
			const struct ds_span parts[] = { DS_SPAN(msg, cut),
							 DS_SPAN(msg + cut, keccaks[i].n - cut) };

			ds_keccak(parts, 2, out, keccaks[i].n_out);
			assert_hex(out, keccaks[i].n_out, keccaks[i].want);
		}
	}
	ds_keccak256(&abc, 1, out);
	assert_hex(out, 32, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

/* spec/guest-api 5, rows 1 and 2 */
static void kdf_vectors(void **state)
{
	struct ds_span a = hex("1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b");
	const struct ds_span vms = DS_SPAN_LIT("vms");
	const struct ds_span v_ms[] = { DS_SPAN_LIT("v"), DS_SPAN_NULL, DS_SPAN_LIT("ms") };
	uint8_t out[32];

	assert_int_equal(ds_hmac_sha256(DS_SPAN_LIT("RATLS"), &a, 1, out), 0);
	assert_hex(out, 32, "2ec0d0713445f8badcb6c4817e46b11ad9c138255bb61bfdf530bd7662a4bb66");
	assert_int_equal(ds_kdf_ratls(a, &vms, 1, out, 32), 0);
	assert_hex(out, 32, "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f");
	assert_int_equal(ds_kdf_ratls(a, v_ms, 3, out, 32), 0);
	assert_hex(out, 32, "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f");
}

static void oracle(struct ds_span ikm, struct ds_span info, uint8_t *out, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);

	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_hkdf_salt(ctx, (const uint8_t *)"RATLS", 5), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_hkdf_key(ctx, ikm.p, (int)ikm.n), 1);
	assert_int_equal(EVP_PKEY_CTX_add1_hkdf_info(ctx, info.p, (int)info.n), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, out, &n), 1);
	EVP_PKEY_CTX_free(ctx);
}

/* Every output length class against OpenSSL's own HKDF. */
static void kdf_against_openssl(void **state)
{
	static const size_t lengths[] = { 1, 31, 32, 33, 64, 65, 255, DS_KDF_MAX };
	static uint8_t got[DS_KDF_MAX], want[DS_KDF_MAX];
	struct ds_span ikm = DS_SPAN_LIT("key"), info = DS_SPAN_LIT("some context");
	uint8_t path[5000];

	for (size_t i = 0; i < DS_ARRAY_SIZE(lengths); i++) {
		assert_int_equal(ds_kdf_ratls(ikm, &info, 1, got, lengths[i]), 0);
		oracle(ikm, info, want, lengths[i]);
		assert_memory_equal(got, want, lengths[i]);
	}
	assert_int_equal(ds_kdf_ratls(ikm, &info, 1, got, 0), -EINVAL);
	assert_int_equal(ds_kdf_ratls(ikm, &info, 1, got, DS_KDF_MAX + 1), -EINVAL);
	/* longer than OpenSSL's limit for the info */
	memset(path, 'p', sizeof(path));
	info = DS_SPAN_ARRAY(path);
	assert_int_equal(ds_kdf_ratls(ikm, &info, 1, got, 32), 0);
}

/* spec/guest-api 6.1, rows 24 to 27; the others from another SHA-3 library */
static void report_data(void **state)
{
	uint8_t out[64], raw[64];
	struct ds_err err = DS_ERR_NULL;
	static const struct {
		const char *alg, *content, *want;
	} rows[] = {
		{ "", "test content",
		  "7ea0b744ed5e9c0c83ff9f575668e1697652cd349f2027cdf26f918d4c53e8cd"
		  "50b5ea9b449b4c3d50e20ae00ec29688d5a214e8daff8a10041f5d624dae8a01" },
		{ "sha512", "test content",
		  "7ea0b744ed5e9c0c83ff9f575668e1697652cd349f2027cdf26f918d4c53e8cd"
		  "50b5ea9b449b4c3d50e20ae00ec29688d5a214e8daff8a10041f5d624dae8a01" },
		{ "sha256", "test",
		  "a5d2ef1e94583bef4a02b29278af41b662d239beb36937a993108841b6b3c1fc"
		  "0000000000000000000000000000000000000000000000000000000000000000" },
		{ "keccak256", "test",
		  "b877945563d5025eec520b6bb150efcf4c368c491ff1947529be3125d4e5ecb6"
		  "0000000000000000000000000000000000000000000000000000000000000000" },
		{ "keccak384", "test",
		  "a551aba3b52b345ceeaba78660e95318fd404f947efa8ce16134a9d7dd370248"
		  "c7a8cf4711dce74e8c4feb01abb45ea900000000000000000000000000000000" },
		{ "sha384", "test",
		  "520c310d0fa18bedd24891ad191a9b785befe672f518d1c1a5b8d4b6cfb4f233"
		  "815b825aaaa5466334fe6e2fd3f2c6a400000000000000000000000000000000" },
		{ "sha3-256", "test",
		  "893acdd0162e33594df56553bea2079b99d7d562284f9eb7fd9458e2add81fe8"
		  "0000000000000000000000000000000000000000000000000000000000000000" },
		{ "sha3-384", "test",
		  "47b4d35de7240cf179ac5fde22464fa3a076e5142ba0f629b400602b5f2bfe7f"
		  "01a1bf2d63ef5abbff50a381d7031be300000000000000000000000000000000" },
		{ "sha3-512", "test",
		  "4ffccda90bf80d7dd814350ebd438f5b3b77aab1d387b27967778597794cc696"
		  "311f5cd0f50697b796f621ee5c78784e5d847953f3f1120c48519ce6e4648b4c" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(ds_report_data(rows[i].alg, DS_SPAN_LIT("app-data"),
						DS_SPAN_STR(rows[i].content), out, &err),
				 0);
		assert_hex(out, 64, rows[i].want);
	}
	memset(raw, 7, sizeof(raw));
	assert_int_equal(ds_report_data("raw", DS_SPAN_LIT("x"), DS_SPAN_ARRAY(raw), out, &err), 0);
	assert_memory_equal(out, raw, 64);
	assert_int_equal(ds_report_data("raw", DS_SPAN_LIT("x"), DS_SPAN(raw, 63), out, &err),
			 -EINVAL);
	assert_string_equal(err.msg, "invalid content length");
	assert_int_equal(ds_report_data("SHA512", DS_SPAN_LIT("x"), DS_SPAN(raw, 1), out, &err),
			 -EINVAL);
	assert_string_equal(err.msg, "invalid hash algorithm");
}

static void rand_differs(void **state)
{
	uint8_t a[300] = { 0 }, b[300] = { 0 };

	assert_int_equal(ds_rand(a, sizeof(a)), 0);
	assert_int_equal(ds_rand(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, 32);
	assert_memory_not_equal(a + 268, b + 268, 32);
	assert_int_equal(ds_rand(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha_of_parts),
		cmocka_unit_test(hmac),
		cmocka_unit_test(keccak),
		cmocka_unit_test(kdf_vectors),
		cmocka_unit_test(kdf_against_openssl),
		cmocka_unit_test(report_data),
		cmocka_unit_test(rand_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
