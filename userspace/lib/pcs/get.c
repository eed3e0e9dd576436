// SPDX-License-Identifier: Apache-2.0
/* One bounded HTTPS request by libcurl. */
#include <curl/curl.h>
#include <strings.h>

#include "pcs_int.h"

#define DOM "pcs"

struct transfer {
	struct ds_pcs_doc *doc;
	const char *const *names;
	size_t header_bytes;
	bool twice;
};

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	if (n > DS_PCS_MAX_BODY - t->doc->body.n || ds_buf_add(&t->doc->body, p, n))
		return CURL_WRITEFUNC_ERROR;
	return n;
}

/* The value behind "NAME:", without blanks around it. */
static bool field(struct ds_span line, const char *name, struct ds_span *ret)
{
	size_t n = strlen(name);

	if (line.n <= n || line.p[n] != ':' || strncasecmp((const char *)line.p, name, n))
		return false;
	line = DS_SPAN(line.p + n + 1, line.n - n - 1);
	while (line.n && strchr(" \t\r\n", line.p[line.n - 1]))
		line.n--;
	while (line.n && strchr(" \t", line.p[0]))
		line = DS_SPAN(line.p + 1, line.n - 1);
	*ret = line;
	return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct ds_span value;

	n *= size;
	t->header_bytes += n;
	if (t->header_bytes > 2 * DS_PCS_MAX_HEADER)
		return CURL_WRITEFUNC_ERROR;
	for (size_t i = 0; t->names && t->names[i]; i++) {
		if (!field(DS_SPAN(p, n), t->names[i], &value))
			continue;
		/* once under each of its names, and then they must agree */
		if (t->doc->chain.n) {
			t->twice = t->twice || !ds_span_eq(value, ds_buf_span(&t->doc->chain));
			break;
		}
		if (ds_buf_add_span(&t->doc->chain, value))
			return CURL_WRITEFUNC_ERROR;
	}
	return n;
}

int ds_get_init(struct ds_get *g)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	g->curl = curl_easy_init();
	return g->curl ? 0 : -ENOMEM;
}

void ds_get_done(struct ds_get *g)
{
	if (g->curl)
		curl_easy_cleanup(g->curl);
	g->curl = NULL;
}

static bool is_loopback(const char *host)
{
	return !strcmp(host, "127.0.0.1") || !strcmp(host, "[::1]") || !strcmp(host, "localhost");
}

static int judge_url(CURLU *u, const char *url, bool insecure_http, struct ds_err *err)
{
	char *scheme = NULL, *host = NULL, *other = NULL;
	const char *wrong = NULL;

	if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0))
		wrong = "not a URL";
	else if (!curl_url_get(u, CURLUPART_USER, &other, 0) ||
		 !curl_url_get(u, CURLUPART_PASSWORD, &other, 0) ||
		 !curl_url_get(u, CURLUPART_QUERY, &other, 0) ||
		 !curl_url_get(u, CURLUPART_FRAGMENT, &other, 0))
		wrong = "expected no user, query or fragment";
	else if (strcmp(scheme, "https") &&
		 !(insecure_http && !strcmp(scheme, "http") && is_loopback(host)))
		wrong = insecure_http ? "expected https, or http to a loopback address"
				      : "expected https";
	curl_free(scheme);
	curl_free(host);
	curl_free(other);
	return wrong ? ds_err_set(err, -EINVAL, DOM, 0, "%.100s: %s", url, wrong) : 0;
}

int ds_get_check_url(const char *url, bool insecure_http, struct ds_err *err)
{
	CURLU *u = curl_url();
	int r = u ? judge_url(u, url, insecure_http, err) : -ENOMEM;

	curl_url_cleanup(u);
	return r;
}

/* The one place that reads curl's codes. */
static int translate(CURLcode c)
{
	switch (c) {
	case CURLE_OK:
		return 0;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		return -EPERM;
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_WRITE_ERROR:
		return -EFBIG;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_WEIRD_SERVER_REPLY:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

static int check_status(const char *url, long status, struct ds_err *err)
{
	switch (status) {
	case 200:
		return 0;
	case 404:
		return ds_err_set(err, -ENOENT, DOM, 0, "%.100s: the service knows no such platform",
				  url);
	case 410:
		return ds_err_set(err, -ESTALE, DOM, 0,
				  "%.90s: this evaluation number is no longer served", url);
	default:
		return ds_err_set(err, -EPROTO, DOM, 0, "%.100s: HTTP status %ld", url, status);
	}
}

static bool set_up(struct ds_get *g, const char *url, struct transfer *t, char text[CURL_ERROR_SIZE])
{
	const char *protocols = g->insecure_http ? "https,http" : "https";
	CURL *c = g->curl;

	curl_easy_reset(c);
	return !(curl_easy_setopt(c, CURLOPT_URL, url) ||
		 curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols) ||
		 curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) ||
		 curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) ||
		 curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) ||
		 curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)g->connect_ms) ||
		 curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)g->total_ms) ||
		 curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)DS_PCS_MAX_BODY) ||
		 curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
		 curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) ||
		 curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) ||
		 (g->ca_file && (curl_easy_setopt(c, CURLOPT_CAINFO, g->ca_file) ||
				 curl_easy_setopt(c, CURLOPT_CAPATH, NULL))) ||
		 curl_easy_setopt(c, CURLOPT_USERAGENT, "dstack-c") ||
		 curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) ||
		 curl_easy_setopt(c, CURLOPT_WRITEDATA, t) ||
		 curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) ||
		 curl_easy_setopt(c, CURLOPT_HEADERDATA, t) ||
		 curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text));
}

int ds_get(struct ds_get *g, const char *url, const char *const *names, struct ds_pcs_doc *doc,
	   struct ds_err *err)
{
	struct transfer t = { .doc = doc, .names = names };
	char text[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode c;
	int r;

	if (!set_up(g, url, &t, text))
		return ds_err_set(err, -EIO, DOM, 0, "%.100s: libcurl lacks an option", url);
	c = curl_easy_perform(g->curl);
	r = translate(c);
	if (r == -EFBIG)
		return ds_err_set(err, r, DOM, 0, "%.100s: the answer is too large", url);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%.70s: %.80s", url,
				  *text ? text : curl_easy_strerror(c));
	if (curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &status))
		return -EIO;
	DS_TRY(check_status(url, status, err));
	if (t.twice)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%.90s: headers %s that differ", url,
				  names[0]);
	if (names && !doc->chain.n)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%.90s: no header %s", url, names[0]);
	return 0;
}
