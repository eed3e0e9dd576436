// SPDX-License-Identifier: Apache-2.0
/* The attestation blob in both forms. */
#include "../crypto/vec_test.h"

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/wire/attestation.h>
#include <ds/wire/scale.h>

#include "../base/edge_test.h"

static const uint8_t some_digest[48] = { 0xd1, 0xd2, [47] = 0xd9 };

/* A small attestation with one event of each kind that matters to stripping. */
static void fill(struct ds_attestation *att)
{
	*att = DS_ATTESTATION_NULL;
	assert_int_equal(ds_buf_add_span(&att->quote, DS_SPAN_LIT("quote")), 0);
	assert_int_equal(ds_eventlog_add(&att->log, 0, 1, some_digest, "", DS_SPAN_LIT("fw"), NULL),
			 0);
	assert_int_equal(ds_eventlog_add(&att->log, 0, 10, some_digest, "acpi-rsdp",
					 DS_SPAN_LIT("ACPI DATA"), NULL),
			 0);
	assert_int_equal(
		ds_eventlog_add(&att->log, 1, 10, some_digest, "", DS_SPAN_LIT("ACPI DATA"), NULL),
		0);
	assert_int_equal(ds_eventlog_add(&att->log, 3, DS_EV_RUNTIME, some_digest, "app-id",
					 DS_SPAN_LIT("\xde\xad"), NULL),
			 0);
	assert_int_equal(ds_eventlog_add(&att->log, 3, DS_EV_DIGEST_ONLY, some_digest, "",
					 DS_SPAN_LIT("raw"), NULL),
			 0);
	assert_int_equal(ds_eventlog_add(&att->runtime_events, 3, DS_EV_RUNTIME, NULL, "app-id",
					 DS_SPAN_LIT("\xde\xad"), NULL),
			 0);
	memset(att->report_data, 0x77, sizeof(att->report_data));
	assert_int_equal(ds_buf_add_span(&att->config, DS_SPAN_LIT("{}")), 0);
}

static void full_round_trip(void **state)
{
	DS_ATTESTATION struct ds_attestation att, back = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL, b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&a), &back, &err), 0);
	assert_int_equal(back.log.n, 5);
	assert_int_equal(back.runtime_events.n, 1);
	assert_string_equal(back.runtime_events.ev[0].name, "app-id");
	assert_int_equal(back.runtime_events.ev[0].imr, 3);
	assert_int_equal(back.runtime_events.ev[0].type, DS_EV_RUNTIME);
	assert_false(back.runtime_events.ev[0].has_digest);
	assert_memory_equal(back.log.ev[3].digest, some_digest, 48);
	assert_memory_equal(back.report_data, att.report_data, 64);
	assert_int_equal(ds_attestation_encode(&back, DS_ATTESTATION_FULL, &b), 0);
	assert_true(ds_span_eq(ds_buf_span(&a), ds_buf_span(&b)));
}

static void stripped_form(void **state)
{
	DS_ATTESTATION struct ds_attestation att, back = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, &a), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&a), &back, &err), 0);
	assert_int_equal(back.log.n, 3);
	/* ACPI DATA of RTMR0 whole; a runtime event without digest; others without payload */
	assert_string_equal(back.log.ev[0].name, "acpi-rsdp");
	assert_true(back.log.ev[0].has_digest);
	assert_int_equal(back.log.ev[0].payload.n, 9);
	assert_false(back.log.ev[1].has_digest);
	assert_int_equal(back.log.ev[1].payload.n, 2);
	assert_true(back.log.ev[2].has_digest);
	assert_int_equal(back.log.ev[2].payload.n, 0);
	assert_int_equal(back.runtime_events.n, 1);
	assert_int_equal(back.runtime_events.ev[0].payload.n, 2);
}

static void version_2_events_do_not_fit(void **state)
{
	DS_ATTESTATION struct ds_attestation att;
	DS_BUF struct ds_buf a = DS_BUF_NULL;

	fill(&att);
	att.runtime_events.ev[0].version = 2;
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), -EOPNOTSUPP);
	att.runtime_events.ev[0].version = 1;
	att.log.ev[3].version = 2;
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), -EOPNOTSUPP);
	assert_int_equal(a.n, 0);
}

struct part {
	const char *says;
	size_t to;
};

/* Cut at each length, it is the part that was cut which is named. */
static void assert_parts(const struct ds_buf *b, const struct part *part)
{
	struct ds_attestation none = DS_ATTESTATION_NULL;

	for (size_t n = 0; n < b->n; n++) {
		struct ds_err err = DS_ERR_NULL;

		assert_int_equal(ds_attestation_decode(at_edge(b->p, n), &none, &err), -EBADMSG);
		assert_null(none.quote.p);
		while (n >= part->to)
			part++;
		if (strncmp(err.msg, part->says, strlen(part->says)))
			fail_msg("%zu bytes: expected '%s', got '%s'", n, part->says, err.msg);
	}
}

