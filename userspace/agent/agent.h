/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest agent: what applications ask on /var/run/dstack.sock. One process, one loop; callbacks
 * never block. It keeps nothing that must survive it: measurements and keys are in the kernel, the
 * signing key is in the key holder, and pid 1 starts it again when it dies.
 */
#ifndef AGENT_H
#define AGENT_H

#include <ds/attest/kernel.h>
#include <ds/base/base.h>
#include <ds/crypto/p256.h>
#include <ds/net/kms.h>
#include <ds/net/prpc.h>
#include <ds/net/server.h>
#include <ds/wire/csr.h>

#define AGENT_RUN_DIR "/run/dstack"
#define AGENT_SOCKET  "/run/dstack.sock"
#define AGENT_WG      "dstack-wg0"

#define AGENT_MAX_URLS 8

/* What pid 1 left in the run directory; all of it public. Borrowed strings live as long as root. */
struct agent_config {
	json_t *root;
	uint8_t app_id[20];
	struct ds_buf instance_id;
	const char *kms_url; /* "" without a KMS */
	struct ds_buf pin;   /* SPKI of the KMS root CA */
	struct ds_buf k256_signature;
	const char *gateway_app_id;
	const char *nameserver; /* NULL if none */
	const char *gateway_url[AGENT_MAX_URLS];
	size_t n_gateway_url;
	struct ds_buf compose;
	struct ds_buf vm_config;
	struct ds_buf kms_root_pem;
};

DS_MUST int agent_config_load(const char *run_dir, struct agent_config *ret, struct ds_err *err);
void agent_config_done(struct agent_config *c);

struct kms_session; /* kms_client.c: temporary CA and client certificate, made when first needed */

struct agent {
	struct event_base *base;
	struct agent_config cfg;
	int holder_fd;	     /* -1: none, signature chains cannot be made */
	unsigned int quotes; /* requests under way */
	struct kms_session *kms;
	struct ds_buf app_cert; /* PEM chain of the demo certificate, empty until issued */
	bool app_cert_pending;
};

/* evidence.c: one quote on the loop. cb runs once, later; r 0: quote and log are the callee's to
 * take. */
typedef void (*evidence_fn)(void *arg, int r, struct ds_buf *quote, struct ds_eventlog *log,
			    const struct ds_err *err);
DS_MUST int evidence_start(struct agent *a, const uint8_t report_data[64], evidence_fn cb,
			   void *arg, struct ds_err *err);

/* kms_client.c: everything the KMS signs for this app. */
struct cert_wish {
	char *subject;
	char **alt_names;
	size_t n_alt_names;
	bool server_auth, client_auth, ra_tls, app_info;
	bool has_not_before, has_not_after;
	uint64_t not_before, not_after;
};
void cert_wish_done(struct cert_wish *w);
/* cb runs once, later, never from inside the call. On success key and chain are the callee's to
 * take. */
typedef void (*issue_fn)(void *arg, int r, struct ds_p256 **key, struct ds_kms_chain *chain,
			 const struct ds_err *err);
/* *wish is taken over, also on failure. */
DS_MUST int issue_start(struct agent *a, struct cert_wish *take_wish, issue_fn cb, void *arg,
			struct ds_err *err);
void kms_session_free(struct kms_session *s);
/* kms_session.c: cb runs once, later, with what a call to the KMS needs (borrowed until the loop
 * turns). */
typedef void (*session_fn)(void *arg, int r, const struct ds_client_cfg *cfg,
			   const struct ds_err *err);
DS_MUST int kms_session_get(struct agent *a, session_fn cb, void *arg, struct ds_err *err);
/* The KMS did not like it: the next call makes a new one. */
void kms_session_drop(struct agent *a);

/* One file per group of methods. */
void rpc_get_key(void *ctx, struct ds_req *req, json_t *args);
void rpc_get_tls_key(void *ctx, struct ds_req *req, json_t *args);
void rpc_get_quote(void *ctx, struct ds_req *req, json_t *args);
void rpc_attest(void *ctx, struct ds_req *req, json_t *args);
void rpc_emit_event(void *ctx, struct ds_req *req, json_t *args);
void rpc_sign(void *ctx, struct ds_req *req, json_t *args);
void rpc_get_kms_item(void *ctx, struct ds_req *req, json_t *args);
void rpc_verify(void *ctx, struct ds_req *req, json_t *args);
void rpc_gpu_info(void *ctx, struct ds_req *req, json_t *args);
void rpc_info(void *ctx, struct ds_req *req, json_t *args);
void rpc_version(void *ctx, struct ds_req *req, json_t *args);
/* Issue the demo certificate in the background unless it is there or under way. */
void app_cert_refresh(struct agent *a);

/* secretbuf.c: JSON with a key in it is put together in secret memory only. */
struct secret_json {
	struct ds_secret *s;
	size_t n;
	int r; /* first failure */
};
void sj_init(struct secret_json *j, size_t cap);
void sj_text(struct secret_json *j, const char *text);
void sj_hex(struct secret_json *j, struct ds_span bytes);
/* As the inside of a JSON string: ASCII text whose only special character is the newline. */
void sj_pem(struct secret_json *j, struct ds_span pem);
/* Reply with it, or with an error if something did not fit; either ends req. */
void sj_reply(struct secret_json *j, struct ds_req *req);

/* caps.c: give up every capability, or every one but keep_cap, for good; no program run later gets
 * more. */
DS_MUST int caps_keep(unsigned int keep_cap, bool keep);

/* Subcommands. */
int cmd_serve(int argc, char **argv);
int cmd_gateway(int argc, char **argv);
int cmd_call(int argc, char **argv);
int cmd_tls_key(int argc, char **argv);
/* cli.c: one call on the agent's socket. A reply other than 200 is an error with its text. */
DS_MUST int agent_call(const char *sock, const char *method, struct ds_span body,
		       struct ds_buf *ret, struct ds_err *err);

#endif
