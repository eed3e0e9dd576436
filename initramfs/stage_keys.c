// SPDX-License-Identifier: Apache-2.0
/*
 * Stage keys: ask the KMS for the app's keys over one attested session, measure what it said, put
 * the keys into the kernel and close the boot phase. Nothing is extended before a KMS has answered
 * completely and correctly.
 */
#include <ds/attest/kernel.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/rand.h>
#include <ds/keys/derive.h>
#include <ds/keys/keyring.h>
#include <ds/x509/cert.h>
#include <time.h>

#include "ctx.h"

#define QUOTE_TIMEOUT_MS 30000
#define CONNECT_MS	 10000 /* twice the reference's: an emulated guest is slow at TLS */

static int event(struct ctx *c, const char *name, struct ds_span payload)
{
	int r = ds_kernel_event(NULL, name, payload, true);

	return r ? ds_err_set(&c->err, r, "", 0, "event %s: %s", name, strerror(-r)) : 0;
}

static void on_wait(void *arg, unsigned ms)
{
	notify_progress(arg, "keys: the KMS has no place, asking again in %u ms", ms);
}

/* What the compose file asks of the KMS beside the pin, if anything. */
static struct ds_kms_wanted wanted(const struct ctx *c)
{
	const struct ds_kms_wish *w = &c->compose.kms_attestation;

	return (struct ds_kms_wanted){ .mr_aggregated = w->mr_aggregated,
				       .n = w->n,
				       .quote_root = DS_SPAN_STR(w->quote_root ? w->quote_root : ""),
				       .collateral = c->hi.item[DS_HI_KMS_COLLATERAL],
				       .allow_emulated = w->allow_emulated,
				       .time = time(NULL),
				       .why = DS_ERR_NULL };
}

static int call(struct ctx *c, const struct ds_client_cfg *cfg, const char *base,
		const char *method, struct ds_span body, struct ds_buf *ret)
{
	return ds_kms_ask(cfg, base, method, body, on_wait, c, ret, &c->err);
}

/* A fresh key, a quote for it, and the certificate that carries the quote. */
static int make_client(struct ctx *c, const struct ds_kms_temp_ca *ca, struct ds_p256 **ret_key,
		       struct ds_buf *ret_pem)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE], report_data[64];

	DS_TRY(ds_p256_generate(ret_key));
	DS_TRY(ds_p256_spki(*ret_key, spki));
	DS_TRY(ds_ratls_report_data(DS_SPAN_ARRAY(spki), report_data));
	DS_TRY(ds_kernel_attest(NULL, report_data, DS_SPAN_STR(c->sys.vm_config), QUOTE_TIMEOUT_MS,
				&att, &c->err));
	return ds_kms_temp_cert(ca, *ret_key, &att, time(NULL), ret_pem, &c->err);
}

static void wipe_buf(struct ds_buf *b)
{
	ds_wipe(b->p, b->cap);
	ds_buf_done(b);
}

static int check_signature(struct ctx *c)
{
	uint8_t pub[DS_K256_PUB_SIZE], kms_pub[DS_K256_PUB_SIZE];
	char hex[2 * DS_K256_PUB_SIZE + 1];
	int r;

	DS_TRY(ds_k256_pub(c->keys.k256->p, pub));
	r = ds_kms_k256_recover(c->keys.k256_signature, c->id.app_id, pub, kms_pub);
	if (r)
		return ds_err_set(&c->err, r, "kms", 0,
				  "reply: k256_signature is no signature over the app key");
	ds_log(DS_LOG_INFO, "what=keys kms_k256=%s", ds_hex_encode(kms_pub, sizeof(kms_pub), hex));
	return 0;
}

static int ask_one(struct ctx *c, const char *url)
{
	DS_KMS_TEMP_CA struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	DS_BUF struct ds_buf first = DS_BUF_NULL, pem = DS_BUF_NULL, body = DS_BUF_NULL;
	DS_CLEANUP(wipe_buf) struct ds_buf reply = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL;
	struct ds_span pin = ds_buf_span(&c->compose.key_provider_id);
	struct ds_kms_wanted want = wanted(c);
	struct ds_client_cfg cfg = { .check = ds_kms_check_any,
				     .nameserver = c->sys.net_dns,
				     .no_name_check = true,
				     .connect_ms = CONNECT_MS,
				     .max_reply = DS_MAX_CERT_PEM };
	int r;

	notify_progress(c, "keys: asking %s", url);
	DS_TRY(call(c, &cfg, url, "GetTempCaCert", DS_SPAN_LIT("{}"), &first));
	DS_TRY(ds_kms_temp_ca_parse(ds_buf_span(&first), pin, &ca, &c->err));
	DS_TRY(make_client(c, &ca, &key, &pem));
	cfg = (struct ds_client_cfg){ .roots_pem = ds_buf_span(&ca.root_pem),
				      .check = want.n ? ds_kms_check_attested : ds_kms_check_rpc,
				      .check_arg = &want,
				      .cert_pem = ds_buf_span(&pem),
				      .key = key,
				      .nameserver = c->sys.net_dns,
				      .connect_ms = CONNECT_MS,
				      .max_reply = DS_MAX_CERT_PEM };
	DS_TRY(ds_kms_app_key_request(c->sys.vm_config, &body));
	r = call(c, &cfg, url, "GetAppKey", ds_buf_span(&body), &reply);
	if (r && want.why.code)
		c->err = want.why;
	if (r)
		return r;
	DS_TRY(ds_kms_app_keys_parse(ds_buf_span(&reply), pin, &c->keys, &c->err));
	DS_TRY(check_signature(c));
	c->kms_root_pem = ds_buf_steal(&ca.root_pem);
	c->kms_url = url;
	return 0;
}

