// SPDX-License-Identifier: Apache-2.0
/* Buffers and errors, see ds/base/base.h. */
#include <stdarg.h>

#include <ds/base/base.h>
#include <ds/base/rd.h>
#include <ds/base/text.h>

bool ds_ct_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t acc = 0;

	for (size_t i = 0; i < n; i++)
		acc |= x[i] ^ y[i];
	return acc == 0;
}

void ds_buf_done(struct ds_buf *buf)
{
	free(buf->p);
	*buf = DS_BUF_NULL;
}

struct ds_buf ds_buf_steal(struct ds_buf *buf)
{
	struct ds_buf taken = *buf;

	*buf = DS_BUF_NULL;
	return taken;
}

int ds_buf_reserve(struct ds_buf *buf, size_t extra)
{
	size_t want, cap = buf->cap ? buf->cap : 64;
	uint8_t *p;

	if (__builtin_add_overflow(buf->n, extra, &want))
		return -ENOMEM;
	if (want <= buf->cap)
		return 0;
	while (cap < want)
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return -ENOMEM;
	p = realloc(buf->p, cap);
	if (!p)
		return -ENOMEM;
	buf->p = p;
	buf->cap = cap;
	return 0;
}

int ds_buf_add(struct ds_buf *buf, const void *p, size_t n)
{
	if (!n)
		return 0;
	DS_TRY(ds_buf_reserve(buf, n));
	memcpy(buf->p + buf->n, p, n);
	buf->n += n;
	return 0;
}

int ds_buf_add_span(struct ds_buf *buf, struct ds_span s)
{
	return ds_buf_add(buf, s.p, s.n);
}

int ds_buf_add_u8(struct ds_buf *buf, uint8_t v)
{
	return ds_buf_add(buf, &v, 1);
}

int ds_buf_add_u16le(struct ds_buf *buf, uint16_t v)
{
	uint8_t b[2];

	ds_put_u16le(b, v);
	return ds_buf_add(buf, b, sizeof(b));
}

int ds_buf_add_u32le(struct ds_buf *buf, uint32_t v)
{
	uint8_t b[4];

	ds_put_u32le(b, v);
	return ds_buf_add(buf, b, sizeof(b));
}

int ds_buf_add_u64le(struct ds_buf *buf, uint64_t v)
{
	uint8_t b[8];

	ds_put_u64le(b, v);
	return ds_buf_add(buf, b, sizeof(b));
}

int ds_buf_add_zero(struct ds_buf *buf, size_t n)
{
	if (!n)
		return 0;
	DS_TRY(ds_buf_reserve(buf, n));
	memset(buf->p + buf->n, 0, n);
	buf->n += n;
	return 0;
}

int ds_buf_addf(struct ds_buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	int n, r = 0;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		r = -EINVAL;
	else
		r = ds_buf_reserve(buf, (size_t)n + 1);
	if (!r) {
		vsnprintf((char *)buf->p + buf->n, (size_t)n + 1, fmt, again);
		buf->n += (size_t)n;
	}
	va_end(again);
	return r;
}

const char *ds_buf_cstr(struct ds_buf *buf)
{
	if (ds_buf_reserve(buf, 1))
		return NULL;
	buf->p[buf->n] = '\0';
	return (const char *)buf->p;
}

int ds_err_set(struct ds_err *err, int code, const char *domain, size_t offset, const char *fmt, ...)
{
	char raw[sizeof(err->msg)];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err->code = code;
	err->domain = domain;
	err->offset = offset;
	ds_escape(DS_SPAN_STR(raw), err->msg, sizeof(err->msg));
	return code;
}
