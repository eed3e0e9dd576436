// SPDX-License-Identifier: Apache-2.0
/* A world of files for the tests of dstack-verify, see world.h. */
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
#include <ds/x509/pki.h>

#include "../lib/attest/forge.h"
#include "../lib/x509/internal.h"
#include "verify.h"
#include "world.h"

#define FROM (FORGE_TIME - 1000)
#define TO   (FORGE_TIME + 100000)

static const char compose[] = WORLD_COMPOSE;

void world_app_id(const struct fault *f, uint8_t ret[20])
{
	uint8_t hash[32];

	memset(ret, f->zero_app_id ? 0 : 0xaa, 20);
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);
	if (f->default_app_id)
		memcpy(ret, hash, 20);
}

void world_put(const char *name, struct ds_span data)
{
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, name, data, 0600), 0);
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
	uint8_t app[20], instance[20], hash[32], digest[48];

	memset(app, app_byte, sizeof(app));
	memset(instance, INSTANCE, sizeof(instance));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);

	const struct ds_span payload[] = { DS_SPAN_ARRAY(app), DS_SPAN_ARRAY(hash),
					   DS_SPAN_ARRAY(instance), DS_SPAN_NULL, DS_SPAN_NULL };

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		assert_int_equal(ds_event_digest(1, names[i], payload[i], digest), 0);
		assert_int_equal(ds_eventlog_add(log, 3, bare ? DS_EV_DIGEST_ONLY : DS_EV_RUNTIME,
						 digest, bare ? "" : names[i],
						 bare ? DS_SPAN_NULL : payload[i], NULL),
				 0);
	}
}

static struct ds_emul_qe *emul_qe(const struct ds_pki *pki)
{
	DS_SECRET struct ds_secret *bundle = NULL;
	struct ds_emul_qe *qe = NULL;

	assert_int_equal(ds_pki_bundle(pki, &bundle), 0);
	assert_int_equal(ds_emul_qe_load(DS_SPAN(bundle->p, bundle->n), &qe, NULL), 0);
	return qe;
}

static void emul_quote(const struct ds_emul_qe *qe, const struct ds_emul_td *td, struct ds_buf *ret)
{
	uint8_t report[DS_TDREPORT_SIZE];

	assert_int_equal(ds_emul_tdreport(td, report), 0);
	assert_int_equal(ds_emul_qe_quote(qe, DS_SPAN_ARRAY(report), 4, ret, NULL), 0);
}

static void put_quote(const char *name, const struct ds_emul_qe *qe, const struct ds_emul_td *td)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;

	emul_quote(qe, td, &quote);
	world_put(name, ds_buf_span(&quote));
}

/* Bits of another TD, or of none: each makes a quote for the nonce. Policies mind none of them. */
#define AT(member) offsetof(struct ds_emul_td, member)
static const struct {
	const char *name;
	size_t at;
	uint8_t flip;
} quotes[] = {
	{ "quote-nonce", 0, 0 },
	{ "quote-pks", AT(td_attributes) + 3, 0x40 },
	{ "quote-xfam", AT(xfam), 0x04 },
	{ "quote-mrtd", AT(mr_td) + 47, 1 },
	{ "quote-config", AT(mr_config_id), 1 },
	{ "quote-owner", AT(mr_owner) + 47, 1 },
	{ "quote-owner-config", AT(mr_owner_config), 1 },
	{ "quote-other", AT(rt_mr[0]), 1 },
	{ "quote-rtmr1", AT(rt_mr[1]) + 47, 1 },
	{ "quote-rtmr2", AT(rt_mr[2]) + 47, 1 },
};

/* Launches of other TDs: an event more, one less, another one, or another instance. */
static const char *const boots[] = { "more", "less", "name", "instance" };

/*
 * In place of the forger: one PKI for several quotes. quote-nonce is the same TD's, the others of
 * the table are not; quote-BOOT has the launch of log-BOOT.json. quote-platform is that of a TD with
 * the same measurements on another machine.
 */
