// SPDX-License-Identifier: Apache-2.0
/* dstack evidence: report data, replay, event names, identity, compose file and image (spec/kms 4;
 * checks 36-38). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/eventlog.h>
#include <ds/attest/verify.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/attestation.h>

#include "forge.h"

static const char compose[] = "{\"manifest_version\":2,\"name\":\"test\",\"runner\":\"bash\"}";
static const char provider[] = "{\"name\":\"kms\",\"id\":\"00\"}";

/* What differs from a good boot. */
struct boot {
	const char *leave_out;		/* event that is not measured */
	size_t app_id_len, compose_len, instance_len; /* 0: right */
	const char *late; /* measured after system-ready: an app-id of somebody else */
	bool os_event, no_instance, not_ready;
	bool again; /* the launch events once more, behind system-ready */
	const char *foreign; /* measured between instance-id and boot-mr-done */
	unsigned int foreign_version, version; /* 0: 1 */
	const char *config;
};

static void measure(struct ds_eventlog *log, const struct boot *b, const char *name, const void *p,
		    size_t n)
{
	if (b->leave_out && !strcmp(b->leave_out, name))
		return;
	assert_int_equal(ds_eventlog_add(log, 3, DS_EV_RUNTIME, NULL, name, DS_SPAN(p, n), NULL),
			 0);
	log->ev[log->n - 1].version = b->version ? b->version : 1;
}

static void launch(const struct boot *b, struct ds_eventlog *log)
{
	uint8_t app[32], instance[20], hash[32];

	memset(app, 0xa0, sizeof(app));
	memset(instance, 0x1a, sizeof(instance));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);
	measure(log, b, "system-preparing", "", 0);
	measure(log, b, "app-id", app, b->app_id_len ? b->app_id_len : 20);
	measure(log, b, "compose-hash", hash, b->compose_len ? b->compose_len : 32);
	measure(log, b, "instance-id", instance,
		b->no_instance	  ? 0
		: b->instance_len ? b->instance_len
				  : 20);
	if (b->foreign) {
		measure(log, b, b->foreign, "foreign", 7);
		if (b->foreign_version)
			log->ev[log->n - 1].version = b->foreign_version;
	}
	measure(log, b, "boot-mr-done", "", 0);
	if (b->os_event)
		measure(log, b, "os-image-hash",
			"\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f"
			"\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f\x0f",
			32);
	measure(log, b, "key-provider", provider, strlen(provider));
	if (!b->not_ready)
		measure(log, b, "system-ready", "", 0);
}

static void boot_log(const struct boot *b, struct ds_eventlog *log)
{
	launch(b, log);
	if (b->again)
		launch(b, log);
	if (b->late)
		assert_int_equal(ds_eventlog_add(log, 3, DS_EV_RUNTIME, NULL, b->late,
						 DS_SPAN("somebody else's bytes", 20), NULL),
				 0);
}

struct world {
	struct forged w;
	struct ds_attestation att;
	uint8_t report_data[64], rtmr3[48];
};

static void world_done(struct world *x)
{
	forged_done(&x->w);
	ds_attestation_done(&x->att);
}
#define WORLD DS_CLEANUP(world_done)

static void make(const struct boot *b, struct world *x)
{
	struct forge f = { .rt_mr3 = x->rtmr3, .report_data = x->report_data };

	world_done(x);
	x->att = DS_ATTESTATION_NULL;
	for (size_t i = 0; i < sizeof(x->report_data); i++)
		x->report_data[i] = (uint8_t)(200 - i);
	boot_log(b, &x->att.runtime_events);
	boot_log(b, &x->att.log);
	assert_int_equal(ds_eventlog_replay_rtmr3(&x->att.runtime_events, NULL, x->rtmr3, NULL), 0);
	forge(&f, &x->w);
	assert_int_equal(ds_buf_add_span(&x->att.quote, ds_buf_span(&x->w.quote)), 0);
	memcpy(x->att.report_data, x->report_data, sizeof(x->report_data));
	if (b->config)
		assert_int_equal(ds_buf_addf(&x->att.config, "%s", b->config), 0);
}

static enum ds_reason judge(const struct world *x, struct ds_verdict *v, struct ds_identity *id)
{
	const struct ds_verify_opts opts = { .root_ca = ds_buf_span(&x->w.root_pem),
					     .time = FORGE_TIME };

	assert_int_equal(ds_attest_evidence(&x->att, x->report_data, ds_buf_span(&x->w.collateral),
					    &opts, v, id),
			 0);
	assert_int_equal(v->accepted, v->reason == DS_REASON_NONE);
	return v->reason;
}

