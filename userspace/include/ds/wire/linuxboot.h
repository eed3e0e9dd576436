/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VMM that boots Linux directly writes into the kernel's setup header before the firmware
 * measures it (spec/boot.md 5.4). Pure.
 */
#ifndef DS_WIRE_LINUXBOOT_H
#define DS_WIRE_LINUXBOOT_H

#include <ds/base/base.h>

/*
 * Patch the bzImage in place for an initrd of this size and a VM with this much memory. -EBADMSG:
 * not a bzImage of protocol 2.03 or later; -EFBIG: the initrd does not fit.
 */
DS_MUST int ds_linux_patch(uint8_t *kernel, size_t n, uint64_t initrd_size, uint64_t memory,
			   struct ds_err *err);

#endif
