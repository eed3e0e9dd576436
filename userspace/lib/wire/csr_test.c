// SPDX-License-Identifier: Apache-2.0
/* Certificate requests. */
#include "../crypto/vec_test.h"

#include <ds/wire/csr.h>

/* spec/guest-api 6.2, the reference's vector of 117 bytes; 64 zero bytes of report data before the
 * last byte */
#define VECTOR_HEAD                                                                                \
	"44706c65617365207369676e20636572743a"                                                     \
	"0c010203"                                                                                 \
	"00"                                                                                       \
	"40746573742e6578616d706c652e636f6d"                                                       \
	"00"                                                                                       \
	"01000000"                                                                                 \
	"0000"                                                                                     \
	"0000000000"
#define ZERO16 "00000000000000000000000000000000"
#define VECTOR VECTOR_HEAD ZERO16 ZERO16 ZERO16 ZERO16 "00"

static void reference_vector(void **state)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL, made = DS_CSR_NULL;
	DS_BUF struct ds_buf out = DS_BUF_NULL, again = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_span in = hex(VECTOR);

	assert_int_equal(in.n, 117);
	assert_int_equal(ds_buf_add_span(&made.spki, hex("010203")), 0);
	made.subject = strdup("test.example.com");
	made.server_auth = true;
	assert_int_equal(ds_csr_encode(&made, DS_ATTESTATION_FULL, &out), 0);
	assert_hex(out.p, out.n, VECTOR);

	assert_int_equal(ds_csr_decode(in, &csr, &err), 0);
	assert_hex(csr.spki.p, csr.spki.n, "010203");
	assert_null(csr.org);
	assert_string_equal(csr.subject, "test.example.com");
	assert_int_equal(csr.n_alt_names, 0);
	assert_true(csr.server_auth);
	assert_false(csr.client_auth || csr.ext_quote || csr.ext_app_info);
	assert_false(csr.has_not_before || csr.has_not_after);
	assert_int_equal(csr.att.quote.n, 0);
	assert_int_equal(ds_csr_encode(&csr, DS_ATTESTATION_FULL, &again), 0);
	assert_true(ds_span_eq(in, ds_buf_span(&again)));
}

static void everything(struct ds_csr *csr)
{
	static const uint8_t digest[48] = { 5 };

	*csr = DS_CSR_NULL;
	assert_int_equal(ds_buf_add_span(&csr->spki, DS_SPAN_LIT("a public key")), 0);
	csr->org = strdup("Org");
	csr->subject = strdup("subject \xc3\xa9");
	csr->alt_names = calloc(2, sizeof(*csr->alt_names));
	csr->alt_names[0] = strdup("a.example");
	csr->alt_names[1] = strdup("10.0.2.15");
	csr->n_alt_names = 2;
	csr->client_auth = csr->ext_quote = csr->ext_app_info = true;
	csr->has_not_before = csr->has_not_after = true;
	csr->not_before = 1700000000;
	csr->not_after = UINT64_MAX;
	assert_int_equal(ds_buf_add_span(&csr->att.quote, DS_SPAN_LIT("quote")), 0);
	assert_int_equal(ds_eventlog_add(&csr->att.log, 3, DS_EV_RUNTIME, digest, "app-id",
					 DS_SPAN_LIT("x"), NULL),
			 0);
}

static void round_trip(void **state)
{
	DS_CSR struct ds_csr csr, back = DS_CSR_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL, b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	everything(&csr);
	assert_int_equal(ds_csr_encode(&csr, DS_ATTESTATION_FULL, &a), 0);
	assert_int_equal(ds_csr_decode(ds_buf_span(&a), &back, &err), 0);
	assert_string_equal(back.org, "Org");
	assert_string_equal(back.alt_names[1], "10.0.2.15");
	assert_true(back.client_auth && back.ext_quote && back.ext_app_info && !back.server_auth);
	assert_true(back.not_after == UINT64_MAX && back.not_before == 1700000000);
	assert_int_equal(ds_csr_encode(&back, DS_ATTESTATION_FULL, &b), 0);
	assert_true(ds_span_eq(ds_buf_span(&a), ds_buf_span(&b)));
}

static void cut_at_each_length(void **state)
{
	DS_CSR struct ds_csr csr, none = DS_CSR_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	everything(&csr);
	assert_int_equal(ds_csr_encode(&csr, DS_ATTESTATION_FULL, &a), 0);
	for (size_t n = 0; n < a.n; n++) {
		assert_int_equal(ds_csr_decode(DS_SPAN(a.p, n), &none, &err), -EBADMSG);
		assert_null(none.subject);
	}
	assert_int_equal(ds_buf_add_u8(&a, 0), 0);
	assert_int_equal(ds_csr_decode(ds_buf_span(&a), &none, &err), -EBADMSG);
}

static void one_encoding(void **state)
{
	DS_CSR struct ds_csr csr;
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	everything(&csr);
	assert_int_equal(ds_csr_encode(&csr, DS_ATTESTATION_FULL, &a), 0);
	for (size_t i = 0; i < a.n; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			DS_CSR struct ds_csr back = DS_CSR_NULL;
			DS_BUF struct ds_buf b = DS_BUF_NULL;

			a.p[i] ^= (uint8_t)(1u << bit);
			if (!ds_csr_decode(ds_buf_span(&a), &back, &err)) {
				assert_int_equal(ds_csr_encode(&back, DS_ATTESTATION_FULL, &b), 0);
				assert_true(ds_span_eq(ds_buf_span(&a), ds_buf_span(&b)));
			}
			a.p[i] ^= (uint8_t)(1u << bit);
		}
	}
}

static void refused(void **state)
{
	static const struct {
		const char *in;
		int want;
		const char *msg;
	} rows[] = {
		{ "", -EBADMSG, "confirmation: malformed or cut short" },
		{ "44706c65617365207369676e20636572743b00", -EBADMSG,
		  "confirmation: malformed or cut short" },
		{ "48", -EFBIG, "confirmation: too large" },
		{ "44706c65617365207369676e20636572743a"
		  "0508",
		  -EFBIG, "public key: too large" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "02",
		  -EBADMSG, "organisation: malformed or cut short" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "0104",
		  -EFBIG, "subject: too large" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "0400",
		  -EBADMSG, "subject: malformed or cut short" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "00"
		  "0501",
		  -EFBIG, "alternative names: too large" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "00"
		  "00"
		  "00000002",
		  -EBADMSG, "flags: malformed or cut short" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "00"
		  "00"
		  "00000000"
		  "03",
		  -EBADMSG, "not_before: malformed or cut short" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "00"
		  "00"
		  "00000000"
		  "00"
		  "0101",
		  -EBADMSG, "not_after: malformed or cut short" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "00"
		  "00"
		  "00000000"
		  "00"
		  "00",
		  -EBADMSG, "empty" },
		{ "44706c65617365207369676e20636572743a"
		  "00"
		  "00"
		  "00"
		  "00"
		  "00000000"
		  "00"
		  "00"
		  "0002",
		  -EOPNOTSUPP, "platform 2 (Nitro Enclave), expected 0 (TDX) or 3 (SEV-SNP)" },
	};
	struct ds_csr none = DS_CSR_NULL;
	struct ds_err err = DS_ERR_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(ds_csr_decode(hex(rows[i].in), &none, &err), rows[i].want);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_vector),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(cut_at_each_length),
		cmocka_unit_test(one_encoding),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
