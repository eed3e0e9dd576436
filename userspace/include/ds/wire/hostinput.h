/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host input blob: everything the untrusted host may tell a guest before it is measured, in one
 * flat piece.
 *
 *   "DSTKHI01" | u32le total size | u32le item count | items: u32le kind, u32le length, bytes
 *
 * Each kind at most once, kinds 1 and 2 required, the total is exact and nothing follows the last
 * item. The decoder borrows: spans point into the caller's copy, which must be the only copy that
 * is measured and used.
 */
#ifndef DS_WIRE_HOSTINPUT_H
#define DS_WIRE_HOSTINPUT_H

#include <ds/base/base.h>

#define DS_HOSTINPUT_MAGIC "DSTKHI01"
#define DS_HOSTINPUT_HEAD  16u
/* Where QEMU offers the blob: the name of the fw_cfg item. */
#define DS_HOSTINPUT_FWCFG "opt/dstack/host-input"

enum ds_hostinput_kind {
	DS_HI_APP_COMPOSE = 1,	 /* app-compose.json */
	DS_HI_SYS_CONFIG = 2,	 /* .sys-config.json */
	DS_HI_INSTANCE_INFO = 3, /* .instance_info */
	DS_HI_ENCRYPTED_ENV = 4, /* .encrypted-env */
	DS_HI_USER_CONFIG = 5,	 /* .user-config */
	DS_HI_KMS_COLLATERAL = 6, /* .kms-collateral: what the KMS's evidence is judged with */
	DS_HI_KINDS = 7,
};

/* Indexed by kind; has[] tells an absent item from an empty one. */
struct ds_hostinput {
	struct ds_span item[DS_HI_KINDS];
	bool has[DS_HI_KINDS];
};

/* File name of a kind (spec/boot 2.2; .kms-collateral is ours), NULL for an unknown one. */
const char *ds_hostinput_name(unsigned int kind);
/* Largest item of a kind in bytes, 0 for an unknown one. */
size_t ds_hostinput_max(unsigned int kind);

DS_MUST int ds_hostinput_decode(struct ds_span in, struct ds_hostinput *ret, struct ds_err *err);
/* Appends to ret. Applies the decoder's rules, so what it writes can be read. */
DS_MUST int ds_hostinput_encode(const struct ds_hostinput *in, struct ds_buf *ret,
				struct ds_err *err);

#endif
