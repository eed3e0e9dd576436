/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PE images as UEFI firmware measures them: which bytes of the file an Authenticode hash covers.
 * Pure.
 */
#ifndef DS_WIRE_PE_H
#define DS_WIRE_PE_H

#include <ds/base/base.h>

#define DS_PE_MAX_SECTIONS 96u
/* Headers in three pieces, sections, the rest of the file, padding. */
#define DS_PE_MAX_PARTS (3u + DS_PE_MAX_SECTIONS + 2u)

struct ds_pe_parts {
	struct ds_span part[DS_PE_MAX_PARTS];
	size_t n;
};

/*
 * The hash input is the parts in order. They point into image and into static zero bytes. -EBADMSG:
 * not a PE32 or PE32+ image, or a field that points outside it.
 */
DS_MUST int ds_pe_authenticode(struct ds_span image, struct ds_pe_parts *ret, struct ds_err *err);

#endif
