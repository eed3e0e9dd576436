// SPDX-License-Identifier: Apache-2.0
/*
 * For the gateway's integration tests: a KMS root, a server certificate, a test PKI with
 * collateral, and client certificates with evidence of made-up guests, good or with one flaw.
 * Everything is new on each run.
 *
 *   testcert DIR CLIENT...
 *
 * CLIENT is NAME[,app=HH][,instance=HH|none][,FLAW]; HH fills the whole id.
 */
#include <sys/stat.h>
#include <time.h>

#include <ds/attest/eventlog.h>
#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/wire/appinfo.h>
#include <ds/wire/attestation.h>
#include <ds/x509/cert.h>
#include <ds/x509/pki.h>

#define YEAR (365 * 86400)

struct ca {
	struct ds_p256 *key;
	struct ds_buf der, pem;
};

struct world {
	const char *dir;
	int64_t now;
	struct ca kms, other_kms, app_ca;
	struct ds_emul_qe *qe, *other_qe;
};

enum flaw {
	FLAW_NONE,
	FLAW_NO_EVIDENCE,   /* no extension .8 at all, only .9: what the baseline's guests send */
	FLAW_OTHER_KEY,	    /* evidence of another TLS key */
	FLAW_LOG,	    /* an event was changed after the quote */
	FLAW_TRUNCATED,	    /* the quote is one byte short */
	FLAW_OTHER_PKI,	    /* signed by a quoting enclave under another root */
	FLAW_OTHER_KMS,	    /* chain ends in another KMS root */
	FLAW_APP_EXT,	    /* .3 names another app */
	FLAW_INFO_APP,	    /* .9 names another app */
	FLAW_INFO_INSTANCE, /* .9 names another instance */
	FLAW_BOOT,	    /* boot-mr-done was not measured */
	FLAW_SERVER_ONLY,   /* not a client certificate */
	FLAW_DEBUG,	    /* TD attribute DEBUG */
	FLAW_GARBAGE,	    /* extension .8 is not an attestation */
	FLAW_EXPIRED,	    /* certificate */
	FLAW_SHORT,	    /* certificate that ends in ten seconds */
	FLAW_COUNT
};

static const char *const flaw_names[FLAW_COUNT] = {
	[FLAW_NONE] = "good",		[FLAW_NO_EVIDENCE] = "no-evidence",
	[FLAW_OTHER_KEY] = "other-key", [FLAW_LOG] = "log",
	[FLAW_TRUNCATED] = "truncated", [FLAW_OTHER_PKI] = "other-pki",
	[FLAW_OTHER_KMS] = "other-kms", [FLAW_APP_EXT] = "app-ext",
	[FLAW_INFO_APP] = "info-app",	[FLAW_INFO_INSTANCE] = "info-instance",
	[FLAW_BOOT] = "no-boot",	[FLAW_SERVER_ONLY] = "server-only",
	[FLAW_DEBUG] = "debug",		[FLAW_GARBAGE] = "garbage",
	[FLAW_EXPIRED] = "expired",	[FLAW_SHORT] = "short",
};

struct client {
	char name[64];
	uint8_t app[20], instance[20];
	bool has_instance;
	enum flaw flaw;
};

