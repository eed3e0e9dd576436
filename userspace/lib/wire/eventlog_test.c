// SPDX-License-Identifier: Apache-2.0
/* Tests of the event log codecs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/rd.h>
#include <ds/wire/eventlog.h>

#include "../base/edge_test.h"

#define D48                                                                                        \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b" \
	"2c2d2e2f"
#define N64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void json_table(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "[]", 0 },
		{ "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a\",\"event_"
		  "payload\":\"00FF\"}]",
		  0 },
		{ "[{\"imr\":0,\"event_type\":4294967295,\"digest\":\"" D48
		  "\",\"event\":\"\",\"event_payload\":\"\"}]",
		  0 },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"" N64
		  "\",\"event_payload\":\"\"}]",
		  0 },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\",\"version\":2,"
		  "\"preimage\":\"7b7d\",\"later\":[1]}]",
		  0 },
		{ "", -EBADMSG },
		{ "{}", -EBADMSG },
		{ "[", -EBADMSG },
		{ "[] x", -EBADMSG },
		{ "[1]", -EBADMSG },
		{ "[{}]", -EBADMSG },
		/* duplicate key: which one was meant? */
		{ "[{\"imr\":3,\"imr\":0,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_"
		  "payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":4,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":-1,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":1.0,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_"
		  "payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":4294967296,\"digest\":\"\",\"event\":\"a\",\"event_"
		  "payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"00\",\"event\":\"a\",\"event_"
		  "payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":null,\"event\":\"a\",\"event_payload\":"
		  "\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"0\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"0g\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"" N64
		  "x\",\"event_payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\\u0000b\",\"event_"
		  "payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":1,\"event_payload\":\"\"}"
		  "]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":-1,\"digest\":\"\",\"event\":\"a\",\"event_"
		  "payload\":\"\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "1}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\",\"preimage\":\"0g\"}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\",\"preimage\":null}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\",\"version\":3}]",
		  -EBADMSG },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\",\"event\":\"a\",\"event_payload\":"
		  "\"\",\"version\":\"1\"}]",
		  -EBADMSG },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
		struct ds_err err = DS_ERR_NULL;
		int r = ds_eventlog_parse_json(DS_SPAN_STR(rows[i].text), &log, &err);

		if (r != rows[i].want)
			fail_msg("%s: expected %d, got %d (%s)", rows[i].text, rows[i].want, r,
				 err.msg);
	}
}

/* Where another refusal would follow, it is the first that is said. */
static void json_faults_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[", "JSON: " },
		{ "{}", "not a JSON array" },
		{ "[1]", "event 0: not an object" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
		struct ds_err err = DS_ERR_NULL;

		assert_int_equal(ds_eventlog_parse_json(DS_SPAN_STR(rows[i].text), &log, &err),
				 -EBADMSG);
		if (strncmp(err.msg, rows[i].says, strlen(rows[i].says)))
			fail_msg("%s: %s", rows[i].text, err.msg);
	}
}

static void json_fields_and_truncation(void **state)
{
	static const char text[] =
		"[{\"imr\":3,\"event_type\":134217729,\"digest\":\"" D48
		"\",\"event\":\"app-id\",\"event_payload\":\"dead\",\"version\":2}]";
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL, cut = DS_EVENTLOG_NULL;

	assert_int_equal(ds_eventlog_parse(DS_SPAN_STR(text), &log, NULL), 0);
	assert_int_equal(log.n, 1);
	assert_int_equal(log.ev[0].imr, 3);
	assert_int_equal(log.ev[0].type, DS_EV_RUNTIME);
	assert_true(log.ev[0].has_digest);
	assert_int_equal(log.ev[0].digest[47], 47);
	assert_string_equal(log.ev[0].name, "app-id");
	assert_int_equal(log.ev[0].payload.n, 2);
	assert_int_equal(log.ev[0].version, 2);
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_not_equal(ds_eventlog_parse_json(DS_SPAN(text, n), &cut, NULL), 0);
}

/* A log of empty objects would cost a hundred times its length before the first one is refused. */
static void json_of_many_values(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_buf_addf(&text, "[{}"), 0);
	for (size_t i = 0; i < 4 * DS_MAX_EVENTS; i++)
		assert_int_equal(ds_buf_add(&text, ",{}", 3), 0);
	assert_int_equal(ds_buf_addf(&text, "]"), 0);
	assert_int_equal(ds_eventlog_parse_json(ds_buf_span(&text), &log, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "more than 524288 values"));
}