static void emulate(uint8_t rt_mr[4][48], uint8_t boot_rtmr3[DS_ARRAY_SIZE(boots)][48],
		    const uint8_t report_data[64], struct forged *w)
{
	const struct ds_pki_docs docs = { .issued = FROM, .next_update = TO };
	const struct ds_pki_opts opts = { .fmspc = { 0x30, 0x60, 0x6a }, .not_before = FROM };
	DS_EMUL_QE struct ds_emul_qe *qe = NULL;
	DS_EMUL_QE struct ds_emul_qe *other = NULL;
	DS_PKI struct ds_pki *pki = NULL;
	struct ds_emul_td td;

	assert_int_equal(ds_pki_new(&opts, &pki, NULL) | ds_pki_root_pem(pki, &w->root_pem) |
				 ds_pki_collateral(pki, &docs, &w->collateral, NULL),
			 0);
	qe = emul_qe(pki);
	assert_int_equal(ds_pki_next_platform(pki, NULL), 0);
	other = emul_qe(pki);
	ds_emul_td_init(&td);
	memset(td.mr_td, 0xd1, sizeof(td.mr_td));
	memcpy(td.rt_mr, rt_mr, sizeof(td.rt_mr));
	memcpy(td.report_data, report_data, 64);
	emul_quote(qe, &td, &w->quote);
	memset(td.report_data, 0, 64);
	memset(td.report_data, WORLD_NONCE, 32);
	for (size_t i = 0; i < DS_ARRAY_SIZE(quotes); i++) {
		struct ds_emul_td t = td;

		((uint8_t *)&t)[quotes[i].at] ^= quotes[i].flip;
		put_quote(quotes[i].name, qe, &t);
	}
	put_quote("quote-platform", other, &td);
	for (size_t i = 0; i < DS_ARRAY_SIZE(boots); i++) {
		char name[32];

		memcpy(td.rt_mr[3], boot_rtmr3[i], 48);
		(void)snprintf(name, sizeof(name), "quote-%s", boots[i]);
		put_quote(name, qe, &td);
	}
}

/* The log of a TD that booted in another way: log-BOOT.json, and its register. */
static void other_boot(const struct ds_eventlog *from, const char *boot, uint8_t ret_rtmr3[48])
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf json = DS_BUF_NULL;
	char file[32];

	for (size_t i = 0; i < from->n; i++) {
		const bool ready = !strcmp(from->ev[i].name, "system-ready");
		const char *name = from->ev[i].name;
		struct ds_event *ev;

		if (ready && !strcmp(boot, "less"))
			continue;
		if (ready && !strcmp(boot, "more"))
			assert_int_equal(ds_eventlog_add(&log, 3, DS_EV_RUNTIME, NULL, "storage-fs",
							 DS_SPAN_LIT("other"), NULL),
					 0);
		if (!strcmp(name, "boot-mr-done") && !strcmp(boot, "name"))
			name = "storage-fs";
		assert_int_equal(ds_eventlog_add(&log, 3, DS_EV_RUNTIME, NULL, name,
						 ds_buf_span(&from->ev[i].payload), &ev),
				 0);
		if (!strcmp(name, "instance-id") && !strcmp(boot, "instance"))
			ev->payload.p[0] ^= 1;
	}
	assert_int_equal(ds_eventlog_replay_rtmr3(&log, NULL, ret_rtmr3, NULL), 0);
	assert_int_equal(ds_eventlog_to_json(&log, &json), 0);
	(void)snprintf(file, sizeof(file), "log-%s.json", boot);
	world_put(file, ds_buf_span(&json));
}

/* Scripts are letters: each has a hash that is all this letter; that of "-" is empty. */
static void scripts(const char *names, struct ds_attestation *att)
{
	uint8_t hash[32];

	for (; names && *names; names++) {
		memset(hash, *names, sizeof(hash));
		event(att, "init-script-hash", hash, *names == '-' ? 0 : sizeof(hash));
	}
}

/* A guest extends RTMR2 as it likes. Of such an event the log in a certificate says nothing. */
static void event_in_rtmr2(struct ds_attestation *att, uint8_t ret_rtmr[4][48])
{
	uint8_t digest[48], got[4][48];

	assert_int_equal(ds_event_digest(1, "app-id", DS_SPAN_NULL, digest), 0);
	assert_int_equal(ds_eventlog_add(&att->log, 2, DS_EV_RUNTIME, digest, "app-id",
					 DS_SPAN_NULL, NULL),
			 0);
	assert_int_equal(ds_eventlog_replay(&att->log, got, NULL), 0);
	memcpy(ret_rtmr[2], got[2], sizeof(got[2]));
}

