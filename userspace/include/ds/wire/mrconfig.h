/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MrConfigV3 document (spec/boot 3.3): what a host says it launched, bound to the launch by
 * HOST_DATA or MRCONFIGID. Pure; a document with anything unknown in it is refused.
 */
#ifndef DS_WIRE_MRCONFIG_H
#define DS_WIRE_MRCONFIG_H

#include <ds/base/base.h>
#include <ds/wire/compose.h>

#define DS_MR_CONFIG_TAG "dstack-mr-config-v3:" /* and a NUL: hashed in front of the document */

struct ds_mr_config {
	bool has_app_id, has_instance_id;
	uint8_t app_id[20];
	uint8_t compose_hash[32];
	uint8_t instance_id[20];
	enum ds_key_provider key_provider;
	uint8_t key_provider_id[256];
	size_t key_provider_id_len;
};

/* 0, -EBADMSG or -EFBIG with err, -ENOMEM. */
DS_MUST int ds_mr_config_parse(struct ds_span json, struct ds_mr_config *ret, struct ds_err *err);

#endif
