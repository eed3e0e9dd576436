// SPDX-License-Identifier: Apache-2.0
/* dstack-verify app, cert and log, run in process on files: a good world first, then one fault at a
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>
#include <ds/base/text.h>

#include "verify.h"
#include "world.h"

static const char *const app_full[] = { "app",	      "--cert",	      "chain.pem",
					"--compose",  "compose.json", "--image",
					"image.json", "--event-log",  "log.json",
					"--kms-root", "kms-root.pem", COMMON,
					NULL };
static const char *const cert_full[] = { "cert",	 "--cert", "chain.pem", "--kms-root",
					 "kms-root.pem", COMMON,   NULL };

static void app_table(void **state)
{
	static const struct {
		struct fault f;
		const char *app, *cert;
	} rows[] = {
		{ { 0 }, "", "" },
		{ { .usage = "kms:rpc" }, "cert-usage", "" },
		{ { .ca_usage = "app:custom" }, "cert-usage", "" },
		{ { .other_app_id = true }, "cert-identity", "cert-identity" },
		{ { .no_app_id = true }, "cert-identity", "" },
		{ { .other_ca_app_id = true }, "cert-identity", "cert-identity" },
		{ { .other_ca_app_id = true, .decoy_ca = true }, "cert-chain", "cert-chain" },
		{ { .other_info = true }, "cert-identity", "cert-identity" },
		{ { .other_key = true }, "report-data", "report-data" },
		{ { .other_root = true }, "cert-chain", "cert-chain" },
		{ { .no_ca = true }, "cert-chain", "" },
		{ { .no_ca = true, .forged_ca = true }, "cert-chain", "cert-chain" },
		{ { .no_evidence = true }, "evidence-missing", "evidence-missing" },
		{ { .junk_evidence = true }, "evidence-format", "evidence-format" },
		{ { .ended = true }, "cert-expired", "cert-expired" },
		{ { .bad_payload = true }, "rtmr-replay", "rtmr-replay" },
		{ { .no_ca_app_id = true }, "cert-identity", "" },
		/* what is not there is not an id of zeros */
		{ { .zero_app_id = true }, "", "" },
		{ { .zero_app_id = true, .no_ca_app_id = true }, "cert-identity", "" },
		{ { .bad_ca = true }, "cert-format", "cert-format" },
		{ { .junk_info = true }, "cert-format", "cert-format" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world(&rows[i].f);
		expect(cmd_app, app_full, *rows[i].app ? EXIT_REFUSED : EXIT_ACCEPTED, rows[i].app);
		expect(cmd_cert, cert_full, *rows[i].cert ? EXIT_REFUSED : EXIT_ACCEPTED,
		       rows[i].cert);
	}
}

/* Neither piece of the older form says anything without the other. */
static void older_form(void **state)
{
	static const struct {
		bool quote;
		const char *log, *want;
	} rows[] = {
		{ true, "[]", "report-data" }, /* for another key */
		{ true, "[{", "event-log-format" },
		{ true, "", "evidence-missing" },
		{ false, "[]", "evidence-missing" },
		{ false, "", "evidence-missing" },
	};
	static const char *const cert[] = { "cert", "--cert", "chain.pem", COMMON, NULL };

	older_world(false, true);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		older_parts(rows[i].quote, rows[i].log);
		expect(cmd_cert, cert, EXIT_REFUSED, rows[i].want);
	}
}

static void both_forms(void **state)
{
	static const char *const cert[] = { "cert", "--cert", "chain.pem", COMMON, NULL };

	both_world(false, false);
	expect(cmd_cert, cert, EXIT_ACCEPTED, "");
	both_world(true, false);
	expect(cmd_cert, cert, EXIT_REFUSED, "evidence-format");
	both_world(false, true);
	expect(cmd_cert, cert, EXIT_REFUSED, "event-log-format");
	assert_true(said("extension .2: event 0"));
}