static void cut_at_each_length(void **state)
{
	DS_ATTESTATION struct ds_attestation att, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), 0);
	assert_parts(&a, (const struct part[]){ { "empty", 1 },
						{ "platform: ", 2 },
						{ "quote: ", 8 },
						{ "event log: ", a.n - 3 - 64 - 11 },
						{ "runtime events: ", a.n - 3 - 64 },
						{ "report data: ", a.n - 3 },
						{ "config: ", a.n } });
	assert_int_equal(ds_buf_add_u8(&a, 0), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&a), &none, &err), -EBADMSG);
	assert_string_equal(err.msg, "end: bytes follow");
}

static void snp_round_trip(void **state)
{
	DS_ATTESTATION struct ds_attestation att, back = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL, b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	ds_eventlog_done(&att.log); /* there is none */
	att.kind = DS_ATTESTATION_SNP;
	att.n_cert = 2;
	assert_int_equal(ds_buf_add_span(&att.cert[0], DS_SPAN_LIT("vcek")), 0);
	assert_int_equal(ds_buf_add_span(&att.mr_config, DS_SPAN_LIT("{\"version\":3}")), 0);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), 0);
	assert_parts(&a, (const struct part[]){ { "empty", 1 },
						{ "platform: ", 2 },
						{ "report: ", 8 },
						{ "certificates: ", 15 },
						{ "mr_config: ", 29 },
						{ "runtime events: ", a.n - 3 - 64 },
						{ "report data: ", a.n - 3 },
						{ "config: ", a.n } });
	assert_int_equal(ds_attestation_decode(ds_buf_span(&a), &back, &err), 0);
	assert_int_equal(back.kind, DS_ATTESTATION_SNP);
	assert_int_equal(back.n_cert, 2);
	assert_true(ds_span_eq(ds_buf_span(&back.quote), DS_SPAN_LIT("quote")));
	assert_true(ds_span_eq(ds_buf_span(&back.cert[0]), DS_SPAN_LIT("vcek")));
	assert_true(ds_span_eq(ds_buf_span(&back.mr_config), DS_SPAN_LIT("{\"version\":3}")));
	assert_int_equal(back.runtime_events.n, 1);
	assert_int_equal(ds_attestation_encode(&back, DS_ATTESTATION_FULL, &b), 0);
	assert_true(ds_span_eq(ds_buf_span(&a), ds_buf_span(&b)));
}

/* Whatever one changed byte does, it never gives a second encoding of the same meaning. */
static void flipped_bytes(void **state)
{
	DS_ATTESTATION struct ds_attestation att;
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), 0);
	for (size_t i = 0; i < a.n; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			DS_ATTESTATION struct ds_attestation back = DS_ATTESTATION_NULL;
			DS_BUF struct ds_buf b = DS_BUF_NULL;

			a.p[i] ^= (uint8_t)(1u << bit);
			if (!ds_attestation_decode(ds_buf_span(&a), &back, &err)) {
				assert_int_equal(
					ds_attestation_encode(&back, DS_ATTESTATION_FULL, &b), 0);
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
		{ "", -EBADMSG, "empty" },
		{ "01", -EBADMSG, "first byte 01, expected 00 (V0) or a MessagePack map (V1)" },
		{ "7b7d", -EBADMSG, "first byte 7b, expected 00 (V0) or a MessagePack map (V1)" },
		{ "00", -EBADMSG, "platform: malformed or cut short" },
		{ "0003", -EBADMSG, "report: malformed or cut short" },
		{ "0002", -EOPNOTSUPP,
		  "platform 2 (Nitro Enclave), expected 0 (TDX) or 3 (SEV-SNP)" },
		{ "0001", -EOPNOTSUPP, "platform 1 (GCP TDX), expected 0 (TDX) or 3 (SEV-SNP)" },
		{ "0005", -EBADMSG, "platform 5 (unknown), expected 0 (TDX) or 3 (SEV-SNP)" },
		/* a quote of 64 KiB + 1 */
		{ "000006000400", -EFBIG, "quote: too large" },
		/* a report of 4097 bytes, 9 certificates, one of 16385 bytes, a document of 32 KiB
		   + 1 */
		{ "00030540", -EFBIG, "report: too large" },
		{ "00030024", -EFBIG, "certificates: too large" },
		{ "0003000406000100", -EFBIG, "certificates: too large" },
		{ "0003000006000200", -EFBIG, "mr_config: too large" },
		{ "0003000004ff", -EBADMSG, "mr_config: malformed or cut short" },
		/* 65537 events */
		{ "00000006000400", -EFBIG, "event log: too large" },
		{ "0000000006000400", -EFBIG, "runtime events: too large" },
		/* an event name of 65 bytes */
		{ "000000000405010000", -EFBIG, "runtime events: too large" },
		{ "80", -EBADMSG, "V1: malformed or cut short" },
	};
	struct ds_attestation none = DS_ATTESTATION_NULL;
	struct ds_err err = DS_ERR_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(ds_attestation_decode(hex(rows[i].in), &none, &err), rows[i].want);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

/* An event with this digest length, name and nothing else. */
static int decode_event(size_t n_digest, struct ds_span name, struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	static const uint8_t zero[64];

	assert_int_equal(ds_buf_add_zero(&b, 3), 0); /* V0, TDX, no quote */
	assert_int_equal(ds_scale_add_compact(&b, 1), 0);
	assert_int_equal(ds_buf_add_u32le(&b, 3), 0);
	assert_int_equal(ds_buf_add_u32le(&b, DS_EV_RUNTIME), 0);
	assert_int_equal(ds_scale_add_bytes(&b, DS_SPAN(zero, n_digest)), 0);
	assert_int_equal(ds_scale_add_bytes(&b, name), 0);
	assert_int_equal(ds_buf_add_zero(&b, 1 + 1 + 64 + 1), 0);
	return ds_attestation_decode(ds_buf_span(&b), &none, err);
}

static void event_limits(void **state)
{
	static const uint8_t long_name[DS_MAX_EVENT_NAME + 1] = "name";
	struct ds_err err = DS_ERR_NULL;
	uint8_t name[DS_MAX_EVENT_NAME];

	memset(name, 'n', sizeof(name));
	assert_int_equal(decode_event(48, DS_SPAN_ARRAY(name), &err), 0);
	assert_int_equal(decode_event(0, DS_SPAN_LIT(""), &err), 0);
	assert_int_equal(decode_event(1, DS_SPAN_LIT("a"), &err), -EBADMSG);
	assert_int_equal(decode_event(47, DS_SPAN_LIT("a"), &err), -EBADMSG);
	assert_int_equal(decode_event(49, DS_SPAN_LIT("a"), &err), -EFBIG);
	assert_int_equal(decode_event(48, DS_SPAN_ARRAY(long_name), &err), -EFBIG);
	assert_int_equal(decode_event(48, DS_SPAN_LIT("a\0b"), &err), -EBADMSG);
	assert_int_equal(decode_event(48, DS_SPAN_LIT("\xff"), &err), -EBADMSG);
}

static void sizes_and_text(void **state)
{
	DS_ATTESTATION struct ds_attestation att, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL, big = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	att.config.p[0] = 0xff;
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&a), &none, &err), -EBADMSG);
	assert_string_equal(err.msg, "config: malformed or cut short");
	/* three payloads of 4 MiB are more than a blob may hold */
	a.n = 0;
	assert_int_equal(ds_buf_add_zero(&big, DS_MAX_EVENT_LOG), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ds_eventlog_add(&att.log, 3, DS_EV_DIGEST_ONLY, some_digest, "",
						 ds_buf_span(&big), NULL),
				 0);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), -EFBIG);
	assert_int_equal(a.n, 0);
	assert_int_equal(ds_buf_add_zero(&big, DS_MAX_ATTESTATION + 1 - big.n), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&big), &none, &err), -EFBIG);
}

