/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hex, base64 and RFC 3339 time. Encoding and decoding run in time that depends on the length only, so they are fit
 * for secrets; the caller owns and wipes the buffers.
 */
#ifndef DS_BASE_TEXT_H
#define DS_BASE_TEXT_H

#include <ds/base/base.h>

/* Lower case. out holds 2 * n + 1 bytes; returns out. */
char *ds_hex_encode(const void *p, size_t n, char *out);
DS_MUST int ds_buf_add_hex(struct ds_buf *buf, struct ds_span s);
/*
 * Exactly len / 2 bytes are written to out, which has room for cap. Either case is accepted, nothing else.
 * -EBADMSG: odd length or a non-hex character; -EFBIG: more than cap bytes.
 */
DS_MUST int ds_hex_decode(const char *s, size_t len, void *out, size_t cap);
/* Exactly want bytes from a NUL-terminated string, else -EBADMSG. */
DS_MUST int ds_hex_decode_exact(const char *s, void *out, size_t want);
/* To a new buffer, up to max bytes. */
DS_MUST int ds_hex_decode_buf(const char *s, size_t len, size_t max, struct ds_buf *ret);

/* Standard alphabet with padding. out holds 4 * ((n + 2) / 3) + 1 bytes; returns out. */
char *ds_b64_encode(const void *p, size_t n, char *out);
#define DS_B64_SIZE(n) (4 * (((n) + 2) / 3) + 1)
/* Canonical input only (padding present, unused bits zero), else -EBADMSG; -EFBIG above cap. ret_n: bytes written. */
DS_MUST int ds_b64_decode(const char *s, size_t len, void *out, size_t cap, size_t *ret_n);

/* "YYYY-MM-DDThh:mm:ssZ" exactly, years 1970-9999, to Unix seconds; -EBADMSG otherwise. */
DS_MUST int ds_time_parse_rfc3339(const char *s, size_t len, int64_t *ret);
/* The same form, out holds DS_TIME_SIZE bytes; returns out. */
#define DS_TIME_SIZE 32
char *ds_time_format_rfc3339(int64_t t, char out[DS_TIME_SIZE]);
/* Decimal digits only, no sign or blanks, at most max; -EBADMSG otherwise. */
DS_MUST int ds_parse_u64(const char *s, size_t len, uint64_t max, uint64_t *ret);

/* Copy peer text for a log or message: printable ASCII kept, the rest as \xNN, cut with "..." at cap - 1; returns out. */
char *ds_escape(struct ds_span s, char *out, size_t cap);

#endif