static void assert_reason(const struct world *x, enum ds_reason want)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	struct ds_verdict v;
	enum ds_reason got = judge(x, &v, &id);

	if (got != want)
		fail_msg("expected '%s', got '%s' (%s)", ds_reason_name(want), ds_reason_name(got),
			 v.detail);
	if (got != DS_REASON_NONE)
		assert_int_equal(id.app_id[0], 0); /* nothing of a refused identity gets out */
}

static void identity_of_a_boot(void **state)
{
	static const char os[] =
		"{\"os_image_hash\":"
		"\"1111111111111111111111111111111111111111111111111111111111111111\"}";
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	WORLD struct world x = { 0 };
	struct ds_verdict v;
	uint8_t hash[32];

	make(&(struct boot){ .config = os }, &x);
	assert_int_equal(judge(&x, &v, &id), DS_REASON_NONE);
	assert_int_equal(id.app_id[19], 0xa0);
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);
	assert_memory_equal(id.compose_hash, hash, 32);
	assert_int_equal(id.instance_id_len, 20);
	assert_true(id.has_os_image_hash && !id.os_image_hash_measured);
	assert_int_equal(id.os_image_hash[0], 0x11);
	assert_true(ds_span_eq(ds_buf_span(&id.key_provider), DS_SPAN_STR(provider)));
	assert_true(id.boot_mr_done && id.boot_complete);
	assert_int_equal(ds_sha256_1(DS_SPAN_ARRAY(v.ppid), hash), 0);
	assert_memory_equal(id.device_id, hash, 32);
	ds_identity_done(&id);
	make(
		&(struct boot){
			.config = os, .os_event = true, .no_instance = true, .not_ready = true },
		&x);
	assert_int_equal(judge(&x, &v, &id), DS_REASON_NONE);
	assert_true(id.os_image_hash_measured);
	assert_int_equal(id.os_image_hash[31], 0x0f); /* what was measured, not what is claimed */
	assert_int_equal(id.instance_id_len, 0);
	assert_false(id.boot_complete);
}

/* spec/kms 4.3, recomputed here part by part. */
static void mr_values(void **state)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	WORLD struct world x = { 0 };
	struct ds_verdict v;
	uint8_t mkp[32], want[32], boot[48];

	make(&(struct boot){ 0 }, &x);
	assert_int_equal(judge(&x, &v, &id), DS_REASON_NONE);

	struct ds_span p[] = { DS_SPAN_ARRAY(v.body.mr_td), DS_SPAN_ARRAY(v.body.rt_mr[0]),
			       DS_SPAN_ARRAY(v.body.rt_mr[1]), DS_SPAN_ARRAY(v.body.rt_mr[2]),
			       DS_SPAN_ARRAY(mkp) };

	assert_int_equal(ds_sha256_1(DS_SPAN_STR(provider), mkp), 0);
	assert_int_equal(ds_sha256(p, 5, want), 0);
	assert_memory_equal(id.mr_system, want, 32);
	memset(mkp, 0, sizeof(mkp));
	assert_int_equal(ds_sha256(p, 5, want), 0);
	assert_memory_equal(id.mr_system_boot, want, 32);
	p[4] = DS_SPAN_ARRAY(x.rtmr3);
	assert_int_equal(ds_sha256(p, 5, want), 0);
	assert_memory_equal(id.mr_aggregated, want, 32);
	assert_int_equal(
		ds_eventlog_replay_rtmr3(&x.att.runtime_events, "boot-mr-done", boot, NULL), 0);
	p[4] = DS_SPAN_ARRAY(boot);
	assert_int_equal(ds_sha256(p, 5, want), 0);
	assert_memory_equal(id.mr_aggregated_boot, want, 32);
}

static void report_data_binds(void **state)
{
	WORLD struct world x = { 0 };

	make(&(struct boot){ 0 }, &x);
	for (size_t i = 0; i < 64; i += 21) { /* 0, 21, 42, 63 */
		x.report_data[i] ^= 1;	      /* the quote was made for another key */
		assert_reason(&x, DS_REASON_REPORT_DATA);
		memcpy(x.att.report_data, x.report_data, 64); /* and the blob says so too */
		assert_reason(&x, DS_REASON_REPORT_DATA);
		x.report_data[i] ^= 1;
		assert_reason(&x, DS_REASON_REPORT_DATA); /* the blob alone says otherwise */
		memcpy(x.att.report_data, x.report_data, 64);
		assert_reason(&x, DS_REASON_NONE);
	}
}

