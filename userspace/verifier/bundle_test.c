// SPDX-License-Identifier: Apache-2.0
/* dstack-verify app --bundle: everything in one file, what vouches for it, and one fault at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/x509/cert.h>

#include "bundle.h"
#include "world.h"

static void get(const char *name, struct ds_buf *ret)
{
	ds_buf_done(ret);
	assert_int_equal(ds_read_file(AT_FDCWD, name, 1u << 20, ret), 0);
}

/* Which parts the bundle has; a name is read from that file. */
struct parts {
	const char *chain, *quote, *log, *compose, *measurement, *kms_root, *collateral;
	bool other_nonce, other_sum, two_sums;
};

static const struct parts all = { "chain.pem",	"quote-nonce", "log.json",	 "compose.json",
				  "image.json", "kms-root.pem", "collateral.json", false,
				  false,	false };

static void sums(const struct parts *p, struct ds_bundle *b)
{
	uint8_t hash[32];
	char hex[65];

	assert_int_equal(ds_sha256_1(ds_buf_span(&b->measurement), hash), 0);
	hash[0] ^= p->other_sum;
	ds_hex_encode(hash, sizeof(hash), hex);
	assert_int_equal(ds_buf_addf(&b->sha256sum, "%064d  bzImage\n%s  measurement.json\n", 0, hex),
			 0);
	if (p->two_sums)
		assert_int_equal(ds_buf_addf(&b->sha256sum, "%064d  measurement.json\n", 0), 0);
}

/* bundle.json, and the two hashes that can vouch for it. */
static void put_bundle(const struct parts *p, char kms_hash[65], char image_hash[65])
{
	DS_BUNDLE struct ds_bundle b = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL, der = DS_BUF_NULL;
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t hash[32];

	if (p->chain)
		get(p->chain, &b.chain);
	if (p->quote)
		get(p->quote, &b.quote);
	memset(b.nonce, WORLD_NONCE, 32);
	b.nonce[0] ^= p->other_nonce;
	if (p->log)
		get(p->log, &b.event_log);
	if (p->compose)
		get(p->compose, &b.compose);
	if (p->measurement) {
		get(p->measurement, &b.measurement);
		sums(p, &b);
	}
	if (p->kms_root)
		get(p->kms_root, &b.kms_root);
	if (p->collateral)
		get(p->collateral, &b.collateral);
	if (ds_bundle_encode(&b, &text, &err))
		fail_msg("%s", err.msg);
	world_put("bundle.json", ds_buf_span(&text));
	memset(kms_hash, '0', 64);
	memset(image_hash, '0', 64);
	if (b.sha256sum.n) {
		assert_int_equal(ds_sha256_1(ds_buf_span(&b.sha256sum), hash), 0);
		ds_hex_encode(hash, 32, image_hash);
	}
	if (b.kms_root.n && !ds_cert_pem_to_der(ds_buf_span(&b.kms_root), &der, NULL) &&
	    !ds_cert_parse(ds_buf_span(&der), &info, NULL)) {
		assert_int_equal(ds_sha256_1(ds_buf_span(&info.spki), hash), 0);
		ds_hex_encode(hash, 32, kms_hash);
	}
}

#define Z8(s)  s s s s s s s s
#define NONCE  Z8("5a5a5a5a")
#define OTHER  Z8("5a5a5a5b")
#define ZERO64 Z8("00000000")
#define KMS    "--kms-root-hash", "K" /* put in below */
#define IMAGE  "--image-hash", "I"