/* TCG2, as the module writes it. */
static void add_header(struct ds_buf *b, uint16_t alg, uint32_t n_algs)
{
	assert_int_equal(ds_buf_add_u32le(b, 0), 0);
	assert_int_equal(ds_buf_add_u32le(b, DS_EV_NO_ACTION), 0);
	assert_int_equal(ds_buf_add_zero(b, 20), 0);
	assert_int_equal(ds_buf_add_u32le(b, 33), 0);
	assert_int_equal(ds_buf_add(b, "Spec ID Event03", 16), 0);
	assert_int_equal(ds_buf_add(b, "\0\0\0\0\0\2\0\2", 8), 0);
	assert_int_equal(ds_buf_add_u32le(b, n_algs), 0);
	assert_int_equal(ds_buf_add_u16le(b, alg), 0);
	assert_int_equal(ds_buf_add_u16le(b, 48), 0);
	assert_int_equal(ds_buf_add_u8(b, 0), 0);
}

static void add_entry(struct ds_buf *b, uint32_t index, uint32_t type, const void *data, size_t n)
{
	assert_int_equal(ds_buf_add_u32le(b, index), 0);
	assert_int_equal(ds_buf_add_u32le(b, type), 0);
	assert_int_equal(ds_buf_add_u32le(b, 1), 0);
	assert_int_equal(ds_buf_add_u16le(b, 0x000c), 0);
	for (int i = 0; i < 48; i++)
		assert_int_equal(ds_buf_add_u8(b, (uint8_t)i), 0);
	assert_int_equal(ds_buf_add_u32le(b, (uint32_t)n), 0);
	assert_int_equal(ds_buf_add(b, data, n), 0);
}

static void tcg2_entries(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	size_t plain;

	add_header(&b, 0x000c, 1);
	add_entry(&b, 0, 1, "dropped", 7);
	add_entry(&b, 1, 10, "ACPI DATA", 9);
	add_entry(&b, 4, DS_EV_RUNTIME, "\1\0\0\10:app-id:a:b", 15);
	add_entry(&b, 4, DS_EV_DIGEST_ONLY, "", 0);
	plain = b.n;
	for (int fill = 0; fill < 3; fill++) { /* none, 0xff, 0x00 */
		ds_eventlog_done(&log);
		assert_int_equal(ds_eventlog_parse(ds_buf_span(&b), &log, NULL), 0);
		assert_int_equal(log.n, 3);
		assert_int_equal(log.ev[0].imr, 0);
		assert_string_equal(log.ev[0].name, "");
		assert_int_equal(log.ev[1].imr, 3);
		assert_string_equal(log.ev[1].name, "app-id");
		assert_true(ds_span_eq(ds_buf_span(&log.ev[1].payload), DS_SPAN_LIT("a:b")));
		assert_int_equal(log.ev[2].digest[47], 47);
		b.n = plain;
		assert_int_equal(ds_buf_add_zero(&b, 100), 0);
		memset(b.p + plain, fill ? 0 : 0xff, 100);
	}
	b.p[b.n - 1] = 7; /* something behind the fill */
	ds_eventlog_done(&log);
	assert_int_equal(ds_eventlog_parse_tcg2(ds_buf_span(&b), &log, NULL), -EBADMSG);
}

#define V2 "{\"name\":\"app-id\",\"payload\":\"613a62\",\"type\":134217729}"

/* The preimage of version 2 is data of the event too, and kept for the replay to compare. */
static void tcg2_version_2(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	add_header(&b, 0x000c, 1);
	add_entry(&b, 4, DS_EV_RUNTIME, V2, strlen(V2));
	add_entry(&b, 1, 10, V2, strlen(V2)); /* firmware's data is not looked into */
	assert_int_equal(ds_eventlog_parse(ds_buf_span(&b), &log, NULL), 0);
	assert_int_equal(log.n, 2);
	assert_int_equal(log.ev[0].version, 2);
	assert_string_equal(log.ev[0].name, "app-id");
	assert_true(ds_span_eq(ds_buf_span(&log.ev[0].payload), DS_SPAN_LIT("a:b")));
	assert_true(ds_span_eq(ds_buf_span(&log.ev[0].preimage), DS_SPAN_STR(V2)));
	assert_int_equal(log.ev[1].version, 1);
	assert_int_equal(log.ev[1].preimage.n, 0);
}

