// SPDX-License-Identifier: Apache-2.0
/* ClientHello and platform host names, see ds/wire/clienthello.h. */
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/wire/clienthello.h>

#define RECORD_HANDSHAKE 0x16 /* RFC 8446 5.1 */
#define RECORD_MAX	 16384u
#define HS_CLIENT_HELLO	 1 /* RFC 8446 4 */
#define EXT_SERVER_NAME	 0 /* RFC 6066 3 */
#define NAME_TYPE_HOST	 0

static int bad(struct ds_err *err, size_t offset, const char *what)
{
	return ds_err_set(err, -EBADMSG, "clienthello", offset, "%s", what);
}

int ds_host_normalize(struct ds_span in, char ret_host[DS_HOST_MAX + 1])
{
	char host[DS_HOST_MAX + 1];
	size_t label = 0;

	if (!in.n || in.n > DS_HOST_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c == '.') {
			if (!label)
				return -EBADMSG;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
			   c == '_') {
			if (++label > DS_LABEL_MAX)
				return -EBADMSG;
		} else {
			return -EBADMSG;
		}
		host[i] = (char)c;
	}
	if (!label)
		return -EBADMSG;
	host[in.n] = '\0';
	memcpy(ret_host, host, in.n + 1);
	return 0;
}

/* ServerNameList: one host name; names of other types (none exist) are opaque and stepped over. */
static int parse_server_name(struct ds_rd ext, char host[DS_HOST_MAX + 1], bool *ret_found,
			     struct ds_err *err)
{
	struct ds_rd list;
	uint16_t n;
	bool found = false;

	if (ds_rd_u16be(&ext, &n) || ds_rd_block(&ext, n, &list) || ds_rd_end(&ext) || !n)
		return bad(err, 0, "server_name list has a wrong length");
	while (ds_rd_left(&list)) {
		struct ds_span name;
		uint8_t type;

		if (ds_rd_u8(&list, &type) || ds_rd_u16be(&list, &n) || ds_rd_span(&list, n, &name))
			return bad(err, 0, "server_name entry is cut off");
		if (type != NAME_TYPE_HOST)
			continue;
		if (found)
			return bad(err, 0, "two host names in one hello");
		if (ds_host_normalize(name, host)) {
			char text[64];

			return ds_err_set(err, -EBADMSG, "clienthello", 0,
					  "host name \"%s\" (%zu bytes) is not letters, digits, "
					  "'-', '_' in labels of 1-63",
					  ds_escape(name, text, sizeof(text)), name.n);
		}
		found = true;
	}
	*ret_found = found;
	return 0;
}

static int parse_extensions(struct ds_rd rd, char host[DS_HOST_MAX + 1], bool *ret_found,
			    struct ds_err *err)
{
	bool seen = false;

	while (ds_rd_left(&rd)) {
		struct ds_rd ext;
		uint16_t type, n;

		if (ds_rd_u16be(&rd, &type) || ds_rd_u16be(&rd, &n) || ds_rd_block(&rd, n, &ext))
			return bad(err, ds_rd_pos(&rd), "extension is cut off");
		if (type != EXT_SERVER_NAME)
			continue;
		if (seen)
			return bad(err, ds_rd_pos(&rd), "two server_name extensions");
		seen = true;
		DS_TRY(parse_server_name(ext, host, ret_found, err));
	}
	return 0;
}

/* The body of the handshake message, RFC 8446 4.1.2. */
static int parse_body(struct ds_rd rd, char host[DS_HOST_MAX + 1], struct ds_err *err)
{
	struct ds_rd ext;
	bool found = false;
	uint16_t version, n;
	uint8_t b;

	if (ds_rd_u16be(&rd, &version) || version >> 8 != 3)
		return bad(err, ds_rd_pos(&rd), "legacy_version is not 3.x");
	if (ds_rd_skip(&rd, 32))
		return bad(err, ds_rd_pos(&rd), "random is cut off");
	if (ds_rd_u8(&rd, &b) || b > 32 || ds_rd_skip(&rd, b))
		return bad(err, ds_rd_pos(&rd), "session id is longer than 32 or cut off");
	if (ds_rd_u16be(&rd, &n) || n < 2 || n % 2 || ds_rd_skip(&rd, n))
		return bad(err, ds_rd_pos(&rd), "cipher suites have a wrong length");
	if (ds_rd_u8(&rd, &b) || !b || ds_rd_skip(&rd, b))
		return bad(err, ds_rd_pos(&rd), "compression methods have a wrong length");
	if (!ds_rd_left(&rd))
		return DS_HELLO_E_NO_NAME;
	if (ds_rd_u16be(&rd, &n) || ds_rd_block(&rd, n, &ext) || ds_rd_end(&rd))
		return bad(err, ds_rd_pos(&rd), "extensions have a wrong length");
	DS_TRY(parse_extensions(ext, host, &found, err));
	return found ? 0 : DS_HELLO_E_NO_NAME;
}

/* The handshake message that the records carry, as far as it has come. */
struct joined {
	uint8_t p[DS_MAX_CLIENT_HELLO];
	size_t n;
	size_t total; /* with its header; 0: not known yet */
};

