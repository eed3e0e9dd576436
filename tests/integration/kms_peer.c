// SPDX-License-Identifier: Apache-2.0
/*
 * A guest as the KMS sees one, for tests on the host: makes an event log and a quote with the test
 * quoting enclave, and calls GetAppKey or SignCert with them, honestly or spoiled in one named way.
 * Prints the HTTP status, then the body. With --protobuf both ways are binary.
 */
#include "kms_peer.h"

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/net/kms.h>
#include <ds/net/loop.h>
#include <ds/net/prpc.h>
#include <ds/x509/cert.h>
#include <ds/x509/pki.h>
#include <getopt.h>
#include <time.h>

struct ds_err err;

static int dump(json_t *take, struct ds_buf *ret)
{
	DS_FREE char *text = take ? json_dumps(take, JSON_COMPACT) : NULL;

	json_decref(take);
	return text ? ds_buf_add(ret, text, strlen(text)) : -ENOMEM;
}

static int attest_reply(struct peer *p, json_t *args, struct ds_buf *ret)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf data = DS_BUF_NULL, blob = DS_BUF_NULL;

	DS_TRY(ds_json_hex(args, "report_data", 64, &data, &err));
	if (data.n != 64)
		return -EBADMSG;
	memcpy(p->td.report_data, data.p, 64);
	DS_TRY(attest_data(p, &att));
	DS_TRY(ds_attestation_encode(&att, DS_ATTESTATION_FULL, &blob));
	DS_TRY(ds_buf_addf(ret, "{\"attestation\":\""));
	DS_TRY(ds_buf_add_hex(ret, ds_buf_span(&blob)));
	return ds_buf_addf(ret, "\"}");
}

static void on_attest(void *ctx, struct ds_req *req, json_t *args)
{
	DS_BUF struct ds_buf reply = DS_BUF_NULL;
	int r = attest_reply(ctx, args, &reply);

	if (r)
		ds_req_fail(req, 400, "%s", strerror(-r));
	else
		ds_req_reply(req, 200, "application/json", ds_buf_span(&reply));
}

/* The agent of such a guest, for a KMS that runs in it. */
static int serve_agent(struct peer *p)
{
	static const struct ds_prpc_method methods[] = { { "Attest", on_attest, false } };
	struct ds_prpc_service svc = {
		.name = "Agent", .paths = DS_PRPC_ROOT, .methods = methods, .n_methods = 1, .ctx = p
	};
	struct ds_server_cfg cfg = { .unix_path = p->agent, .unix_mode = 0777, .max_body = 65536 };
	struct ds_server *srv = NULL;
	struct ds_loop *loop = NULL;

	DS_TRY(ds_loop_new(&loop));
	DS_TRY(ds_server_new(ds_loop_base(loop), &cfg, &srv, &err));
	DS_TRY(ds_prpc_mount(srv, &svc));
	puts("ready");
	fflush(stdout);
	return ds_loop_run(loop);
}

struct fake {
	struct ds_buf temp_ca, kms_key;
};

static void on_temp_ca(void *ctx, struct ds_req *req, json_t *args)
{
	struct fake *f = ctx;

	ds_req_reply(req, 200, "application/json", ds_buf_span(&f->temp_ca));
}

static void on_fake_kms_key(void *ctx, struct ds_req *req, json_t *args)
{
	struct fake *f = ctx;

	ds_req_reply(req, 200, "application/json", ds_buf_span(&f->kms_key));
}

static int fake_cert(const struct ds_p256 *key, const struct ds_p256 *ca_key, struct ds_span ca,
		     bool is_ca, struct ds_span attestation, struct ds_buf *ret_der)
{
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = { .subject = is_ca ? "fake CA" : "fake",
				     .is_ca = is_ca,
				     .pathlen = 1,
				     .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				     .not_after = time(NULL) + 3600,
				     .usage = is_ca ? NULL : DS_USAGE_KMS_RPC,
				     .attestation = attestation,
				     .spki = DS_SPAN_ARRAY(spki) };

	DS_TRY(ds_p256_spki(key, spki));
	return ds_cert_issue(&spec, ca_key, ca, ret_der, &err);
}

static int temp_ca_reply(const struct ds_buf *ca_der, const struct ds_p256 *ca_key,
			 struct ds_buf *ret)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	DS_SECRET struct ds_secret *key = NULL;
	json_t *o;

	DS_TRY(ds_cert_pem(ds_buf_span(ca_der), &pem));
	DS_TRY(ds_p256_pkcs8_pem(ca_key, &key));
	o = json_pack("{s:s%,s:s%,s:s%}", "temp_ca_cert", pem.p, pem.n, "temp_ca_key", key->p,
		      key->n, "ca_cert", pem.p, pem.n);
	return dump(o, ret);
}

