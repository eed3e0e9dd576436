// SPDX-License-Identifier: Apache-2.0
/* AES-256-GCM: published vectors (McGrew and Viega, cases 13, 14 and 16) and every way to be wrong. */
#include "vec_test.h"

#include <ds/crypto/aead.h>

static const struct {
	const char *key, *nonce, *aad, *plain, *sealed;
} t[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	  "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	  "000000000000000000000000", "", "00000000000000000000000000000000",
	  "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	  "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
	  "49a6b525b16aedf5aa0de657ba637b39",
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
	  "56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
};

static void vectors(void **state)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_span key = hex(t[i].key), nonce = hex(t[i].nonce), aad = hex(t[i].aad),
			   plain = hex(t[i].plain), sealed = hex(t[i].sealed);
		uint8_t out[128];

		assert_int_equal(ds_aead_seal(key.p, nonce.p, aad,
					      plain, out),
				 0);
		assert_memory_equal(out, sealed.p, sealed.n);
		assert_int_equal(ds_aead_open(key.p, nonce.p, aad,
					      sealed, out),
				 0);
		assert_memory_equal(out, plain.p, plain.n);
	}
}

/* Truncated anywhere, any byte of anything flipped: refused, and no plain text is left. */
static void spoiled(void **state)
{
	static const uint8_t zero[128];
	const char *text[] = { t[2].key, t[2].nonce, t[2].aad, t[2].sealed };
	uint8_t part[4][128], out[128];
	struct ds_span v[4];

	for (size_t k = 0; k < 4; k++) {
		v[k] = hex(text[k]);
		memcpy(part[k], v[k].p, v[k].n);
		v[k].p = part[k];
	}
	for (size_t n = 0; n < v[3].n; n++)
		assert_int_equal(ds_aead_open(part[0], part[1], v[2], DS_SPAN(part[3], n), out),
				 n < DS_AEAD_TAG_SIZE ? -EBADMSG : -EKEYREJECTED);
	for (size_t k = 0; k < 4; k++)
		for (size_t i = 0; i < v[k].n; i++) {
			part[k][i] ^= 1;
			assert_int_equal(ds_aead_open(part[0], part[1], v[2], v[3], out),
					 -EKEYREJECTED);
			assert_memory_equal(out, zero, v[3].n - DS_AEAD_TAG_SIZE);
			part[k][i] ^= 1;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(spoiled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