/* Each field of extension .9 against what was measured. */
static void app_info_fields(void **state)
{
	const struct fault base = { .key_provider = "{\"name\":\"kms\",\"id\":\"\"}",
				    .os_image = true };

	world(&base);
	expect(cmd_app, app_full, EXIT_ACCEPTED, "");
	for (int i = 1; i <= 8; i++) {
		struct fault f = base;

		f.bad_info = i;
		world(&f);
		expect(cmd_app, app_full, EXIT_REFUSED, "cert-identity");
		expect(cmd_cert, cert_full, EXIT_REFUSED, "cert-identity");
	}
}

/* Init scripts of the app info: those that were measured, all of them, in their order. */
static void app_info_scripts(void **state)
{
	static const struct {
		const char *measured, *info;
		bool want;
	} rows[] = {
		{ NULL, NULL, true },	{ NULL, "", true },    { "ab", NULL, true },
		{ "a", "a", true },	{ "ab", "ab", true },  { "aa", "aa", true },
		{ NULL, "a", false },	{ "a", "", false },    { "a", "b", false },
		{ "ab", "a", false },	{ "ab", "b", false },  { "a", "ab", false },
		{ "b", "ab", false },	{ "ab", "ba", false }, { "ab", "ac", false },
		{ "ab", "abb", false },	{ "--", "", false }, /* not behind the end of the list */
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world(&(struct fault){ .scripts = rows[i].measured, .info_scripts = rows[i].info });
		expect(cmd_app, app_full, rows[i].want ? EXIT_ACCEPTED : EXIT_REFUSED,
		       rows[i].want ? "" : "cert-identity");
		expect(cmd_cert, cert_full, rows[i].want ? EXIT_ACCEPTED : EXIT_REFUSED,
		       rows[i].want ? "" : "cert-identity");
	}
}

#define JUDGE	"--json", "--time", "1780000000", "--root-ca", "root.pem"
#define CERT	"--cert", "chain.pem", COMMON
#define PATH	"?" /* each row is tried with several files */

/* A file that is too large is refused as what it should be; one that cannot be read is no verdict. */
static void input_files(void **state)
{
	static const struct {
		int (*cmd)(int, char **);
		const char *args[16], *reason; /* NULL: not evidence */
	} rows[] = {
		{ cmd_quote, { "quote", COMMON, PATH }, "parse-size" },
		{ cmd_quote, { "quote", JUDGE, "--collateral", PATH, "quote" }, "collateral-format" },
		{ cmd_app, { "app", "--bundle", PATH, COMMON }, "bundle-format" },
		{ cmd_app, { "app", "--cert", PATH, COMMON }, "cert-format" },
		{ cmd_app, { "app", "--kms-root", PATH, CERT }, "cert-chain" },
		{ cmd_app, { "app", "--compose", PATH, CERT }, "compose-hash" },
		{ cmd_app, { "app", "--image", PATH, CERT }, "measurement" },
		{ cmd_app, { "app", "--event-log", PATH, CERT }, "event-log-format" },
		{ cmd_cert, { "cert", "--cert", "chain.pem", JUDGE, "--collateral", PATH },
		  "collateral-format" },
		{ cmd_log, { "log", "--json", "--event-log", PATH }, "event-log-format" },
		{ cmd_log, { "log", "--json", "--event-log", "log.json", "--quote", PATH },
		  "parse-size" },
		{ cmd_quote, { "quote", "--root-ca", PATH, "quote" }, NULL },
		{ cmd_quote, { "quote", "--policy", PATH, COMMON, "quote" }, NULL },
	};
	static const struct {
		const char *path;
		bool large;
	} files[] = { { "large", true }, { "-", true }, { "no-such-file", false }, { ".", false } };

	world(&(struct fault){ 0 });
	world_put("large", DS_SPAN_NULL);
	assert_int_equal(truncate("large", 17 << 20), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < DS_ARRAY_SIZE(files); k++) {
			const char *argv[DS_ARRAY_SIZE(rows[i].args) + 1] = { NULL };
			const char *want = files[k].large ? rows[i].reason : NULL;

			for (size_t n = 0; n < DS_ARRAY_SIZE(rows[i].args) && rows[i].args[n]; n++)
				argv[n] = strcmp(rows[i].args[n], PATH) ? rows[i].args[n]
								       : files[k].path;
			assert_non_null(freopen("large", "re", stdin));
			expect(rows[i].cmd, argv, want ? EXIT_REFUSED : EXIT_USAGE, want);
			assert_false(said("\"time\": \"1970")); /* but when it was judged */
		}
}