static void judge(const struct parts *p, const char *const *args, const char *want)
{
	const char *argv[24] = { "app",	    "--bundle",	   "bundle.json", "--json",
				 "--time", "1780000000", "--root-ca",	  "root.pem" };
	char kms[65] = "", image[65] = "", reason[40];
	size_t n = 8;
	int rc;

	put_bundle(p, kms, image);
	for (size_t i = 0; args[i]; i++)
		argv[n++] = !strcmp(args[i], "K") ? kms : !strcmp(args[i], "I") ? image : args[i];
	rc = run(cmd_app, reason, argv);
	if (rc != (*want ? EXIT_REFUSED : EXIT_ACCEPTED) || strcmp(reason, want))
		fail_msg("expected '%s', got %d '%s' (first option %s)", want, rc, reason,
			 args[0] ? args[0] : "none");
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void whole_bundle(void **state)
{
	world(&(struct fault){ .emulated = true });
	judge(&all, ARGS(KMS), "");
	judge(&all, ARGS(IMAGE), "");
	judge(&all, ARGS(KMS, IMAGE, "--nonce", NONCE), "");
	judge(&all, ARGS("--kms-root", "kms-root.pem"), "");
	judge(&all, ARGS("--image", "image.json"), "");
	judge(&all, ARGS(KMS, "--host", "app.example.org", "--app-id", APP_HEX), "");
	judge(&all, ARGS(KMS, "--collateral", "collateral.json"), "");
	judge(&all, ARGS(KMS, "--compose", "compose.json", "--event-log", "log.json"), "");
	/* nothing in the bundle vouches for itself */
	judge(&all, (const char *const[]){ NULL }, "measurement");
	judge(&all, ARGS("--kms-root-hash", ZERO64), "cert-chain");
	judge(&all, ARGS("--image-hash", ZERO64), "measurement");
	/* the compose file inside is the bundle's claim, not the caller's wish */
	judge(&all, ARGS(IMAGE, "--app-id", APP_HEX), "cert-identity");
	judge(&all, ARGS(IMAGE, "--app-id", APP_HEX, "--compose", "compose.json"), "");
	/* another nonce, padded or not */
	judge(&all, ARGS(KMS, "--nonce", OTHER), "report-data");
	judge(&all, ARGS(KMS, "--nonce", "5a"), "report-data");
	judge(&all, ARGS(KMS, "--nonce", NONCE ZERO64), "");
	judge(&all, ARGS(KMS, "--compose", "compose-other.json"), "compose-hash");
	judge(&all, ARGS(KMS, "--image", "image-other.json"), "measurement");
	judge(&all, ARGS(KMS, "--collateral", "compose.json"), "collateral-format");
}

#define PARTS(...)                                                                                 \
	(&(struct parts)                                                                           \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	})
#define CHAIN .chain = "chain.pem", .kms_root = "kms-root.pem", .collateral = "collateral.json"
#define QUOTE .quote = "quote-nonce", .log = "log.json"

static void parts_and_faults(void **state)
{
	DS_BUF struct ds_buf log = DS_BUF_NULL;

	world(&(struct fault){ .emulated = true });
	judge(PARTS(CHAIN), ARGS(KMS), "");
	judge(PARTS(CHAIN, .log = "log.json"), ARGS(KMS), "");
	judge(PARTS(CHAIN), ARGS(KMS, "--nonce", NONCE), "evidence-missing");
	judge(PARTS(CHAIN), ARGS(IMAGE), "evidence-missing");
	judge(PARTS(.chain = "chain.pem", .collateral = "collateral.json"), ARGS(KMS),
	      "evidence-missing");
	judge(PARTS(.chain = "chain.pem", .kms_root = "kms-root.pem"), ARGS(KMS),
	      "collateral-missing");
	/* a quote alone: whose nonce it was made for is said */
	judge(PARTS(QUOTE, .collateral = "collateral.json", .measurement = "image.json"),
	      ARGS(IMAGE), "");
	assert_true(said("the bundle's own nonce, so it may be old"));
	judge(PARTS(QUOTE, .collateral = "collateral.json", .measurement = "image.json"),
	      ARGS(IMAGE, "--nonce", NONCE), "");
	assert_true(said("made for your nonce"));
	judge(PARTS(QUOTE, .collateral = "collateral.json", .measurement = "image.json"),
	      ARGS(IMAGE, "--nonce", OTHER), "report-data");
	judge(PARTS(QUOTE, .collateral = "collateral.json"), ARGS("--kms-root", "kms-root.pem"),
	      "evidence-missing");
	judge(PARTS(QUOTE, .collateral = "collateral.json"), (const char *const[]){ NULL },
	      "measurement");
	judge(PARTS(QUOTE, .collateral = "collateral.json", .measurement = "image.json"),
	      ARGS(IMAGE, "--host", "app.example.org"), "cert-identity");
	/* each part that says something else */
	judge(PARTS(CHAIN, .compose = "compose-other.json"), ARGS(KMS), "compose-hash");
	judge(PARTS(CHAIN, .measurement = "image-other.json"), ARGS(KMS), "measurement");
	judge(PARTS(CHAIN, .measurement = "image.json", .other_sum = true), ARGS(IMAGE),
	      "measurement");
	judge(PARTS(CHAIN, .measurement = "image.json", .two_sums = true), ARGS(IMAGE),
	      "measurement");
	judge(PARTS(CHAIN, QUOTE, .other_nonce = true), ARGS(KMS), "report-data");
	judge(PARTS(CHAIN, .quote = "quote", .log = "log.json"), ARGS(KMS), "report-data");
	/* RTMR3 is right, but the log claims an event in another register too */
	get("log.json", &log);
	log.n--;
	assert_int_equal(ds_buf_addf(&log, ",{\"imr\":0,\"event_type\":1,\"digest\":\"%096d\",\"event\":\"\","
					   "\"event_payload\":\"\"}]",
				     0),
			 0);
	world_put("log.json", ds_buf_span(&log));
	judge(PARTS(CHAIN, QUOTE), ARGS(KMS), "rtmr-replay");
	world_put("log.json", DS_SPAN_LIT("[]"));
	judge(PARTS(CHAIN, QUOTE), ARGS(KMS), "rtmr-replay");
	judge(PARTS(CHAIN, .log = "log.json"), ARGS(KMS), "rtmr-replay");
	world_put("log.json", DS_SPAN_LIT("[{}]"));
	judge(PARTS(CHAIN, QUOTE), ARGS(KMS), "event-log-format");
	judge(PARTS(CHAIN, .log = "log.json"), ARGS(KMS), "event-log-format");
}