/* Quote, collateral, root and the event log of an app whose TLS key has this SPKI. */
static void evidence(const struct fault *f, struct ds_span spki, struct ds_buf *blob)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf json = DS_BUF_NULL, image = DS_BUF_NULL;
	FORGED struct forged w = { 0 };
	uint8_t app[20], instance[20], hash[32], rt_mr[4][48], boot_rtmr3[DS_ARRAY_SIZE(boots)][48];
	char hex[4][97];
	uint8_t reg[48];

	world_app_id(f, app);
	memset(instance, INSTANCE, sizeof(instance));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(compose), hash), 0);
	event(&att, "app-id", app, sizeof(app));
	event(&att, "compose-hash", hash, sizeof(hash));
	scripts(f->scripts, &att);
	event(&att, "instance-id", instance, sizeof(instance));
	event(&att, "boot-mr-done", "", 0);
	if (f->os_image)
		event(&att, "os-image-hash", hash, sizeof(hash));
	if (f->key_provider)
		event(&att, "key-provider", f->key_provider, strlen(f->key_provider));
	event(&att, "system-ready", "", 0);
	if (f->again) {
		launch(&att.runtime_events, false, 0xbb);
		launch(&att.log, false, 0xbb);
	}
	for (int i = 0; i < 3; i++)
		memset(rt_mr[i], 0xe0 + i, sizeof(rt_mr[i]));
	assert_int_equal(ds_eventlog_replay_rtmr3(&att.runtime_events, NULL, rt_mr[3], NULL), 0);
	if (f->event_in_rtmr2)
		event_in_rtmr2(&att, rt_mr);
	assert_int_equal(ds_ratls_report_data(spki, att.report_data), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(boots); i++)
		other_boot(&att.runtime_events, boots[i], boot_rtmr3[i]);
	if (f->emulated)
		emulate(rt_mr, boot_rtmr3, att.report_data, &w);
	else
		forge(&(struct forge){ .rt_mr3 = rt_mr[3], .report_data = att.report_data }, &w);
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&w.quote)), 0);
	if (f->bad_payload)
		att.runtime_events.ev[1].payload.p[0] ^= 1;
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, blob), 0);
	assert_int_equal(ds_eventlog_to_json(&att.log, &json), 0);
	world_put("log.json", ds_buf_span(&json));
	world_put("quote", ds_buf_span(&w.quote));
	world_put("collateral.json", ds_buf_span(&w.collateral));
	world_put("root.pem", ds_buf_span(&w.root_pem));
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
	world_put("image.json", ds_buf_span(&image));
	image.p[12] ^= 1;
	world_put("image-other.json", ds_buf_span(&image));
}

static void info_scripts(const char *names, struct ds_app_info *info)
{
	const size_t n = strlen(names);

	info->has_init_script_hashes = true;
	info->init_script_hashes = calloc(n + 1, sizeof(*info->init_script_hashes));
	assert_non_null(info->init_script_hashes);
	for (size_t i = 0; i < n; i++) {
		struct ds_buf *to = &info->init_script_hashes[info->n_init_script_hashes++];

		assert_int_equal(ds_buf_add_zero(to, 32), 0);
		memset(to->p, names[i], to->n);
	}
}

static void bad_info(int field, struct ds_app_info *info)
{
	struct ds_buf *const bufs[] = { &info->app_id,	      &info->compose_hash,
					&info->instance_id,   &info->device_id,
					&info->mr_system,     &info->mr_aggregated,
					&info->os_image_hash, &info->key_provider_info };

	if (!field)
		return;
	bufs[field - 1]->n = 0;
	assert_int_equal(ds_buf_add_zero(bufs[field - 1], 32), 0);
}

static void app_info(const struct fault *f, struct ds_buf *out)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	uint8_t app[20], instance[20], hash[32];

	world_app_id(f, app);
	memset(instance, INSTANCE, sizeof(instance));
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(f->other_info ? "other" : compose), hash), 0);
	assert_int_equal(ds_buf_add(&info.app_id, app, 20), 0);
	assert_int_equal(ds_buf_add(&info.instance_id, instance, 20), 0);
	assert_int_equal(ds_buf_add(&info.compose_hash, hash, 32), 0);
	bad_info(f->bad_info, &info);
	if (f->info_scripts)
		info_scripts(f->info_scripts, &info);
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