#define MUST(expr)                                                                                 \
	do {                                                                                       \
		int must_r_ = (expr);                                                              \
		if (must_r_) {                                                                     \
			fprintf(stderr, "testcert: %s:%d: %s: %s %s\n", __FILE__, __LINE__, #expr, \
				strerror(abs(must_r_)), err.msg);                                  \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct ds_err err;

static void put(const struct world *w, const char *name, const char *ext, struct ds_span data,
		mode_t mode)
{
	DS_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s%s", w->dir, name, ext) < 0)
		exit(1);
	MUST(ds_write_file_atomic(AT_FDCWD, path, data, mode));
}

static void put_key(const struct world *w, const char *name, const struct ds_p256 *key)
{
	DS_SECRET struct ds_secret *pem = NULL;

	MUST(ds_p256_pkcs8_pem(key, &pem));
	put(w, name, ".key", DS_SPAN(pem->p, pem->n), 0600);
}

static void issue(const struct world *w, struct ds_cert_spec *spec, const struct ds_p256 *key,
		  const struct ca *issuer, struct ds_buf *der)
{
	uint8_t spki[DS_P256_SPKI_SIZE];

	MUST(ds_p256_spki(key, spki));
	spec->spki = DS_SPAN_ARRAY(spki);
	if (!spec->not_after) {
		spec->not_before = w->now - 3600;
		spec->not_after = w->now + YEAR;
	}
	MUST(ds_cert_issue(spec, issuer ? issuer->key : key,
			   issuer ? ds_buf_span(&issuer->der) : DS_SPAN_NULL, der, &err));
}

static void make_ca(const struct world *w, struct ca *ca, const char *cn, const struct ca *issuer)
{
	struct ds_cert_spec spec = { .subject = cn, .is_ca = true, .pathlen = issuer ? 0 : 1 };

	MUST(ds_p256_generate(&ca->key));
	issue(w, &spec, ca->key, issuer, &ca->der);
	MUST(ds_cert_pem(ds_buf_span(&ca->der), &ca->pem));
}

static void make_pki(struct world *w)
{
	struct ds_pki_opts opts = { .fmspc = { 0, 0x80, 0x6f }, .not_before = w->now - 7 * 86400 };
	struct ds_pki_docs docs = { .issued = w->now - 86400, .next_update = w->now + 30 * 86400 };
	struct ds_pki_docs old = { .issued = w->now - 3 * 86400,
				   .next_update = w->now - 2 * 86400 };
	DS_BUF struct ds_buf root = DS_BUF_NULL, good = DS_BUF_NULL, expired = DS_BUF_NULL,
			     outdated = DS_BUF_NULL;
	DS_SECRET struct ds_secret *bundle = NULL, *other_bundle = NULL;
	DS_PKI struct ds_pki *pki = NULL, *other = NULL;

	MUST(ds_pki_new(&opts, &pki, &err));
	MUST(ds_pki_new(&opts, &other, &err));
	MUST(ds_pki_root_pem(pki, &root));
	MUST(ds_pki_collateral(pki, &docs, &good, &err));
	MUST(ds_pki_collateral(pki, &old, &expired, &err));
	docs.tcb_status = "OutOfDate";
	MUST(ds_pki_collateral(pki, &docs, &outdated, &err));
	put(w, "attest-root", ".pem", ds_buf_span(&root), 0644);
	put(w, "collateral", ".json", ds_buf_span(&good), 0644);
	put(w, "collateral-expired", ".json", ds_buf_span(&expired), 0644);
	put(w, "collateral-outofdate", ".json", ds_buf_span(&outdated), 0644);
	MUST(ds_pki_bundle(pki, &bundle));
	MUST(ds_pki_bundle(other, &other_bundle));
	MUST(ds_emul_qe_load(DS_SPAN(bundle->p, bundle->n), &w->qe, &err));
	MUST(ds_emul_qe_load(DS_SPAN(other_bundle->p, other_bundle->n), &w->other_qe, &err));
}

static void make_server(const struct world *w)
{
	const char *names[] = { "gateway.test", "127.0.0.1" };
	struct ds_cert_spec spec = { .subject = "dstack-gateway",
				     .alt_names = names,
				     .n_alt_names = 2,
				     .server_auth = true,
				     .client_auth = true };
	DS_BUF struct ds_buf der = DS_BUF_NULL, pem = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL;

	MUST(ds_p256_generate(&key));
	issue(w, &spec, key, &w->kms, &der);
	MUST(ds_cert_pem(ds_buf_span(&der), &pem));
	put(w, "server", ".pem", ds_buf_span(&pem), 0644);
	put_key(w, "server", key);
}

static void add_event(struct ds_eventlog *log, const char *name, const void *p, size_t n)
{
	MUST(ds_eventlog_add(log, DS_EVENT_IMR, DS_EV_RUNTIME, NULL, name, DS_SPAN(p, n), NULL));
}

static void measure(const struct client *c, struct ds_eventlog *log)
{
	uint8_t compose[32];

	memset(compose, 0xc0, sizeof(compose));
	add_event(log, "system-preparing", "", 0);
	add_event(log, "app-id", c->app, sizeof(c->app));
	add_event(log, "compose-hash", compose, sizeof(compose));
	add_event(log, "instance-id", c->instance, c->has_instance ? sizeof(c->instance) : 0);
	if (c->flaw != FLAW_BOOT)
		add_event(log, "boot-mr-done", "", 0);
	add_event(log, "system-ready", "", 0);
}

/* The .8 blob for this TLS key. */
static void evidence(const struct world *w, const struct client *c, const struct ds_p256 *key,
		     struct ds_buf *blob)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], report[DS_TDREPORT_SIZE];
	struct ds_emul_td td;

	MUST(ds_p256_spki(key, spki));
	MUST(ds_ratls_report_data(DS_SPAN_ARRAY(spki), att.report_data));
	measure(c, &att.runtime_events);
	ds_emul_td_init(&td);
	if (c->flaw == FLAW_DEBUG)
		td.td_attributes[0] |= 1;
	memcpy(td.report_data, att.report_data, sizeof(td.report_data));
	MUST(ds_eventlog_replay_rtmr3(&att.runtime_events, NULL, td.rt_mr[3], &err));
	MUST(ds_emul_tdreport(&td, report));
	MUST(ds_emul_qe_quote(c->flaw == FLAW_OTHER_PKI ? w->other_qe : w->qe,
			      DS_SPAN_ARRAY(report), 4, &att.quote, &err));
	if (c->flaw == FLAW_TRUNCATED)
		att.quote.n--;
	if (c->flaw == FLAW_LOG)
		att.runtime_events.ev[1].payload.p[0] ^= 1;
	MUST(ds_attestation_encode(&att, DS_ATTESTATION_FULL, blob));
	if (c->flaw == FLAW_GARBAGE)
		blob->n = 3;
}