/* false: there is no test data here, which has been said. */
static bool load(const char *name, struct ds_buf *ret)
{
	const char *dir = getenv("DSTACK_TESTDATA");
	DS_BUF struct ds_buf path = DS_BUF_NULL;

	assert_int_equal(ds_buf_addf(&path, "%s/dcap/attestation/%s",
				     dir ? dir : "../shared/testdata", name),
			 0);
	if (!ds_read_file(AT_FDCWD, ds_buf_cstr(&path), DS_MAX_ATTESTATION, ret))
		return true;
	print_message("# skipped: no test data at %s\n", ds_buf_cstr(&path));
	return false;
}

/* The reference's own blobs: V0 comes back byte for byte. */
static void reference_blobs(void **state)
{
	static const char *const v0[] = { "simulator-attestation.bin", "tdx-lite-attestation.bin" };
	static const char *const snp[] = { "sev-snp-attestation.bin",
					   "sev-snp-attestation-v0.bin" };
	struct ds_err err = DS_ERR_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(v0); i++) {
		DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
		DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;

		if (!load(v0[i], &in))
			skip();
		assert_int_equal(ds_attestation_decode(ds_buf_span(&in), &att, &err), 0);
		assert_string_equal(att.runtime_events.ev[0].name, "system-preparing");
		assert_true(att.quote.n > 4000 && att.config.n);
		assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &out), 0);
		assert_true(in.p[0] || ds_span_eq(ds_buf_span(&in), ds_buf_span(&out)));
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(snp); i++) {
		DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
		DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;

		if (!load(snp[i], &in))
			skip();
		assert_int_equal(ds_attestation_decode(ds_buf_span(&in), &att, &err), 0);
		assert_int_equal(att.kind, DS_ATTESTATION_SNP);
		assert_int_equal(att.quote.n, 1184);
		assert_int_equal(att.n_cert, i ? 2 : 0);
		assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &out), 0);
		assert_true(ds_span_eq(ds_buf_span(&in), ds_buf_span(&out)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_round_trip),
		cmocka_unit_test(stripped_form),
		cmocka_unit_test(version_2_events_do_not_fit),
		cmocka_unit_test(cut_at_each_length),
		cmocka_unit_test(flipped_bytes),
		cmocka_unit_test(refused),
		cmocka_unit_test(event_limits),
		cmocka_unit_test(sizes_and_text),
		cmocka_unit_test(snp_round_trip),
		cmocka_unit_test(reference_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
