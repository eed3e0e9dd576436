// SPDX-License-Identifier: Apache-2.0
/* Message heads and URLs (RFC 9112, RFC 3986), pure. */
#include "http.h"

#include <arpa/inet.h>
#include <strings.h>
#include <sys/un.h>
#include <ds/base/text.h>

#define DOM "http"

static bool is_token(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool span_is(struct ds_span s, const char *lower)
{
	return s.n == strlen(lower) && !strncasecmp((const char *)s.p, lower, s.n);
}

static struct ds_span trim(struct ds_span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* The next line without its CRLF; DS_HTTP_E_MORE when it is not complete. */
static int next_line(struct ds_span in, size_t *pos, struct ds_span *ret, struct ds_err *err)
{
	const uint8_t *start = in.p + *pos;
	const uint8_t *nl = memchr(start, '\n', in.n - *pos);
	size_t n;

	if (!nl) {
		if (in.n >= DS_HTTP_MAX_HEAD)
			return ds_err_set(err, -EFBIG, DOM, in.n,
					  "message head is longer than %u bytes", DS_HTTP_MAX_HEAD);
		return DS_HTTP_E_MORE;
	}
	n = (size_t)(nl - start);
	if (*pos + n + 1 > DS_HTTP_MAX_HEAD)
		return ds_err_set(err, -EFBIG, DOM, in.n, "message head is longer than %u bytes",
				  DS_HTTP_MAX_HEAD);
	if (!n || start[n - 1] != '\r')
		return ds_err_set(err, -EBADMSG, DOM, *pos, "line does not end in CR LF");
	*ret = DS_SPAN(start, n - 1);
	*pos += n + 1;
	for (size_t i = 0; i < ret->n; i++)
		if ((ret->p[i] < 0x20 && ret->p[i] != '\t') || ret->p[i] == 0x7f)
			return ds_err_set(err, -EBADMSG, DOM, (size_t)(ret->p - in.p) + i,
					  "control character 0x%02x in a header", ret->p[i]);
	return 0;
}

static int field(struct ds_span line, struct ds_http_head *head, size_t at, struct ds_err *err)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	struct ds_span name, value;
	uint64_t length;

	if (!colon || colon == line.p)
		return ds_err_set(err, -EBADMSG, DOM, at, "header line without a name");
	name = DS_SPAN(line.p, (size_t)(colon - line.p));
	value = trim(DS_SPAN(colon + 1, line.n - name.n - 1));
	for (size_t i = 0; i < name.n; i++)
		if (!is_token(name.p[i]))
			return ds_err_set(err, -EBADMSG, DOM, at + i,
					  "bad character 0x%02x in a header name", name.p[i]);
	if (span_is(name, "content-length")) {
		if (ds_parse_u64((const char *)value.p, value.n, UINT64_MAX / 2, &length))
			return ds_err_set(err, -EBADMSG, DOM, at, "invalid content length");
		if (head->has_length && head->length != length)
			return ds_err_set(err, -EBADMSG, DOM, at, "two different content lengths");
		head->has_length = true;
		head->length = length;
	} else if (span_is(name, "transfer-encoding")) {
		head->chunked = !head->coded && span_is(value, "chunked");
		head->coded = true;
	} else if (span_is(name, "content-type")) {
		/* a second one is seen in the wild (spec/guest-api 1.4) and says the same */
		if (!head->content_type.p)
			head->content_type = value;
	} else if (span_is(name, "expect")) {
		head->expect_continue = span_is(value, "100-continue");
	}
	return 0;
}

static int fields(struct ds_span in, size_t *pos, struct ds_http_head *head, struct ds_err *err)
{
	struct ds_span line;

	for (unsigned n = 0; n <= DS_HTTP_MAX_FIELDS; n++) {
		size_t at = *pos;

		DS_TRY(next_line(in, pos, &line, err));
		if (!line.n) {
			head->head_len = *pos;
			return 0;
		}
		DS_TRY(field(line, head, at, err));
	}
	return ds_err_set(err, -EFBIG, DOM, *pos, "more than %u header lines", DS_HTTP_MAX_FIELDS);
}

/* Origin form, or absolute form cut down to it: what follows "http://host". */
static int target(struct ds_span t, struct ds_http_head *head, struct ds_err *err)
{
	const uint8_t *p;

	if (t.n > DS_HTTP_MAX_TARGET)
		return ds_err_set(err, -EFBIG, DOM, 0, "request target is longer than %u bytes",
				  DS_HTTP_MAX_TARGET);
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= 0x20 || t.p[i] >= 0x7f)
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "bad character in the request target");
	if (t.n > 7 && !strncasecmp((const char *)t.p, "http://", 7)) {
		p = memchr(t.p + 7, '/', t.n - 7);
		t = p ? DS_SPAN(p, t.n - (size_t)(p - t.p)) : DS_SPAN_LIT("/");
	}
	if (!t.n || t.p[0] != '/')
		return ds_err_set(err, -EBADMSG, DOM, 0, "request target does not begin with '/'");
	p = memchr(t.p, '#', t.n);
	if (p)
		return ds_err_set(err, -EBADMSG, DOM, 0, "fragment in the request target");
	p = memchr(t.p, '?', t.n);
	head->path = p ? DS_SPAN(t.p, (size_t)(p - t.p)) : t;
	head->query = p ? DS_SPAN(p + 1, t.n - head->path.n - 1) : DS_SPAN_NULL;
	return 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int line_end(struct ds_span in, size_t *pos)
{
	for (int i = 0; i < 2; i++, (*pos)++) {
		if (*pos >= in.n)
			return DS_HTTP_E_MORE;
		if (in.p[*pos] != (uint8_t)"\r\n"[i])
			return -EBADMSG;
	}
	return 0;
}

