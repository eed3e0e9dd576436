// SPDX-License-Identifier: Apache-2.0
/* What no KMS can do without: measured piece by piece, with nothing of the KMS around it. */
#include "load.h"

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/keys/derive.h>
#include <ds/x509/cert.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <time.h>

static double cpu(void)
{
	return load_now(CLOCK_THREAD_CPUTIME_ID);
}

static int accept_any(X509_STORE_CTX *sc, void *arg)
{
	(void)sc;
	(void)arg;
	return 1;
}

static int use(SSL_CTX *ctx, const struct ds_buf *chain, size_t n, const struct ds_p256 *key)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = chain[i].p;
		X509 *x = d2i_X509(NULL, &p, (long)chain[i].n);
		int ok = i ? (int)SSL_CTX_add1_chain_cert(ctx, x) : SSL_CTX_use_certificate(ctx, x);

		X509_free(x);
		if (ok != 1)
			return -EINVAL;
	}
	return SSL_CTX_use_PrivateKey(ctx, ds_p256_evp(key)) == 1 ? 0 : -EINVAL;
}

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_max_cert_list(ctx, DS_MAX_CERT_PEM);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	return ctx;
}

/* The KMS's key is in no file: the same certificate, for a key that is made here. */
static int server_context(const struct guests *gs, const char *dir, SSL_CTX **ret,
			  struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;
	DS_CERT_INFO struct ds_cert_info was = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL, root = DS_BUF_NULL, leaf = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL, *ca = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	char path[4096];
	struct ds_cert_spec spec;
	int r;

	snprintf(path, sizeof(path), "%s/rpc.crt", dir);
	DS_TRY(ds_read_file(AT_FDCWD, path, DS_MAX_CERT_PEM, &pem));
	DS_TRY(ds_cert_chain_from_pem(ds_buf_span(&pem), &chain, err));
	DS_TRY(ds_cert_parse(ds_buf_span(&chain.der[0]), &was, err));
	DS_TRY(ds_cert_pem_to_der(ds_buf_span(&gs->root_pem), &root, err));
	DS_TRY(ds_p256_from_scalar(gs->ca_scalar->p, &ca));
	DS_TRY(ds_p256_generate(&key));
	DS_TRY(ds_p256_spki(key, spki));
	spec = (struct ds_cert_spec){ .subject = was.cn,
				      .alt_names = (const char *const *)was.alt_names,
				      .n_alt_names = was.n_alt_names,
				      .server_auth = was.server_auth,
				      .client_auth = was.client_auth,
				      .not_before = was.not_before,
				      .not_after = was.not_after,
				      .usage = was.usage,
				      .attestation = ds_buf_span(&was.attestation),
				      .spki = DS_SPAN_ARRAY(spki) };
	DS_TRY(ds_cert_issue(&spec, ca, ds_buf_span(&root), &leaf, err));
	ds_buf_done(&chain.der[0]);
	chain.der[0] = ds_buf_steal(&leaf);
	*ret = context(TLS_server_method());
	r = *ret ? use(*ret, chain.der, chain.n, key) : -ENOMEM;
	return r;
}

static int client_context(const struct guest *g, SSL_CTX **ret, struct ds_err *err)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;

	DS_TRY(ds_cert_chain_from_pem(ds_buf_span(&g->cert_pem), &chain, err));
	*ret = context(TLS_client_method());
	return *ret ? use(*ret, chain.der, chain.n, g->key) : -ENOMEM;
}

/* One handshake through memory; the server's turns count. */
static int shake(SSL_CTX *server, SSL_CTX *client, double *add)
{
	BIO *a = NULL, *b = NULL;
	SSL *c = SSL_new(client), *s;
	double t = cpu();
	int done = 0;

	s = SSL_new(server);
	*add += cpu() - t;
	if (!c || !s || BIO_new_bio_pair(&a, 65536, &b, 65536) != 1)
		return -ENOMEM;
	SSL_set_bio(c, a, a);
	SSL_set_bio(s, b, b);
	for (int i = 0; i < 10 && done != 2; i++) {
		done = SSL_connect(c) == 1;
		t = cpu();
		done += SSL_accept(s) == 1;
		*add += cpu() - t;
	}
	SSL_free(c);
	t = cpu();
	SSL_free(s);
	*add += cpu() - t;
	return done == 2 ? 0 : -EPROTO;
}

