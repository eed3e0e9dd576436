// SPDX-License-Identifier: Apache-2.0
/* Digests and replay against the published vectors of spec/guest-api 7.2 and spec/boot 4.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/eventlog.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

static void assert_hex(const uint8_t *got, size_t n, const char *want)
{
	char hex[2 * 64 + 1];

	assert_string_equal(ds_hex_encode(got, n, hex), want);
}

static void digest_vectors(void **state)
{
	static const struct {
		unsigned int version;
		const char *name;
		struct ds_span payload;
		const char *want;
	} rows[] = {
		{ 1,
		  "system-preparing",
		  { NULL, 0 },
		  "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c06536f5ddacdad44516"
		  "93f48fcc72fff624" },
		{ 1,
		  "app-id",
		  { (const uint8_t *)"\xde\xad\xbe\xef", 4 },
		  "67b4be4efed0893cfa2bb1d35dca209ad8348b4c97f980807bcde8b9a0f26398dd0923d6eccb5aa2"
		  "096d98046da8740f" },
		{ 1,
		  "boot-mr-done",
		  { NULL, 0 },
		  "98bd7e6bd3952720b65027fd494834045d06b4a714bf737a06b874638b3ea00ff402f7f583e3e3b0"
		  "5e921c8570433ac6" },
		{ 1,
		  "key-provider",
		  { (const uint8_t *)"{\"name\":\"none\",\"id\":\"\"}", 23 },
		  "7f788209b6106d43ad4b0cef85797120c234f175a10b7cb609a73ec1f4285adfe7abca2e1e3d3bd2"
		  "ba058c2b78d1771d" },
		{ 1,
		  "storage-fs",
		  { (const uint8_t *)"zfs", 3 },
		  "ba51104636900268b0e059fa3d266419d079d1e94aea26fb9fcbb8d764bf4c89a67ac271b8a0d1a3"
		  "989945132a111fc7" },
		{ 2,
		  "compose-hash",
		  { (const uint8_t *)"\xab\xcd", 2 },
		  "9dde1673f544faa94b921825209593ddde08d0baf9cd6990175dffaf3081f1bb10311d56de189491"
		  "feb33842a050ad7b" },
		{ 2,
		  "system-preparing",
		  { NULL, 0 },
		  "918e390aef67de4520d37d7e046dd222038e0a8385825072383ab194543ffa3046a9a48fdabbc16e"
		  "6ba9ff24249ba88f" },
	};
	uint8_t d[48];

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(ds_event_digest(rows[i].version, rows[i].name, rows[i].payload, d),
				 0);
		assert_hex(d, 48, rows[i].want);
	}
	assert_int_equal(ds_event_digest(3, "a", DS_SPAN_NULL, d), -EINVAL);
}

static void canonical_preimage(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_int_equal(ds_event_preimage_v2("compose-hash", DS_SPAN("\xab\xcd", 2), &b), 0);
	assert_string_equal(ds_buf_cstr(&b),
			    "{\"name\":\"compose-hash\",\"payload\":\"abcd\",\"type\":134217729}");
	assert_int_equal(ds_event_preimage_v2("\"\\\b\f\n\r\t\x01\x1f\xc3\xa9/", DS_SPAN_NULL, &b),
			 0);
	assert_string_equal(ds_buf_cstr(&b),
			    "{\"name\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\xc3\xa9/\","
			    "\"payload\":\"\",\"type\":134217729}");
}

static void event(struct ds_eventlog *log, unsigned int version, const char *name, const void *p,
		  size_t n)
{
	struct ds_event *ev;

	assert_int_equal(ds_eventlog_add(log, 3, DS_EV_RUNTIME, NULL, name, DS_SPAN(p, n), &ev), 0);
	ev->version = version;
}

/* The boot of spec/boot 4.3. */
static void boot(struct ds_eventlog *log, unsigned int version)
{
	uint8_t app[20], compose[32], gpu[32], instance[20];

	memset(app, 0x11, sizeof(app));
	memset(compose, 0x22, sizeof(compose));
	memset(instance, 0x33, sizeof(instance));
	assert_int_equal(ds_sha256_1(DS_SPAN_LIT("{}"), gpu), 0);
	event(log, version, "system-preparing", "", 0);
	event(log, version, "app-id", app, sizeof(app));
	event(log, version, "compose-hash", compose, sizeof(compose));
	event(log, version, "gpu-policy-hash", gpu, sizeof(gpu));
	event(log, version, "instance-id", instance, sizeof(instance));
	event(log, version, "boot-mr-done", "", 0);
	event(log, version, "key-provider", "{\"name\":\"none\",\"id\":\"\"}", 23);
	event(log, version, "storage-fs", "zfs", 3);
	event(log, version, "system-ready", "", 0);
}

