// SPDX-License-Identifier: Apache-2.0
/* X25519 and Ed25519: vectors of spec/kms 5, RFC 8032 and spec/guest-api 5. */
#include "vec_test.h"

#include <ds/crypto/x25519.h>

static void x25519_vector(void **state)
{
	uint8_t sk[32], pub[32], shared[32];

	memset(sk, 0x33, sizeof(sk));
	assert_int_equal(ds_x25519_pub(sk, pub), 0);
	assert_hex(pub, 32, "7b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b14");
	assert_int_equal(
		ds_x25519(sk,
			  hex("93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f").p,
			  shared),
		0);
	assert_hex(shared, 32, "898d4963370fcc12c5d9910fda56979847c59dfbf4f615f49a37282598b5bc75");
}

static void x25519_agreement(void **state)
{
	DS_SECRET struct ds_secret *a = NULL, *b = NULL;
	uint8_t pub_a[32], pub_b[32], ab[32], ba[32];

	assert_int_equal(ds_x25519_keygen(&a, pub_a), 0);
	assert_int_equal(ds_x25519_keygen(&b, pub_b), 0);
	assert_memory_not_equal(pub_a, pub_b, 32);
	assert_int_equal(ds_x25519(a->p, pub_b, ab), 0);
	assert_int_equal(ds_x25519(b->p, pub_a, ba), 0);
	assert_memory_equal(ab, ba, 32);
}

/* Points of small order give zero, which everybody knows. */
static void x25519_small_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t sk[32] = { 7 }, out[32];

	for (size_t i = 0; i < DS_ARRAY_SIZE(points); i++)
		assert_int_equal(ds_x25519(sk, hex(points[i]).p, out), -EKEYREJECTED);
}

static void ed25519(void **state)
{
	struct ds_span seed =
		hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
	uint8_t pub[32], sig[64];

	/* RFC 8032 7.1, test 1: the empty message */
	assert_int_equal(ds_ed25519_pub(seed.p, pub), 0);
	assert_hex(pub, 32, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	assert_int_equal(ds_ed25519_sign(seed.p, DS_SPAN_NULL, sig), 0);
	assert_hex(sig, 64,
		   "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
		   "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
	assert_int_equal(ds_ed25519_verify(pub, DS_SPAN_NULL, sig), 0);
	assert_int_equal(ds_ed25519_verify(pub, DS_SPAN_LIT("x"), sig), -EKEYREJECTED);
	sig[0] ^= 1;
	assert_int_equal(ds_ed25519_verify(pub, DS_SPAN_NULL, sig), -EKEYREJECTED);
	sig[0] ^= 1;
	sig[63] ^= 0x80; /* s not reduced */
	assert_int_equal(ds_ed25519_verify(pub, DS_SPAN_NULL, sig), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x25519_vector),
		cmocka_unit_test(x25519_agreement),
		cmocka_unit_test(x25519_small_order),
		cmocka_unit_test(ed25519),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
