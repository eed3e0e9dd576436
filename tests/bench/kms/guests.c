// SPDX-License-Identifier: Apache-2.0
/* Guests for load on a KMS. */
#include "guests.h"

#include <ds/attest/eventlog.h>
#include <ds/attest/kernel.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/keys/derive.h>
#include <ds/x509/cert.h>
#include <time.h>

static int read_in(const char *dir, const char *name, struct ds_buf *ret, struct ds_err *err)
{
	char path[4096];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = ds_read_file(AT_FDCWD, path, DS_MAX_CERT_PEM, ret);
	return r ? ds_err_set(err, r, "guests", 0, "%s: %s", path, strerror(-r)) : 0;
}

static void id(const char *what, size_t i, uint8_t ret[20])
{
	uint8_t hash[DS_SHA256_SIZE];
	char text[40];

	snprintf(text, sizeof(text), "load %s %zu", what, i);
	if (ds_sha256_1(DS_SPAN_STR(text), hash))
		abort();
	memcpy(ret, hash, 20);
}

void guest_app(size_t i, uint8_t ret[20])
{
	id("app", i, ret);
}

static void vm_config(char ret[128])
{
	uint8_t image[32];
	char hex[65];

	memset(image, GUEST_IMAGE, sizeof(image));
	snprintf(ret, 128, "{\"os_image_hash\":\"%s\"}", ds_hex_encode(image, sizeof(image), hex));
}

int guest_body(struct ds_buf *ret)
{
	char config[128];

	vm_config(config);
	return ds_kms_app_key_request(config, ret);
}

static int measure(struct guest *g, struct ds_eventlog *log)
{
	uint8_t compose[32];
	const struct {
		const char *name;
		struct ds_span payload;
	} events[] = {
		{ "system-preparing", DS_SPAN_LIT("") },
		{ "app-id", DS_SPAN_ARRAY(g->app) },
		{ "compose-hash", DS_SPAN_ARRAY(compose) },
		{ "instance-id", DS_SPAN_ARRAY(g->inst) },
		{ "boot-mr-done", DS_SPAN_LIT("") },
	};

	memset(compose, GUEST_COMPOSE, sizeof(compose));
	for (size_t i = 0; i < DS_ARRAY_SIZE(events); i++)
		DS_TRY(ds_eventlog_add(log, DS_EVENT_IMR, DS_EV_RUNTIME, NULL, events[i].name,
				       events[i].payload, NULL));
	return 0;
}

static int attest(struct guests *gs, struct guest *g, struct ds_err *err)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	uint8_t report[DS_TDREPORT_SIZE], spki[DS_P256_SPKI_SIZE];
	struct ds_emul_td td;
	char config[128];

	ds_emul_td_init(&td);
	memset(td.mr_td, GUEST_MRTD, sizeof(td.mr_td));
	DS_TRY(ds_p256_spki(g->key, spki));
	DS_TRY(ds_ratls_report_data(DS_SPAN_ARRAY(spki), td.report_data));
	DS_TRY(measure(g, &log));
	DS_TRY(ds_eventlog_replay_rtmr3(&log, NULL, td.rt_mr[3], err));
	DS_TRY(ds_emul_tdreport(&td, report));
	DS_TRY(ds_emul_qe_quote(gs->qe, DS_SPAN_ARRAY(report), 4, &quote, err));
	vm_config(config);
	return ds_kernel_attestation(&quote, &log, td.report_data, DS_SPAN_STR(config), &g->att);
}

static int derive(const struct guests *gs, struct guest *g)
{
	uint8_t key[DS_KEY_SIZE], pub[DS_K256_PUB_SIZE], sig[DS_K256_SIG_SIZE];

	DS_TRY(ds_kms_disk_key(gs->ca_scalar->p, g->app, DS_SPAN_ARRAY(g->inst), key));
	ds_hex_encode(key, sizeof(key), g->want.disk);
	DS_TRY(ds_kms_env_key(gs->ca_scalar->p, g->app, key));
	ds_hex_encode(key, sizeof(key), g->want.env);
	DS_TRY(ds_kms_app_k256(gs->k256->p, g->app, key));
	ds_hex_encode(key, sizeof(key), g->want.k256);
	DS_TRY(ds_k256_pub(key, pub));
	DS_TRY(ds_kms_k256_signature(gs->k256->p, g->app, pub, sig));
	ds_hex_encode(sig, sizeof(sig), g->want.k256_signature);
	return 0;
}