/* A verdict that could not be written is none. */
static void output_fails(void **state)
{
	static const char *const rows[][8] = { { "log", "--event-log", "log.json" },
					       { "log", "--event-log", "log.json", "--json" },
					       { "log", "--event-log", "log.json", "--quote", "quote" } };

	world(&(struct fault){ 0 });
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		(void)unlink("out");
		expect(cmd_log, rows[i], EXIT_ACCEPTED, NULL);
		assert_true(!unlink("out") && !symlink("/dev/full", "out"));
		expect(cmd_log, rows[i], EXIT_USAGE, NULL);
	}
	(void)unlink("out");
}

/* What was given and says nothing is named in the refusal. */
static void junk_files(void **state)
{
	static const struct {
		const char *option, *reason, *says;
	} rows[] = {
		{ "--kms-root", "cert-chain", "--kms-root: not PEM" },
		{ "--image", "measurement", "--image: " },
		{ "--event-log", "event-log-format", "--event-log: " },
	};

	world(&(struct fault){ .bad_root = true, .key_provider = "{\"name\":\"kms\",\"id\":\"\"}" });
	expect(cmd_app, app_full, EXIT_REFUSED, "cert-chain");
	assert_true(said("--kms-root: extension "));
	world_put("junk", DS_SPAN_LIT("junk"));
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const char *const args[] = { "app", rows[i].option, "junk", CERT, NULL };

		expect(cmd_app, args, EXIT_REFUSED, rows[i].reason);
		assert_true(said(rows[i].says));
	}
	world_put("empty", DS_SPAN_NULL);
	expect(cmd_quote,
	       (const char *const[]){ "quote", JUDGE, "--collateral", "empty", "quote", NULL },
	       EXIT_REFUSED, "collateral-format");
}

static void app_files(void **state)
{
	world(&(struct fault){ 0 });
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--compose",
				      "compose-other.json", COMMON, NULL },
	       EXIT_REFUSED, "compose-hash");
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--image", "image-other.json",
				      COMMON, NULL },
	       EXIT_REFUSED, "measurement");
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--image", "compose.json",
				      COMMON, NULL },
	       EXIT_REFUSED, "measurement");
	world_put("log.json", DS_SPAN_LIT("[]"));
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--event-log", "log.json",
				      COMMON, NULL },
	       EXIT_REFUSED, "rtmr-replay");
	world_put("log.json", DS_SPAN_LIT("[{"));
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--event-log", "log.json",
				      COMMON, NULL },
	       EXIT_REFUSED, "event-log-format");
	expect(cmd_app, (const char *const[]){ "app", "--cert", "compose.json", COMMON, NULL },
	       EXIT_REFUSED, "cert-format");
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--json", "--root-ca",
				      "root.pem", "--time", "1780000000", NULL },
	       EXIT_REFUSED, "collateral-missing");
}

#define RTMR3 X10("00000000") "0000000000000000"

