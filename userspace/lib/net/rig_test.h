/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of server and client share: a throwaway PKI, a server with three methods, a call
 * that waits. */
#ifndef DS_LIB_NET_RIG_TEST_H
#define DS_LIB_NET_RIG_TEST_H

#include <arpa/inet.h>
#include <ds/net/client.h>
#include <ds/net/loop.h>
#include <ds/net/prpc.h>
#include <ds/net/server.h>
#include <ds/x509/cert.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <cmocka.h>

struct pki {
	struct ds_p256 *root_key, *key;
	struct ds_buf root_der, root_pem, leaf_der, leaf_pem;
};

__attribute__((unused)) static void pki_make(struct pki *pki, const char *cn, const char *san)
{
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = { .subject = cn,
				     .is_ca = true,
				     .pathlen = 1,
				     .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				     .not_after = time(NULL) + 3600,
				     .spki = DS_SPAN_ARRAY(spki) };

	*pki = (struct pki){ 0 };
	assert_int_equal(ds_p256_generate(&pki->root_key), 0);
	assert_int_equal(ds_p256_spki(pki->root_key, spki), 0);
	assert_int_equal(ds_cert_issue(&spec, pki->root_key, DS_SPAN_NULL, &pki->root_der, NULL),
			 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&pki->root_der), &pki->root_pem), 0);
	assert_int_equal(ds_p256_generate(&pki->key), 0);
	assert_int_equal(ds_p256_spki(pki->key, spki), 0);
	spec.subject = "leaf"; /* one name for issuer and subject would read as self-signed */
	spec.is_ca = false;
	spec.alt_names = &san;
	spec.n_alt_names = 1;
	assert_int_equal(ds_cert_issue(&spec, pki->root_key, ds_buf_span(&pki->root_der),
				       &pki->leaf_der, NULL),
			 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&pki->leaf_der), &pki->leaf_pem), 0);
}

__attribute__((unused)) static void pki_done(struct pki *pki)
{
	ds_p256_free(pki->root_key);
	ds_p256_free(pki->key);
	ds_buf_done(&pki->root_der);
	ds_buf_done(&pki->root_pem);
	ds_buf_done(&pki->leaf_der);
	ds_buf_done(&pki->leaf_pem);
}

struct rig {
	struct ds_loop *loop;
	struct ds_server *srv;
	char dir[32], sock[64], url[96];
	struct ds_buf seen_cert;
	size_t seen_body;
	struct ds_req *held;
	/* result of a call */
	bool done;
	int r, status;
	struct ds_buf body;
	struct ds_err err;
};

static void echo(void *ctx, struct ds_req *req, json_t *args)
{
	struct rig *rig = ctx;

	rig->seen_body = req->body.n;
	ds_buf_done(&rig->seen_cert);
	assert_int_equal(ds_buf_add_span(&rig->seen_cert, req->peer_cert), 0);
	ds_req_reply_json(req, 200, args);
}

static void hold(void *ctx, struct ds_req *req, json_t *args)
{
	struct rig *rig = ctx;

	rig->held = req;
}

static void secret(void *ctx, struct ds_req *req, json_t *args)
{
	struct ds_secret *s = ds_secret_from("0123456789", 10);

	assert_non_null(s);
	ds_req_reply_secret(req, 200, "application/octet-stream", &s, 4);
	assert_null(s);
}

/* All of its pages: no room for anything else. */
static void full_secret(void *ctx, struct ds_req *req, json_t *args)
{
	struct ds_secret *s = ds_secret_new((size_t)sysconf(_SC_PAGESIZE));

	assert_non_null(s);
	memset(s->p, 'x', s->n);
	ds_req_reply_secret(req, 200, "application/octet-stream", &s, s->n);
}

static const struct ds_prpc_method methods[] = {
	{ "Echo", echo, false },
	{ "Hold", hold, false },
	{ "Secret", secret, true },
	{ "FullSecret", full_secret, true },
};
static struct ds_prpc_service service = { .name = "Test",
					  .paths = DS_PRPC_ROOT | DS_PRPC_PREFIX,
					  .methods = methods,
					  .n_methods = DS_ARRAY_SIZE(methods) };

static void rig_start(struct rig *rig, struct ds_server_cfg *cfg)
{
	struct ds_err err = DS_ERR_NULL;

	*rig = (struct rig){ .dir = "/tmp/ds-net-XXXXXX" };
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->sock, sizeof(rig->sock), "%s/s", rig->dir);
	if (!cfg->addr) {
		cfg->unix_path = rig->sock;
		cfg->unix_mode = 0600;
	}
	assert_int_equal(ds_loop_new(&rig->loop), 0);
	if (ds_server_new(ds_loop_base(rig->loop), cfg, &rig->srv, &err))
		fail_msg("%s", err.msg);
	service.ctx = rig;
	assert_int_equal(ds_prpc_mount(rig->srv, &service), 0);
}

static void rig_stop(struct rig *rig)
{
	ds_server_free(rig->srv);
	ds_loop_free(rig->loop);
	ds_buf_done(&rig->seen_cert);
	ds_buf_done(&rig->body);
	assert_int_equal(rmdir(rig->dir), 0);
}

static void on_done(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct rig *rig = arg;

	rig->done = true;
	rig->r = r;
	rig->status = status;
	rig->err = *err;
	assert_int_equal(ds_buf_add_span(&rig->body, body), 0);
	ds_loop_stop(rig->loop, 0);
}

__attribute__((unused)) static void call(struct rig *rig, const struct ds_client_cfg *cfg,
					 const char *url, const char *body)
{
	struct ds_call *c;

	rig->done = false;
	ds_buf_done(&rig->body);
	rig->r = ds_call_start(ds_loop_base(rig->loop), cfg, url,
			       body ? DS_SPAN_STR(body) : DS_SPAN_NULL, on_done, rig, &c,
			       &rig->err);
	if (rig->r)
		return;
	ds_loop_run(rig->loop);
	assert_true(rig->done);
}

#endif
