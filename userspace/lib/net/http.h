/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 message heads, both directions, without I/O. Strict on purpose: CRLF only, no folding,
 * one Content-Length (which we always send, as spec/guest-api 1.4 wants it), so that there is one
 * way to read a message. Replies may be in chunks: a proxy in front of the server may make them so.
 * Results point into the input.
 */
#ifndef DS_LIB_NET_HTTP_H
#define DS_LIB_NET_HTTP_H

#include <ds/base/base.h>

#define DS_HTTP_MAX_HEAD   (16u << 10)
#define DS_HTTP_MAX_FIELDS 100u
#define DS_HTTP_MAX_TARGET (8u << 10)

/* The head is not complete yet. */
#define DS_HTTP_E_MORE 1

struct ds_http_head {
	size_t head_len;	     /* up to and with the empty line */
	struct ds_span method;	     /* requests */
	struct ds_span path, query;  /* requests; path begins with '/'; query.p NULL without '?' */
	int status;		     /* responses */
	struct ds_span content_type; /* the first one */
	bool has_length;
	uint64_t length;
	bool coded;   /* Transfer-Encoding is present: whose caller cannot read it refuses */
	bool chunked; /* it is "chunked" and nothing else */
	bool expect_continue;
};

DS_MUST int ds_http_request(struct ds_span in, struct ds_http_head *ret, struct ds_err *err);
DS_MUST int ds_http_response(struct ds_span in, struct ds_http_head *ret, struct ds_err *err);

/*
 * The line in front of a chunk of *ret_size bytes; of every chunk but the first with the line end of
 * the one before it. 0: the last one, whose own end was there too. Neither extensions nor trailers.
 * DS_HTTP_E_MORE, -EBADMSG; more than DS_HTTP_MAX_CHUNK_HEAD bytes are not looked at.
 */
#define DS_HTTP_MAX_CHUNK_HEAD 14u
DS_MUST int ds_http_chunk(struct ds_span in, bool first, size_t *ret_size, size_t *ret_used,
			  struct ds_err *err);

/* Percent-decoding to a new NUL-terminated string; control characters are refused. plus: '+' is a
 * blank (queries). */
DS_MUST int ds_http_unescape(struct ds_span in, bool plus, char **ret);

struct ds_url {
	bool tls;
	char *unix_path; /* unix:SOCKET:/PATH; else NULL */
	char *host;	 /* without brackets */
	uint16_t port;
	char *target; /* path and query, begins with '/' */
};
DS_MUST int ds_url_parse(const char *s, struct ds_url *ret, struct ds_err *err);
void ds_url_done(struct ds_url *url);

#endif