/* In the stock form: roots that are those of nobody's certificate. */
static int fake_kms_key(const struct ds_p256 *ca_key, struct ds_buf *ret)
{
	DS_SECRET struct ds_secret *pem = NULL;
	json_t *o;

	DS_TRY(ds_p256_pkcs8_pem(ca_key, &pem));
	o = json_pack("{s:s%,s:[{s:s%,s:s}]}", "temp_ca_key", pem->p, pem->n, "keys", "ca_key", pem->p,
		      pem->n, "k256_key",
		      "1111111111111111111111111111111111111111111111111111111111111111");
	return dump(o, ret);
}

/*
 * A KMS of an approved machine that gives other roots than it shows; or, spoiled, of somebody who
 * has recorded its evidence but has not the key that it is for, or whose certificate another CA has
 * signed.
 */
static int serve_fake(struct peer *p)
{
	static const struct ds_prpc_method methods[] = {
		{ "GetKmsKey", on_fake_kms_key, false },
		{ "GetTempCaCert", on_temp_ca, true },
	};
	DS_BUF struct ds_buf ca = DS_BUF_NULL, crt = DS_BUF_NULL, pem = DS_BUF_NULL,
			     blob = DS_BUF_NULL, other_ca = DS_BUF_NULL;
	DS_P256 struct ds_p256 *thief = NULL, *other = NULL;
	struct fake f = { .temp_ca = DS_BUF_NULL };
	struct ds_prpc_service svc = { .name = "KMS",
				       .paths = DS_PRPC_PREFIX,
				       .methods = methods,
				       .n_methods = DS_ARRAY_SIZE(methods),
				       .ctx = &f };
	struct ds_server_cfg cfg = { .addr = "127.0.0.1", .max_body = 65536 };
	struct ds_tls_cfg tls = { .peer = DS_TLS_PEER_REQUEST };
	struct ds_server *srv = NULL;
	struct ds_loop *loop = NULL;

	DS_TRY(attest(p, p->key, &p->att));
	DS_TRY(ds_attestation_encode(&p->att, DS_ATTESTATION_STRIPPED, &blob));
	DS_TRY(ds_p256_generate(&thief));
	DS_TRY(fake_cert(thief, thief, DS_SPAN_NULL, true, DS_SPAN_NULL, &ca));
	DS_TRY(fake_cert(spoiled(p, "stolen-evidence") ? thief : p->key, thief, ds_buf_span(&ca),
			 false, ds_buf_span(&blob), &crt));
	DS_TRY(ds_cert_pem(ds_buf_span(&crt), &pem));
	DS_TRY(ds_p256_generate(&other));
	DS_TRY(fake_cert(other, other, DS_SPAN_NULL, true, DS_SPAN_NULL, &other_ca));
	if (spoiled(p, "other-ca"))
		DS_TRY(temp_ca_reply(&other_ca, other, &f.temp_ca));
	else
		DS_TRY(temp_ca_reply(&ca, thief, &f.temp_ca));
	DS_TRY(fake_kms_key(other, &f.kms_key));
	tls.cert_pem = ds_buf_span(&pem);
	tls.key = spoiled(p, "stolen-evidence") ? thief : p->key;
	DS_TRY(ds_tls_server_new(&tls, &cfg.tls, &err));
	DS_TRY(ds_loop_new(&loop));
	DS_TRY(ds_server_new(ds_loop_base(loop), &cfg, &srv, &err));
	DS_TRY(ds_prpc_mount(srv, &svc));
	printf("%u\n", ds_server_port(srv));
	fflush(stdout);
	return ds_loop_run(loop);
}

static int self_signed(const struct ds_p256 *key, struct ds_buf *ret_pem)
{
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = { .subject = "peer",
				     .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				     .not_after = time(NULL) + 3600,
				     .spki = DS_SPAN_ARRAY(spki) };

	DS_TRY(ds_p256_spki(key, spki));
	DS_TRY(ds_cert_issue(&spec, key, DS_SPAN_NULL, &der, &err));
	return ds_cert_pem(ds_buf_span(&der), ret_pem);
}

static int get(struct peer *p, const char *method, const struct ds_client_cfg *cfg,
	       struct ds_span body, struct ds_buf *ret, int *ret_status)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;

	DS_TRY(ds_kms_url(p->url, method, &url));
	return ds_call(cfg, (const char *)url.p, body, ret, ret_status, &err);
}