static void usage_is_2(void **state)
{
	static const char *const rows[][12] = {
		{ "app", COMMON },
		{ "app", "--cert", "no-such-file", COMMON },
		{ "app", "--cert", "chain.pem", "--compose", "no-such-file", COMMON },
		{ "app", "--cert", "chain.pem", "--time", "yesterday" },
		{ "app", "--cert", "chain.pem", "--root-ca", "no-such-file" },
		{ "app", "--cert", "chain.pem", "--policy", "compose.json" },
		{ "app", "--no-such-option" },
		{ "app", "--cert", "chain.pem", "operand" },
		{ "app", "--rtmr3", "00" },
		{ "app", "--cert", "chain.pem", "--app-id", "aa" },
		{ "app", "--cert", "chain.pem", "--app-id", APP_HEX "aa" },
		{ "app", "--cert", "chain.pem", "--app-id", X10("zzzz") },
		{ "app", "--cert", "chain.pem", "--host", "" },
		{ "app", "--cert", "chain.pem", "--host", ".example.org" },
		{ "app", "--cert", "chain.pem", "--host", "*.example.org" },
	};

	world(&(struct fault){ 0 });
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		expect(cmd_app, rows[i], EXIT_USAGE, NULL);
	expect(cmd_quote, (const char *const[]){ "quote", NULL }, EXIT_USAGE, NULL);
	expect(cmd_quote, (const char *const[]){ "quote", "no-such-file", NULL }, EXIT_USAGE, NULL);
	expect(cmd_quote, (const char *const[]){ "quote", "--help", NULL }, EXIT_ACCEPTED, NULL);
	expect(cmd_log, (const char *const[]){ "log", NULL }, EXIT_USAGE, NULL);
	expect(cmd_log,
	       (const char *const[]){ "log", "--event-log", "log.json", "--rtmr3", "00", NULL },
	       EXIT_USAGE, NULL);
	expect(cmd_log,
	       (const char *const[]){ "log", "--event-log", "log.json", "--rtmr3", RTMR3, "--quote",
				      "quote", NULL },
	       EXIT_USAGE, NULL);
}

static void quotes_and_logs(void **state)
{
	DS_BUF struct ds_buf big = DS_BUF_NULL;

	world(&(struct fault){ 0 });
	expect(cmd_quote, (const char *const[]){ "quote", COMMON, "quote", NULL }, EXIT_ACCEPTED,
	       "");
	expect(cmd_log,
	       (const char *const[]){ "log", "--json", "--event-log", "log.json", "--quote",
				      "quote", NULL },
	       EXIT_ACCEPTED, "");
	expect(cmd_log, (const char *const[]){ "log", "--json", "--event-log", "log.json", NULL },
	       EXIT_ACCEPTED, NULL);
	expect(cmd_log,
	       (const char *const[]){ "log", "--json", "--event-log", "log.json", "--quote",
				      "log.json", NULL },
	       EXIT_REFUSED, "parse-version");
	expect(cmd_log,
	       (const char *const[]){ "log", "--json", "--event-log", "quote", "--quote", "quote",
				      NULL },
	       EXIT_REFUSED, "event-log-format");
	world_put("log.json", DS_SPAN_LIT("[]"));
	expect(cmd_log,
	       (const char *const[]){ "log", "--json", "--event-log", "log.json", "--quote",
				      "quote", NULL },
	       EXIT_REFUSED, "rtmr-replay");
	assert_int_equal(ds_buf_add_zero(&big, 1u << 20), 0);
	world_put("big", ds_buf_span(&big));
	expect(cmd_quote, (const char *const[]){ "quote", COMMON, "big", NULL }, EXIT_REFUSED,
	       "parse-size");
	expect(cmd_quote,
	       (const char *const[]){ "quote", "--json", "--collateral", "compose.json",
				      "--root-ca", "root.pem", "--time", "1780000000", "quote",
				      NULL },
	       EXIT_REFUSED, "collateral-format");
}

/* The origins of all events of log.json, one letter each. */
static void expect_origins(const char *want)
{
	const char *const args[] = { "log",	"--json", "--event-log", "log.json",
				     "--quote", "quote",  NULL };
	char reason[40], got[64] = "";
	json_t *doc, *ev;
	size_t i;

	assert_int_equal(run(cmd_log, reason, args), EXIT_ACCEPTED);
	doc = json_load_file("out", 0, NULL);
	json_array_foreach (json_object_get(doc, "events"), i, ev) {
		const char *origin = json_string_value(json_object_get(ev, "origin"));

		assert_true(origin && i < sizeof(got) - 1);
		got[i] = *origin;
		got[i + 1] = '\0';
		/* nothing is repeated of what a bare digest says about itself */
		assert_true((*origin == 'o') == !json_object_get(ev, "event"));
	}
	json_decref(doc);
	assert_string_equal(got, want);
}