static void logs_that_lie(void **state)
{
	WORLD struct world x = { 0 };
	struct ds_eventlog *run;
	struct ds_event tmp;

	make(&(struct boot){ 0 }, &x);
	run = &x.att.runtime_events;
	run->ev[2].payload.p[0] ^= 1; /* another compose file */
	assert_reason(&x, DS_REASON_RTMR_REPLAY);
	run->ev[2].payload.p[0] ^= 1;
	run->n--; /* dropped */
	assert_reason(&x, DS_REASON_RTMR_REPLAY);
	run->n++;
	tmp = run->ev[1];
	run->ev[1] = run->ev[2];
	run->ev[2] = tmp; /* exchanged */
	assert_reason(&x, DS_REASON_RTMR_REPLAY);
	tmp = run->ev[1];
	run->ev[1] = run->ev[2];
	run->ev[2] = tmp;
	run->ev[2].imr = 2; /* moved */
	assert_reason(&x, DS_REASON_RTMR_REPLAY);
	run->ev[2].imr = 3;
	assert_reason(&x, DS_REASON_NONE);
	/* the log beside the runtime events tells another story */
	x.att.log.ev[1].payload.p[0] ^= 1;
	assert_reason(&x, DS_REASON_RTMR_REPLAY);
	ds_eventlog_done(&x.att.log);
	assert_reason(&x, DS_REASON_NONE);
	run->n = 0;
	assert_reason(&x, DS_REASON_RTMR_REPLAY);
	run->n = 7;
}

/* An event as the bare digest that it leaves in the register. */
static void hide(struct ds_event *ev)
{
	assert_int_equal(
		ds_event_digest(ev->version, ev->name, ds_buf_span(&ev->payload), ev->digest), 0);
	ev->has_digest = true;
	ev->type = DS_EV_DIGEST_ONLY;
	ev->name[0] = '\0';
	ds_buf_done(&ev->payload);
}

/*
 * An app can extend RTMR3 by digests of its choice, those of launch events too, and then show the
 * real launch as bare digests. The register is right, the story is not.
 */
static void hidden_launch(void **state)
{
	static const char *const logs[] = { "runtime events", "event log" };

	for (size_t l = 0; l < DS_ARRAY_SIZE(logs); l++) {
		for (size_t from = 0; from < 7; from++) {
			WORLD struct world x = { 0 };
			struct ds_eventlog *log;
			uint8_t rtmr3[48];

			make(&(struct boot){ .again = true }, &x);
			assert_reason(&x, DS_REASON_NONE);
			log = l ? &x.att.log : &x.att.runtime_events;
			assert_int_equal(log->n, 14);
			for (size_t i = from; i < 7; i++)
				hide(&log->ev[i]);
			assert_int_equal(ds_eventlog_replay_rtmr3(log, NULL, rtmr3, NULL), 0);
			assert_memory_equal(rtmr3, x.rtmr3, sizeof(rtmr3));
			assert_reason(&x, DS_REASON_EVENT_LOG_FORMAT);
		}
	}

	WORLD struct world x = { 0 };

	make(&(struct boot){ .again = true }, &x);
	for (size_t i = 7; i < 14; i++) /* after system-ready it is the app's own affair */
		hide(&x.att.log.ev[i]);
	assert_reason(&x, DS_REASON_NONE);
}

/* "key-provider" + ":" + payload cut elsewhere gives the same register. */
static void ambiguous_names(void **state)
{
	WORLD struct world x = { 0 };
	struct ds_event *ev;
	uint8_t before[48], after[48];

	make(&(struct boot){ 0 }, &x);
	ds_eventlog_done(&x.att.log);
	assert_int_equal(ds_eventlog_replay_rtmr3(&x.att.runtime_events, NULL, before, NULL), 0);
	ev = &x.att.runtime_events.ev[5];
	assert_string_equal(ev->name, "key-provider");
	(void)snprintf(ev->name, sizeof(ev->name), "key-provider:{\"name\"");
	memmove(ev->payload.p, ev->payload.p + 8, ev->payload.n - 8);
	ev->payload.n -= 8;
	assert_int_equal(ds_event_digest(1, ev->name, ds_buf_span(&ev->payload), before), 0);
	assert_int_equal(ds_event_digest(1, "key-provider", DS_SPAN_STR(provider), after), 0);
	assert_memory_equal(before, after, 48);
	assert_reason(&x, DS_REASON_EVENT_NAME);
}

