/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_STORE_RIG_H
#define KMS_STORE_RIG_H

#include <ds/base/base.h>
#include <stdio.h>
#include <unistd.h>

#include "store.h"

/* For tests: every file that a KMS keeps in its folder, and the folder. */
static inline void remove_store(const char *d)
{
	static const char *const names[] = { KMS_F_ROOT_KEY, KMS_F_ROOT_CRT, KMS_F_TMP_KEY,
					     KMS_F_TMP_CRT,  KMS_F_SEALED,   KMS_F_RPC_CRT,
					     KMS_F_K256,     KMS_F_DOMAIN,   KMS_F_INFO,
					     KMS_F_EPOCH };
	char path[128];

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", d, names[i]);
		unlink(path);
	}
	rmdir(d);
}

#endif
