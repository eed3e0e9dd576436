// SPDX-License-Identifier: Apache-2.0
/* Tests of the signature schemes: rows 16 and 17 of spec/guest-api 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/keys/derive.h>

#include <ds/keys/sign.h>

static const char message[] = "Test message for signing";

static const struct {
	enum ds_sign_alg alg;
	const char *pub, *sig;
} rows[] = {
	{ DS_SIGN_ED25519, "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d",
	  "5d1b901403e9a4a03b4f854d0895abd7289f68381cd1044212c0e0c779493fc4886bfd139e3b8e6bf214d38b"
	  "2ae15a3"
	  "2708f8f18805061a2079cca1c79288f04" },
	{ DS_SIGN_SECP256K1, "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54",
	  "673932366ab5452967919dbb290a20b095e0a65ef35baa7bd47abcc23e37f0dc3f42c80fc1680af6ba57c9cb"
	  "5bcf08f"
	  "5d89aa4b6f69c819ef28045b0e0134992" },
};

static void signing_key(uint8_t key[32])
{
	uint8_t app[32];

	assert_int_equal(ds_hex_decode_exact(
				 "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d",
				 app, 32),
			 0);
	assert_int_equal(ds_app_key(app, DS_SPAN_LIT("vms"), key), 0);
}

static void vectors(void **state)
{
	uint8_t key[32], sig[64], pub[33];
	char hex[129];

	signing_key(key);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		size_t pub_n = strlen(rows[i].pub) / 2;
		bool ok = false;

		assert_int_equal(ds_sign_data(rows[i].alg, key, DS_SPAN_STR(message), sig), 0);
		assert_string_equal(ds_hex_encode(sig, 64, hex), rows[i].sig);
		assert_int_equal(ds_hex_decode_exact(rows[i].pub, pub, pub_n), 0);
		assert_int_equal(ds_sign_verify(rows[i].alg, DS_SPAN(pub, pub_n), DS_SPAN_STR(message),
					     DS_SPAN_ARRAY(sig), &ok),
				 0);
		assert_true(ok);
		/* another message, then a damaged signature */
		assert_int_equal(ds_sign_verify(rows[i].alg, DS_SPAN(pub, pub_n), DS_SPAN_LIT("x"),
					     DS_SPAN_ARRAY(sig), &ok),
				 0);
		assert_false(ok);
		sig[63] ^= 1;
		assert_int_equal(ds_sign_verify(rows[i].alg, DS_SPAN(pub, pub_n), DS_SPAN_STR(message),
					     DS_SPAN_ARRAY(sig), &ok),
				 0);
		assert_false(ok);
	}
}

static void prehashed(void **state)
{
	uint8_t key[32], sig[64], pub[33], digest[40] = { 0 };
	size_t pub_n;
	bool ok = false;

	signing_key(key);
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(message), digest), 0);
	assert_int_equal(ds_sign_data(DS_SIGN_SECP256K1_PREHASHED, key, DS_SPAN(digest, 31), sig),
			 -EINVAL);
	assert_int_equal(ds_sign_data(DS_SIGN_SECP256K1_PREHASHED, key, DS_SPAN(digest, 33), sig),
			 -EINVAL);
	assert_int_equal(ds_sign_data(DS_SIGN_SECP256K1_PREHASHED, key, DS_SPAN(digest, 32), sig), 0);
	assert_int_equal(ds_app_key_pub(DS_KEY_ALG_SECP256K1, key, pub, &pub_n), 0);
	/* the same as signing the message, and longer data is cut */
	assert_int_equal(ds_sign_verify(DS_SIGN_SECP256K1, DS_SPAN(pub, pub_n), DS_SPAN_STR(message),
				     DS_SPAN_ARRAY(sig), &ok),
			 0);
	assert_true(ok);
	assert_int_equal(ds_sign_verify(DS_SIGN_SECP256K1_PREHASHED, DS_SPAN(pub, pub_n),
				     DS_SPAN_ARRAY(digest), DS_SPAN_ARRAY(sig), &ok),
			 0);
	assert_true(ok);
	/* shorter data stands at the right, and too short data verifies nothing */
	memset(digest, 0, sizeof(digest));
	digest[31] = 9;
	assert_int_equal(ds_sign_data(DS_SIGN_SECP256K1_PREHASHED, key, DS_SPAN(digest, 32), sig), 0);
	assert_int_equal(ds_sign_verify(DS_SIGN_SECP256K1_PREHASHED, DS_SPAN(pub, pub_n),
				     DS_SPAN(digest + 16, 16), DS_SPAN_ARRAY(sig), &ok),
			 0);
	assert_true(ok);
	assert_int_equal(ds_sign_verify(DS_SIGN_SECP256K1_PREHASHED, DS_SPAN(pub, pub_n),
				     DS_SPAN(digest + 17, 15), DS_SPAN_ARRAY(sig), &ok),
			 0);
	assert_false(ok);
}

static void malformed(void **state)
{
	uint8_t sig[64] = { 1 }, pub[65] = { 2 };
	enum ds_sign_alg alg;
	bool ok = true;

	assert_int_equal(ds_sign_alg_parse("k256", &alg), 0);
	assert_int_equal(alg, DS_SIGN_SECP256K1);
	assert_int_equal(ds_sign_alg_parse("", &alg), -EOPNOTSUPP);
	assert_int_equal(ds_sign_alg_parse("rsa", &alg), -EOPNOTSUPP);
	assert_int_equal(
		ds_sign_verify(DS_SIGN_ED25519, DS_SPAN(pub, 31), DS_SPAN_NULL, DS_SPAN(sig, 64), &ok),
		-EBADMSG);
	assert_int_equal(
		ds_sign_verify(DS_SIGN_ED25519, DS_SPAN(pub, 32), DS_SPAN_NULL, DS_SPAN(sig, 63), &ok),
		-EBADMSG);
	assert_int_equal(
		ds_sign_verify(DS_SIGN_SECP256K1, DS_SPAN(pub, 32), DS_SPAN_NULL, DS_SPAN(sig, 64), &ok),
		-EBADMSG);
	assert_int_equal(
		ds_sign_verify(DS_SIGN_SECP256K1, DS_SPAN(pub, 65), DS_SPAN_NULL, DS_SPAN(sig, 64), &ok),
		-EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(prehashed),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