static void app_info(const struct client *c, struct ds_buf *ret)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL;
	uint8_t compose[32], zero[32] = { 0 };

	memset(compose, 0xc0, sizeof(compose));
	MUST(ds_buf_add(&info.app_id, c->app, sizeof(c->app)));
	MUST(ds_buf_add(&info.instance_id, c->instance, c->has_instance ? sizeof(c->instance) : 0));
	MUST(ds_buf_add(&info.compose_hash, compose, sizeof(compose)));
	MUST(ds_buf_add(&info.device_id, zero, 32));
	MUST(ds_buf_add(&info.mr_system, zero, 32));
	MUST(ds_buf_add(&info.mr_aggregated, zero, 32));
	if (c->flaw == FLAW_INFO_APP)
		info.app_id.p[0] ^= 1;
	if (c->flaw == FLAW_INFO_INSTANCE)
		info.instance_id.p[0] ^= 1;
	MUST(ds_app_info_encode(&info, ret));
}

static void make_client(const struct world *w, struct client *c)
{
	struct ds_cert_spec spec = { .subject = "",
				     .server_auth = true,
				     .client_auth = c->flaw != FLAW_SERVER_ONLY };
	DS_BUF struct ds_buf der = DS_BUF_NULL, pem = DS_BUF_NULL, blob = DS_BUF_NULL,
			     info = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL, *other = NULL;
	struct ca intermediate = { 0 };
	uint8_t app[20];

	MUST(ds_p256_generate(&key));
	MUST(ds_p256_generate(&other));
	if (c->flaw != FLAW_NO_EVIDENCE)
		evidence(w, c, c->flaw == FLAW_OTHER_KEY ? other : key, &blob);
	app_info(c, &info);
	memcpy(app, c->app, sizeof(app));
	app[0] ^= c->flaw == FLAW_APP_EXT;
	spec.app_id = DS_SPAN_ARRAY(app);
	spec.attestation = ds_buf_span(&blob);
	spec.app_info = ds_buf_span(&info);
	if (c->flaw == FLAW_EXPIRED) {
		spec.not_before = w->now - 7200;
		spec.not_after = w->now - 3600;
	}
	if (c->flaw == FLAW_SHORT) {
		spec.not_before = w->now - 3600;
		spec.not_after = w->now + 10;
	}
	if (c->flaw == FLAW_OTHER_KMS)
		make_ca(w, &intermediate, "App CA", &w->other_kms);
	issue(w, &spec, key, c->flaw == FLAW_OTHER_KMS ? &intermediate : &w->app_ca, &der);
	MUST(ds_cert_pem(ds_buf_span(&der), &pem));
	MUST(ds_buf_add_span(
		&pem, ds_buf_span(c->flaw == FLAW_OTHER_KMS ? &intermediate.pem : &w->app_ca.pem)));
	put(w, c->name, ".pem", ds_buf_span(&pem), 0644);
	put_key(w, c->name, key);
	ds_p256_free(intermediate.key);
	ds_buf_done(&intermediate.der);
	ds_buf_done(&intermediate.pem);
}