/* Valid to OpenSSL, but one of our extensions is there twice. */
static void spoil(const struct ds_p256 *issuer_key, struct ds_buf *der, struct ds_buf *pem)
{
	DS_X509 X509 *x = NULL;

	assert_int_equal(ds_x509_from_der(ds_buf_span(der), &x, NULL), 0);
	add_ext(x, DS_OID_QUOTE, DS_SPAN_LIT("1"));
	add_ext(x, DS_OID_QUOTE, DS_SPAN_LIT("2"));
	assert_true(X509_sign(x, ds_p256_evp(issuer_key), EVP_sha256()) > 0);
	der->n = pem->n = 0;
	assert_int_equal(ds_x509_to_der(x, der) | ds_cert_pem(ds_buf_span(der), pem), 0);
}

/* An app CA that has the KMS root's name and key, so whatever the root signed is good under it. */
static void forge_ca(const struct ds_p256 *root_key, const struct ds_buf *root, const uint8_t app[20],
		     struct ds_buf *chain)
{
	DS_BUF struct ds_buf der = DS_BUF_NULL, good = DS_BUF_NULL;

	issue(&(struct ds_cert_spec){ .subject = "KMS",
				      .is_ca = true,
				      .usage = DS_USAGE_APP_CA,
				      .app_id = DS_SPAN(app, 20) },
	      root_key, root_key, root, &der, &good);
	der.p[der.n - 1] ^= 1; /* of the signature: nobody has made this one */
	assert_int_equal(ds_cert_pem(ds_buf_span(&der), chain), 0);
}

/* KMS root, app CA, leaf: chain.pem, kms-root.pem and the evidence files. */
void world(const struct fault *f)
{
	DS_P256 struct ds_p256 *root_key = NULL;
	DS_P256 struct ds_p256 *ca_key = NULL;
	DS_P256 struct ds_p256 *key = NULL;
	DS_P256 struct ds_p256 *other = NULL;
	DS_BUF struct ds_buf root = DS_BUF_NULL, ca = DS_BUF_NULL, leaf = DS_BUF_NULL,
			     decoy = DS_BUF_NULL, chain = DS_BUF_NULL;
	DS_BUF struct ds_buf root_pem = DS_BUF_NULL, ca_pem = DS_BUF_NULL, blob = DS_BUF_NULL,
			     info = DS_BUF_NULL;
	static const char *const names[] = {
		"app.example.org",
		APP_HEX "-8443s.example.org",
		APP_HEX ".example.org",
		INSTANCE_HEX "-1.example.org",
		OTHER_HEX "-8443s.example.org",
		OTHER_HEX ".example.org",
		OTHER_HEX,
		"*.wild.example.org",
		"192.0.2.1",
	};
	uint8_t app[20], not_app[20] = { 1 }, spki[DS_P256_SPKI_SIZE];

	world_app_id(f, app);
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
				      .app_id = DS_SPAN(f->other_ca_app_id ? not_app : app,
							f->no_ca_app_id ? 0 : 20) },
	      ca_key, root_key, &root, &ca, &ca_pem);
	if (f->bad_ca)
		spoil(root_key, &ca, &ca_pem);
	if (f->bad_root)
		spoil(root_key, &root, &root_pem);
	issue(
		&(struct ds_cert_spec){
			.subject = "app",
			.alt_names = names,
			.n_alt_names = DS_ARRAY_SIZE(names),
			.usage = f->usage ? f->usage : DS_USAGE_APP_CUSTOM,
			.app_id = DS_SPAN(f->other_app_id ? not_app : app, f->no_app_id ? 0 : 20),
			.app_info = DS_SPAN(info.p, info.n - f->junk_info),
			.not_after = f->ended ? FORGE_TIME - 1 : 0,
			.attestation =
				f->no_evidence
					? DS_SPAN_NULL
					: DS_SPAN(blob.p, f->junk_evidence ? blob.n - 1 : blob.n) },
		key, f->no_ca ? root_key : ca_key, f->no_ca ? &root : &ca, &leaf, &chain);
	if (f->decoy_ca)
		issue(&(struct ds_cert_spec){ .subject = "App CA 2",
					      .is_ca = true,
					      .usage = DS_USAGE_APP_CA,
					      .app_id = DS_SPAN(app, 20) },
		      other, root_key, &root, &decoy, &chain);
	if (f->forged_ca)
		forge_ca(root_key, &root, app, &chain);
	if (!f->no_ca)
		assert_int_equal(ds_buf_add_span(&chain, ds_buf_span(&ca_pem)), 0);
	world_put("chain.pem", ds_buf_span(&chain));
	if (f->other_root) {
		ds_buf_done(&root);
		ds_buf_done(&root_pem);
		issue(&(struct ds_cert_spec){ .subject = "KMS", .is_ca = true, .pathlen = 1 },
		      other, other, NULL, &root, &root_pem);
	}
	world_put("kms-root.pem", ds_buf_span(&root_pem));
	world_put("compose.json", DS_SPAN_STR(compose));
	world_put("compose-other.json", DS_SPAN_STR("{\"name\":\"app\" }"));
}

