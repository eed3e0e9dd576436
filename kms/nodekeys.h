/* SPDX-License-Identifier: Apache-2.0 */
/* What another node answers to GetKmsKey (spec/kms 2.2, and our sealed form). Pure. */
#ifndef KMS_NODEKEYS_H
#define KMS_NODEKEYS_H

#include "proto.h"

/*
 * Fills op, tmp_scalar and message of ret, which is secret memory: KMS_NEW_TAKE when the roots are
 * sealed, KMS_NEW_TAKE_STOCK when they are in the clear. -EBADMSG; -EOPNOTSUPP: of another key epoch.
 */
DS_MUST int kms_node_keys_parse(struct ds_span body, struct kms_new_ask *ret, struct ds_err *err);

#endif
