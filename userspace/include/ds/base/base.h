/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans, buffers, cleanup attributes and the error model that every layer shares.
 *
 * Return values: 0 is success; a negative errno is fatal here and forwarded unchanged; a positive DS_<MODULE>_E_*
 * is an outcome documented by that function which its direct caller handles. Outputs (ret_*) are written on success only.
 * Malformed input is -EBADMSG, too big -EFBIG, wrong state -ESTALE, refused by policy -EPERM, missing hardware -ENODEV.
 *
 * No object here is shared between threads.
 */
#ifndef DS_BASE_BASE_H
#define DS_BASE_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define DS_MUST          __attribute__((warn_unused_result))
#define DS_PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define DS_CLEANUP(fn)   __attribute__((cleanup(fn)))
#define DS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The only macro that hides a return: forward any non-zero result. */
#define DS_TRY(expr)                                                                               \
	do {                                                                                       \
		int ds_try_r_ = (expr);                                                            \
		if (ds_try_r_)                                                                     \
			return ds_try_r_;                                                          \
	} while (0)

/* A borrowed run of bytes; never freed through this type. p may be NULL when n is 0. */
struct ds_span {
	const uint8_t *p;
	size_t n;
};

#define DS_SPAN_NULL      ((struct ds_span){ NULL, 0 })
#define DS_SPAN(ptr, len) ((struct ds_span){ (const uint8_t *)(ptr), (len) })
#define DS_SPAN_ARRAY(a)  ((struct ds_span){ (const uint8_t *)(a), sizeof(a) })
#define DS_SPAN_STR(s)    ((struct ds_span){ (const uint8_t *)(s), strlen(s) })
/* A string literal without its terminator. */
#define DS_SPAN_LIT(s) ((struct ds_span){ (const uint8_t *)("" s), sizeof(s) - 1 })

/* Not constant time: for public data only (secrets: ds_ct_equal()). */
static inline bool ds_span_eq(struct ds_span a, struct ds_span b)
{
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

/* Constant time in the content, not in the length. */
bool ds_ct_equal(const void *a, const void *b, size_t n);

/* An owned, growing run of bytes. A zeroed struct is a valid empty buffer. Not for secrets: growth leaves copies. */
struct ds_buf {
	uint8_t *p;
	size_t n;
	size_t cap;
};

#define DS_BUF_NULL ((struct ds_buf){ NULL, 0, 0 })

/* Free; may run twice. */
void ds_buf_done(struct ds_buf *buf);
/* Hand the content over: the source becomes empty. */
struct ds_buf ds_buf_steal(struct ds_buf *buf);
/* All appenders: 0 or -ENOMEM, and the buffer is unchanged on failure. */
DS_MUST int ds_buf_reserve(struct ds_buf *buf, size_t extra);
DS_MUST int ds_buf_add(struct ds_buf *buf, const void *p, size_t n);
DS_MUST int ds_buf_add_span(struct ds_buf *buf, struct ds_span s);
DS_MUST int ds_buf_add_u8(struct ds_buf *buf, uint8_t v);
DS_MUST int ds_buf_add_u16le(struct ds_buf *buf, uint16_t v);
DS_MUST int ds_buf_add_u32le(struct ds_buf *buf, uint32_t v);
DS_MUST int ds_buf_add_u64le(struct ds_buf *buf, uint64_t v);
DS_MUST int ds_buf_add_zero(struct ds_buf *buf, size_t n);
DS_MUST int ds_buf_addf(struct ds_buf *buf, const char *fmt, ...) DS_PRINTF(2, 3);
/* NUL-terminate without counting the NUL in n; returns "" on an empty buffer, NULL on -ENOMEM. */
const char *ds_buf_cstr(struct ds_buf *buf);

static inline struct ds_span ds_buf_span(const struct ds_buf *buf)
{
	return (struct ds_span){ buf->p, buf->n };
}

/* Cleanup attributes for locals. */
static inline void ds_cleanup_free(void *pp)
{
	free(*(void **)pp);
}

static inline void ds_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ds_cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define DS_FREE DS_CLEANUP(ds_cleanup_free)
#define DS_FD   DS_CLEANUP(ds_cleanup_fd)
#define DS_FILE DS_CLEANUP(ds_cleanup_file)
#define DS_BUF  DS_CLEANUP(ds_buf_done)

/*
 * What went wrong, for people: filled at boundaries, allocation-free. domain is a string literal naming the module
 * ("quote", "hostinput"); offset is the byte position in the input, or 0. Peer-supplied text is escaped by ds_err_set().
 */
struct ds_err {
	int code; /* negative errno */
	const char *domain;
	size_t offset;
	char msg[160];
};

#define DS_ERR_NULL ((struct ds_err){ 0, "", 0, "" })

/* Fill err (may be NULL) and return code, so that callers write: return ds_err_set(err, -EBADMSG, ...). */
int ds_err_set(struct ds_err *err, int code, const char *domain, size_t offset, const char *fmt, ...)
	DS_PRINTF(5, 6);

#endif