static void tcg2_header(struct ds_buf *b)
{
	assert_int_equal(ds_buf_add_u32le(b, 0) | ds_buf_add_u32le(b, DS_EV_NO_ACTION) |
				 ds_buf_add_zero(b, 20) | ds_buf_add_u32le(b, 33) |
				 ds_buf_add(b, "Spec ID Event03", 16) |
				 ds_buf_add(b, "\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0\0", 17),
			 0);
}

/* A runtime event with its preimage as data, and a digest that nobody believes. */
static void tcg2_event(struct ds_buf *b, const struct ds_event *ev)
{
	DS_BUF struct ds_buf data = DS_BUF_NULL;

	if (ev->version == 2) {
		assert_int_equal(ds_event_preimage_v2(ev->name, ds_buf_span(&ev->payload), &data),
				 0);
	} else {
		assert_int_equal(ds_buf_add_u32le(&data, DS_EV_RUNTIME) |
					 ds_buf_addf(&data, ":%s:", ev->name) |
					 ds_buf_add_span(&data, ds_buf_span(&ev->payload)),
				 0);
	}
	assert_int_equal(ds_buf_add_u32le(b, 4) | ds_buf_add_u32le(b, DS_EV_RUNTIME) |
				 ds_buf_add_u32le(b, 1) | ds_buf_add_u16le(b, 12) |
				 ds_buf_add_zero(b, 48) | ds_buf_add_u32le(b, (uint32_t)data.n) |
				 ds_buf_add_span(b, ds_buf_span(&data)),
			 0);
}

static void replay_vectors(void **state)
{
	static const char *const want[][2] = {
		{ "018aee3f2ec5d7b15bfb5a5066c70cff7acb36ec27ce7cb623defa143e133905d54b1aa8f9b0e32c"
		  "862b5d1ac1176777",
		  "b621121d44a1f170efbe945d1c20a9467c2b347b00c9b2e9727479bd96a9d3a7d07d526392e4d378"
		  "9b8fa2385b5b61d7" },
		{ "f89dedfb08a4829a6ebe9a08359ceb086117dec60fa543657383d49744099d47ff805c3230167c0c"
		  "541bd620f74b4116",
		  "75c9f13e89cc94f27a3fbd7fb0d9a87d3c2febbc9fa51003678a2cdfec98066ad333c3185033f9d7"
		  "9c08719936c52485" },
	};
	uint8_t rtmr[4][48], mr[48];

	for (unsigned int version = 1; version <= 2; version++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;

		boot(&log, version);
		assert_int_equal(ds_eventlog_replay_rtmr3(&log, "boot-mr-done", mr, NULL), 0);
		assert_hex(mr, 48, want[version - 1][0]);
		assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, mr, NULL), 0);
		assert_hex(mr, 48, want[version - 1][1]);
		assert_int_equal(ds_eventlog_replay(&log, rtmr, NULL), 0);
		assert_memory_equal(rtmr[3], mr, 48);
		for (int i = 0; i < 3; i++)
			for (int k = 0; k < 48; k++)
				assert_int_equal(rtmr[i][k], 0);
	}
}

