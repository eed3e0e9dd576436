// SPDX-License-Identifier: Apache-2.0
/* Hex, base64, time and escaping, see ds/base/text.h. */
#include <time.h>

#include <ds/base/text.h>

/* Branch-free nibble coding: the tables of the usual versions leak through the cache. */
static char hex_digit(unsigned int v)
{
	return (char)(v + '0' + ((9u - v) >> 8 & ('a' - '0' - 10u)));
}

/* All ones when lo <= v <= hi (v below 256), else 0: the subtractions borrow into bit 31 when out of range. */
static unsigned int in_range(unsigned int v, unsigned int lo, unsigned int hi)
{
	return (((v - lo) | (hi - v)) >> 31) - 1u;
}

/* 0..15, or a value with bit 8 set for a non-digit. */
static unsigned int hex_value(unsigned int c)
{
	unsigned int num = in_range(c, '0', '9'), up = in_range(c, 'A', 'F'), low = in_range(c, 'a', 'f');

	return (num & (c - '0')) | (up & (c - 'A' + 10)) | (low & (c - 'a' + 10)) |
	       (~(num | up | low) & 0x100);
}

char *ds_hex_encode(const void *p, size_t n, char *out)
{
	const uint8_t *in = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digit(in[i] >> 4);
		out[2 * i + 1] = hex_digit(in[i] & 15);
	}
	out[2 * n] = '\0';
	return out;
}

int ds_buf_add_hex(struct ds_buf *buf, struct ds_span s)
{
	size_t need;

	if (__builtin_mul_overflow(s.n, (size_t)2, &need) || __builtin_add_overflow(need, (size_t)1, &need))
		return -ENOMEM;
	DS_TRY(ds_buf_reserve(buf, need));
	ds_hex_encode(s.p, s.n, (char *)buf->p + buf->n);
	buf->n += 2 * s.n;
	return 0;
}

int ds_hex_decode(const char *s, size_t len, void *out, size_t cap)
{
	uint8_t *o = out;
	unsigned int bad = 0;

	if (len % 2)
		return -EBADMSG;
	if (len / 2 > cap)
		return -EFBIG;
	for (size_t i = 0; i < len / 2; i++) {
		unsigned int hi = hex_value((uint8_t)s[2 * i]), lo = hex_value((uint8_t)s[2 * i + 1]);

		bad |= hi | lo;
		o[i] = (uint8_t)(hi << 4 | (lo & 15));
	}
	return bad & 0x100 ? -EBADMSG : 0;
}

int ds_hex_decode_exact(const char *s, void *out, size_t want)
{
	size_t len = strlen(s);

	if (len != 2 * want)
		return -EBADMSG;
	return ds_hex_decode(s, len, out, want);
}

int ds_hex_decode_buf(const char *s, size_t len, size_t max, struct ds_buf *ret)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	if (len / 2 > max)
		return -EFBIG;
	DS_TRY(ds_buf_reserve(&b, len / 2 + 1));
	DS_TRY(ds_hex_decode(s, len, b.p, len / 2));
	b.n = len / 2;
	*ret = ds_buf_steal(&b);
	return 0;
}

static char b64_digit(unsigned int v)
{
	unsigned int c = 0;

	c |= in_range(v, 0, 25) & (v + 'A');
	c |= in_range(v, 26, 51) & (v - 26 + 'a');
	c |= in_range(v, 52, 61) & (v - 52 + '0');
	c |= in_range(v, 62, 62) & '+';
	c |= in_range(v, 63, 63) & '/';
	return (char)c;
}

static unsigned int b64_value(unsigned int c)
{
	unsigned int ok = in_range(c, 'A', 'Z') | in_range(c, 'a', 'z') | in_range(c, '0', '9') |
			  in_range(c, '+', '+') | in_range(c, '/', '/');

	return (in_range(c, 'A', 'Z') & (c - 'A')) | (in_range(c, 'a', 'z') & (c - 'a' + 26)) |
	       (in_range(c, '0', '9') & (c - '0' + 52)) | (in_range(c, '+', '+') & 62) |
	       (in_range(c, '/', '/') & 63) | (~ok & 0x100);
}

