/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key directory (spec/kms 6.1): made once, complete or not at all, never overwritten. Only the
 * keys process touches the roots (and bootstrap from the command line, which is nothing else).
 */
#ifndef KMS_STORE_H
#define KMS_STORE_H

#include "seal.h"

#include <ds/base/base.h>
#include <ds/base/secret.h>
#include <ds/crypto/p256.h>

/*
 * Path of the app key that seals. It ends in a byte that no UTF-8 has: GetKey of the agent takes text,
 * and everybody in the VM may call it, so a path that text can name would be everybody's key.
 */
#define KMS_SEAL_NAME "dstack-kms/roots"
#define KMS_SEAL_PATH KMS_SEAL_NAME "\xff"

#define KMS_F_SEALED   "roots.sealed"
#define KMS_F_ROOT_KEY "root-ca.key"
#define KMS_F_ROOT_CRT "root-ca.crt"
#define KMS_F_TMP_KEY  "tmp-ca.key"
#define KMS_F_TMP_CRT  "tmp-ca.crt"
#define KMS_F_RPC_CRT  "rpc.crt"
#define KMS_F_K256     "root-k256.key"
#define KMS_F_EPOCH    "key-epoch"
#define KMS_F_DOMAIN   "rpc-domain"
#define KMS_F_INFO     "bootstrap-info.json"

/* Empty or malformed: -EINVAL (spec/kms 2.8). */
DS_MUST int kms_domain_check(const char *domain, struct ds_err *err);

/*
 * The key that the directory is sealed with. The development seal has none: *ret is NULL then.
 * -ENODEV and others when the kernel does not give one.
 */
DS_MUST int kms_seal_key(enum kms_seal seal, struct ds_secret **ret, struct ds_err *err);

/* Roots that are in no directory yet. */
struct kms_fresh {
	struct ds_p256 *root, *tmp;
	struct ds_secret *material; /* see seal.h */
};
DS_MUST int kms_fresh_make(struct kms_fresh *ret);
/* From another node's; tmp_scalar: of the temporary CA, which all nodes share. */
DS_MUST int kms_fresh_take(struct ds_secret **take_material, const uint8_t tmp_scalar[32],
			   struct kms_fresh *ret);
DS_MUST int kms_fresh_public(const struct kms_fresh *f, uint8_t ret_spki[DS_P256_SPKI_SIZE],
			     uint8_t ret_k256[33]);
void kms_fresh_done(struct kms_fresh *f);
/*
 * -EEXIST when dir has anything in it. The parent of dir must exist. attestation: evidence for the
 * public keys, may be empty.
 */
DS_MUST int kms_store_write(const char *dir, const char *domain, const struct kms_fresh *f,
			    const struct ds_secret *seal_key, struct ds_span attestation,
			    int64_t now, struct ds_err *err);
/* What an interrupted kms_store_write() left beside dir goes; -EBUSY: somebody is writing. */
DS_MUST int kms_store_sweep(const char *dir, struct ds_err *err);
/* Is there anything in it? Then it is a store, or should not be touched. */
bool kms_store_exists(const char *dir);
/* New roots in dir; this is all in one. */
DS_MUST int kms_bootstrap(const char *dir, const char *domain, const struct ds_secret *seal_key,
			  int64_t now, struct ds_err *err);

struct kms_roots {
	struct ds_p256 *ca;
	struct ds_secret *ca_scalar; /* 32 bytes, what derivations take */
	struct ds_secret *k256;	     /* 32 bytes */
	struct ds_buf ca_der;
};
void kms_roots_done(struct kms_roots *roots);

/* What the server certificate is for. */
struct kms_rpc_spec {
	struct ds_span spki, attestation; /* attestation may be empty */
	char *const *names;
	size_t n_names;
};
/*
 * Load the roots, renew CA certificates that have a year or less to live, and issue rpc.crt for the
 * stored domain and the extra names.
 */
DS_MUST int kms_roots_load(const char *dir, const struct ds_secret *seal_key,
			   const struct kms_rpc_spec *rpc, int64_t now, struct kms_roots *ret,
			   struct ds_err *err);

/* DER of the app CA of app: CN "Dstack App CA", pathlen 0, .3 and .4. */
DS_MUST int kms_issue_app_ca(const struct kms_roots *roots, const uint8_t app[20], int64_t now,
			     struct ds_buf *ret);

#endif
