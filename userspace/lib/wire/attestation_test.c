// SPDX-License-Identifier: Apache-2.0
/* The attestation blob in both forms. */
#include "../crypto/vec_test.h"

#include <ds/base/file.h>
#include <ds/wire/attestation.h>
#include <ds/wire/msgpack.h>
#include <ds/wire/scale.h>

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

static void cut_at_each_length(void **state)
{
	DS_ATTESTATION struct ds_attestation att, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	fill(&att);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &a), 0);
	for (size_t n = 0; n < a.n; n++) {
		assert_int_equal(ds_attestation_decode(DS_SPAN(a.p, n), &none, &err), -EBADMSG);
		assert_null(none.quote.p);
	}
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
	for (size_t n = 0; n < a.n; n++) {
		assert_int_equal(ds_attestation_decode(DS_SPAN(a.p, n), &back, &err), -EBADMSG);
		assert_null(back.quote.p);
	}
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
		{ "0002", -EOPNOTSUPP, "platform 2 (Nitro Enclave), expected 0 (TDX) or 3 (SEV-SNP)" },
		{ "0001", -EOPNOTSUPP, "platform 1 (GCP TDX), expected 0 (TDX) or 3 (SEV-SNP)" },
		{ "0005", -EBADMSG, "platform 5 (unknown), expected 0 (TDX) or 3 (SEV-SNP)" },
		/* a quote of 64 KiB + 1 */
		{ "000006000400", -EFBIG, "quote: too large" },
		/* a report of 4097 bytes, 9 certificates, one of 16385 bytes, a document of 32 KiB + 1 */
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

static void key(struct ds_buf *b, const char *name)
{
	assert_int_equal(ds_mp_add_str(b, DS_SPAN_STR(name)), 0);
}

/* The MessagePack form, as the reference writes it: quote and report data as arrays of integers. */
struct v1 {
	const char *platform, *stack;
	unsigned int version; /* of the events */
	unsigned int extra;   /* "version" so many times more */
	unsigned int n_digest, n_report_data, n_name, n_config;
};

static const struct v1 v1_good = { "tdx", "dstack", 1, 0, 48, 64, 6, 2 };

static void text(struct ds_buf *b, size_t n)
{
	DS_BUF struct ds_buf s = DS_BUF_NULL;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(ds_buf_add_u8(&s, 't'), 0);
	assert_int_equal(ds_mp_add_str(b, ds_buf_span(&s)), 0);
}

static void v1_blob(struct ds_buf *b, const struct v1 *v)
{
	static const uint8_t digest[64] = { 0xd1 };

	assert_int_equal(ds_mp_add_map(b, 3 + v->extra), 0);
	for (unsigned int i = 0; i <= v->extra; i++) {
		key(b, "version");
		assert_int_equal(ds_mp_add_uint(b, 1), 0);
	}
	key(b, "platform");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, v->platform);
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "quote");
	assert_int_equal(ds_mp_add_array(b, 3), 0);
	for (unsigned int i = 126; i < 129; i++)
		assert_int_equal(ds_mp_add_uint(b, i), 0);
	key(b, "event_log");
	assert_int_equal(ds_mp_add_array(b, 1), 0);
	assert_int_equal(ds_mp_add_map(b, 7), 0);
	key(b, "imr");
	assert_int_equal(ds_mp_add_uint(b, 3), 0);
	key(b, "event_type");
	assert_int_equal(ds_mp_add_uint(b, DS_EV_RUNTIME), 0);
	key(b, "digest");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN(digest, v->n_digest)), 0);
	key(b, "event");
	text(b, v->n_name);
	key(b, "event_payload");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("pp")), 0);
	key(b, "version");
	assert_int_equal(ds_mp_add_uint(b, v->version), 0);
	key(b, "preimage");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("pre")), 0);
	key(b, "stack");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, v->stack);
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "report_data");
	assert_int_equal(ds_mp_add_array(b, v->n_report_data), 0);
	for (unsigned int i = 0; i < v->n_report_data; i++)
		assert_int_equal(ds_mp_add_uint(b, 200), 0);
	key(b, "runtime_events");
	assert_int_equal(ds_mp_add_array(b, 1), 0);
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "event");
	key(b, "app-id");
	key(b, "payload");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("pp")), 0);
	key(b, "version");
	assert_int_equal(ds_mp_add_uint(b, v->version), 0);
	key(b, "config");
	text(b, v->n_config);
}