/* The same as a message, to the other spelling of the path. */
static int get_binary(struct peer *p, const char *method, const struct ds_client_cfg *cfg,
		      struct ds_span body, struct ds_buf *ret, int *ret_status)
{
	static const struct ds_pb_field app_key[] = { { "api_version", 1, DS_PB_U32, 0, NULL },
						      { "vm_config", 2, DS_PB_STR, 0, NULL },
						      { 0 } };
	static const struct ds_pb_field kms_key[] = { { "vm_config", 1, DS_PB_STR, 0, NULL },
						      { "seal_to", 101, DS_PB_BYTES, 0, NULL },
						      { 0 } };
	static const struct ds_pb_field sign_cert[] = { { "api_version", 1, DS_PB_U32, 0, NULL },
							{ "csr", 2, DS_PB_BYTES, 0, NULL },
							{ "signature", 3, DS_PB_BYTES, 0, NULL },
							{ "vm_config", 4, DS_PB_STR, 0, NULL },
							{ 0 } };
	const struct ds_pb_field *table = !strcmp(method, "SignCert")  ? sign_cert
					  : !strcmp(method, "GetKmsKey") ? kms_key
									 : app_key;
	DS_BUF struct ds_buf url = DS_BUF_NULL, msg = DS_BUF_NULL;
	DS_JSON json_t *o = json_loadb((const char *)body.p, body.n, 0, NULL);
	struct ds_client_cfg binary = *cfg;

	binary.content_type = "application/octet-stream";
	DS_TRY(ds_pb_encode(table, o, &msg));
	DS_TRY(ds_buf_addf(&url, "%s/prpc/KMS.%s", p->url, method));
	return ds_call(&binary, ds_buf_cstr(&url), ds_buf_span(&msg), ret, ret_status, &err);
}

static int ask(struct peer *p, const char *method, const struct ds_client_cfg *cfg,
	       struct ds_span body, struct ds_buf *ret, int *ret_status)
{
	return (p->protobuf ? get_binary : get)(p, method, cfg, body, ret, ret_status);
}

/* The client certificate with evidence in it, over key. */
static int temp_cert(struct peer *p, const struct ds_p256 *key, const struct ds_attestation *att,
		     struct ds_buf *ret_pem)
{
	struct ds_client_cfg cfg = { .check = ds_kms_check_any, .no_name_check = true };
	DS_KMS_TEMP_CA struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	int status;

	DS_TRY(get(p, "GetTempCaCert", &cfg, DS_SPAN_LIT("{}"), &body, &status));
	DS_TRY(ds_kms_temp_ca_parse(ds_buf_span(&body), ds_buf_span(&p->pin), &ca, &err));
	return ds_kms_temp_cert(&ca, key, att, time(NULL), ret_pem, &err);
}

static int kms_key_request(struct peer *p, struct ds_buf *ret)
{
	json_t *o = json_pack("{s:s,s:s}", "vm_config", p->vm_config, "seal_to",
			      p->seal_to ? p->seal_to : "");

	return dump(o, ret);
}

static int app_key(struct peer *p, struct ds_client_cfg *cfg, struct ds_buf *ret, int *ret_status)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL, body = DS_BUF_NULL;
	DS_P256 struct ds_p256 *thief = NULL;

	/* the thief has recorded somebody's evidence and puts it into a certificate of its own */
	DS_TRY(ds_p256_generate(&thief));
	cfg->key = spoiled(p, "stolen-evidence") ? thief : p->key;
	if (spoiled(p, "no-evidence"))
		DS_TRY(self_signed(p->key, &pem));
	else
		DS_TRY(temp_cert(p, cfg->key, &p->att, &pem));
	cfg->cert_pem = spoiled(p, "no-cert") ? DS_SPAN_NULL : ds_buf_span(&pem);
	DS_TRY(ds_kms_app_key_request(
		spoiled(p, "two-words")
			? "{\"os_image_hash\":\""
			  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}"
			: p->vm_config,
		&body));
	if (!strcmp(p->method, "GetKmsKey")) {
		ds_buf_done(&body);
		DS_TRY(kms_key_request(p, &body));
	}
	return ask(p, p->method, cfg, ds_buf_span(&body), ret, ret_status);
}

