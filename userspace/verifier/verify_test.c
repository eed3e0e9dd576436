// SPDX-License-Identifier: Apache-2.0
/* dstack-verify app, cert and log, run in process on files: a good world first, then one fault at a
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ds/attest/eventlog.h>
#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/appinfo.h>
#include <ds/wire/attestation.h>
#include <ds/x509/cert.h>

#include "../lib/attest/forge.h"
#include "../lib/x509/internal.h"
#include "verify.h"

#define FROM (FORGE_TIME - 1000)
#define TO   (FORGE_TIME + 100000)

static const char compose[] = "{\"name\":\"app\"}";
static char dir[] = "/tmp/dstack-verify-test-XXXXXX";

/* What is wrong; everything else is right. */
struct fault {
	const char *usage, *ca_usage;
	bool other_app_id, no_app_id, other_ca_app_id, other_info, other_key, other_root, no_ca,
		no_evidence, junk_evidence, ended, bad_payload;
	bool again; /* another app's launch behind system-ready */
};

static void put(const char *name, struct ds_span data)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, data, 0600), 0);
}

static void event(struct ds_attestation *att, const char *name, const void *p, size_t n)
{
	assert_int_equal(ds_eventlog_add(&att->runtime_events, 3, DS_EV_RUNTIME, NULL, name,
					 DS_SPAN(p, n), NULL),
			 0);
	assert_int_equal(
		ds_eventlog_add(&att->log, 3, DS_EV_RUNTIME, NULL, name, DS_SPAN(p, n), NULL), 0);
}

/* The launch of an app, as runtime events or as the bare digests they leave in the register. */
static void launch(struct ds_eventlog *log, bool bare, uint8_t app_byte)
{
	static const char *const names[] = { "app-id", "compose-hash", "instance-id",
					     "boot-mr-done", "system-ready" };
	uint8_t app[20], hash[32], digest[48];

	memset(app, app_byte, sizeof(app));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);

	const struct ds_span payload[] = { DS_SPAN_ARRAY(app), DS_SPAN_ARRAY(hash),
					   DS_SPAN_ARRAY(app), DS_SPAN_NULL, DS_SPAN_NULL };

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		assert_int_equal(ds_event_digest(1, names[i], payload[i], digest), 0);
		assert_int_equal(ds_eventlog_add(log, 3, bare ? DS_EV_DIGEST_ONLY : DS_EV_RUNTIME,
						 digest, bare ? "" : names[i],
						 bare ? DS_SPAN_NULL : payload[i], NULL),
				 0);
	}
}

/* Quote, collateral, root and the event log of an app whose TLS key has this SPKI. */
static void evidence(const struct fault *f, struct ds_span spki, struct ds_buf *blob)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf json = DS_BUF_NULL, image = DS_BUF_NULL;
	FORGED struct forged w = { 0 };
	uint8_t app[20], hash[32], rtmr3[48];
	char hex[4][97];
	uint8_t reg[48];

	memset(app, 0xaa, sizeof(app));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);
	event(&att, "app-id", app, sizeof(app));
	event(&att, "compose-hash", hash, sizeof(hash));
	event(&att, "instance-id", app, sizeof(app));
	event(&att, "boot-mr-done", "", 0);
	event(&att, "system-ready", "", 0);
	if (f->again) {
		launch(&att.runtime_events, false, 0xbb);
		launch(&att.log, false, 0xbb);
	}
	assert_int_equal(ds_eventlog_replay_rtmr3(&att.runtime_events, NULL, rtmr3, NULL), 0);
	assert_int_equal(ds_ratls_report_data(spki, att.report_data), 0);
	forge(&(struct forge){ .rt_mr3 = rtmr3, .report_data = att.report_data }, &w);
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&w.quote)), 0);
	if (f->bad_payload)
		att.runtime_events.ev[1].payload.p[0] ^= 1;
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, blob), 0);
	assert_int_equal(ds_eventlog_to_json(&att.log, &json), 0);
	put("log.json", ds_buf_span(&json));
	put("quote", ds_buf_span(&w.quote));
	put("collateral.json", ds_buf_span(&w.collateral));
	put("root.pem", ds_buf_span(&w.root_pem));
	/* the forger's registers: MRTD 0xd1.., RTMRn 0xe0 + n */
	for (int i = 0; i < 4; i++) {
		memset(reg, i ? 0xe0 + i - 1 : 0xd1, sizeof(reg));
		ds_hex_encode(reg, sizeof(reg), hex[i]);
	}
	assert_int_equal(
		ds_buf_addf(&image,
			    "{\"mrtd\":\"%s\",\"rtmr0\":\"%s\",\"rtmr1\":\"%s\",\"rtmr2\":\"%s\"}",
			    hex[0], hex[1], hex[2], hex[3]),
		0);
	put("image.json", ds_buf_span(&image));
	image.p[12] ^= 1;
	put("image-other.json", ds_buf_span(&image));
}

