/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of the vm_config JSON text that we use (spec/guest-api 8). Unknown keys are ignored,
 * duplicates refused.
 */
#ifndef DS_WIRE_VMCONFIG_H
#define DS_WIRE_VMCONFIG_H

#include <ds/base/base.h>

struct ds_vm_config {
	bool has_os_image_hash;
	uint8_t os_image_hash[32];
	uint32_t cpu_count;   /* 0: not given */
	uint64_t memory_size; /* bytes; 0: not given */
};

/*
 * Empty input gives an empty struct. Text that holds a "vm_config" string (older blobs) is
 * unwrapped once.
 */
DS_MUST int ds_vm_config_parse(struct ds_span json, struct ds_vm_config *ret, struct ds_err *err);

#endif
