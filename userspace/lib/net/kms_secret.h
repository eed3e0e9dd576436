/* SPDX-License-Identifier: Apache-2.0 */
/* Keys out of a JSON reply without a JSON tree, which would leave copies of them behind. */
#ifndef DS_LIB_NET_KMS_SECRET_H
#define DS_LIB_NET_KMS_SECRET_H

#include <ds/base/secret.h>

/*
 * The member key of the outermost object in text: a string of 64 hex digits. They are decoded into
 * *ret and overwritten with zeros in text, which can be given to an ordinary parser afterwards.
 * -EBADMSG names the key.
 */
DS_MUST int ds_kms_take_hex(struct ds_secret *text, const char *key, struct ds_secret **ret,
			    struct ds_err *err);

#endif