static int check_demand(struct ctx *c)
{
	if (!c->compose.kms_attestation.n)
		ds_log(DS_LOG_INFO, "what=keys kms_attestation=none note=\"of the KMS the compose "
				    "file asks for the pinned root only\"");
	else if (!c->hi.item[DS_HI_KMS_COLLATERAL].n)
		return ds_err_set(&c->err, -EBADMSG, "kms", 0,
				  "server not attested: collateral-missing: kms_attestation expects "
				  ".kms-collateral in the host input, found none");
	return 0;
}

/* In order; the first refusal is the one reported, as later URLs often fail for being later. */
static int ask_kms(struct ctx *c)
{
	struct ds_err first = DS_ERR_NULL;
	int r = 0;

	if (!c->sys.n_kms_url)
		return ds_err_set(&c->err, -EBADMSG, ".sys-config.json", 0,
				  "kms_urls: at least one expected");
	DS_TRY(check_demand(c));
	if (time(NULL) < c->image_time)
		return ds_err_set(&c->err, -ESTALE, "clock", 0,
				  "the host's clock says %lld, before this image was built",
				  (long long)time(NULL));
	for (size_t i = 0; i < c->sys.n_kms_url; i++) {
		c->err = DS_ERR_NULL;
		r = ask_one(c, c->sys.kms_url[i]);
		if (!r)
			return 0;
		c->err.code = r;
		ds_log(DS_LOG_WARN, "what=keys url=%zu error=\"%s: %s\"", i, c->err.domain,
		       c->err.msg);
		ds_kms_app_keys_done(&c->keys);
		c->keys = DS_KMS_APP_KEYS_NULL;
		if (!i)
			first = c->err;
	}
	c->err = first;
	return first.code;
}

/* Provider none: keys of this boot only, from a seed nobody keeps (spec/boot 4.5). */
static int make_keys(struct ctx *c)
{
	DS_SECRET struct ds_secret *seed = ds_secret_new(32);

	c->keys.k256 = ds_secret_new(32);
	c->keys.disk = ds_secret_new(32);
	if (!seed || !c->keys.k256 || !c->keys.disk)
		return -ENOMEM;
	DS_TRY(ds_rand(seed->p, seed->n));
	DS_TRY(ds_seed_k256(seed->p, c->keys.k256->p));
	return ds_seed_disk_key(seed->p, c->keys.disk->p);
}

static int measure_provider(struct ctx *c)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	bool kms = c->compose.key_provider == DS_KP_KMS;

	if (c->keys.os_image_hash.n)
		DS_TRY(event(c, "os-image-hash", ds_buf_span(&c->keys.os_image_hash)));
	DS_TRY(ds_buf_addf(&b, "{\"name\":\"%s\",\"id\":\"", kms ? "kms" : "none"));
	if (kms)
		DS_TRY(ds_buf_add_hex(&b, ds_buf_span(&c->compose.key_provider_id)));
	DS_TRY(ds_buf_addf(&b, "\"}"));
	return event(c, "key-provider", ds_buf_span(&b));
}

static int add_root(struct ctx *c, const char *name, const struct ds_secret *key)
{
	int r = key ? ds_keyring_add_root(name, key) : 0;

	return r ? ds_err_set(&c->err, r, "keyring", 0, "root:%s: %s", name, strerror(-r)) : 0;
}

static int store_keys(struct ctx *c)
{
	DS_TRY(add_root(c, "k256", c->keys.k256));
	DS_TRY(add_root(c, "disk", c->keys.disk));
	DS_TRY(add_root(c, "env", c->keys.env));
	DS_TRY(holder_load(c, c->keys.k256));
	c->keys.k256 = ds_secret_free(c->keys.k256);
	c->keys.disk = ds_secret_free(c->keys.disk);
	c->keys.env = ds_secret_free(c->keys.env);
	return 0;
}

static int report_instance(struct ctx *c)
{
	char seed[41], app[41], inst[41], text[200];

	snprintf(text, sizeof(text),
		 "{\"instance_id_seed\":\"%s\",\"instance_id\":\"%s\",\"app_id\":\"%s\"}",
		 ds_hex_encode(c->id.seed, sizeof(c->id.seed), seed),
		 ds_hex_encode(c->id.instance_id, c->id.instance_id_len, inst),
		 ds_hex_encode(c->id.app_id, sizeof(c->id.app_id), app));
	notify_send(c, "instance.info", text);
	return 0;
}

int stage_keys(struct ctx *c)
{
	/* Started while there is no secret: it gets the key by message, not by inheritance. */
	DS_TRY(holder_start(c));
	notify_progress(c, "requesting app keys");
	DS_TRY(c->compose.key_provider == DS_KP_KMS ? ask_kms(c) : make_keys(c));
	DS_TRY(env_open(c));
	DS_TRY(measure_provider(c));
	DS_TRY(store_keys(c));
	/* No data disk in this version: measured as such, so that no verifier takes it for an
	 * encrypted one. */
	DS_TRY(event(c, "storage-fs", DS_SPAN_LIT("none")));
	DS_TRY(report_instance(c));
	return event(c, "system-ready", DS_SPAN_NULL);
}