static int guest_make(struct guests *gs, size_t i, struct ds_err *err)
{
	struct guest *g = &gs->g[i];

	guest_app(i, g->app);
	id("instance", i, g->inst);
	DS_TRY(ds_p256_generate(&g->key));
	DS_TRY(attest(gs, g, err));
	DS_TRY(ds_kms_temp_cert(&gs->temp_ca, g->key, &g->att, time(NULL), &g->cert_pem, err));
	return derive(gs, g);
}

static int load(const char *dir, const char *bundle, struct guests *gs, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL, der = DS_BUF_NULL, key = DS_BUF_NULL,
			     ca_key = DS_BUF_NULL, k256 = DS_BUF_NULL, qe = DS_BUF_NULL;
	DS_P256 struct ds_p256 *ca = NULL;

	DS_TRY(read_in(dir, "root-ca.crt", &gs->root_pem, err));
	DS_TRY(ds_cert_pem_to_der(ds_buf_span(&gs->root_pem), &der, err));
	DS_TRY(ds_cert_parse(ds_buf_span(&der), &info, err));
	DS_TRY(ds_buf_add_span(&gs->pin, ds_buf_span(&info.spki)));
	DS_TRY(read_in(dir, "tmp-ca.crt", &pem, err));
	DS_TRY(ds_cert_pem_to_der(ds_buf_span(&pem), &gs->temp_ca.cert_der, err));
	DS_TRY(read_in(dir, "tmp-ca.key", &key, err));
	DS_TRY(ds_p256_from_pem(ds_buf_span(&key), &gs->temp_ca.key, err));
	DS_TRY(read_in(dir, "root-ca.key", &ca_key, err));
	DS_TRY(ds_p256_from_pem(ds_buf_span(&ca_key), &ca, err));
	DS_TRY(ds_p256_scalar(ca, &gs->ca_scalar));
	DS_TRY(read_in(dir, "root-k256.key", &k256, err));
	if (k256.n != 32)
		return ds_err_set(err, -EBADMSG, "guests", 0,
				  "root-k256.key: 32 bytes expected, found %zu", k256.n);
	gs->k256 = ds_secret_from(k256.p, k256.n);
	DS_TRY(gs->k256 ? 0 : -ENOMEM);
	DS_TRY(ds_read_file(AT_FDCWD, bundle, DS_EMUL_BUNDLE_MAX, &qe));
	return ds_emul_qe_load(ds_buf_span(&qe), &gs->qe, err);
}

int guests_make(const char *dir, const char *bundle, size_t n, struct guests *ret,
		struct ds_err *err)
{
	*ret = GUESTS_NULL;
	DS_TRY(load(dir, bundle, ret, err));
	ret->g = calloc(n, sizeof(*ret->g));
	DS_TRY(ret->g ? 0 : -ENOMEM);
	for (; ret->n < n; ret->n++)
		DS_TRY(guest_make(ret, ret->n, err));
	return 0;
}

void guests_done(struct guests *gs)
{
	for (size_t i = 0; i < gs->n; i++) {
		ds_p256_free(gs->g[i].key);
		ds_attestation_done(&gs->g[i].att);
		ds_buf_done(&gs->g[i].cert_pem);
	}
	free(gs->g);
	ds_buf_done(&gs->root_pem);
	ds_buf_done(&gs->pin);
	ds_kms_temp_ca_done(&gs->temp_ca);
	ds_secret_free(gs->ca_scalar);
	ds_secret_free(gs->k256);
	ds_emul_qe_free(gs->qe);
	*gs = GUESTS_NULL;
}

static bool has(struct ds_span reply, const char *name, const char *value)
{
	char text[200];
	int n = snprintf(text, sizeof(text), "\"%s\":\"%s\"", name, value);

	return memmem(reply.p, reply.n, text, (size_t)n);
}

bool guest_got(const struct guest *g, struct ds_span reply)
{
	return has(reply, "disk_crypt_key", g->want.disk) &&
	       has(reply, "env_crypt_key", g->want.env) && has(reply, "k256_key", g->want.k256) &&
	       has(reply, "k256_signature", g->want.k256_signature);
}
