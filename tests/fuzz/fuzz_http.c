// SPDX-License-Identifier: Apache-2.0
/*
 * Message heads, chunks, targets and URLs. A head that parses must parse alike with bytes behind it, and
 * ask for more at every shorter length: nobody may see another message than we do.
 */
#include <stdlib.h>

#include "../../userspace/lib/net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void request(struct ds_span in)
{
	struct ds_http_head h, again;
	struct ds_err err;
	DS_FREE char *path = NULL;

	if (ds_http_request(in, &h, &err))
		return;
	if (!h.head_len || h.head_len > in.n || h.head_len > DS_HTTP_MAX_HEAD || !h.path.n ||
	    h.path.p[0] != '/')
		abort();
	if (ds_http_request(DS_SPAN(in.p, h.head_len), &again, &err) || again.length != h.length ||
	    !ds_span_eq(again.path, h.path))
		abort();
	if (ds_http_request(DS_SPAN(in.p, h.head_len - 1), &again, &err) != DS_HTTP_E_MORE)
		abort();
	if (!ds_http_unescape(h.path, false, &path) && strlen(path) > h.path.n)
		abort();
}

/* A body in chunks to its end, or to where it is none: whole or byte for byte, it is the same. */
static void chunks(struct ds_span in)
{
	size_t size, used, again, at = 0;
	bool first = true;
	struct ds_err err;

	while (!ds_http_chunk(DS_SPAN(in.p + at, in.n - at), first, &size, &used, &err)) {
		if (!used || used > DS_HTTP_MAX_CHUNK_HEAD || used > in.n - at || size > UINT32_MAX)
			abort();
		for (size_t k = 0; k < used; k++)
			if (ds_http_chunk(DS_SPAN(in.p + at, k), first, &again, &again, &err) !=
			    DS_HTTP_E_MORE)
				abort();
		at += used;
		if (!size || size > in.n - at)
			return;
		at += size;
		first = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_http_head h;
	struct ds_err err;
	struct ds_url url;
	DS_FREE char *text = NULL;

	if (!n)
		return 0;
	switch (p[0] & 3) {
	case 0:
		request(DS_SPAN(p + 1, n - 1));
		break;
	case 1:
		chunks(DS_SPAN(p + 1, n - 1));
		break;
	case 2:
		if (!ds_http_response(DS_SPAN(p + 1, n - 1), &h, &err) &&
		    (h.status < 100 || h.status > 599))
			abort();
		break;
	default:
		text = strndup((const char *)p + 1, n - 1);
		if (text && !ds_url_parse(text, &url, &err)) {
			if (url.target[0] != '/' || strpbrk(url.host, "\r\n \t/@"))
				abort();
			ds_url_done(&url);
		}
	}
	return 0;
}