/* The quote for the nonce is that of another TD, which differs in one field or in its machine. */
static void other_tds(void **state)
{
	static const char *const rows[] = {
		"quote-pks",   "quote-xfam",	     "quote-mrtd",  "quote-config",
		"quote-owner", "quote-owner-config", "quote-other", "quote-rtmr1",
		"quote-rtmr2", "quote-platform",
	};

	world(&(struct fault){ .emulated = true });
	judge(PARTS(CHAIN, QUOTE), ARGS(KMS), "");
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		/* good by itself */
		judge(PARTS(.quote = rows[i], .log = "log.json", .collateral = "collateral.json"),
		      (const char *const[]){ NULL }, "measurement");
		judge(PARTS(CHAIN, .quote = rows[i], .log = "log.json"), ARGS(KMS), "cert-identity");
	}
}

/* The quote for the nonce and its log are good, but the launch is not that of the certificate. */
static void other_launches(void **state)
{
	static const struct {
		const char *quote, *log;
	} rows[] = {
		{ "quote-more", "log-more.json" },
		{ "quote-less", "log-less.json" },
		{ "quote-name", "log-name.json" },
		{ "quote-instance", "log-instance.json" },
	};

	world(&(struct fault){ .emulated = true });
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		judge(PARTS(.quote = rows[i].quote, .log = rows[i].log,
			    .collateral = "collateral.json"),
		      (const char *const[]){ NULL }, "measurement");
		judge(PARTS(CHAIN, .quote = rows[i].quote, .log = rows[i].log), ARGS(KMS),
		      "cert-identity");
	}
}

/* A part that cannot be read is named, whatever the caller wants of it. */
static void junk_parts(void **state)
{
	world(&(struct fault){ .emulated = true, .bad_root = true });
	world_put("junk", DS_SPAN_LIT("junk"));
	judge(PARTS(CHAIN, .measurement = "junk"), ARGS("--image", "image.json"), "measurement");
	assert_true(said("bundle: "));
	judge(PARTS(.chain = "chain.pem", .collateral = "collateral.json", .kms_root = "junk"),
	      ARGS("--kms-root-hash", ZERO64), "cert-chain");
	assert_true(said("root of the bundle: not PEM"));
	judge(PARTS(CHAIN), ARGS("--kms-root-hash", ZERO64), "cert-chain");
	assert_true(said("root of the bundle: extension "));
}

/* Options are looked at before; these look again, and an answer to them is no verdict. */
static void bad_hashes(void **state)
{
	const struct options o = { .image_hash = ZERO64 "0", .kms_root_hash = ZERO64 "0" };
	const struct ds_identity id = DS_IDENTITY_NULL;
	DS_BUNDLE struct ds_bundle b = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	struct ds_verdict v;

	ds_verdict_init(&v);
	assert_int_equal(ds_buf_add_u8(&b.sha256sum, 0) | ds_buf_add_u8(&b.kms_root, 0), 0);
	assert_int_equal(bundle_image(&o, &b, &id, &v), -EINVAL);
	assert_int_equal(bundle_root(&o, &b, &der, &v), -EINVAL);
}

/*
 * The certificate says nothing of a launch event in another register; the whole log, beside the
 * certificate, replays to the quote's registers and says so.
 */
static void launch_elsewhere(void **state)
{
	static const struct {
		bool there;
		const char *want;
	} rows[] = { { false, "" }, { true, "event-foreign" } };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world(&(struct fault){ .emulated = true, .event_in_rtmr2 = rows[i].there });
		judge(PARTS(CHAIN), ARGS(KMS), "");
		judge(PARTS(CHAIN, .log = "log.json"), ARGS(KMS), rows[i].want);
		judge(PARTS(CHAIN), ARGS(KMS, "--event-log", "log.json"), rows[i].want);
		judge(PARTS(CHAIN, QUOTE), ARGS(KMS), rows[i].want);
	}
}