/* The data of a platform "sev-snp" in the middle of an otherwise good blob. */
static void v1_snp_blob(struct ds_buf *b, uint32_t n_certs)
{
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "version");
	assert_int_equal(ds_mp_add_uint(b, 1), 0);
	key(b, "platform");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, "sev-snp");
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "report");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("report")), 0);
	key(b, "cert_chain");
	assert_int_equal(ds_mp_add_array(b, n_certs), 0);
	for (uint32_t i = 0; i < n_certs; i++) {
		assert_int_equal(ds_mp_add_array(b, 1), 0);
		assert_int_equal(ds_mp_add_uint(b, i), 0);
	}
	key(b, "mr_config");
	key(b, "{}");
	key(b, "stack");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, "dstack");
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "report_data");
	assert_int_equal(ds_mp_add_array(b, 64), 0);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(ds_mp_add_uint(b, 200), 0);
	key(b, "runtime_events");
	assert_int_equal(ds_mp_add_array(b, 0), 0);
	key(b, "config");
	key(b, "{}");
}

static void v1_snp(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL, many = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	v1_snp_blob(&b, 8);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &att, &err), 0);
	assert_int_equal(att.kind, DS_ATTESTATION_SNP);
	assert_int_equal(att.n_cert, 8);
	assert_int_equal(att.cert[7].p[0], 7);
	assert_true(ds_span_eq(ds_buf_span(&att.quote), DS_SPAN_LIT("report")));
	assert_true(ds_span_eq(ds_buf_span(&att.mr_config), DS_SPAN_LIT("{}")));
	for (size_t n = 0; n < b.n; n++)
		assert_int_not_equal(ds_attestation_decode(DS_SPAN(b.p, n), &none, &err), 0);
	v1_snp_blob(&many, 9);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&many), &none, &err), -EFBIG);
}

static void v1_decodes(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct v1 v = v1_good;

	v.version = 2;
	v1_blob(&b, &v);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &att, &err), 0);
	assert_hex(att.quote.p, att.quote.n, "7e7f80");
	assert_int_equal(att.log.n, 1);
	assert_int_equal(att.log.ev[0].version, 2);
	assert_int_equal(att.log.ev[0].preimage.n, 3);
	assert_int_equal(att.log.ev[0].digest[0], 0xd1);
	assert_string_equal(att.log.ev[0].name, "tttttt");
	assert_int_equal(att.runtime_events.n, 1);
	assert_string_equal(att.runtime_events.ev[0].name, "app-id");
	assert_int_equal(att.runtime_events.ev[0].version, 2);
	assert_int_equal(att.report_data[63], 200);
	assert_int_equal(att.config.n, 2);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(ds_attestation_decode(DS_SPAN(b.p, n), &none, &err), -EBADMSG);
	assert_int_equal(ds_buf_add_u8(&b, 0xc0), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &none, &err), -EBADMSG);
}

#define PLATFORM "platform data: malformed or too large"
#define STACK	 "stack data: malformed or too large"

static void v1_refused(void **state)
{
	static const struct {
		struct v1 v;
		int want;
		const char *msg;
	} rows[] = {
		{ { "tdx", "dstack", 1, 0, 48, 64, 64, 32768 }, 0, "" },
		{ { "tdx", "dstack", 1, 0, 0, 64, 0, 0 }, 0, "" },
		{ { "gcp-tdx", "dstack", 1, 0, 48, 64, 6, 2 },
		  -EOPNOTSUPP,
		  "platform kind gcp-tdx, expected tdx or sev-snp" },
		{ { "sev-snp", "dstack", 1, 0, 48, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack-pod", 1, 0, 48, 64, 6, 2 },
		  -EOPNOTSUPP,
		  "stack kind dstack-pod, expected dstack" },
		{ { "tdx", "dstack", 3, 0, 48, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 0, 0, 48, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 1, 48, 64, 6, 2 }, -EBADMSG, "V1: malformed or cut short" },
		{ { "tdx", "dstack", 1, 0, 47, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 0, 49, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 0, 48, 63, 6, 2 }, -EBADMSG, STACK },
		{ { "tdx", "dstack", 1, 0, 48, 65, 6, 2 }, -EFBIG, STACK },
		{ { "tdx", "dstack", 1, 0, 48, 64, 65, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 0, 48, 64, 6, 32769 }, -EFBIG, STACK },
	};
	struct ds_err err = DS_ERR_NULL;
	struct ds_attestation none = DS_ATTESTATION_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
		DS_BUF struct ds_buf b = DS_BUF_NULL;

		v1_blob(&b, &rows[i].v);
		assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &att, &err), rows[i].want);
		if (rows[i].want)
			assert_string_equal(err.msg, rows[i].msg);
	}
	/* a key twice, a missing key, another version */
	assert_int_equal(
		ds_attestation_decode(hex("82a776657273696f6e01a776657273696f6e01"), &none, &err),
		-EBADMSG);
	assert_int_equal(ds_attestation_decode(hex("81a776657273696f6e01"), &none, &err), -EBADMSG);
	assert_int_equal(ds_attestation_decode(hex("83a776657273696f6e02a8706c6174666f726d80"
						   "a5737461636b80"),
					       &none, &err),
			 -EOPNOTSUPP);
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
		cmocka_unit_test(v1_snp),
		cmocka_unit_test(v1_decodes),
		cmocka_unit_test(v1_refused),
		cmocka_unit_test(reference_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