/* chain.pem in the form of older releases: self-signed, quote and log in extensions .1 and .2. */
static void older_cert(const struct ds_p256 *key, struct ds_span quote, struct ds_span log,
		       struct ds_span blob)
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
	if (quote.n)
		add_ext(x, DS_OID_QUOTE, quote);
	if (log.n)
		add_ext(x, DS_OID_EVENT_LOG, log);
	if (blob.n)
		add_ext(x, DS_OID_ATTESTATION, blob);
	add_ext(x, DS_OID_USAGE, DS_SPAN_LIT(DS_USAGE_APP_CUSTOM));
	assert_true(X509_sign(x, ds_p256_evp(key), EVP_sha256()) > 0);
	assert_true(PEM_write_bio_X509(bio, x));
	n = BIO_get_mem_data(bio, &pem);
	world_put("chain.pem", DS_SPAN(pem, (size_t)n));
	BIO_free(bio);
	X509_free(x);
}

/*
 * An app that extended RTMR3 by the digests of another app's launch. Register and quote are the
 * same in both tellings; hidden says which of the two launches is shown as bare digests.
 */
void older_world(bool hide_real, bool hide_forged)
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
	world_put("log.json", ds_buf_span(&json));
	world_put("quote", ds_buf_span(&w.quote));
	world_put("collateral.json", ds_buf_span(&w.collateral));
	world_put("root.pem", ds_buf_span(&w.root_pem));
	older_cert(key, ds_buf_span(&w.quote), ds_buf_span(&json), DS_SPAN_NULL);
}

void older_parts(bool quote, const char *log)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_BUF struct ds_buf raw = DS_BUF_NULL;

	assert_int_equal(ds_read_file(AT_FDCWD, "quote", 1u << 16, &raw), 0);
	assert_int_equal(ds_p256_generate(&key), 0);
	older_cert(key, quote ? ds_buf_span(&raw) : DS_SPAN_NULL, DS_SPAN_STR(log), DS_SPAN_NULL);
}

void both_world(bool differ, bool hide)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_EVENTLOG struct ds_eventlog old = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf json = DS_BUF_NULL, blob = DS_BUF_NULL;
	FORGED struct forged w = { 0 };
	uint8_t spki[DS_P256_SPKI_SIZE], rtmr3[48];

	assert_int_equal(ds_p256_generate(&key), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	assert_int_equal(ds_ratls_report_data(DS_SPAN_ARRAY(spki), att.report_data), 0);
	launch(&att.log, false, 0xaa);
	launch(&att.runtime_events, false, 0xaa);
	assert_int_equal(ds_eventlog_replay_rtmr3(&att.log, NULL, rtmr3, NULL), 0);
	forge(&(struct forge){ .rt_mr3 = rtmr3, .report_data = att.report_data }, &w);
	assert_int_equal(ds_buf_add_span(&att.quote, ds_buf_span(&w.quote)), 0);
	assert_int_equal(ds_attestation_encode(&att, DS_ATTESTATION_STRIPPED, &blob), 0);
	launch(&old, hide, 0xaa);
	assert_int_equal(ds_eventlog_to_json(&old, &json), 0);
	world_put("collateral.json", ds_buf_span(&w.collateral));
	world_put("root.pem", ds_buf_span(&w.root_pem));
	if (differ) /* a zero behind it: good by itself */
		assert_int_equal(ds_buf_add_u8(&w.quote, 0), 0);
	older_cert(key, ds_buf_span(&w.quote), ds_buf_span(&json), ds_buf_span(&blob));
}