static void unreadable(void **state)
{
	static const char *const args[] = { "app",	"--bundle", "bundle.json", "--json",
					    "--image", "image.json", NULL };
	static const char *const of_bundles[] = { "--nonce", "--kms-root-hash", "--image-hash" };

	world(&(struct fault){ 0 });
	world_put("bundle.json", DS_SPAN_LIT("{\"format\":\"dstack-evidence\",\"version\":2}"));
	expect(cmd_app, args, EXIT_REFUSED, "bundle-format");
	world_put("bundle.json", DS_SPAN_LIT("{"));
	expect(cmd_app, args, EXIT_REFUSED, "bundle-format");
	expect(cmd_app, (const char *const[]){ "app", "--bundle", "no-such-file", NULL }, EXIT_USAGE,
	       NULL);
	/* options that need a bundle, and their forms */
	for (size_t i = 0; i < DS_ARRAY_SIZE(of_bundles); i++)
		expect(cmd_app,
		       (const char *const[]){ "app", "--cert", "chain.pem", of_bundles[i], ZERO64, COMMON,
					      NULL },
		       EXIT_USAGE, NULL);
	expect(cmd_app,
	       (const char *const[]){ "app", "--bundle", "bundle.json", "--nonce", "0", NULL },
	       EXIT_USAGE, NULL);
	expect(cmd_app,
	       (const char *const[]){ "app", "--bundle", "bundle.json", "--nonce", "", NULL },
	       EXIT_USAGE, NULL);
	expect(cmd_app,
	       (const char *const[]){ "app", "--bundle", "bundle.json", "--image-hash", "00", NULL },
	       EXIT_USAGE, NULL);
	expect(cmd_app,
	       (const char *const[]){ "app", "--bundle", "bundle.json", "--kms-root-hash", "00", NULL },
	       EXIT_USAGE, NULL);
	expect(cmd_cert,
	       (const char *const[]){ "cert", "--bundle", "bundle.json", NULL },
	       EXIT_USAGE, NULL);
}

/* The KMS at the end of the chain is the one that the boot measured. */
static void key_provider(void **state)
{
	static const struct {
		const char *payload, *want;
	} rows[] = {
		{ "{\"name\":\"kms\",\"id\":\"\"}", "" },
		{ "{\"name\":\"kms\",\"id\":\"00\"}", "cert-identity" },
		{ "{\"name\":\"none\",\"id\":\"\"}", "cert-identity" },
		{ "{\"name\":\"local-sgx\",\"id\":\"00\"}", "cert-identity" },
		{ "x", "cert-identity" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		world(&(struct fault){ .emulated = true, .key_provider = rows[i].payload });
		judge(PARTS(CHAIN), ARGS(KMS), rows[i].want);
		judge(PARTS(CHAIN), ARGS("--image", "image.json"), "");
	}
}

/* An image that was named must be the one that the boot measured, when it did. */
static void measured_image(void **state)
{
	world(&(struct fault){ .emulated = true, .os_image = true });
	judge(&all, ARGS(KMS), "");
	judge(&all, ARGS(IMAGE), "measurement");
}

static void list_of_sums(void **state)
{
	static const struct {
		const char *list;
		bool want;
	} rows[] = {
		{ ZERO64 "  a\n", true },
		{ ZERO64 "  a", true },
		{ ZERO64 "  b\n" ZERO64 "  a\n", true },
		{ ZERO64 "  a\n" ZERO64 "  a\n", false },
		{ ZERO64 " *a\n", false },
		{ ZERO64 "  aa\n", false },
		{ ZERO64 "  a\r\n", false },
		{ " " ZERO64 "  a\n", false },
		{ Z8("0000000g") "  a\n", false },
		{ Z8("00000001") "  a\n", false },
		{ "", false },
		{ "\n\n", false },
	};
	static const uint8_t zero[32];

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		if (sha256sum_has(DS_SPAN_STR(rows[i].list), "a", zero) != rows[i].want)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_bundle), cmocka_unit_test(parts_and_faults),
		cmocka_unit_test(unreadable),	cmocka_unit_test(key_provider),
		cmocka_unit_test(list_of_sums), cmocka_unit_test(measured_image),
		cmocka_unit_test(other_tds),	cmocka_unit_test(launch_elsewhere),
		cmocka_unit_test(junk_parts),	cmocka_unit_test(other_launches),
		cmocka_unit_test(bad_hashes),
	};

	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
