/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TDREPORT, 1024 bytes, as TDG.MR.REPORT writes it (spec/dcap 1.7). Pure; spans borrow the input.
 * Its REPORTMAC can be checked by the CPU that made it only, so a parsed report is trusted as far
 * as its source.
 */
#ifndef DS_WIRE_TDREPORT_H
#define DS_WIRE_TDREPORT_H

#include <ds/base/base.h>
#include <ds/wire/quote.h>

#define DS_TDREPORT_SIZE 1024u

struct ds_tdreport {
	uint8_t subtype;
	uint8_t version; /* 0, or 1 when service TDs are bound */
	uint8_t cpu_svn[16];
	uint8_t tee_tcb_info_hash[48];
	uint8_t td_info_hash[48];
	uint8_t mac[32];
	struct ds_td_body body; /* has_svn2 set: the field exists; it is zero under 1.0 modules */
	struct ds_span tee_tcb_info; /* 239 bytes: SHA-384 equals tee_tcb_info_hash */
	struct ds_span td_info;	     /* 512 bytes: SHA-384 equals td_info_hash */
};

/* Exactly 1024 bytes of type 0x81, else -EBADMSG. */
DS_MUST int ds_tdreport_parse(struct ds_span in, struct ds_tdreport *ret, struct ds_err *err);

#endif