/* A digest that travels with a runtime event is never believed. */
static void digests_are_recomputed(void **state)
{
	DS_EVENTLOG struct ds_eventlog a = DS_EVENTLOG_NULL, b = DS_EVENTLOG_NULL;
	uint8_t x[48], y[48], lie[48] = { 0 };

	event(&a, 1, "app-id", "x", 1);
	assert_int_equal(ds_eventlog_replay_rtmr3(&a, NULL, x, NULL), 0);
	assert_int_equal(
		ds_eventlog_add(&b, 3, DS_EV_RUNTIME, lie, "app-id", DS_SPAN("x", 1), NULL), 0);
	assert_int_equal(ds_eventlog_replay_rtmr3(&b, NULL, y, NULL), 0);
	assert_memory_equal(x, y, 48);
	/* a raw extension has nothing but its digest */
	assert_int_equal(ds_eventlog_add(&b, 3, DS_EV_DIGEST_ONLY, lie, "", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_replay_rtmr3(&b, NULL, y, NULL), 0);
	assert_memory_not_equal(x, y, 48);
}

static void refusals(void **state)
{
	static const char *const names[] = { "",     "a:b",   "key-provider:{\"name\"",
					     "a\nb", "a\x7f", "\x01" };
	struct ds_err err;
	uint8_t mr[48], rtmr[4][48];

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;

		event(&log, 1, names[i], "", 0);
		err = DS_ERR_NULL;
		assert_false(ds_event_name_ok(names[i]));
		assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, mr, &err),
				 DS_EVENTLOG_E_NAME);
		assert_int_equal(ds_eventlog_replay(&log, rtmr, &err), DS_EVENTLOG_E_NAME);
		assert_true(err.msg[0] != '\0');
	}
	assert_true(ds_event_name_ok("Az09._- caf\xc3\xa9"));
	/* 64 bytes, and one more */
	assert_true(ds_event_name_ok(
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	assert_false(ds_event_name_ok(
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefg"));

	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;

	event(&log, 2, "app-id", "x", 1);
	assert_int_equal(ds_event_preimage_v2("app-id", DS_SPAN("x", 1), &log.ev[0].preimage), 0);
	assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, mr, &err), 0);
	log.ev[0].preimage.p[3] ^= 1;
	assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, mr, &err), DS_EVENTLOG_E_PREIMAGE);
	log.ev[0].preimage.p[3] ^= 1;
	log.ev[0].version = 1;
	assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, mr, &err), DS_EVENTLOG_E_PREIMAGE);
	log.ev[0].type = 7;
	assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, mr, &err), DS_EVENTLOG_E_DIGEST);
	log.ev[0].imr = 4;
	assert_int_equal(ds_eventlog_replay(&log, rtmr, &err), -EBADMSG);
}

/* The same boot in both versions and both forms gives the published registers. */
static void tcg2_replays_like_json(void **state)
{
	for (unsigned int version = 1; version <= 2; version++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL, json = DS_EVENTLOG_NULL,
					       tcg2 = DS_EVENTLOG_NULL;
		DS_BUF struct ds_buf text = DS_BUF_NULL, bin = DS_BUF_NULL;
		uint8_t want[48], got[4][48];
		struct ds_err err;

		boot(&log, version);
		assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, want, NULL), 0);
		assert_int_equal(ds_eventlog_to_json(&log, &text), 0);
		assert_int_equal(ds_eventlog_parse(ds_buf_span(&text), &json, NULL), 0);
		assert_int_equal(ds_eventlog_replay(&json, got, NULL), 0);
		assert_memory_equal(got[3], want, 48);
		assert_int_equal(json.ev[1].version, version);
		tcg2_header(&bin);
		for (size_t i = 0; i < log.n; i++)
			tcg2_event(&bin, &log.ev[i]);
		assert_int_equal(ds_eventlog_parse(ds_buf_span(&bin), &tcg2, NULL), 0);
		assert_int_equal(ds_eventlog_replay(&tcg2, got, NULL), 0);
		assert_memory_equal(got[3], want, 48);
		assert_int_equal(tcg2.ev[1].version, version);
		if (version == 1)
			continue;
		/* the same content in other letters is not what was hashed */
		tcg2.ev[1].preimage.p[0] = ' ';
		assert_int_equal(ds_eventlog_replay(&tcg2, got, &err), DS_EVENTLOG_E_PREIMAGE);
		json.ev[1].payload.p[0] ^= 1;
		assert_int_equal(ds_eventlog_replay(&json, got, &err), DS_EVENTLOG_E_PREIMAGE);
	}
}

static void lookup_stops_at_system_ready(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	const struct ds_event *ev;

	/* another register holds no runtime events */
	assert_int_equal(
		ds_eventlog_add(&log, 2, DS_EV_RUNTIME, NULL, "app-id", DS_SPAN("2", 1), NULL), 0);
	event(&log, 1, "app-id", "first", 5);
	event(&log, 1, "app-id", "second", 6);
	event(&log, 1, "system-ready", "", 0);
	event(&log, 1, "os-image-hash", "late", 4);
	ev = ds_eventlog_find(&log, "app-id");
	assert_non_null(ev);
	assert_int_equal(ev->payload.n, 5);
	assert_non_null(ds_eventlog_find(&log, "system-ready"));
	assert_null(ds_eventlog_find(&log, "os-image-hash"));
}

