/* SPDX-License-Identifier: Apache-2.0 */
/* The guest of kms_peer.c and the evidence that it makes; one of each per process. */
#ifndef TESTS_KMS_PEER_H
#define TESTS_KMS_PEER_H

#include <ds/base/base.h>
#include <ds/wire/csr.h>
#include <ds/x509/pki.h>

struct peer {
	const char *url, *root, *bundle, *method, *spoil, *key_out, *client;
	const char *vm_config, *subject, *san[20];
	const char *agent, *seal_to;
	size_t n_san;
	uint8_t app[20], inst[20], compose[32];
	size_t inst_n;
	struct ds_emul_td td;
	bool csr_v1, until_ready, repeat, protobuf, fake;
	int64_t not_before, not_after;
	/* made on the way */
	struct ds_buf root_pem, pin;
	struct ds_emul_qe *qe;
	struct ds_p256 *key;
	struct ds_attestation att;
};

extern struct ds_err err;

static inline bool spoiled(const struct peer *p, const char *how)
{
	return p->spoil && !strcmp(p->spoil, how);
}

/* Evidence for p->td.report_data, and for key. */
int attest_data(struct peer *p, struct ds_attestation *ret);
int attest(struct peer *p, const struct ds_p256 *key, struct ds_attestation *ret);

/* The request of SignCert as guests before 0.5.6 send it (spec/kms 2.6, version 1). */
int sign_cert_v1(const struct ds_csr *csr, const struct ds_p256 *key, const char *vm_config,
		 struct ds_buf *ret);

#endif
