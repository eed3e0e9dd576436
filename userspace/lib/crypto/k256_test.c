// SPDX-License-Identifier: Apache-2.0
/* secp256k1 signatures. Vectors of the derivations are in lib/keys. */
#include "vec_test.h"

#include <ds/crypto/hash.h>
#include <ds/crypto/k256.h>

#define ORDER "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define HALF  "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"

static void secret_range(void **state)
{
	static const struct {
		const char *sk;
		int want;
	} rows[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000000", -ERANGE },
		{ "0000000000000000000000000000000000000000000000000000000000000001", 0 },
		{ "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", 0 },
		{ ORDER, -ERANGE },
	};
	uint8_t digest[32] = { 1 }, pub[33], full[65], sig[65];

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_span sk = hex(rows[i].sk);

		assert_int_equal(ds_k256_pub(sk.p, pub), rows[i].want);
		assert_int_equal(ds_k256_pub_full(sk.p, full), rows[i].want);
		assert_int_equal(ds_k256_check(sk.p), rows[i].want);
		assert_int_equal(ds_k256_sign_recoverable(sk.p, digest, sig), rows[i].want);
		assert_int_equal(ds_k256_sign(sk.p, digest, sig), rows[i].want);
	}
	/* the generator */
	assert_int_equal(ds_k256_pub(hex(rows[1].sk).p, pub), 0);
	assert_hex(pub, 33, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
}

/* A widely published RFC 6979 vector of this curve: key 1, SHA-256("Satoshi Nakamoto"). */
static void known_signature(void **state)
{
	static const char want[] =
		"934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
		"2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5";
	uint8_t sk[32] = { 0 }, digest[32], sig[65];

	sk[31] = 1;
	assert_int_equal(ds_sha256_1(DS_SPAN_LIT("Satoshi Nakamoto"), digest), 0);
	assert_int_equal(ds_k256_sign(sk, digest, sig), 0);
	assert_hex(sig, 64, want);
	assert_int_equal(ds_k256_sign_recoverable(sk, digest, sig), 0);
	assert_hex(sig, 64, want);
}

/* s -> n - s in place */
static void negate(uint8_t s[32])
{
	struct ds_span n = hex(ORDER);
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int d = n.p[i] - s[i] - borrow;

		borrow = d < 0;
		s[i] = (uint8_t)(d + 256 * borrow);
	}
}

static void sign_recover_verify(void **state)
{
	uint8_t sk[32], digest[32], pub[33], back[33], sig[65], high[65];

	for (uint8_t i = 1; i < 40; i++) {
		memset(sk, i, sizeof(sk));
		assert_int_equal(ds_sha256_1(DS_SPAN(&i, 1), digest), 0);
		assert_int_equal(ds_k256_pub(sk, pub), 0);
		assert_int_equal(ds_k256_sign_recoverable(sk, digest, sig), 0);
		assert_true(memcmp(sig + 32, hex(HALF).p, 32) <= 0);
		assert_true(sig[64] <= 1);
		assert_int_equal(ds_k256_recover(sig, digest, back), 0);
		assert_memory_equal(back, pub, 33);
		assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(pub), digest, sig), 0);
		/* the same signature with high S recovers but is not accepted */
		memcpy(high, sig, sizeof(high));
		negate(high + 32);
		high[64] ^= 1;
		assert_int_equal(ds_k256_recover(high, digest, back), 0);
		assert_memory_equal(back, pub, 33);
		assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(pub), digest, high), -EKEYREJECTED);
		sig[64] ^= 1;
		if (!ds_k256_recover(sig, digest, back))
			assert_memory_not_equal(back, pub, 33);
		digest[0] ^= 1;
		assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(pub), digest, sig), -EKEYREJECTED);
	}
}

static void malformed(void **state)
{
	uint8_t sk[32], digest[32] = { 9 }, pub[33], sig[65], bad[65], full[65];
	static const struct {
		size_t at;
		const char *half;
	} rows[] = {
		{ 0, "0000000000000000000000000000000000000000000000000000000000000000" },
		{ 32, "0000000000000000000000000000000000000000000000000000000000000000" },
		{ 0, ORDER },
		{ 32, ORDER },
	};

	memset(sk, 5, sizeof(sk));
	assert_int_equal(ds_k256_pub(sk, pub), 0);
	assert_int_equal(ds_k256_sign_recoverable(sk, digest, sig), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		memcpy(bad, sig, sizeof(bad));
		memcpy(bad + rows[i].at, hex(rows[i].half).p, 32);
		assert_int_equal(ds_k256_recover(bad, digest, full), -EBADMSG);
		assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(pub), digest, bad), -EBADMSG);
	}
	memcpy(bad, sig, sizeof(bad));
	for (int v = 4; v < 256; v++) {
		bad[64] = (uint8_t)v;
		assert_int_equal(ds_k256_recover(bad, digest, full), -EBADMSG);
	}
	memset(bad, 0, sizeof(bad)); /* R is on no point: 5^3 + 7 is no square */
	bad[31] = 5;
	bad[63] = 1;
	assert_int_equal(ds_k256_recover(bad, digest, full), -EKEYREJECTED);
	/* keys: wrong length, wrong prefix, hybrid form, x that is on no point */
	assert_int_equal(ds_k256_verify(DS_SPAN(pub, 32), digest, sig), -EBADMSG);
	assert_int_equal(ds_k256_verify(DS_SPAN_NULL, digest, sig), -EBADMSG);
	pub[0] = 4;
	assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(pub), digest, sig), -EBADMSG);
	memcpy(full,
	       hex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
		   "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")
		       .p,
	       65);
	assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(full), digest, sig), -EKEYREJECTED);
	full[0] = 6;
	assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(full), digest, sig), -EBADMSG);
	memset(pub, 0, sizeof(pub));
	pub[0] = 2;
	assert_int_equal(ds_k256_verify(DS_SPAN_ARRAY(pub), digest, sig), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_range),
		cmocka_unit_test(known_signature),
		cmocka_unit_test(sign_recover_verify),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
