/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate extension .9: who the application is (spec/guest-api 6.3). Written as a MessagePack
 * array of nine; read as array or map. Pure; a decoded struct owns copies.
 */
#ifndef DS_WIRE_APPINFO_H
#define DS_WIRE_APPINFO_H

#include <ds/base/base.h>

struct ds_app_info {
	struct ds_buf app_id;
	struct ds_buf compose_hash;
	struct ds_buf instance_id;
	struct ds_buf device_id;
	struct ds_buf mr_system;
	struct ds_buf mr_aggregated;
	struct ds_buf os_image_hash;
	struct ds_buf key_provider_info;
	bool has_init_script_hashes; /* false: nil */
	struct ds_buf *init_script_hashes;
	size_t n_init_script_hashes;
};

#define DS_APP_INFO_NULL ((struct ds_app_info){ 0 })

DS_MUST int ds_app_info_encode(const struct ds_app_info *info, struct ds_buf *buf);
DS_MUST int ds_app_info_decode(struct ds_span in, struct ds_app_info *ret, struct ds_err *err);
void ds_app_info_done(struct ds_app_info *info);
#define DS_APP_INFO DS_CLEANUP(ds_app_info_done)

#endif