static void tcg2_truncation(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	size_t ends[5], n_ends = 0;

	add_header(&b, 0x000c, 1);
	ends[n_ends++] = b.n;
	add_entry(&b, 1, 10, "xyz", 3);
	ends[n_ends++] = b.n;
	add_entry(&b, 4, DS_EV_RUNTIME, "\1\0\0\10:n:", 7);
	ends[n_ends++] = b.n;
	add_entry(&b, 4, DS_EV_RUNTIME, V2, strlen(V2));
	ends[n_ends++] = b.n;
	for (size_t n = 0; n <= b.n; n++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
		struct ds_err err = DS_ERR_NULL;
		int r, want = -EBADMSG;

		r = ds_eventlog_parse_tcg2(at_edge(b.p, n), &log, &err);
		for (size_t i = 0; i < n_ends; i++)
			if (n == ends[i])
				want = 0;
		assert_int_equal(r, want);
		if (want && !strstr(err.msg, "truncated"))
			fail_msg("%zu bytes: %s", n, err.msg);
	}
}

/* The header's data has the size that its parts have, and nobody reads behind it. */
static void tcg2_header_data(void **state)
{
	for (size_t vendor = 0; vendor < 3; vendor++) {
		for (size_t n = 0; n < 40; n++) {
			DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
			DS_BUF struct ds_buf b = DS_BUF_NULL;
			bool good = n == 33 + vendor;

			add_header(&b, 0x000c, 1);
			b.p[64] = (uint8_t)vendor;
			ds_put_u32le(b.p + 28, (uint32_t)n);
			assert_int_equal(ds_buf_add_zero(&b, 8), 0);
			assert_int_equal(ds_eventlog_parse_tcg2(at_edge(b.p, 32 + n), &log, NULL),
					 good ? 0 : -EBADMSG);
		}
	}
}

/* Data too short for its mark ends where it ends, whatever the next entry begins with. */
static void tcg2_short_data(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	add_header(&b, 0x000c, 1);
	add_entry(&b, 4, DS_EV_RUNTIME, "\1\0\0\10", 4);
	add_entry(&b, 0x3a62613a, 10, "", 0); /* ":ab:" */
	assert_int_equal(ds_eventlog_parse_tcg2(ds_buf_span(&b), &log, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "entry 1: runtime event data is not type:name:payload"));
}

static void tcg2_refusals(void **state)
{
	static const struct {
		const char *what;
		uint16_t alg;
		uint32_t n_algs, index, type;
		const char *data;
		size_t n;
	} rows[] = {
		{ "SHA-256 log", 0x000b, 1, 1, 10, "", 0 },
		{ "two digests a record", 0x000c, 2, 1, 10, "", 0 },
		{ "register 5", 0x000c, 1, 5, 10, "", 0 },
		{ "runtime event without shape", 0x000c, 1, 4, DS_EV_RUNTIME, "abc", 3 },
		{ "runtime event of another type", 0x000c, 1, 4, DS_EV_RUNTIME, "\2\0\0\10:n:", 7 },
		{ "runtime event without a colon", 0x000c, 1, 4, DS_EV_RUNTIME, "\1\0\0\10;n:", 7 },
		{ "runtime event without a name", 0x000c, 1, 4, DS_EV_RUNTIME, "\1\0\0\10::x", 7 },
		{ "runtime event without payload mark", 0x000c, 1, 4, DS_EV_RUNTIME, "\1\0\0\10:nx",
		  7 },
		{ "NUL in the name", 0x000c, 1, 4, DS_EV_RUNTIME, "\1\0\0\10:n\0:", 8 },
		{ "name that is no text", 0x000c, 1, 4, DS_EV_RUNTIME, "\1\0\0\10:\377n:", 8 },
		{ "name of 65 bytes", 0x000c, 1, 4, DS_EV_RUNTIME, "\1\0\0\10:" N64 "x:", 71 },
#define BAD_V2(what, text) { what, 0x000c, 1, 4, DS_EV_RUNTIME, text, sizeof(text) - 1 }
		BAD_V2("cut", "{\"name\":\"a\",\"payload\":\"\",\"type\":134217729"),
		BAD_V2("more behind it", "{\"name\":\"a\",\"payload\":\"\",\"type\":134217729}x"),
		BAD_V2("another type", "{\"name\":\"a\",\"payload\":\"\",\"type\":134217730}"),
		BAD_V2("type as text", "{\"name\":\"a\",\"payload\":\"\",\"type\":\"134217729\"}"),
		BAD_V2("no type", "{\"name\":\"a\",\"payload\":\"\"}"),
		BAD_V2("no name", "{\"payload\":\"\",\"type\":134217729}"),
		BAD_V2("empty name", "{\"name\":\"\",\"payload\":\"\",\"type\":134217729}"),
		BAD_V2("long name", "{\"name\":\"" N64 "x\",\"payload\":\"\",\"type\":134217729}"),
		BAD_V2("no payload", "{\"name\":\"a\",\"type\":134217729}"),
		BAD_V2("half a byte", "{\"name\":\"a\",\"payload\":\"0\",\"type\":134217729}"),
		BAD_V2("two names",
		       "{\"name\":\"a\",\"name\":\"b\",\"payload\":\"\",\"type\":134217729}"),
		BAD_V2("another key",
		       "{\"name\":\"a\",\"payload\":\"\",\"type\":134217729,\"x\":1}"),
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		int r;

		add_header(&b, rows[i].alg, rows[i].n_algs);
		add_entry(&b, rows[i].index, rows[i].type, rows[i].data, rows[i].n);
		r = ds_eventlog_parse_tcg2(ds_buf_span(&b), &log, &err);
		if (r != -EBADMSG ||
		    (*rows[i].data == '{' && !strstr(err.msg, "no preimage of version 2")))
			fail_msg("%s: got %d (%s)", rows[i].what, r, err.msg);
	}
}

