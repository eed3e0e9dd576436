/* SPDX-License-Identifier: Apache-2.0 */
/* kms.conf, see dstack-kms(8). Paths are used as given; relative ones are relative to the working
 * directory. */
#ifndef KMS_CONF_H
#define KMS_CONF_H

#include "seal.h"

#include <ds/base/base.h>

#define KMS_MAX_NAMES	   16u
#define KMS_MAX_COLLATERAL 16u

enum kms_client_cert { KMS_CLIENT_REQUIRED, KMS_CLIENT_OPTIONAL };

/* Who decides which app may have keys. */
enum kms_backend { KMS_BACKEND_FILE, KMS_BACKEND_WEBHOOK, KMS_BACKEND_CONTRACT };

/* Section [auth]: an authorization API (spec/kms 4.5). */
struct kms_auth_conf {
	char *url; /* without a slash at its end */
	char *ca;  /* roots of https */
	bool insecure_http;
	uint64_t timeout_ms;
	/* of the contract that must have answered; chain_id 0: not given */
	uint8_t contract[20];
	bool has_contract;
	uint64_t chain_id;
};

/* In which form roots leave for another node, if at all. */
enum kms_replication {
	KMS_REPLICATION_OFF,
	KMS_REPLICATION_SEALED, /* for the other keys process only */
	KMS_REPLICATION_STOCK,	/* also in the clear inside TLS, as stock nodes do it */
};

struct kms_conf {
	enum kms_backend backend;
	struct kms_auth_conf auth;
	char *cert_dir;
	char *user; /* the net process becomes this user; NULL: it stays who it is */
	char *addr;
	uint16_t port;
	char *policy;
	char *release_log;
	char *admin_socket; /* for the operator; NULL: none */
	bool public_metrics; /* on the main listener, too */
	char *port_file; /* the port that was bound is written there; NULL: nowhere */
	char *alt_names[KMS_MAX_NAMES];
	size_t n_alt_names;
	enum kms_client_cert sign_cert_client;
	uint64_t cert_days; /* longest life of a certificate for an app */
	uint64_t max_connections;
	uint64_t request_seconds;
	char *root_ca; /* NULL: the pinned Intel root */
	char *collateral[KMS_MAX_COLLATERAL];
	size_t n_collateral;
	char *tcb_policy; /* NULL: the defaults */
	bool seal_given;
	enum kms_seal seal;
	char *agent; /* socket of the VM's agent; NULL: no evidence of our own */
	uint64_t lease_seconds; /* for so long the policy's word about ourselves holds */
	enum kms_replication replication;
	char *replicate_to; /* file of recipients, see consent.h; with replication = sealed */
	char *onboard_addr; /* NULL: without roots the service does not start */
	uint16_t onboard_port;
	char *onboard_token; /* file */
};

/* "development" or "kernel". */
DS_MUST int kms_seal_parse(const char *value, enum kms_seal *ret, struct ds_err *err);

DS_MUST int kms_conf_load(const char *path, struct kms_conf *ret, struct ds_err *err);
void kms_conf_done(struct kms_conf *conf);

#endif