static void hidden_launch(void **state)
{
	static const char *const cert[] = { "cert", "--cert", "chain.pem", COMMON, NULL };
	static const char *const app[] = { "app",	   "--cert",	 "chain.pem",
					   "--image",	   "image.json", "--compose",
					   "compose.json", COMMON,	 NULL };
	static const char *const full[] = { "app",	"--cert",     "chain.pem",
					    "--image",	"image.json", "--event-log",
					    "log.json", COMMON,	      NULL };
	DS_BUF struct ds_buf log = DS_BUF_NULL;

	world(&(struct fault){ 0 }); /* compose.json and image.json */
	older_world(false, true);
	expect(cmd_app, app, EXIT_ACCEPTED, "");
	expect(cmd_cert, cert, EXIT_ACCEPTED, "");
	expect_origins("lllllooooo");
	older_world(false, false);
	expect(cmd_app, app, EXIT_ACCEPTED, "");
	expect(cmd_app, full, EXIT_ACCEPTED, "");
	expect_origins("lllllaaaaa");
	older_world(true, false);
	expect(cmd_app, app, EXIT_REFUSED, "event-log-format");
	expect(cmd_cert, cert, EXIT_REFUSED, "event-log-format");
	expect_origins("oooooaaaaa");
	/* a log given beside the certificate tells the story that the certificate does not */
	assert_int_equal(ds_read_file(AT_FDCWD, "log.json", 1u << 16, &log), 0);
	world(&(struct fault){ .again = true });
	expect(cmd_app, full, EXIT_ACCEPTED, "");
	world_put("log.json", ds_buf_span(&log));
	expect(cmd_app, full, EXIT_REFUSED, "event-log-format");
}

/* A log of dstack's keeps to the rules of the launch, with or without registers to compare with. */
static void launch_rules(void **state)
{
#define EV(name, more)                                                                             \
	"{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"" name "\","             \
	"\"event_payload\":\"\"" more "}"
	static const struct {
		const char *log, *want;
	} rows[] = {
		{ "[" EV("app-id", "") "," EV("system-ready", "") "," EV("x", "") "]", NULL },
		{ "[" EV("x", "") "," EV("x", "") "]", NULL }, /* another system's */
		{ "[" EV("x", "") "," EV("app-id", "") "]", "event-foreign" },
		{ "[" EV("app-id", "") "," EV("app-id", "") "]", "event-duplicate" },
		{ "[" EV("app-id", ",\"version\":2") "," EV("storage-fs", ",\"version\":2") "]",
		  NULL },
		{ "[" EV("app-id", ",\"version\":2") "," EV("storage-fs", "") "]", "event-foreign" },
		{ "[" EV("app-id", ",\"version\":2,\"preimage\":\"7b7d\"") "]", "event-preimage" },
		{ "[" EV("a:b", "") "]", "event-name" },
	};
	static const char *const args[] = { "log", "--json", "--event-log", "log.json", NULL };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world_put("log.json", DS_SPAN_STR(rows[i].log));
		expect(cmd_log, args, rows[i].want ? EXIT_REFUSED : EXIT_ACCEPTED, rows[i].want);
	}
}

#define IMAGE	 "--image", "image.json"
#define KMS_ROOT "--kms-root", "kms-root.pem"
#define COMPOSE	 "--compose", "compose.json"

