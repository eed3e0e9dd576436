/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Just enough DER for the vendors' certificate extensions: elements with definite, minimal lengths.
 * Internal to wire/. A failed read returns -EBADMSG.
 */
#ifndef DS_WIRE_DER_H
#define DS_WIRE_DER_H

#include <ds/base/rd.h>

#define DS_DER_BOOLEAN	  0x01
#define DS_DER_INTEGER	  0x02
#define DS_DER_OCTETS	  0x04
#define DS_DER_OID	  0x06
#define DS_DER_ENUMERATED 0x0a
#define DS_DER_IA5STRING  0x16
#define DS_DER_SEQUENCE	  0x30

/* One element with this tag, up to 65535 bytes; the cursor moves behind it only on success. */
DS_MUST int ds_der_rd(struct ds_rd *rd, uint8_t tag, struct ds_rd *ret);
/* One of exactly n bytes; *ret points into the input. */
DS_MUST int ds_der_rd_exact(struct ds_rd *rd, uint8_t tag, size_t n, const uint8_t **ret);
/* Non-negative, minimal, at most max. */
DS_MUST int ds_der_rd_u32(struct ds_rd *rd, uint8_t tag, uint32_t max, uint32_t *ret);
/* FALSE or TRUE, as DER writes them. */
DS_MUST int ds_der_rd_bool(struct ds_rd *rd, bool *ret);

#endif
