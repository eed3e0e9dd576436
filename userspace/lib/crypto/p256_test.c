// SPDX-License-Identifier: Apache-2.0
/* P-256 keys, their encodings and signatures. */
#include "vec_test.h"

#include <openssl/evp.h>

#include <ds/crypto/hash.h>
#include <ds/crypto/p256.h>
#include <ds/crypto/pem.h>

/* RFC 6979 A.2.5: key, and signature of "sample" with SHA-256 */
#define KEY "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define XY                                                                                         \
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                         \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define RS                                                                                         \
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"                         \
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

static void scalar_range(void **state)
{
	static const struct {
		const char *scalar;
		int want;
	} rows[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000000", -ERANGE },
		{ "0000000000000000000000000000000000000000000000000000000000000001", 0 },
		{ "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", 0 },
		{ ORDER, -ERANGE },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", -ERANGE },
	};
	uint8_t xy[DS_P256_XY_SIZE];

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_SECRET struct ds_secret *back = NULL;
		DS_P256 struct ds_p256 *key = NULL;

		assert_int_equal(ds_p256_from_scalar(hex(rows[i].scalar).p, &key), rows[i].want);
		assert_int_equal(ds_p256_public(hex(rows[i].scalar).p, xy), rows[i].want);
		if (!rows[i].want) {
			assert_int_equal(ds_p256_scalar(key, &back), 0);
			assert_hex(back->p, back->n, rows[i].scalar);
		} else {
			assert_null(key);
		}
	}
}

/* Layout of spec/guest-api 4.3 and the SubjectPublicKeyInfo. */
static void layouts(void **state)
{
	DS_SECRET struct ds_secret *pem = NULL;
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t pkcs8[DS_P256_PKCS8_SIZE], spki[DS_P256_SPKI_SIZE];
	const unsigned char *p = pkcs8;
	EVP_PKEY *other;

	assert_int_equal(ds_p256_from_scalar(hex(KEY).p, &key), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	assert_hex(spki, sizeof(spki),
		   "3059301306072a8648ce3d020106082a8648ce3d030107034200"
		   "04" XY);
	assert_int_equal(ds_p256_pkcs8(key, pkcs8), 0);
	assert_hex(pkcs8, sizeof(pkcs8),
		   "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420" KEY
		   "a144034200"
		   "04" XY);
	/* OpenSSL reads the same key from it */
	other = d2i_AutoPrivateKey(NULL, &p, sizeof(pkcs8));
	assert_non_null(other);
	assert_int_equal(EVP_PKEY_eq(other, ds_p256_evp(key)), 1);
	EVP_PKEY_free(other);
	assert_int_equal(ds_p256_pkcs8_pem(key, &pem), 0);
	assert_memory_equal(pem->p, "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG", 40);
	assert_int_equal(pem->p[28 + 64], '\n');
	assert_memory_equal(pem->p + pem->n - 27, "\n-----END PRIVATE KEY-----\n", 27);
}

static void pem_round_trip(void **state)
{
	DS_SECRET struct ds_secret *pem = NULL, *a = NULL, *b = NULL;
	DS_P256 struct ds_p256 *key = NULL, *back = NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_pkcs8_pem(key, &pem), 0);
	assert_int_equal(ds_p256_from_pem(DS_SPAN(pem->p, pem->n), &back, &err), 0);
	assert_int_equal(ds_p256_scalar(key, &a), 0);
	assert_int_equal(ds_p256_scalar(back, &b), 0);
	assert_memory_equal(a->p, b->p, 32);
	for (size_t n = 0; n < pem->n - 1; n++) {
		DS_P256 struct ds_p256 *none = NULL;

		assert_int_equal(ds_p256_from_pem(DS_SPAN(pem->p, n), &none, &err), -EBADMSG);
		assert_null(none);
	}
}

/* RFC 6979's key in SEC1, a P-384 key, and keys that are not what they say */
static const char sec1[] = "-----BEGIN EC PRIVATE KEY-----\n"
			   "MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"
			   "AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8\n"
			   "maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
			   "-----END EC PRIVATE KEY-----\n";

