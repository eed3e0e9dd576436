/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCALE as the V0 attestation and the CSR use it (spec/kms 1.6): compact lengths, byte strings,
 * options. Only minimal encodings are read, so that decode then encode gives the same bytes. Pure.
 */
#ifndef DS_WIRE_SCALE_H
#define DS_WIRE_SCALE_H

#include <ds/base/rd.h>

/* Lengths up to 2^30 - 1 (modes 0 to 2); larger is -EFBIG. */
DS_MUST int ds_scale_rd_compact(struct ds_rd *rd, size_t *ret);
/* Compact length and so many bytes; -EFBIG above max, -EBADMSG when the input ends early. */
DS_MUST int ds_scale_rd_bytes(struct ds_rd *rd, size_t max, struct ds_span *ret);
/* The same, UTF-8 without NUL, copied and terminated; the caller frees *ret. */
DS_MUST int ds_scale_rd_str(struct ds_rd *rd, size_t max, char **ret);
/* 00 or 01, nothing else. */
DS_MUST int ds_scale_rd_bool(struct ds_rd *rd, bool *ret);

DS_MUST int ds_scale_add_compact(struct ds_buf *buf, size_t n);
DS_MUST int ds_scale_add_bytes(struct ds_buf *buf, struct ds_span s);
DS_MUST int ds_scale_add_bool(struct ds_buf *buf, bool v);

/* Valid UTF-8: no surrogates, no overlong forms, at most U+10FFFF, no NUL. */
bool ds_utf8_ok(struct ds_span s);

#endif