char *ds_b64_encode(const void *p, size_t n, char *out)
{
	const uint8_t *in = p;
	char *o = out;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		unsigned int v = (unsigned int)in[i] << 16 | (have > 1 ? (unsigned int)in[i + 1] << 8 : 0) |
				 (have > 2 ? in[i + 2] : 0u);

		*o++ = b64_digit(v >> 18);
		*o++ = b64_digit(v >> 12 & 63);
		*o++ = have > 1 ? b64_digit(v >> 6 & 63) : '=';
		*o++ = have > 2 ? b64_digit(v & 63) : '=';
	}
	*o = '\0';
	return out;
}

int ds_b64_decode(const char *s, size_t len, void *out, size_t cap, size_t *ret_n)
{
	size_t pad = 0, n;
	uint8_t *o = out;
	unsigned int bad = 0;

	if (len % 4)
		return -EBADMSG;
	if (len)
		pad = s[len - 1] != '=' ? 0 : s[len - 2] != '=' ? 1 : 2;
	n = len / 4 * 3 - pad;
	if (n > cap)
		return -EFBIG;
	for (size_t i = 0; i < len; i += 4) {
		size_t drop = i + 4 == len ? pad : 0;
		unsigned int v = 0;

		for (size_t k = 0; k < 4; k++) {
			unsigned int d = k < 4 - drop ? b64_value((uint8_t)s[i + k]) : 0;

			bad |= d;
			v = v << 6 | (d & 63);
		}
		bad |= drop && v & ((1u << 8 * drop) - 1) ? 0x100 : 0;
		for (size_t k = 0; k < 3 - drop; k++)
			*o++ = (uint8_t)(v >> (16 - 8 * k));
	}
	if (bad & 0x100)
		return -EBADMSG;
	*ret_n = n;
	return 0;
}

static int digits(const char *s, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EBADMSG;
		v = v * 10 + (s[i] - '0');
	}
	*ret = v;
	return 0;
}

int ds_time_parse_rfc3339(const char *s, size_t len, int64_t *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	struct tm tm = { 0 }, back;
	time_t t;

	if (len != sizeof(form) - 1)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		if (form[i] != 'd' && form[i] != s[i])
			return -EBADMSG;
	DS_TRY(digits(s, 4, &tm.tm_year));
	DS_TRY(digits(s + 5, 2, &tm.tm_mon));
	DS_TRY(digits(s + 8, 2, &tm.tm_mday));
	DS_TRY(digits(s + 11, 2, &tm.tm_hour));
	DS_TRY(digits(s + 14, 2, &tm.tm_min));
	DS_TRY(digits(s + 17, 2, &tm.tm_sec));
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (tm.tm_year < 70)
		return -EBADMSG;
	back = tm;
	t = timegm(&back);
	/* timegm() normalises 31 June to 1 July: an impossible date must not pass */
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday || back.tm_hour != tm.tm_hour ||
	    back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return -EBADMSG;
	*ret = t;
	return 0;
}

char *ds_time_format_rfc3339(int64_t t, char out[DS_TIME_SIZE])
{
	time_t tt = t;
	struct tm tm;

	if (!gmtime_r(&tt, &tm) || !strftime(out, DS_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, DS_TIME_SIZE, "@%lld", (long long)t);
	return out;
}

int ds_parse_u64(const char *s, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!len)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v) || v > max)
			return -EBADMSG;
	}
	*ret = v;
	return 0;
}

char *ds_escape(struct ds_span s, char *out, size_t cap)
{
	size_t o = 0;

	if (!cap)
		return out;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool plain = c >= 0x20 && c < 0x7f && c != '\\';
		size_t need = plain ? 1 : 4;
		bool last = i + 1 == s.n;

		if (o + need + (last ? 0 : 3) > cap - 1) {
			for (int k = 0; k < 3 && o < cap - 1; k++)
				out[o++] = '.';
			break;
		}
		if (plain)
			out[o++] = (char)c;
		else
			o += (size_t)sprintf(out + o, "\\x%02x", c);
	}
	out[o] = '\0';
	return out;
}