static int from_der(const uint8_t *der, size_t n, struct ds_err *err)
{
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t text[512];

	ds_pem_encode("PRIVATE KEY", der, n, text);
	return ds_p256_from_pem(DS_SPAN(text, ds_pem_size("PRIVATE KEY", n)), &key, err);
}

static void pem_other_forms(void **state)
{
	DS_P256 struct ds_p256 *key = NULL, *none = NULL;
	DS_SECRET struct ds_secret *scalar = NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	DS_P256 struct ds_p256 *other = NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t der[DS_P256_PKCS8_SIZE + 1] = { 0 };

	assert_int_equal(ds_p256_from_pem(DS_SPAN_STR(sec1), &key, &err), 0);
	assert_int_equal(ds_p256_scalar(key, &scalar), 0);
	assert_hex(scalar->p, 32, KEY);

	/* something before or after the block */
	assert_int_equal(ds_buf_addf(&text, "hello\n%s", sec1), 0);
	assert_int_equal(ds_p256_from_pem(ds_buf_span(&text), &none, &err), -EBADMSG);
	ds_buf_done(&text);
	assert_int_equal(ds_buf_addf(&text, "%shello\n", sec1), 0);
	assert_int_equal(ds_p256_from_pem(ds_buf_span(&text), &none, &err), -EBADMSG);
	ds_buf_done(&text);
	assert_int_equal(ds_buf_addf(&text, "%s%s", sec1, sec1), 0);
	assert_int_equal(ds_p256_from_pem(ds_buf_span(&text), &none, &err), -EBADMSG);
	ds_buf_done(&text);

	ds_buf_done(&text);
	/* the public half belongs to another key; one byte after the structure */
	assert_int_equal(ds_p256_generate(&other), 0);
	assert_int_equal(ds_p256_pkcs8(key, der), 0);
	assert_int_equal(ds_p256_xy(other, der + DS_P256_PKCS8_SIZE - DS_P256_XY_SIZE), 0);
	assert_int_equal(from_der(der, DS_P256_PKCS8_SIZE, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "public half differs"));
	assert_int_equal(ds_p256_pkcs8(key, der), 0);
	assert_int_equal(from_der(der, DS_P256_PKCS8_SIZE, &err), 0);
	assert_int_equal(from_der(der, DS_P256_PKCS8_SIZE + 1, &err), -EBADMSG);
	assert_null(none);
}

/* What is wrong is said, and nothing wrong comes through. */
static void keys_that_are_none(void **state)
{
	static const struct {
		const char *label, *body, *says;
	} rows[] = {
		{ "PRIVATE KEY", "AAAA\n", "private key: " },
		{ "PRIVATE KEY", "", "private key: " },
		{ "PRIVATE KEY", "?AAA\n", "private key: bad base64" },
		{ "CERTIFICATE", "AAAA\n", "expected PEM block" },
	};
	static const char *const scalars[] = {
		"0000000000000000000000000000000000000000000000000000000000000000", ORDER
	};
	DS_P256 struct ds_p256 *key = NULL, *none = NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t der[DS_P256_PKCS8_SIZE], text[512];
	DS_BUF struct ds_buf pem = DS_BUF_NULL;

	assert_int_equal(ds_p256_from_pem(DS_SPAN_LIT("hello\n"), &none, &err), -EBADMSG);
	assert_string_equal(err.msg, "private key: not PEM");
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		pem.n = 0;
		assert_int_equal(ds_buf_addf(&pem, "-----BEGIN %s-----\n%s-----END %s-----\n",
					     rows[i].label, rows[i].body, rows[i].label),
				 0);
		assert_int_equal(ds_p256_from_pem(ds_buf_span(&pem), &none, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, rows[i].says));
		assert_null(strstr(err.msg, "bytes after"));
	}
	assert_int_equal(ds_p256_from_scalar(hex(KEY).p, &key), 0);
	assert_int_equal(ds_p256_pkcs8(key, der), 0);
	/* a good key under another name */
	ds_pem_encode("RSA PRIVATE KEY", der, sizeof(der), text);
	assert_int_equal(ds_p256_from_pem(DS_SPAN(text, ds_pem_size("RSA PRIVATE KEY", sizeof(der))),
					  &none, &err),
			 -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(scalars); i++) {
		memcpy(der + 36, hex(scalars[i]).p, 32);
		assert_int_equal(from_der(der, sizeof(der), &err), -EBADMSG);
		assert_int_equal(ds_p256_scalar_pkcs8(hex(scalars[i]).p, der), -ERANGE);
	}
	assert_null(none);
}

