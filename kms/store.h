/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key directory (spec/kms 6.1): made once, complete or not at all, never overwritten. Only
 * bootstrap and the keys process touch the roots.
 */
#ifndef KMS_STORE_H
#define KMS_STORE_H

#include <ds/base/base.h>
#include <ds/base/secret.h>
#include <ds/crypto/p256.h>

#define KMS_F_ROOT_KEY "root-ca.key"
#define KMS_F_ROOT_CRT "root-ca.crt"
#define KMS_F_TMP_KEY  "tmp-ca.key"
#define KMS_F_TMP_CRT  "tmp-ca.crt"
#define KMS_F_RPC_KEY  "rpc.key"
#define KMS_F_RPC_CRT  "rpc.crt"
#define KMS_F_K256     "root-k256.key"
#define KMS_F_DOMAIN   "rpc-domain"
#define KMS_F_INFO     "bootstrap-info.json"

/* Empty or malformed: -EINVAL (spec/kms 2.8). */
DS_MUST int kms_domain_check(const char *domain, struct ds_err *err);
/* -EEXIST when dir has anything in it. The parent of dir must exist. */
DS_MUST int kms_bootstrap(const char *dir, const char *domain, int64_t now, struct ds_err *err);

struct kms_roots {
	struct ds_p256 *ca;
	struct ds_secret *ca_scalar; /* 32 bytes, what derivations take */
	struct ds_secret *k256;	     /* 32 bytes */
	struct ds_buf ca_der;
};
void kms_roots_done(struct kms_roots *roots);
/*
 * Load the roots, renew CA certificates that have a year or less to live, and issue rpc.crt for the
 * stored domain and the extra names.
 */
DS_MUST int kms_roots_load(const char *dir, char *const *names, size_t n_names, int64_t now,
			   struct kms_roots *ret, struct ds_err *err);

/* DER of the app CA of app: CN "Dstack App CA", pathlen 0, .3 and .4. */
DS_MUST int kms_issue_app_ca(const struct kms_roots *roots, const uint8_t app[20], int64_t now,
			     struct ds_buf *ret);

#endif
