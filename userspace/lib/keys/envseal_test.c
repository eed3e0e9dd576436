// SPDX-License-Identifier: Apache-2.0
/* The encrypted environment: the vector of spec/kms 5, every cut, every flipped byte. */
#include "../crypto/vec_test.h"

#include <ds/base/limits.h>
#include <ds/crypto/x25519.h>
#include <ds/keys/envseal.h>

#define SK   "a7470db8cfdd0fe24134b461d60766afa7c078abe6dce9f2c8a5c44034ca400e"
#define PUB  "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f"
#define TEXT "{\"env\":[{\"key\":\"FOO\",\"value\":\"bar\"}]}"
#define BLOB                                                                                       \
	"7b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b14444444444444444444444444" \
	"40b917d6f7ef4bdc7ec0021025aab7a2c3f13f90edce70fcc2dee015af40cb1fd743ac354f4295e00e1be60e" \
	"87d07233e4b932c08b"

int __real_ds_rand(void *out, size_t n);
int __wrap_ds_rand(void *out, size_t n);

static bool fixed;

/* the vector's ephemeral secret and nonce */
int __wrap_ds_rand(void *out, size_t n)
{
	if (!fixed)
		return __real_ds_rand(out, n);
	memset(out, n == 32 ? 0x33 : 0x44, n);
	return 0;
}

static void unhex(const char *text, uint8_t *out)
{
	struct ds_span s = hex(text);

	memcpy(out, s.p, s.n);
}

static void vector(void **state)
{
	DS_SECRET struct ds_secret *text = NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	uint8_t sk[32], pub[32];

	unhex(SK, sk);
	unhex(PUB, pub);
	fixed = true;
	assert_int_equal(ds_env_seal(pub, DS_SPAN_LIT(TEXT), &blob, NULL), 0);
	fixed = false;
	assert_hex(blob.p, blob.n, BLOB);
	assert_int_equal(ds_env_open(sk, ds_buf_span(&blob), &text, NULL), 0);
	assert_int_equal(text->n, strlen(TEXT));
	assert_memory_equal(text->p, TEXT, text->n);
}

static void cut_and_flipped(void **state)
{
	struct ds_secret *text = NULL;
	uint8_t sk[32], other[32], blob[128];
	size_t n = strlen(BLOB) / 2;

	unhex(SK, sk);
	unhex(BLOB, blob);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);
		struct ds_err err = DS_ERR_NULL;

		memcpy(exact, blob, cut);
		assert_int_equal(ds_env_open(sk, DS_SPAN(exact, cut), &text, &err),
				 cut <= DS_ENV_SEAL_EXTRA ? -EBADMSG : -EKEYREJECTED);
		assert_true(err.msg[0] && !text);
		free(exact);
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			/* X25519 ignores the top bit of a public key: the same blob */
			int want = i == 31 && bit == 7 ? 0 : -EKEYREJECTED;

			blob[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(ds_env_open(sk, DS_SPAN(blob, n), &text, NULL), want);
			text = ds_secret_free(text);
			blob[i] ^= (uint8_t)(1u << bit);
		}
	memcpy(other, sk, 32);
	other[1] ^= 1;
	assert_int_equal(ds_env_open(other, DS_SPAN(blob, n), &text, NULL), -EKEYREJECTED);
	/* an ephemeral key of small order would make the shared secret known to all */
	memset(blob, 0, 32);
	assert_int_equal(ds_env_open(sk, DS_SPAN(blob, n), &text, NULL), -EKEYREJECTED);
	assert_null(text);
}

static void fresh_and_bounded(void **state)
{
	DS_BUF struct ds_buf a = DS_BUF_NULL, b = DS_BUF_NULL, big = DS_BUF_NULL;
	struct ds_secret *text = NULL;
	uint8_t pub[32], sk[32] = { 0 };

	unhex(PUB, pub);
	unhex(SK, sk);
	assert_int_equal(ds_env_seal(pub, DS_SPAN_LIT(TEXT), &a, NULL), 0);
	assert_int_equal(ds_env_seal(pub, DS_SPAN_LIT(TEXT), &b, NULL), 0);
	assert_memory_not_equal(a.p, b.p, 32);
	assert_memory_not_equal(a.p + 32, b.p + 32, 12);
	assert_int_equal(ds_buf_add_zero(&big, DS_MAX_ENCRYPTED_ENV + 1), 0);
	assert_int_equal(ds_env_open(sk, ds_buf_span(&big), &text, NULL), -EFBIG);
	assert_int_equal(ds_env_seal(pub, DS_SPAN(big.p, DS_MAX_ENCRYPTED_ENV - 59), &a, NULL),
			 -EFBIG);
	a.n = 0;
	assert_int_equal(ds_env_seal(pub, DS_SPAN(big.p, DS_MAX_ENCRYPTED_ENV - 60), &a, NULL), 0);
	assert_int_equal(a.n, DS_MAX_ENCRYPTED_ENV);
	assert_int_equal(ds_env_open(sk, ds_buf_span(&a), &text, NULL), 0);
	ds_secret_free(text);
	/* nobody's key */
	memset(pub, 0, 32);
	assert_int_equal(ds_env_seal(pub, DS_SPAN_LIT(TEXT), &b, NULL), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector),
		cmocka_unit_test(cut_and_flipped),
		cmocka_unit_test(fresh_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