static void other_curve_is_refused(void **state)
{
	EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	DS_P256 struct ds_p256 *none = NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t text[1024];
	unsigned char *der = NULL;
	int n = i2d_PrivateKey(p384, &der);

	assert_true(n > 0);
	ds_pem_encode("EC PRIVATE KEY", der, (size_t)n, text);
	assert_int_equal(ds_p256_from_pem(DS_SPAN(text, ds_pem_size("EC PRIVATE KEY", (size_t)n)),
					  &none, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "expected curve P-256"));
	OPENSSL_free(der);
	EVP_PKEY_free(p384);
}

static void known_signature(void **state)
{
	uint8_t rs[64], xy[64], spki[DS_P256_SPKI_SIZE];

	memcpy(rs, hex(RS).p, 64);
	memcpy(xy, hex(XY).p, 64);
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("sample"), rs), 0);
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("Sample"), rs), -EKEYREJECTED);
	for (size_t bit = 0; bit < 512; bit += 7) {
		rs[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("sample"), rs), -EKEYREJECTED);
		rs[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* not on the curve */
	xy[63] ^= 1;
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("sample"), rs), -EBADMSG);
	memset(xy, 0, sizeof(xy));
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("sample"), rs), -EBADMSG);
	/* r or s zero, or the group order */
	memcpy(xy, hex(XY).p, 64);
	memset(rs, 0, sizeof(rs));
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("sample"), rs), -EKEYREJECTED);
	memcpy(rs, hex(ORDER).p, 32);
	memcpy(rs + 32, hex(ORDER).p, 32);
	assert_int_equal(ds_p256_verify_raw(xy, DS_SPAN_LIT("sample"), rs), -EKEYREJECTED);
	ds_p256_spki_from_xy(xy, spki);
	assert_int_equal(
		ds_p256_verify(DS_SPAN_ARRAY(spki), DS_SPAN_LIT("sample"), DS_SPAN_LIT("")),
		-EBADMSG);
}

/* What cannot be a signature or a key is refused as such, before anything is computed. */
static void signature_forms(void **state)
{
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], sig[2 + 2 * (2 + 40)];
	DS_BUF struct ds_buf good = DS_BUF_NULL;

	memset(sig, 0x11, sizeof(sig));
	memcpy(sig, "\x30\x54\x02\x28", 4); /* two numbers of 40 bytes, in good DER */
	memcpy(sig + 44, "\x02\x28", 2);
	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	assert_int_equal(ds_p256_sign(key, DS_SPAN_LIT("m"), &good), 0);
	assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), DS_SPAN_LIT("m"), DS_SPAN_ARRAY(sig)),
			 -EBADMSG);
	spki[DS_P256_SPKI_SIZE - 1] ^= 1; /* off the curve */
	assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), DS_SPAN_LIT("m"), ds_buf_span(&good)),
			 -EBADMSG);
}