static void app_info(const struct fault *f, struct ds_buf *out)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	uint8_t app[20], hash[32];

	memset(app, 0xaa, sizeof(app));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(f->other_info ? "other" : compose), hash), 0);
	assert_int_equal(ds_buf_add(&info.app_id, app, 20), 0);
	assert_int_equal(ds_buf_add(&info.instance_id, app, 20), 0);
	assert_int_equal(ds_buf_add(&info.compose_hash, hash, 32), 0);
	assert_int_equal(ds_app_info_encode(&info, out), 0);
}

static void issue(struct ds_cert_spec *spec, const struct ds_p256 *key,
		  const struct ds_p256 *issuer_key, const struct ds_buf *issuer, struct ds_buf *der,
		  struct ds_buf *pem)
{
	static uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_p256_spki(key, spki), 0);
	spec->spki = DS_SPAN_ARRAY(spki);
	spec->not_before = FROM;
	spec->not_after = spec->not_after ? spec->not_after : TO;
	if (ds_cert_issue(spec, issuer_key, issuer ? ds_buf_span(issuer) : DS_SPAN_NULL, der, &err))
		fail_msg("issue: %s", err.msg);
	assert_int_equal(ds_cert_pem(ds_buf_span(der), pem), 0);
}

/* KMS root, app CA, leaf: chain.pem, kms-root.pem and the evidence files. */
static void world(const struct fault *f)
{
	DS_P256 struct ds_p256 *root_key = NULL;
	DS_P256 struct ds_p256 *ca_key = NULL;
	DS_P256 struct ds_p256 *key = NULL;
	DS_P256 struct ds_p256 *other = NULL;
	DS_BUF struct ds_buf root = DS_BUF_NULL, ca = DS_BUF_NULL, leaf = DS_BUF_NULL,
			     chain = DS_BUF_NULL;
	DS_BUF struct ds_buf root_pem = DS_BUF_NULL, ca_pem = DS_BUF_NULL, blob = DS_BUF_NULL,
			     info = DS_BUF_NULL;
	uint8_t app[20], not_app[20] = { 1 }, spki[DS_P256_SPKI_SIZE];

	memset(app, 0xaa, sizeof(app));
	assert_int_equal(ds_p256_generate(&root_key) | ds_p256_generate(&ca_key) |
				 ds_p256_generate(&key) | ds_p256_generate(&other),
			 0);
	assert_int_equal(ds_p256_spki(f->other_key ? other : key, spki), 0);
	evidence(f, DS_SPAN_ARRAY(spki), &blob);
	app_info(f, &info);
	issue(&(struct ds_cert_spec){ .subject = "KMS", .is_ca = true, .pathlen = 1 }, root_key,
	      root_key, NULL, &root, &root_pem);
	issue(&(struct ds_cert_spec){ .subject = "App CA",
				      .is_ca = true,
				      .usage = f->ca_usage ? f->ca_usage : DS_USAGE_APP_CA,
				      .app_id = DS_SPAN(f->other_ca_app_id ? not_app : app, 20) },
	      ca_key, root_key, &root, &ca, &ca_pem);
	issue(
		&(struct ds_cert_spec){
			.subject = "app",
			.usage = f->usage ? f->usage : DS_USAGE_APP_CUSTOM,
			.app_id = DS_SPAN(f->other_app_id ? not_app : app, f->no_app_id ? 0 : 20),
			.app_info = ds_buf_span(&info),
			.not_after = f->ended ? FORGE_TIME - 1 : 0,
			.attestation =
				f->no_evidence
					? DS_SPAN_NULL
					: DS_SPAN(blob.p, f->junk_evidence ? blob.n - 1 : blob.n) },
		key, f->no_ca ? root_key : ca_key, f->no_ca ? &root : &ca, &leaf, &chain);
	if (!f->no_ca)
		assert_int_equal(ds_buf_add_span(&chain, ds_buf_span(&ca_pem)), 0);
	put("chain.pem", ds_buf_span(&chain));
	if (f->other_root) {
		ds_buf_done(&root);
		ds_buf_done(&root_pem);
		issue(&(struct ds_cert_spec){ .subject = "KMS", .is_ca = true, .pathlen = 1 },
		      other, other, NULL, &root, &root_pem);
	}
	put("kms-root.pem", ds_buf_span(&root_pem));
	put("compose.json", DS_SPAN_STR(compose));
	put("compose-other.json", DS_SPAN_STR("{\"name\":\"app\" }"));
}