/* What the client presents in the SignCert session. */
static int client_cert(struct peer *p, struct ds_client_cfg *cfg, struct ds_p256 *other,
		       struct ds_buf *ret_pem)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;

	if (!strcmp(p->client, "none"))
		return 0;
	if (!strcmp(p->client, "key")) {
		cfg->key = p->key;
		DS_TRY(self_signed(p->key, ret_pem));
	} else if (!strcmp(p->client, "stranger")) {
		cfg->key = other;
		DS_TRY(self_signed(other, ret_pem));
	} else { /* evidence, other-evidence */
		cfg->key = other;
		p->inst[0] ^= !strcmp(p->client, "other-evidence");
		DS_TRY(attest(p, other, &att));
		DS_TRY(temp_cert(p, other, &att, ret_pem));
	}
	cfg->cert_pem = ds_buf_span(ret_pem);
	return 0;
}

static int sign_cert(struct peer *p, struct ds_client_cfg *cfg, struct ds_buf *ret, int *ret_status)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL, body = DS_BUF_NULL;
	DS_P256 struct ds_p256 *other = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_csr csr = { .subject = (char *)(uintptr_t)p->subject,
			      .alt_names = (char **)(uintptr_t)p->san,
			      .n_alt_names = p->n_san,
			      .server_auth = true,
			      .client_auth = true,
			      .ext_quote = true,
			      .ext_app_info = true,
			      .has_not_before = p->not_before,
			      .has_not_after = p->not_after,
			      .not_before = (uint64_t)p->not_before,
			      .not_after = (uint64_t)p->not_after,
			      .att = p->att };

	DS_TRY(ds_p256_generate(&other));
	DS_TRY(ds_p256_spki(spoiled(p, "stolen-evidence") ? other : p->key, spki));
	csr.spki = (struct ds_buf){ spki, sizeof(spki), 0 };
	DS_TRY((p->csr_v1 ? sign_cert_v1 : ds_kms_sign_cert_request)(
		&csr,
		spoiled(p, "wrong-signature") || spoiled(p, "stolen-evidence") ? other : p->key,
		p->vm_config, &body));
	DS_TRY(client_cert(p, cfg, other, &pem));
	return ask(p, "SignCert", cfg, ds_buf_span(&body), ret, ret_status);
}

static int load(struct peer *p)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf bundle = DS_BUF_NULL, der = DS_BUF_NULL;
	DS_SECRET struct ds_secret *pem = NULL;

	DS_TRY(ds_read_file(AT_FDCWD, p->bundle, DS_EMUL_BUNDLE_MAX, &bundle));
	DS_TRY(ds_emul_qe_load(ds_buf_span(&bundle), &p->qe, &err));
	if (p->agent)
		return 0;
	if (p->fake)
		return ds_p256_generate(&p->key);
	DS_TRY(ds_read_file(AT_FDCWD, p->root, DS_MAX_CERT_PEM, &p->root_pem));
	DS_TRY(ds_cert_pem_to_der(ds_buf_span(&p->root_pem), &der, &err));
	DS_TRY(ds_cert_parse(ds_buf_span(&der), &info, &err));
	DS_TRY(ds_buf_add_span(&p->pin, ds_buf_span(&info.spki)));
	DS_TRY(ds_p256_generate(&p->key));
	DS_TRY(ds_p256_pkcs8_pem(p->key, &pem));
	DS_TRY(!p->key_out ? 0 : ds_write_file_atomic(AT_FDCWD, p->key_out, DS_SPAN(pem->p, pem->n), 0600));
	return attest(p, p->key, &p->att);
}

/* As fast as it goes until the KMS is gone; prints how often keys came. */
static int repeat(struct peer *p, struct ds_client_cfg *cfg)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL, body = DS_BUF_NULL;
	unsigned n = 0;
	int r = 0;

	DS_TRY(temp_cert(p, p->key, &p->att, &pem));
	DS_TRY(ds_kms_app_key_request(p->vm_config, &body));
	cfg->cert_pem = ds_buf_span(&pem);
	cfg->key = p->key;
	while (!r) {
		DS_BUF struct ds_buf reply = DS_BUF_NULL;
		int status = 0;

		r = get(p, "GetAppKey", cfg, ds_buf_span(&body), &reply, &status);
		if (!r && status != 200)
			return ds_err_set(&err, -EPERM, "peer", 0, "status %d: %.100s", status,
					  (const char *)reply.p);
		n += !r;
	}
	printf("%u\n", n);
	return 0;
}