static void sign_and_verify(void **state)
{
	DS_P256 struct ds_p256 *key = NULL, *other = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], wrong[DS_P256_SPKI_SIZE];
	struct ds_span msg = DS_SPAN_LIT("message");
	DS_BUF struct ds_buf good = DS_BUF_NULL;

	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_generate(&other), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	assert_int_equal(ds_p256_spki(other, wrong), 0);
	for (int i = 0; i < 20; i++) {
		DS_BUF struct ds_buf sig = DS_BUF_NULL, by_digest = DS_BUF_NULL;
		uint8_t digest[32];

		assert_int_equal(ds_p256_sign(key, msg, &sig), 0);
		assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), msg, ds_buf_span(&sig)), 0);
		/* signing the digest elsewhere is the same thing */
		assert_int_equal(ds_sha256_1(msg, digest), 0);
		assert_int_equal(ds_p256_sign_digest(key, digest, &by_digest), 0);
		assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), msg, ds_buf_span(&by_digest)),
				 0);
		assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(wrong), msg, ds_buf_span(&sig)),
				 -EKEYREJECTED);
		for (size_t n = 0; n < sig.n; n++)
			assert_int_equal(
				ds_p256_verify(DS_SPAN_ARRAY(spki), msg, DS_SPAN(sig.p, n)),
				-EBADMSG);
		/* a byte more, inside or outside of the sequence */
		assert_int_equal(ds_buf_add_u8(&sig, 0), 0);
		assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), msg, ds_buf_span(&sig)),
				 -EBADMSG);
		sig.p[1]++;
		assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), msg, ds_buf_span(&sig)),
				 -EBADMSG);
	}
	assert_int_equal(ds_p256_sign(key, msg, &good), 0);
	assert_int_equal(ds_p256_verify(DS_SPAN(spki, 90), msg, ds_buf_span(&good)), -EBADMSG);
	for (size_t i = 0; i < 27; i++) {
		spki[i] ^= 1;
		assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), msg, ds_buf_span(&good)),
				 -EBADMSG);
		spki[i] ^= 1;
	}
	assert_int_equal(ds_p256_verify(DS_SPAN_ARRAY(spki), msg, DS_SPAN_LIT("0123456789")),
			 -EBADMSG);
}

static void pem_text(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "-----BEGIN X-----\nAAAA\n-----END X-----\n", 0 },
		{ "\n\r\n-----BEGIN X-----\r\nAAAA\r\n-----END X-----", 0 },
		{ "", DS_PEM_E_END },
		{ "\n\n", DS_PEM_E_END },
		{ " \n", -EBADMSG },
		{ "-----BEGIN X-----\nAAAA\n-----END Y-----\n", -EBADMSG },
		{ "-----BEGIN X-----\nAAAA\n", -EBADMSG },
		{ "-----BEGIN -----\nAAAA\n-----END -----\n", -EBADMSG },
		{ "-----BEGIN X----\nAAAA\n-----END X----\n", -EBADMSG },
		{ "-----BEGIN X+++++\nAAAA\n-----END X+++++\n", -EBADMSG },
		{ "+++++BEGIN X-----\nAAAA\n+++++END X-----\n", -EBADMSG },
	};
	static const struct {
		const char *body;
		int want;
		size_t n;
	} bodies[] = {
		{ "AAAA\n", 0, 3 },
		{ "AAAA\nAA==\n", 0, 4 },
		{ "", 0, 0 },
		{ "AA==\nAAAA\n", -EBADMSG, 0 },
		{ "AAA\nA\n", -EBADMSG, 0 },
		{ "AA A\n", -EBADMSG, 0 },
		{ "AAAA\n\nAAAA\n", -EBADMSG, 0 },
		{ "Key: value\n\nAAAA\n", -EBADMSG, 0 },
		{ "AAAAAAAAAAAAAAAAAAAAAA==\n", -EFBIG, 0 },
	};
	struct ds_span label, body;
	uint8_t out[12], wide[80], line[80];
	size_t n;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_rd rd = ds_rd_init(DS_SPAN_STR(rows[i].text));

		assert_int_equal(ds_pem_next(&rd, &label, &body), rows[i].want);
	}
	/* a line of 80 */
	memset(line, 'A', sizeof(line));
	assert_int_equal(ds_pem_decode(DS_SPAN(line, 76), wide, sizeof(wide), &n), 0);
	assert_int_equal(ds_pem_decode(DS_SPAN_ARRAY(line), wide, sizeof(wide), &n), -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bodies); i++) {
		assert_int_equal(ds_pem_decode(DS_SPAN_STR(bodies[i].body), out, sizeof(out), &n),
				 bodies[i].want);
		if (!bodies[i].want)
			assert_int_equal(n, bodies[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalar_range),
		cmocka_unit_test(layouts),
		cmocka_unit_test(pem_round_trip),
		cmocka_unit_test(pem_other_forms),
		cmocka_unit_test(keys_that_are_none),
		cmocka_unit_test(other_curve_is_refused),
		cmocka_unit_test(known_signature),
		cmocka_unit_test(signature_forms),
		cmocka_unit_test(sign_and_verify),
		cmocka_unit_test(pem_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