/* Everything replays to the register; it is the story that is not dstack's. */
static void foreign_and_duplicate_events(void **state)
{
	static const struct {
		struct boot b;
		enum ds_reason want;
	} rows[] = {
		{ { .foreign = "my-event" }, DS_REASON_EVENT_FOREIGN },
		{ { .foreign = "App-id" }, DS_REASON_EVENT_FOREIGN },
		{ { .foreign = "app-id" }, DS_REASON_EVENT_DUPLICATE },
		{ { .foreign = "compose-hash" }, DS_REASON_EVENT_DUPLICATE },
		{ { .foreign = "boot-mr-done" }, DS_REASON_EVENT_DUPLICATE },
		{ { .foreign = "init-script-hash" }, DS_REASON_NONE },
		{ { .foreign = "mr-kms" }, DS_REASON_NONE },
		{ { .foreign = "rootfs-hash" }, DS_REASON_NONE },
		{ { .foreign = "init-script-hash", .foreign_version = 2 }, DS_REASON_EVENT_FOREIGN },
		/* the same boot in version 2 */
		{ { .version = 2 }, DS_REASON_NONE },
		{ { .version = 2, .foreign = "app-id" }, DS_REASON_EVENT_DUPLICATE },
		{ { .version = 2, .foreign = "mr-kms", .foreign_version = 1 },
		  DS_REASON_EVENT_FOREIGN },
		/* behind system-ready names are the app's own */
		{ { .late = "my-event" }, DS_REASON_NONE },
		{ { .again = true }, DS_REASON_NONE },
	};
	WORLD struct world x = { 0 };
	struct ds_verdict v;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		make(&rows[i].b, &x);
		assert_reason(&x, rows[i].want);
		/* in the runtime events alone, without a log beside them */
		ds_eventlog_done(&x.att.log);
		assert_reason(&x, rows[i].want);
		make(&rows[i].b, &x);
		/* in the log beside the runtime events alone */
		ds_verdict_init(&v);
		assert_int_equal(ds_verify_launch_events(&v, &x.att.log, "log"),
				 rows[i].want != DS_REASON_NONE);
		assert_true(rows[i].want == DS_REASON_NONE || v.reason == rows[i].want);
		/* and in the runtime events alone */
		ds_eventlog_done(&x.att.log);
		assert_reason(&x, rows[i].want);
	}
	/* init-script-hash may repeat */
	make(&(struct boot){ .foreign = "init-script-hash" }, &x);
	ds_buf_done(&x.att.log.ev[2].payload);
	(void)snprintf(x.att.log.ev[2].name, sizeof(x.att.log.ev[2].name), "init-script-hash");
	ds_verdict_init(&v);
	assert_int_equal(ds_verify_launch_events(&v, &x.att.log, "log"), 0);
	/* a dstack event in another register, wherever it stands */
	make(&(struct boot){ 0 }, &x);
	assert_int_equal(
		ds_eventlog_add(&x.att.log, 2, DS_EV_RUNTIME, NULL, "app-id", DS_SPAN_NULL, NULL),
		0);
	assert_reason(&x, DS_REASON_EVENT_FOREIGN);
	x.att.log.ev[x.att.log.n - 1].type = 10; /* firmware's own */
	assert_reason(&x, DS_REASON_NONE);
}

static void whose_log(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;

	assert_false(ds_eventlog_is_dstack(&log));
	assert_int_equal(
		ds_eventlog_add(&log, 2, DS_EV_RUNTIME, NULL, "app-id", DS_SPAN_NULL, NULL), 0);
	assert_int_equal(ds_eventlog_add(&log, 3, DS_EV_RUNTIME, NULL, "mine", DS_SPAN_NULL, NULL),
			 0);
	assert_false(ds_eventlog_is_dstack(&log));
	assert_int_equal(
		ds_eventlog_add(&log, 3, DS_EV_RUNTIME, NULL, "app-id", DS_SPAN_NULL, NULL), 0);
	assert_true(ds_eventlog_is_dstack(&log));
}

