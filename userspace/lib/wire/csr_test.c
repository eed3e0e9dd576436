// SPDX-License-Identifier: Apache-2.0
/* Certificate requests. */
#include "../crypto/vec_test.h"

#include <ds/base/rd.h>
#include <ds/wire/csr.h>
#include <ds/wire/scale.h>

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

/* What the reference's encoder writes for these values. */
#define V1_HEAD                                                                                    \
	"44706c65617365207369676e20636572743a"                                                     \
	"0c010203"                                                                                 \
	"010c4f7267"                                                                               \
	"40746573742e6578616d706c652e636f6d"                                                       \
	"0824612e6578616d706c65"                                                                   \
	"2431302e302e322e3135"                                                                     \
	"010001"
#define V1_LOG                                                                                     \
	"[{\"imr\":0,\"event_type\":4,\"digest\":\"\",\"event\":\"\",\"event_payload\":\"\"},"                 \
	"{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"app-id\",\"event_payload\":\"1122\"}]"

static void make_v1(struct ds_buf *ret, struct ds_span quote, const char *log)
{
	assert_int_equal(ds_buf_add_span(ret, hex(V1_HEAD)), 0);
	assert_int_equal(ds_scale_add_bytes(ret, quote), 0);
	assert_int_equal(ds_scale_add_bytes(ret, DS_SPAN_STR(log)), 0);
}

static void version_1(void **state)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL, none = DS_CSR_NULL;
	DS_BUF struct ds_buf in = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	make_v1(&in, DS_SPAN_LIT("no quote"), V1_LOG);
	assert_int_equal(ds_csr_decode_v1(ds_buf_span(&in), &csr, &err), 0);
	assert_hex(csr.spki.p, csr.spki.n, "010203");
	assert_string_equal(csr.org, "Org");
	assert_string_equal(csr.subject, "test.example.com");
	assert_int_equal(csr.n_alt_names, 2);
	assert_string_equal(csr.alt_names[1], "10.0.2.15");
	assert_true(csr.server_auth && !csr.client_auth && csr.ext_quote);
	assert_false(csr.ext_app_info || csr.has_not_before || csr.has_not_after);
	assert_true(ds_span_eq(ds_buf_span(&csr.att.quote), DS_SPAN_LIT("no quote")));
	assert_int_equal(csr.att.kind, DS_ATTESTATION_TDX);
	assert_int_equal(csr.att.log.n, 2);
	assert_int_equal(csr.att.runtime_events.n, 1);
	assert_string_equal(csr.att.runtime_events.ev[0].name, "app-id");
	assert_hex(csr.att.runtime_events.ev[0].payload.p, 2, "1122");
	assert_int_equal(csr.att.config.n, 0);

	/* neither is the other */
	assert_int_equal(ds_csr_decode(ds_buf_span(&in), &none, &err), -EBADMSG);
	assert_int_equal(ds_csr_decode_v1(hex(VECTOR), &none, &err), -EBADMSG);
	for (size_t n = 0; n < in.n; n++) {
		assert_int_equal(ds_csr_decode_v1(DS_SPAN(in.p, n), &none, &err), -EBADMSG);
		assert_null(none.subject);
	}
	assert_int_equal(ds_buf_add_u8(&in, 0), 0);
	assert_int_equal(ds_csr_decode_v1(ds_buf_span(&in), &none, &err), -EBADMSG);
	assert_string_equal(err.msg, "end: bytes follow");
}

/* What the evidence says it was made for is what the quote has, and nothing else. */
static void version_1_report_data(void **state)
{
	DS_CSR struct ds_csr csr = DS_CSR_NULL;
	DS_BUF struct ds_buf in = DS_BUF_NULL, quote = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t head[48 + 584] = { 4, 0, 2 }, auth[64 + 64 + 6 + 384 + 64 + 2 + 6] = { 0 };

	head[4] = 0x81;
	memcpy(head + 12, "\x93\x9a\x72\x33\xf7\x9c\x4c\xa9\x94\x0a\x0d\xb3\x95\x7f\x06\x07", 16);
	memset(head + 48 + 520, 0x5a, 64);
	ds_put_u16le(auth + 128, 6);
	ds_put_u32le(auth + 130, 384 + 64 + 2 + 6);
	ds_put_u16le(auth + 134 + 384 + 64 + 2, 5);
	assert_int_equal(ds_buf_add(&quote, head, sizeof(head)), 0);
	assert_int_equal(ds_buf_add_u32le(&quote, sizeof(auth)), 0);
	assert_int_equal(ds_buf_add(&quote, auth, sizeof(auth)), 0);
	make_v1(&in, ds_buf_span(&quote), "[]");
	assert_int_equal(ds_csr_decode_v1(ds_buf_span(&in), &csr, &err), 0);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(csr.att.report_data[i], 0x5a);
}

static void version_1_refused(void **state)
{
	static const struct {
		const char *log, *msg;
	} rows[] = {
		{ "", "JSON: '[' or '{' expected near end of file" },
		{ "{}", "not a JSON array" },
		{ "[1]", "event 0: not an object" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf in = DS_BUF_NULL;
		struct ds_csr none = DS_CSR_NULL;
		struct ds_err err = DS_ERR_NULL;

		make_v1(&in, DS_SPAN_NULL, rows[i].log);
		assert_int_equal(ds_csr_decode_v1(ds_buf_span(&in), &none, &err), -EBADMSG);
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
		cmocka_unit_test(version_1),
		cmocka_unit_test(version_1_report_data),
		cmocka_unit_test(version_1_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
