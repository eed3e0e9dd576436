/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the keys process, see proto.h. */
#ifndef KMS_KEYS_H
#define KMS_KEYS_H

#include "proto.h"
#include "self.h"

#include <ds/base/secret.h>

/* The child: loads, jails itself, serves until its peer is gone. Returns the exit status. */
int kms_keys_main(int sock, const struct kms_conf *conf, const struct kms_self *self);
/* The same for a KMS without roots. */
int kms_keys_new_main(int sock, const struct kms_conf *conf);
/* Its filter of system calls; dirfd: where the file of recipients may be opened (consent.h), or -1. */
DS_MUST int kms_keys_jail(int dirfd);
/* The same of a keys process that has no roots yet and may write files. */
DS_MUST int kms_keys_new_jail(void);

/*
 * The parent's end. Answers come within a millisecond; a keys process that is silent for seconds or
 * says nonsense is -EPIPE, then and ever after: the socket is shut, which ends the caller's loop.
 */
DS_MUST int kms_keys_hello(int sock, uint8_t ret_k256_pub[33]);
/* Those below: -ENOENT when there is no such epoch. ret->p is a struct kms_app_keys. */
DS_MUST int kms_keys_app(int sock, uint32_t epoch, const uint8_t app[20], struct ds_span inst,
			 struct ds_secret **ret);
DS_MUST int kms_keys_app_ca(int sock, uint32_t epoch, const uint8_t app[20],
			    struct ds_buf *ret_der);
DS_MUST int kms_keys_app_sign(int sock, uint32_t epoch, const uint8_t app[20],
			      const uint8_t digest[32], struct ds_buf *ret_sig);
DS_MUST int kms_keys_env_pub(int sock, uint32_t epoch, const uint8_t app[20],
			     struct kms_env_pub *ret);
/*
 * -EPERM: not allowed by the configuration; -ENOKEY: the recipient is not in replicate_to; -EACCES:
 * that file cannot be used as it is.
 */
DS_MUST int kms_keys_export(int sock, const uint8_t recipient[32], uint8_t ret[KMS_MESSAGE_SIZE]);
/* ret->p: KMS_MATERIAL_SIZE. -EPERM: not allowed by the configuration. */
DS_MUST int kms_keys_export_stock(int sock, struct ds_secret **ret);

/* One question of a KMS without roots; q is filled by the caller, err by the answer. */
DS_MUST int kms_keys_new(int sock, const struct kms_new_ask *q, struct kms_new_answer *ret,
			 struct ds_err *err);

#endif