static int chunk(struct ds_span in, bool first, size_t *ret_size, size_t *pos)
{
	size_t start;

	if (!first)
		DS_TRY(line_end(in, pos));
	*ret_size = 0;
	for (start = *pos; *pos < in.n && hex_digit(in.p[*pos]) >= 0; (*pos)++) {
		if (*pos - start == 8)
			return -EBADMSG;
		*ret_size = *ret_size << 4 | (size_t)hex_digit(in.p[*pos]);
	}
	if (*pos == start && *pos < in.n)
		return -EBADMSG;
	DS_TRY(line_end(in, pos));
	return *ret_size ? 0 : line_end(in, pos);
}

int ds_http_chunk(struct ds_span in, bool first, size_t *ret_size, size_t *ret_used,
		  struct ds_err *err)
{
	size_t size, pos = 0;
	int r = chunk(in, first, &size, &pos);

	if (r == -EBADMSG)
		return ds_err_set(err, r, DOM, pos,
				  "chunk: expected its length in up to 8 hex digits and CR LF");
	if (r)
		return r;
	*ret_size = size;
	*ret_used = pos;
	return 0;
}

int ds_http_request(struct ds_span in, struct ds_http_head *ret, struct ds_err *err)
{
	struct ds_http_head head = { 0 };
	struct ds_span line;
	const uint8_t *sp1, *sp2;
	size_t pos = 0;

	DS_TRY(next_line(in, &pos, &line, err));
	sp1 = memchr(line.p, ' ', line.n);
	sp2 = sp1 ? memchr(sp1 + 1, ' ', line.n - (size_t)(sp1 + 1 - line.p)) : NULL;
	if (!sp2)
		return ds_err_set(err, -EBADMSG, DOM, 0, "not an HTTP request line");
	head.method = DS_SPAN(line.p, (size_t)(sp1 - line.p));
	for (size_t i = 0; i < head.method.n; i++)
		if (!is_token(head.method.p[i]))
			return ds_err_set(err, -EBADMSG, DOM, i, "not an HTTP request line");
	if (!head.method.n || head.method.n > 15)
		return ds_err_set(err, -EBADMSG, DOM, 0, "not an HTTP request line");
	DS_TRY(target(DS_SPAN(sp1 + 1, (size_t)(sp2 - sp1 - 1)), &head, err));
	line = DS_SPAN(sp2 + 1, line.n - (size_t)(sp2 + 1 - line.p));
	if (!ds_span_eq(line, DS_SPAN_LIT("HTTP/1.1")) &&
	    !ds_span_eq(line, DS_SPAN_LIT("HTTP/1.0")))
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected HTTP/1.1");
	DS_TRY(fields(in, &pos, &head, err));
	*ret = head;
	return 0;
}