static int handshakes(const struct guests *gs, const char *dir, size_t rounds, double *ret,
		      struct ds_err *err)
{
	SSL_CTX *server = NULL, *client[16] = { NULL };
	size_t n = gs->n < DS_ARRAY_SIZE(client) ? gs->n : DS_ARRAY_SIZE(client);
	int r = server_context(gs, dir, &server, err);
	double sum = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = client_context(&gs->g[i], &client[i], err);
	/* warm up: what the library fetches once */
	for (size_t i = 0; !r && i < n; i++)
		r = shake(server, client[i], &sum);
	sum = 0;
	for (size_t i = 0; !r && i < rounds; i++)
		r = shake(server, client[i % n], &sum);
	*ret = sum / (double)rounds;
	for (size_t i = 0; i < n; i++)
		SSL_CTX_free(client[i]);
	SSL_CTX_free(server);
	return r;
}

/* What is signed in a quote of version 4: header and body. The key is known from the last one. */
static int signatures(size_t rounds, double *ret)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_BUF struct ds_buf sig = DS_BUF_NULL;
	struct ds_p256_pub *pub = NULL;
	uint8_t body[632] = { 4 }, xy[DS_P256_XY_SIZE];
	double t;
	int r;

	DS_TRY(ds_p256_generate(&key));
	DS_TRY(ds_p256_xy(key, xy));
	DS_TRY(ds_p256_sign(key, DS_SPAN_ARRAY(body), &sig));
	DS_TRY(ds_p256_pub_new(xy, &pub));
	r = ds_p256_pub_verify_der(pub, DS_SPAN_ARRAY(body), ds_buf_span(&sig));
	t = cpu();
	for (size_t i = 0; !r && i < rounds; i++)
		r = ds_p256_pub_verify_der(pub, DS_SPAN_ARRAY(body), ds_buf_span(&sig));
	*ret = (cpu() - t) / (double)rounds;
	ds_p256_pub_free(pub);
	return r;
}

static int derivations(const struct guests *gs, size_t rounds, double *ret)
{
	uint8_t key[DS_KEY_SIZE], pub[DS_K256_PUB_SIZE], sig[DS_K256_SIG_SIZE];
	double t = cpu();

	for (size_t i = 0; i < rounds; i++) {
		const struct guest *g = &gs->g[i % gs->n];

		DS_TRY(ds_kms_disk_key(gs->ca_scalar->p, g->app, DS_SPAN_ARRAY(g->inst), key));
		DS_TRY(ds_kms_env_key(gs->ca_scalar->p, g->app, key));
		DS_TRY(ds_kms_app_k256(gs->k256->p, g->app, key));
		DS_TRY(ds_k256_pub(key, pub));
		DS_TRY(ds_kms_k256_signature(gs->k256->p, g->app, pub, sig));
	}
	*ret = (cpu() - t) / (double)rounds;
	return 0;
}

/* A line as long as one of the release log. */
static int records(const char *path, size_t rounds, struct floor *ret)
{
	DS_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	double c = cpu(), w = load_now(CLOCK_MONOTONIC);
	char line[760];

	memset(line, 'x', sizeof(line));
	if (fd < 0 || unlink(path))
		return -errno;
	for (size_t i = 0; i < rounds; i++)
		if (write(fd, line, sizeof(line)) != sizeof(line) || fdatasync(fd))
			return -errno;
	ret->record_cpu = (cpu() - c) / (double)rounds;
	ret->record_wall = (load_now(CLOCK_MONOTONIC) - w) / (double)rounds;
	return 0;
}

int floor_measure(const struct guests *gs, const char *dir, const char *path, size_t rounds,
		  struct floor *ret, struct ds_err *err)
{
	DS_TRY(handshakes(gs, dir, rounds, &ret->handshake, err));
	DS_TRY(signatures(rounds, &ret->quote));
	DS_TRY(derivations(gs, rounds, &ret->derive));
	return records(path, rounds / 4, ret);
}