/* A bare digest may be a system-ready that somebody hides: nothing behind it is the launch. */
static void lookup_stops_at_bare_digests(void **state)
{
	static const uint32_t types[] = { DS_EV_DIGEST_ONLY, DS_EV_NO_ACTION, 0, 0x08000003 };
	static const uint8_t d[48];

	for (size_t i = 0; i < DS_ARRAY_SIZE(types); i++) {
		DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
		bool opaque = true;

		/* in other registers they are firmware's */
		assert_int_equal(ds_eventlog_add(&log, 0, types[i], d, "", DS_SPAN_NULL, NULL), 0);
		event(&log, 1, "system-preparing", "", 0);
		assert_int_equal(ds_eventlog_launch(&log, &opaque), 2);
		assert_false(opaque);
		assert_int_equal(
			ds_eventlog_add(&log, 3, types[i], d, "app-id", DS_SPAN("d", 1), NULL), 0);
		event(&log, 1, "app-id", "forged", 6);
		event(&log, 1, "system-ready", "", 0);
		assert_int_equal(ds_eventlog_launch(&log, &opaque), 2);
		assert_true(opaque);
		assert_non_null(ds_eventlog_find(&log, "system-preparing"));
		assert_null(ds_eventlog_find(&log, "app-id"));
		assert_null(ds_eventlog_find(&log, "system-ready"));
	}

	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	bool opaque = true;

	event(&log, 1, "system-ready", "", 0);
	assert_int_equal(ds_eventlog_add(&log, 3, DS_EV_DIGEST_ONLY, d, "", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_launch(&log, &opaque), 1);
	assert_false(opaque); /* the app's business */
}

static void firmware_events(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	uint8_t d[48], a[4][48], b[4][48];

	memset(d, 7, sizeof(d));
	assert_int_equal(ds_eventlog_add(&log, 0, 1, d, "", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_replay(&log, a, NULL), 0);
	assert_int_equal(ds_eventlog_add(&log, 0, DS_EV_NO_ACTION, d, "", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_replay(&log, b, NULL), 0);
	assert_memory_equal(a, b, sizeof(a)); /* recorded, not extended */
	assert_int_equal(ds_eventlog_add(&log, 3, DS_EV_NO_ACTION, d, "", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_replay(&log, b, NULL), 0);
	assert_memory_not_equal(a[3], b[3], 48); /* RTMR3 has no firmware entries to leave out */
}

static void json_round_trip(void **state)
{
	static const char head[] = "[{\"imr\":0,\"event_type\":1,\"digest\":\"\",\"event\":\"\","
				   "\"event_payload\":\"4142\"},"
				   "{\"imr\":3,\"event_type\":134217729,\"digest\":"
				   "\"f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c3"
				   "62c06536f5ddacdad4451693f48fcc72fff624\",\"event\":\"system-"
				   "preparing\",\"event_payload\":\"\"},";
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL, again = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	uint8_t x[4][48], y[4][48];

	assert_int_equal(ds_eventlog_add(&log, 0, 1, NULL, "", DS_SPAN_LIT("AB"), NULL), 0);
	event(&log, 1, "system-preparing", "", 0);
	event(&log, 2, "two \"quoted\"", "\xff", 1);
	assert_int_equal(ds_eventlog_to_json(&log, &b), 0);
	assert_true(b.n > sizeof(head));
	assert_memory_equal(b.p, head, sizeof(head) - 1);
	assert_int_equal(ds_eventlog_parse_json(ds_buf_span(&b), &again, NULL), 0);
	assert_int_equal(again.n, 3);
	assert_int_equal(again.ev[2].version, 2);
	assert_string_equal(again.ev[2].name, "two \"quoted\"");
	assert_int_equal(ds_eventlog_replay(&again, y, NULL),
			 DS_EVENTLOG_E_DIGEST); /* the first has none */
	memset(log.ev[0].digest, 5, 48);
	log.ev[0].has_digest = again.ev[0].has_digest = true;
	memset(again.ev[0].digest, 5, 48);
	assert_int_equal(ds_eventlog_replay(&log, x, NULL), 0);
	assert_int_equal(ds_eventlog_replay(&again, y, NULL), 0);
	assert_memory_equal(x, y, sizeof(x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_vectors),
		cmocka_unit_test(canonical_preimage),
		cmocka_unit_test(replay_vectors),
		cmocka_unit_test(digests_are_recomputed),
		cmocka_unit_test(refusals),
		cmocka_unit_test(tcg2_replays_like_json),
		cmocka_unit_test(lookup_stops_at_system_ready),
		cmocka_unit_test(firmware_events),
		cmocka_unit_test(json_round_trip),
		cmocka_unit_test(lookup_stops_at_bare_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