/* Who vouches for what was measured, and is it whom the caller expects? */
static void expected_identity(void **state)
{
	static const struct {
		const char *args[8];
		const char *app, *cert; /* reason */
	} rows[] = {
		/* any TD can measure any app id */
		{ { NULL }, "measurement", "" },
		{ { COMPOSE }, "measurement", "" },
		{ { IMAGE }, "", "" },
		{ { KMS_ROOT }, "", "" },
		{ { IMAGE, KMS_ROOT }, "", "" },
		{ { "--app-id", APP_HEX }, "measurement", "measurement" },
		{ { "--host", "app.example.org" }, "measurement", "measurement" },
		/* a good image says that the host chose the app id */
		{ { "--app-id", APP_HEX, IMAGE }, "cert-identity", "cert-identity" },
		{ { "--app-id", APP_HEX, IMAGE, COMPOSE }, "", "" },
		{ { "--app-id", APP_HEX, KMS_ROOT }, "", "" },
		{ { "--app-id", OTHER_HEX, KMS_ROOT }, "cert-identity", "cert-identity" },
		{ { "--app-id", OTHER_HEX, IMAGE, COMPOSE }, "cert-identity", "cert-identity" },
		{ { "--app-id", INSTANCE_HEX, KMS_ROOT }, "cert-identity", "cert-identity" },
		{ { "--host", "app.example.org", IMAGE }, "", "" },
		{ { "--host", "app.example.org", KMS_ROOT }, "", "" },
		{ { "--host", "APP.example.org", KMS_ROOT }, "", "" },
		{ { "--host", "192.0.2.1", KMS_ROOT }, "", "" },
		{ { "--host", "192.0.2.2", KMS_ROOT }, "cert-identity", "cert-identity" },
		{ { "--host", "x.example.org", KMS_ROOT }, "cert-identity", "cert-identity" },
		{ { "--host", "example.org", KMS_ROOT }, "cert-identity", "cert-identity" },
		{ { "--host", "app", KMS_ROOT }, "cert-identity", "cert-identity" },
		{ { "--host", APP_HEX "-8443s.example.org", KMS_ROOT }, "", "" },
		{ { "--host", APP_HEX ".example.org", KMS_ROOT }, "", "" },
		{ { "--host", INSTANCE_HEX "-1.example.org", KMS_ROOT }, "", "" },
		{ { "--host", APP_HEX ".example.org", IMAGE }, "cert-identity", "cert-identity" },
		{ { "--host", APP_HEX ".example.org", IMAGE, COMPOSE }, "", "" },
		/* named in the certificate, but not the app that runs */
		{ { "--host", OTHER_HEX "-8443s.example.org", KMS_ROOT },
		  "cert-identity",
		  "cert-identity" },
		{ { "--host", OTHER_HEX ".example.org", KMS_ROOT },
		  "cert-identity",
		  "cert-identity" },
		{ { "--host", OTHER_HEX ".wild.example.org", KMS_ROOT },
		  "cert-identity",
		  "cert-identity" },
		{ { "--host", X10("BBBB") ".example.org", KMS_ROOT },
		  "cert-identity",
		  "cert-identity" },
		{ { "--host", OTHER_HEX, KMS_ROOT }, "cert-identity", "cert-identity" },
		/* neither an id */
		{ { "--host", OTHER_HEX "b.wild.example.org", KMS_ROOT }, "", "" },
		{ { "--host", "g" OTHER_HEX ".wild.example.org", KMS_ROOT }, "", "" },
	};

	world(&(struct fault){ 0 });
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const char *argv[24] = { "app", "--cert", "chain.pem", COMMON };
		size_t n = 3 + DS_ARRAY_SIZE(((const char *[]){ COMMON }));

		memcpy(argv + n, rows[i].args, sizeof(rows[i].args));
		expect(cmd_app, argv, *rows[i].app ? EXIT_REFUSED : EXIT_ACCEPTED, rows[i].app);
		argv[0] = "cert";
		expect(cmd_cert, argv, *rows[i].cert ? EXIT_REFUSED : EXIT_ACCEPTED, rows[i].cert);
	}
}

#define OTHER_KMS "{\"name\":\"kms\",\"id\":\"3059\"}"

