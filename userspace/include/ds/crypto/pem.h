/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM text (RFC 7468) in one strict form: blocks follow each other with nothing but line ends
 * between them, no headers inside. Coding runs in time that depends on lengths only. Pure.
 */
#ifndef DS_CRYPTO_PEM_H
#define DS_CRYPTO_PEM_H

#include <ds/base/base.h>
#include <ds/base/rd.h>

/*
 * The next block: label between "-----BEGIN " and "-----", body between the two lines. 0, -EBADMSG,
 * or DS_PEM_E_END when only line ends are left.
 */
#define DS_PEM_E_END 1
DS_MUST int ds_pem_next(struct ds_rd *rd, struct ds_span *ret_label, struct ds_span *ret_body);
/*
 * Lines of at most 76 characters, whole groups of four, padding only at the very end. -EFBIG above
 * cap.
 */
DS_MUST int ds_pem_decode(struct ds_span body, uint8_t *out, size_t cap, size_t *ret_n);

/* Length of the text of n bytes with this label, and the text itself: 64 columns, LF, no NUL. */
size_t ds_pem_size(const char *label, size_t n);
void ds_pem_encode(const char *label, const uint8_t *p, size_t n, uint8_t *out);

#endif