int ds_http_response(struct ds_span in, struct ds_http_head *ret, struct ds_err *err)
{
	struct ds_http_head head = { 0 };
	struct ds_span line;
	uint64_t status;
	size_t pos = 0;

	DS_TRY(next_line(in, &pos, &line, err));
	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) || (line.p[7] != '0' && line.p[7] != '1') ||
	    line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ') ||
	    ds_parse_u64((const char *)line.p + 9, 3, 599, &status) || status < 100)
		return ds_err_set(err, -EBADMSG, DOM, 0, "not an HTTP/1.1 status line");
	head.status = (int)status;
	DS_TRY(fields(in, &pos, &head, err));
	*ret = head;
	return 0;
}

int ds_http_unescape(struct ds_span in, bool plus, char **ret)
{
	DS_FREE char *out = malloc(in.n + 1);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < in.n; i++) {
		int c = in.p[i];

		if (c == '%') {
			int hi = in.n - i > 2 ? hex_digit(in.p[i + 1]) : -1;
			int lo = in.n - i > 2 ? hex_digit(in.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return -EBADMSG;
			c = hi << 4 | lo;
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return -EBADMSG;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	*ret = out;
	out = NULL;
	return 0;
}

void ds_url_done(struct ds_url *url)
{
	free(url->unix_path);
	free(url->host);
	free(url->target);
	*url = (struct ds_url){ 0 };
}

static int url_unix(const char *s, struct ds_url *ret, struct ds_err *err)
{
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;

	if (!n || colon[1] != '/' || n >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected unix:SOCKET:/PATH, got unix:%s",
				  s);
	ret->unix_path = strndup(s, n);
	ret->host = strdup("localhost");
	ret->target = strdup(colon + 1);
	return ret->unix_path && ret->host && ret->target ? 0 : -ENOMEM;
}

static bool host_ok(const char *host, bool bracketed)
{
	struct in6_addr a6;

	if (bracketed)
		return inet_pton(AF_INET6, host, &a6) == 1;
	if (!*host || strlen(host) > 253)
		return false;
	for (const char *p = host; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '-' || *p == '.' || *p == '_'))
			return false;
	return true;
}

static int url_host(const char *s, size_t n, struct ds_url *ret, struct ds_err *err)
{
	bool bracketed = n && s[0] == '[';
	const char *end = bracketed ? memchr(s, ']', n) : memchr(s, ':', n);
	const char *after = end ? end + bracketed : s + n;
	uint64_t port;

	if (bracketed && !end)
		return ds_err_set(err, -EINVAL, DOM, 0, "URL: '[' without ']'");
	if (!end)
		end = s + n;
	ret->host = strndup(s + bracketed, (size_t)(end - s) - bracketed);
	if (!ret->host)
		return -ENOMEM;
	if (!host_ok(ret->host, bracketed))
		return ds_err_set(err, -EINVAL, DOM, 0, "URL: bad host '%s'", ret->host);
	if (after == s + n)
		return 0;
	if (*after != ':' || ds_parse_u64(after + 1, (size_t)(s + n - after - 1), 65535, &port) ||
	    !port)
		return ds_err_set(err, -EINVAL, DOM, 0, "URL: bad port");
	ret->port = (uint16_t)port;
	return 0;
}

static int url_fill(const char *s, struct ds_url *ret, struct ds_err *err)
{
	const char *rest, *slash;

	for (const char *p = s; *p; p++)
		if ((uint8_t)*p <= 0x20 || (uint8_t)*p >= 0x7f)
			return ds_err_set(err, -EINVAL, DOM, 0, "URL: bad character");
	if (!strncmp(s, "unix:", 5))
		return url_unix(s + 5, ret, err);
	if (!strncmp(s, "https://", 8))
		ret->tls = true;
	else if (strncmp(s, "http://", 7))
		return ds_err_set(err, -EINVAL, DOM, 0,
				  "URL: expected https://, http:// or unix:, got '%s'", s);
	rest = s + 7 + ret->tls;
	ret->port = ret->tls ? 443 : 80;
	slash = rest + strcspn(rest, "/?#");
	DS_TRY(url_host(rest, (size_t)(slash - rest), ret, err));
	if (*slash && *slash != '/')
		return ds_err_set(err, -EINVAL, DOM, 0, "URL: path does not begin with '/'");
	ret->target = strdup(*slash ? slash : "/");
	return ret->target ? 0 : -ENOMEM;
}

int ds_url_parse(const char *s, struct ds_url *ret, struct ds_err *err)
{
	struct ds_url url = { 0 };
	int r = url_fill(s, &url, err);

	if (r) {
		ds_url_done(&url);
		return r;
	}
	*ret = url;
	return 0;
}