/* The payload of an X.509 extension of ours is an OCTET STRING within the OCTET STRING. */
static void add_ext(X509 *x, const char *oid, struct ds_span content)
{
	ASN1_OCTET_STRING *in = ASN1_OCTET_STRING_new(), *out = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	unsigned char *der = NULL;
	X509_EXTENSION *e;
	int n;

	assert_int_equal(ASN1_OCTET_STRING_set(in, content.p, (int)content.n), 1);
	n = i2d_ASN1_OCTET_STRING(in, &der);
	assert_int_equal(ASN1_OCTET_STRING_set(out, der, n), 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, obj, 0, out);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(obj);
	ASN1_OCTET_STRING_free(in);
	ASN1_OCTET_STRING_free(out);
	OPENSSL_free(der);
}

/* chain.pem in the form of older releases: self-signed, quote and log in extensions .1 and .2. */
static void older_cert(const struct ds_p256 *key, struct ds_span quote, struct ds_span log)
{
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	const char *pem;
	long n;

	assert_true(x && bio && X509_set_version(x, 2));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x), 7));
	assert_true(ASN1_TIME_set(X509_getm_notBefore(x), FROM) &&
		    ASN1_TIME_set(X509_getm_notAfter(x), TO));
	assert_true(X509_set_pubkey(x, ds_p256_evp(key)));
	add_ext(x, DS_OID_QUOTE, quote);
	add_ext(x, DS_OID_EVENT_LOG, log);
	add_ext(x, DS_OID_USAGE, DS_SPAN_LIT(DS_USAGE_APP_CUSTOM));
	assert_true(X509_sign(x, ds_p256_evp(key), EVP_sha256()) > 0);
	assert_true(PEM_write_bio_X509(bio, x));
	n = BIO_get_mem_data(bio, &pem);
	put("chain.pem", DS_SPAN(pem, (size_t)n));
	BIO_free(bio);
	X509_free(x);
}

/*
 * An app that extended RTMR3 by the digests of another app's launch. Register and quote are the
 * same in both tellings; hidden says which of the two launches is shown as bare digests.
 */
static void older_world(bool hide_real, bool hide_forged)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	FORGED struct forged w = { 0 };
	uint8_t spki[DS_P256_SPKI_SIZE], rd[64], rtmr3[48];

	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	assert_int_equal(ds_ratls_report_data(DS_SPAN_ARRAY(spki), rd), 0);
	launch(&log, hide_real, 0xaa);
	launch(&log, hide_forged, 0xbb);
	assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, rtmr3, NULL), 0);
	forge(&(struct forge){ .rt_mr3 = rtmr3, .report_data = rd }, &w);
	assert_int_equal(ds_eventlog_to_json(&log, &json), 0);
	put("log.json", ds_buf_span(&json));
	put("quote", ds_buf_span(&w.quote));
	put("collateral.json", ds_buf_span(&w.collateral));
	put("root.pem", ds_buf_span(&w.root_pem));
	older_cert(key, ds_buf_span(&w.quote), ds_buf_span(&json));
}