static int run(struct peer *p)
{
	struct ds_client_cfg cfg = { .check = ds_kms_check_rpc,
				     .connect_ms = 5000,
				     .total_ms = 20000 };
	DS_BUF struct ds_buf reply = DS_BUF_NULL;
	int status = 0;

	DS_TRY(load(p));
	if (p->agent)
		return serve_agent(p);
	if (p->fake)
		return serve_fake(p);
	cfg.roots_pem = ds_buf_span(&p->root_pem);
	if (p->repeat)
		return repeat(p, &cfg);
	if (!strcmp(p->method, "SignCert"))
		DS_TRY(sign_cert(p, &cfg, &reply, &status));
	else
		DS_TRY(app_key(p, &cfg, &reply, &status));
	printf("%d\n", status);
	fwrite(reply.p, 1, reply.n, stdout);
	if (!p->protobuf)
		putchar('\n');
	return 0;
}

static void done(struct peer *p)
{
	ds_buf_done(&p->root_pem);
	ds_buf_done(&p->pin);
	ds_emul_qe_free(p->qe);
	ds_p256_free(p->key);
	ds_attestation_done(&p->att);
}

static int parse_hex(const char *text, uint8_t *out, size_t n)
{
	if (!ds_hex_decode_exact(text, out, n))
		return 0;
	fprintf(stderr, "kms_peer: expected %zu bytes in hex: %s\n", n, text);
	return 2;
}

static int instance(struct peer *p, const char *text)
{
	p->inst_n = *text ? sizeof(p->inst) : 0;
	return *text ? parse_hex(text, p->inst, sizeof(p->inst)) : 0;
}

/* Options that are not plain text. */
static int set_option(struct peer *p, int c, const char *arg)
{
	if (c == 'a')
		return parse_hex(arg, p->app, sizeof(p->app));
	if (c == 'i')
		return instance(p, arg);
	if (c == 'c')
		return parse_hex(arg, p->compose, sizeof(p->compose));
	if (c == 't')
		return parse_hex(arg, p->td.mr_td, sizeof(p->td.mr_td));
	if (c == 'R')
		p->until_ready = true;
	else if (c == 'r')
		p->repeat = true;
	else if (c == '1')
		p->csr_v1 = true;
	else if (c == 'P')
		p->protobuf = true;
	else if (c == 'f')
		p->fake = true;
	else if (c == 'A')
		p->not_after = atoll(arg);
	else if (c == 'B')
		p->not_before = atoll(arg);
	else if (c == 'n' && p->n_san < DS_ARRAY_SIZE(p->san))
		p->san[p->n_san++] = arg;
	else
		return 2;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option o[] = {
		{ "url", 1, NULL, 0 },
		{ "root", 1, NULL, 0 },
		{ "bundle", 1, NULL, 0 },
		{ "method", 1, NULL, 0 },
		{ "spoil", 1, NULL, 0 },
		{ "vm-config", 1, NULL, 0 },
		{ "client", 1, NULL, 0 },
		{ "subject", 1, NULL, 0 },
		{ "agent", 1, NULL, 0 },
		{ "seal-to", 1, NULL, 0 },
		{ "key-out", 1, NULL, 0 },
		{ "app-id", 1, NULL, 'a' },
		{ "instance-id", 1, NULL, 'i' },
		{ "compose", 1, NULL, 'c' },
		{ "mrtd", 1, NULL, 't' },
		{ "ready", 0, NULL, 'R' },
		{ "protobuf", 0, NULL, 'P' },
		{ "csr-v1", 0, NULL, '1' },
		{ "repeat", 0, NULL, 'r' },
		{ "fake-kms", 0, NULL, 'f' },
		{ "san", 1, NULL, 'n' },
		{ "not-after", 1, NULL, 'A' },
		{ "not-before", 1, NULL, 'B' },
		{ 0 },
	};
	struct peer p = { .method = "GetAppKey",
			  .client = "key",
			  .vm_config = "",
			  .subject = "app",
			  .inst_n = 20 };
	const char **text[] = { &p.url,	  &p.root,	&p.bundle, &p.method,
				&p.spoil, &p.vm_config, &p.client, &p.subject,
				&p.agent, &p.seal_to,	&p.key_out };
	int c, i = 0, r = 0;

	ds_emul_td_init(&p.td);
	while (!r && (c = getopt_long(argc, argv, "", o, &i)) != -1) {
		if (c)
			r = set_option(&p, c, optarg);
		else
			*text[i] = optarg;
	}
	if (r || !p.bundle || (!p.agent && !p.fake && (!p.url || !p.root)))
		return 2;
	r = run(&p);
	done(&p);
	if (r)
		fprintf(stderr, "kms_peer: %s\n", err.code ? err.msg : strerror(-r));
	return r ? 1 : 0;
}
