/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the keys process, see proto.h. */
#ifndef KMS_KEYS_H
#define KMS_KEYS_H

#include "proto.h"

#include <ds/base/secret.h>

/* The child: loads, jails itself, serves until its peer is gone. Returns the exit status. */
int kms_keys_main(int sock, const char *dir, char *const *names, size_t n_names);

/*
 * The parent's end. Answers come within a millisecond; a keys process that is silent for seconds or
 * says nonsense is -EPIPE, and the caller stops.
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

#endif