static void missing_events(void **state)
{
	WORLD struct world x = { 0 };

	make(&(struct boot){ .leave_out = "app-id" }, &x);
	assert_reason(&x, DS_REASON_EVENT_MISSING);
	make(&(struct boot){ .leave_out = "compose-hash" }, &x);
	assert_reason(&x, DS_REASON_EVENT_MISSING);
	make(&(struct boot){ .app_id_len = 19 }, &x);
	assert_reason(&x, DS_REASON_EVENT_MISSING);
	make(&(struct boot){ .compose_len = 31 }, &x);
	assert_reason(&x, DS_REASON_EVENT_MISSING);
	make(&(struct boot){ .instance_len = 19 }, &x);
	assert_reason(&x, DS_REASON_EVENT_MISSING);
	/* an application cannot make up for it after system-ready */
	make(&(struct boot){ .leave_out = "app-id", .late = "app-id" }, &x);
	assert_reason(&x, DS_REASON_EVENT_MISSING);
	make(&(struct boot){ .late = "compose-hash" }, &x);
	assert_reason(&x, DS_REASON_NONE);
	make(&(struct boot){ .config = "{\"os_image_hash\":" }, &x);
	assert_reason(&x, DS_REASON_EVIDENCE_FORMAT);
}

/* Nothing of SEV-SNP stands behind a log, not even an empty one against empty registers. */
static void no_log_under_snp(void **state)
{
	static const uint8_t zero[4][48];
	struct ds_eventlog log = DS_EVENTLOG_NULL;
	static struct ds_verdict v;

	ds_verdict_init(&v);
	assert_int_equal(ds_verify_log(&v, &log, zero, false), 0);
	v.tee = DS_TEE_SNP;
	assert_int_equal(ds_verify_log(&v, &log, zero, false), DS_ATTEST_REFUSED);
	assert_int_equal(v.reason, DS_REASON_RTMR_REPLAY);
}

static void a_bad_quote_stays_bad(void **state)
{
	WORLD struct world x = { 0 };

	make(&(struct boot){ 0 }, &x);
	x.att.quote.p[48 + 136] ^= 1;
	assert_reason(&x, DS_REASON_QUOTE_SIGNATURE);
	x.att.quote.n = 0;
	assert_reason(&x, DS_REASON_PARSE_TRUNCATED);
	x.att.quote.n = 1;
}

static void compose_image_and_log(void **state)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	WORLD struct world x = { 0 };
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	struct ds_image_mr mr = { 0 };
	struct ds_verdict v, again;
	struct ds_err err = DS_ERR_NULL;
	char hex[4][97];

	make(&(struct boot){ 0 }, &x);
	assert_int_equal(judge(&x, &v, &id), DS_REASON_NONE);
	assert_int_equal(ds_verify_compose(&v, &id, DS_SPAN_STR(compose)), 0);
	again = v;
	assert_int_equal(ds_verify_compose(&again, &id, DS_SPAN(compose, sizeof(compose))),
			 DS_ATTEST_REFUSED);
	assert_false(again.accepted);
	assert_int_equal(again.reason, DS_REASON_COMPOSE_HASH);

	ds_hex_encode(v.body.mr_td, 48, hex[0]);
	for (int i = 0; i < 3; i++)
		ds_hex_encode(v.body.rt_mr[i], 48, hex[i + 1]);
	assert_int_equal(ds_buf_addf(&json,
				     "{\"mrtd\":\"%s\",\"rtmr0\":\"%s\",\"rtmr1\":\"%s\",\"rtmr2\":"
				     "\"%s\",\"x\":1}",
				     hex[0], hex[1], hex[2], hex[3]),
			 0);
	assert_int_equal(ds_image_mr_parse(ds_buf_span(&json), &mr, NULL), 0);
	assert_int_equal(ds_verify_image(&v, &mr), 0);
	ds_verdict_init(&again); /* nothing parsed, so nothing is equal */
	assert_int_equal(ds_verify_image(&again, &(struct ds_image_mr){ 0 }), DS_ATTEST_REFUSED);
	assert_int_equal(ds_image_mr_parse(DS_SPAN(json.p, json.n - 1), &mr, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "JSON: "));
	assert_int_equal(ds_image_mr_parse(DS_SPAN_LIT("{\"mrtd\":\"00\"}"), &mr, NULL), -EBADMSG);
	assert_int_equal(ds_image_mr_parse(DS_SPAN_LIT("{\"measurement\":\"00\"}"), &mr, NULL),
			 -EBADMSG);
	for (int i = 0; i < 4; i++) {
		uint8_t *reg = i ? mr.rt_mr[i - 1] : mr.mr_td;

		again = v;
		reg[47] ^= 1;
		assert_int_equal(ds_verify_image(&again, &mr), DS_ATTEST_REFUSED);
		assert_int_equal(again.reason, DS_REASON_MEASUREMENT);
		reg[47] ^= 1;
	}

	again = v;
	assert_int_equal(ds_verify_log(&again, &x.att.log, v.body.rt_mr, true), 0);
	assert_true(again.accepted);
	x.att.log.n--;
	assert_int_equal(ds_verify_log(&again, &x.att.log, v.body.rt_mr, true), DS_ATTEST_REFUSED);
	assert_int_equal(again.reason, DS_REASON_RTMR_REPLAY);
	x.att.log.n++;
	/* what cannot be replayed is refused for that */
	x.att.log.ev[0].name[0] = ':';
	again = v;
	assert_int_equal(ds_verify_log(&again, &x.att.log, v.body.rt_mr, true), DS_ATTEST_REFUSED);
	assert_int_not_equal(again.reason, DS_REASON_RTMR_REPLAY);
	x.att.log.ev[0].name[0] = 's';
	/* an event for another register is a claim about that register */
	assert_int_equal(
		ds_eventlog_add(&x.att.log, 1, DS_EV_RUNTIME, NULL, "x", DS_SPAN_NULL, NULL), 0);
	again = v;
	assert_int_equal(ds_verify_log(&again, &x.att.log, v.body.rt_mr, false), 0);
	assert_int_equal(ds_verify_log(&again, &x.att.log, v.body.rt_mr, true), DS_ATTEST_REFUSED);
}