/* One byte of a good log changed, at places of the format's own. */
static void tcg2_format_bytes(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
		const char *says;
	} rows[] = {
		{ "header type", 4, 1, "EV_NO_ACTION" },
		{ "specification name", 32 + 13, '2', "Spec ID Event03" },
		{ "digest size", 62, 32, "Spec ID Event03" },
		{ "two digests", 65 + 8, 2, "exactly one digest" },
		{ "no digest", 65 + 8, 0, "exactly one digest" },
		{ "SHA-256 digest", 65 + 12, 0x0b, "SHA-384" },
		{ "register 255", 65, 0xff, "not 0 to 4" },
		{ "fill index", 0, 0, "behind the fill" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;

		add_header(&b, 0x000c, 1);
		assert_int_equal(b.n, 65);
		add_entry(&b, 1, 10, "xyz", 3);
		assert_int_equal(ds_eventlog_parse_tcg2(ds_buf_span(&b), &log, NULL), 0);
		ds_eventlog_done(&log);
		if (rows[i].at)
			b.p[rows[i].at] = rows[i].value;
		else
			memset(b.p + 65, 0xff, 4);
		if (ds_eventlog_parse_tcg2(ds_buf_span(&b), &log, &err) != -EBADMSG ||
		    !strstr(err.msg, rows[i].says))
			fail_msg("%s: %s", rows[i].what, err.msg);
	}
}

static void size_limits(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(ds_buf_reserve(&b, DS_MAX_EVENT_LOG + 1), 0);
	memset(b.p, ' ', DS_MAX_EVENT_LOG + 1);
	memcpy(b.p, "[]", 2);
	b.n = DS_MAX_EVENT_LOG;
	assert_int_equal(ds_eventlog_parse(ds_buf_span(&b), &log, NULL), 0);
	b.n++;
	assert_int_equal(ds_eventlog_parse(ds_buf_span(&b), &log, NULL), -EFBIG);
	b.n = 0;
	add_header(&b, 0x000c, 1);
	memset(b.p + b.n, 0xff, DS_MAX_EVENT_LOG + 1 - b.n);
	b.n = DS_MAX_EVENT_LOG;
	assert_int_equal(ds_eventlog_parse(ds_buf_span(&b), &log, NULL), 0);
	b.n++;
	assert_int_equal(ds_eventlog_parse(ds_buf_span(&b), &log, NULL), -EFBIG);
}

static void append_limits(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct ds_event *ev;

	assert_int_equal(ds_eventlog_add(&log, 3, 1, NULL, N64, DS_SPAN_NULL, &ev), 0);
	assert_false(ev->has_digest);
	assert_int_equal(ds_eventlog_add(&log, 3, 1, NULL, N64 "x", DS_SPAN_NULL, NULL), -EINVAL);
	for (size_t i = 1; i < DS_MAX_EVENTS; i++)
		assert_int_equal(ds_eventlog_add(&log, 3, 1, NULL, "", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_add(&log, 3, 1, NULL, "", DS_SPAN_NULL, NULL), -EFBIG);
	assert_int_equal(log.n, DS_MAX_EVENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_table),
		cmocka_unit_test(json_fields_and_truncation),
		cmocka_unit_test(json_of_many_values),
		cmocka_unit_test(json_faults_are_named),
		cmocka_unit_test(tcg2_entries),
		cmocka_unit_test(tcg2_truncation),
		cmocka_unit_test(tcg2_version_2),
		cmocka_unit_test(tcg2_header_data),
		cmocka_unit_test(tcg2_short_data),
		cmocka_unit_test(tcg2_refusals),
		cmocka_unit_test(append_limits),
		cmocka_unit_test(tcg2_format_bytes),
		cmocka_unit_test(size_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