/* The server certificate of a KMS, in a VM that has its keys from another: the root says whose it is. */
static void of_the_kms(void **state)
{
	static const struct {
		const char *args[10], *reason, *source;
	} rows[] = {
		{ { KMS_ROOT }, "", "nobody" },
		{ { KMS_ROOT, IMAGE }, "", "image" },
		{ { KMS_ROOT, "--host", "app.example.org" }, "", "nobody" },
		{ { KMS_ROOT, "--host", "x.example.org" }, "cert-identity", NULL },
		{ { KMS_ROOT, IMAGE, "--host", "app.example.org" }, "", "image" },
		{ { KMS_ROOT, "--app-id", APP_HEX }, "measurement", NULL },
		{ { KMS_ROOT, COMPOSE, "--app-id", APP_HEX }, "measurement", NULL },
		{ { KMS_ROOT, "--host", APP_HEX ".example.org" }, "measurement", NULL },
		{ { KMS_ROOT, IMAGE, "--app-id", APP_HEX }, "cert-identity", NULL },
		{ { KMS_ROOT, IMAGE, COMPOSE, "--app-id", APP_HEX, "--host", "app.example.org" }, "", "image" },
		{ { KMS_ROOT, IMAGE, COMPOSE, "--app-id", OTHER_HEX }, "cert-identity", NULL },
		{ { "--host", "app.example.org" }, "measurement", NULL },
	};
	static const struct fault others[] = {
		{ .usage = "kms:rpc", .no_app_id = true, .no_ca_app_id = true }, /* not the root's hand */
		{ .usage = "app:custom", .no_app_id = true, .no_ca = true },
	};
	const char *const host[] = { "cert", "--cert", "chain.pem", KMS_ROOT, "--host", "app.example.org",
				     COMMON, NULL };
	char line[40];

	world(&(struct fault){ .usage = "kms:rpc", .no_app_id = true, .no_ca = true, .key_provider = OTHER_KMS });
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const char *argv[24] = { "cert", "--cert", "chain.pem", COMMON };

		memcpy(argv + 3 + DS_ARRAY_SIZE(((const char *[]){ COMMON })), rows[i].args, sizeof(rows[i].args));
		expect(cmd_cert, argv, *rows[i].reason ? EXIT_REFUSED : EXIT_ACCEPTED, rows[i].reason);
		(void)snprintf(line, sizeof(line), "\"vouched_by\": \"%s\"", rows[i].source ? rows[i].source : "");
		assert_int_equal(said(line), rows[i].source != NULL);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(others); i++) {
		world(&others[i]);
		expect(cmd_cert, host, EXIT_REFUSED, "cert-identity");
		assert_true(said("has no app id"));
	}
}

/* An app id that is cut from the compose-hash is nobody's choice, so a good image is enough. */
static void default_app_id(void **state)
{
	uint8_t app[20];
	char hex[41], host[64];

	world_app_id(&(struct fault){ .default_app_id = true }, app);
	ds_hex_encode(app, sizeof(app), hex);
	(void)snprintf(host, sizeof(host), "%s.wild.example.org", hex);

	const char *const id[] = { "app", "--cert", "chain.pem", "--app-id",
				   hex,	  IMAGE,    COMMON,	 NULL };
	const char *const name[] = { "app", "--cert", "chain.pem", "--host",
				     host,  IMAGE,    COMMON,	   NULL };

	world(&(struct fault){ .default_app_id = true });
	expect(cmd_app, id, EXIT_ACCEPTED, "");
	expect(cmd_app, name, EXIT_ACCEPTED, "");
	world(&(struct fault){ .default_app_id = true, .no_app_id = true });
	expect(cmd_app, name, EXIT_ACCEPTED, "");
	/* cert: with a KMS to ask, the certificate of an expected app has its id */
	expect(cmd_cert,
	       (const char *const[]){ "cert", "--cert", "chain.pem", "--app-id", hex, KMS_ROOT,
				      COMMON, NULL },
	       EXIT_REFUSED, "cert-identity");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(app_table),	  cmocka_unit_test(app_files),
		cmocka_unit_test(usage_is_2),	  cmocka_unit_test(quotes_and_logs),
		cmocka_unit_test(hidden_launch),  cmocka_unit_test(expected_identity),
		cmocka_unit_test(of_the_kms),
		cmocka_unit_test(default_app_id), cmocka_unit_test(launch_rules),
		cmocka_unit_test(app_info_fields), cmocka_unit_test(both_forms),
		cmocka_unit_test(app_info_scripts), cmocka_unit_test(older_form),
		cmocka_unit_test(input_files),	  cmocka_unit_test(junk_files),
		cmocka_unit_test(output_fails),
	};

	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