/* $DSTACK_TESTDATA/dcap/NAME; false when the data is not there. */
static bool testdata(const char *name, struct ds_buf *ret)
{
	const char *dir = getenv("DSTACK_TESTDATA");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/dcap/%s", dir ? dir : "../shared/testdata", name);
	return !ds_read_file(AT_FDCWD, path, DS_MAX_ATTESTATION, ret);
}

static void assert_hex(const uint8_t *got, const char *want)
{
	char hex[65];

	assert_string_equal(ds_hex_encode(got, 32, hex), want);
}

/* A published attestation of a real guest, and the values that spec/kms 4.3 computes from it. */
static void published_evidence(void **state)
{
	const struct ds_verify_opts opts = { .time = INT64_C(1782215795) };
	DS_BUF struct ds_buf blob = DS_BUF_NULL, collateral = DS_BUF_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	uint8_t other[64];
	struct ds_verdict v;

	if (!testdata("attestation/tdx-lite-attestation.bin", &blob) ||
	    !testdata("collateral/90c06f-2026-06-08-eval19.json", &collateral)) {
		print_message("# SKIP published evidence: set DSTACK_TESTDATA\n");
		skip();
	}
	assert_int_equal(ds_attestation_decode(ds_buf_span(&blob), &att, NULL), 0);
	assert_int_equal(
		ds_attest_evidence(&att, att.report_data, ds_buf_span(&collateral), &opts, &v, &id),
		0);
	assert_string_equal(ds_reason_name(v.reason), "");
	assert_true(v.accepted && !v.emulated && !v.custom_root);
	assert_hex(id.mr_system,
		   "118f754a080ecb8527df65656ee4e7e97b891cf488ad6a38886ff0dbca0c8f70");
	assert_hex(id.mr_aggregated,
		   "c758fa624b62536ca77504c4c52745e70880220a178a615a859c52f8b101d2ee");
	assert_hex(id.mr_system_boot,
		   "37a91fd6aac229d83a1850be9bf017455d1cf4815e8fcb77332119de7e1a52f7");
	assert_hex(id.mr_aggregated_boot,
		   "f4e6117e0fdea4b23b5f32a2a59e7b7b99b64df237a9536fb2cb5ca2a270145e");
	memcpy(other, att.report_data, 64);
	other[63] ^= 1;
	assert_int_equal(ds_attest_evidence(&att, other, ds_buf_span(&collateral), &opts, &v, &id),
			 0);
	assert_int_equal(v.reason, DS_REASON_REPORT_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_of_a_boot),	 cmocka_unit_test(mr_values),
		cmocka_unit_test(report_data_binds),	 cmocka_unit_test(logs_that_lie),
		cmocka_unit_test(ambiguous_names),	 cmocka_unit_test(missing_events),
		cmocka_unit_test(no_log_under_snp),
		cmocka_unit_test(a_bad_quote_stays_bad), cmocka_unit_test(compose_image_and_log),
		cmocka_unit_test(published_evidence),	 cmocka_unit_test(hidden_launch),
		cmocka_unit_test(whose_log),		 cmocka_unit_test(foreign_and_duplicate_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