/* Run in dir with stdout in the file "out"; the reason in the JSON goes to reason. */
static int run(int (*cmd)(int, char **), char reason[40], const char *const *args)
{
	int out = open("out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
	    saved = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), err = dup(STDERR_FILENO);
	char *argv[24] = { NULL };
	const char *text;
	json_t *doc;
	int argc = 0, rc;

	while (args[argc]) {
		argv[argc] = strdup(args[argc]);
		argc++;
	}
	fflush(stdout);
	assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0);
	rc = cmd(argc, argv);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
	(void)lseek(out, 0, SEEK_SET);
	doc = json_loadfd(out, 0, NULL);
	text = doc ? json_string_value(json_object_get(doc, "reason")) : NULL;
	(void)snprintf(reason, 40, "%s", text ? text : "?");
	json_decref(doc);
	for (int i = 0; i < 24; i++)
		free(argv[i]);
	close(out);
	close(saved);
	close(null);
	close(err);
	return rc;
}

#define COMMON                                                                                     \
	"--json", "--time", "1780000000", "--collateral", "collateral.json", "--root-ca", "root.pem"

static void expect(int (*cmd)(int, char **), const char *const *args, int want_rc, const char *want)
{
	char reason[40];
	int rc = run(cmd, reason, args);

	if (rc != want_rc || (want && strcmp(want, reason)))
		fail_msg("expected %d '%s', got %d '%s'", want_rc, want ? want : "", rc, reason);
}

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
		{ { .other_ca_app_id = true }, "cert-identity", "" },
		{ { .other_info = true }, "cert-identity", "cert-identity" },
		{ { .other_key = true }, "report-data", "report-data" },
		{ { .other_root = true }, "cert-chain", "cert-chain" },
		{ { .no_ca = true }, "cert-chain", "" },
		{ { .no_evidence = true }, "evidence-missing", "evidence-missing" },
		{ { .junk_evidence = true }, "evidence-format", "evidence-format" },
		{ { .ended = true }, "cert-expired", "cert-expired" },
		{ { .bad_payload = true }, "rtmr-replay", "rtmr-replay" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world(&rows[i].f);
		expect(cmd_app, app_full, *rows[i].app ? EXIT_REFUSED : EXIT_ACCEPTED, rows[i].app);
		expect(cmd_cert, cert_full, *rows[i].cert ? EXIT_REFUSED : EXIT_ACCEPTED,
		       rows[i].cert);
	}
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
	put("log.json", DS_SPAN_LIT("[]"));
	expect(cmd_app,
	       (const char *const[]){ "app", "--cert", "chain.pem", "--event-log", "log.json",
				      COMMON, NULL },
	       EXIT_REFUSED, "rtmr-replay");
	put("log.json", DS_SPAN_LIT("[{"));
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
	};

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
	       (const char *const[]){ "log", "--event-log", "log.json", "--rtmr3", "00", "--quote",
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
	put("log.json", DS_SPAN_LIT("[]"));
	expect(cmd_log,
	       (const char *const[]){ "log", "--json", "--event-log", "log.json", "--quote",
				      "quote", NULL },
	       EXIT_REFUSED, "rtmr-replay");
	assert_int_equal(ds_buf_add_zero(&big, 1u << 20), 0);
	put("big", ds_buf_span(&big));
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
	put("log.json", ds_buf_span(&log));
	expect(cmd_app, full, EXIT_REFUSED, "event-log-format");
}

static int setup(void **state)
{
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const files[] = {
		"log.json",	      "quote",	      "collateral.json",
		"root.pem",	      "image.json",   "image-other.json",
		"chain.pem",	      "kms-root.pem", "compose.json",
		"compose-other.json", "out",	      "big"
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(files); i++)
		unlink(files[i]);
	return chdir("/") || rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(app_table),	 cmocka_unit_test(app_files),
		cmocka_unit_test(usage_is_2),	 cmocka_unit_test(quotes_and_logs),
		cmocka_unit_test(hidden_launch),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