static void fill_id(const char *hh, uint8_t id[20])
{
	uint8_t b;

	MUST(ds_hex_decode_exact(hh, &b, 1));
	memset(id, b, 20);
}

static void parse_client(char *arg, struct client *c)
{
	char *save = NULL, *word = strtok_r(arg, ",", &save);

	*c = (struct client){ .has_instance = true };
	fill_id("aa", c->app);
	fill_id("11", c->instance);
	snprintf(c->name, sizeof(c->name), "%s", word ? word : "");
	while ((word = strtok_r(NULL, ",", &save))) {
		bool known = true;

		if (!strncmp(word, "app=", 4))
			fill_id(word + 4, c->app);
		else if (!strcmp(word, "instance=none"))
			c->has_instance = false;
		else if (!strncmp(word, "instance=", 9))
			fill_id(word + 9, c->instance);
		else
			known = false;
		for (int i = 0; i < FLAW_COUNT && !known; i++)
			if (!strcmp(word, flaw_names[i])) {
				c->flaw = (enum flaw)i;
				known = true;
			}
		if (!known) {
			fprintf(stderr, "testcert: unknown word '%s'\n", word);
			exit(2);
		}
	}
}

static void ca_done(struct ca *ca)
{
	ds_p256_free(ca->key);
	ds_buf_done(&ca->der);
	ds_buf_done(&ca->pem);
}

int main(int argc, char **argv)
{
	struct world w = { .now = time(NULL) };

	if (argc < 2) {
		fputs("usage: testcert DIR CLIENT...\n", stderr);
		return 2;
	}
	w.dir = argv[1];
	make_ca(&w, &w.kms, "Test KMS CA", NULL);
	make_ca(&w, &w.other_kms, "Other KMS CA", NULL);
	make_ca(&w, &w.app_ca, "App CA", &w.kms);
	put(&w, "kms-root", ".pem", ds_buf_span(&w.kms.pem), 0644);
	make_pki(&w);
	make_server(&w);
	for (int i = 2; i < argc; i++) {
		struct client c;

		parse_client(argv[i], &c);
		make_client(&w, &c);
	}
	ca_done(&w.kms);
	ca_done(&w.other_kms);
	ca_done(&w.app_ca);
	ds_emul_qe_free(w.qe);
	ds_emul_qe_free(w.other_qe);
	return 0;
}
