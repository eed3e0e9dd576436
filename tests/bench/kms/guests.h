/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests for load on a KMS: each with an app, an instance, a key, a quote and a client certificate of
 * its own, and with the keys that it must get, derived here from the roots of the KMS. Nothing asks
 * the KMS: the directory of a KMS with the development seal, or of a stock one, has all that is
 * needed.
 */
#ifndef TESTS_BENCH_KMS_GUESTS_H
#define TESTS_BENCH_KMS_GUESTS_H

#include <ds/crypto/p256.h>
#include <ds/net/kms.h>
#include <ds/wire/eventlog.h>
#include <ds/x509/pki.h>

/* In hex, as in the reply. */
struct guest_keys {
	char disk[65], env[65], k256[65], k256_signature[131];
};

struct guest {
	uint8_t app[20], inst[20];
	struct ds_p256 *key;
	struct ds_attestation att;
	struct ds_buf cert_pem;
	struct guest_keys want;
};

struct guests {
	struct ds_buf root_pem, pin;
	struct ds_kms_temp_ca temp_ca;
	struct ds_secret *ca_scalar, *k256;
	struct ds_emul_qe *qe;
	struct guest *g;
	size_t n;
};
#define GUESTS_NULL ((struct guests){ .g = NULL })

/* What every guest measured, and what the policy has to allow. */
#define GUEST_COMPOSE 0x33
#define GUEST_MRTD    0x44
#define GUEST_IMAGE   0x55

/* dir: of the KMS's keys; bundle: the quoting enclave's. */
DS_MUST int guests_make(const char *dir, const char *bundle, size_t n, struct guests *ret,
			struct ds_err *err);
void guests_done(struct guests *gs);
void guest_app(size_t i, uint8_t ret[20]);
/* GetAppKey's body, the same for all. */
DS_MUST int guest_body(struct ds_buf *ret);
/* Are all four values of its reply those that were derived? */
bool guest_got(const struct guest *g, struct ds_span reply);

#endif