/* Take what one record (or its received part) carries. */
static int join(struct joined *j, struct ds_span frag, size_t offset, struct ds_err *err)
{
	if (frag.n > sizeof(j->p) - j->n)
		return ds_err_set(err, -EFBIG, "clienthello", offset,
				  "hello has more than %zu bytes", sizeof(j->p));
	if (frag.n)
		memcpy(j->p + j->n, frag.p, frag.n);
	j->n += frag.n;
	if (j->n && j->p[0] != HS_CLIENT_HELLO)
		return DS_HELLO_E_NOT_TLS;
	if (j->n < 4)
		return 0;
	j->total = 4 + ((size_t)j->p[1] << 16 | (size_t)j->p[2] << 8 | j->p[3]);
	if (j->total > sizeof(j->p))
		return ds_err_set(err, -EFBIG, "clienthello", offset,
				  "hello has %zu bytes, at most %zu are taken", j->total,
				  sizeof(j->p));
	if (j->n > j->total)
		return bad(err, offset, "another message follows the hello in its record");
	return 0;
}

/*
 * A record header, which may be incomplete. DS_HELLO_E_MORE, DS_HELLO_E_NOT_TLS, -EBADMSG, or 0
 * and the length.
 */
static int record_header(struct ds_span in, size_t at, size_t *ret_n, struct ds_err *err)
{
	size_t left = in.n - at, n;

	if (left >= 1 && in.p[at] != RECORD_HANDSHAKE)
		return at ? bad(err, at, "another record interrupts the hello")
			  : DS_HELLO_E_NOT_TLS;
	if (left >= 2 && in.p[at + 1] != 3)
		return at ? bad(err, at, "record version is not 3.x") : DS_HELLO_E_NOT_TLS;
	if (left < 5)
		return DS_HELLO_E_MORE;
	n = (size_t)in.p[at + 3] << 8 | in.p[at + 4];
	if (!n || n > RECORD_MAX)
		return bad(err, at, "record is empty or longer than 16384 bytes");
	*ret_n = n;
	return 0;
}

int ds_hello_scan(struct ds_span in, char ret_host[DS_HOST_MAX + 1], size_t *ret_need,
		  struct ds_err *err)
{
	struct joined j;
	char host[DS_HOST_MAX + 1];
	size_t at = 0;

	j.n = j.total = 0;
	for (int records = 0;; records++) {
		size_t n = 0, have;
		int r;

		if (records == DS_HELLO_RECORDS)
			return ds_err_set(err, -EFBIG, "clienthello", at,
					  "hello in more than %d records", records);
		r = record_header(in, at, &n, err);
		if (r == DS_HELLO_E_MORE)
			*ret_need = at + 5;
		if (r)
			return r;
		have = in.n - at - 5 < n ? in.n - at - 5 : n;
		DS_TRY(join(&j, DS_SPAN(in.p + at + 5, have), at, err));
		if (j.total && j.n == j.total && have == n)
			break;
		if (have < n) {
			*ret_need = at + 5 + n;
			return DS_HELLO_E_MORE;
		}
		at += 5 + n;
	}
	DS_TRY(parse_body(ds_rd_init(DS_SPAN(j.p + 4, j.n - 4)), host, err));
	memcpy(ret_host, host, strlen(host) + 1);
	return 0;
}

/* The second part of a label: "", "8080", "s", "8443s", "g", "50051g". */
static int parse_port(const char *s, size_t n, struct ds_route *route)
{
	uint64_t port;

	route->mode = DS_ROUTE_TERMINATE;
	if (n && s[n - 1] == 'g') {
		route->mode = DS_ROUTE_TERMINATE_GRPC;
		n--;
	}
	if (n && s[n - 1] == 's') {
		if (route->mode == DS_ROUTE_TERMINATE_GRPC)
			return -EBADMSG;
		route->mode = DS_ROUTE_PASSTHROUGH;
		n--;
	}
	port = route->mode == DS_ROUTE_PASSTHROUGH ? 443 : 80;
	if (n)
		DS_TRY(ds_parse_u64(s, n, UINT16_MAX, &port));
	if (!port)
		return -EBADMSG;
	route->port = (uint16_t)port;
	return 0;
}

int ds_route_parse(const char *host, const char *base, struct ds_route *ret, struct ds_err *err)
{
	const char *dot = strchr(host, '.'), *dash;
	struct ds_route route = { .mode = DS_ROUTE_TERMINATE, .port = 80 };
	size_t n, id_n;

	if (!dot || strcmp(dot + 1, base) != 0)
		return DS_ROUTE_E_FOREIGN;
	n = (size_t)(dot - host);
	dash = memchr(host, '-', n);
	id_n = dash ? (size_t)(dash - host) : n;
	if (!id_n || id_n > DS_LABEL_MAX)
		return ds_err_set(err, -EBADMSG, "route", 0,
				  "no id in front of the first '-' of \"%.*s\"", (int)n, host);
	if (dash && parse_port(dash + 1, n - id_n - 1, &route))
		return ds_err_set(err, -EBADMSG, "route", id_n + 1,
				  "\"%.*s\" is not ID, ID-[PORT], ID-[PORT]s or ID-[PORT]g with a "
				  "port of 1-65535",
				  (int)n, host);
	memcpy(route.id, host, id_n);
	route.id[id_n] = '\0';
	*ret = route;
	return 0;
}
