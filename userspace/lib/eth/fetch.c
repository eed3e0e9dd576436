// SPDX-License-Identifier: Apache-2.0
/*
 * libcurl's multi interface on libevent: it says which sockets to watch and when to wake it, and is
 * told what happened.
 */
#include <curl/curl.h>
#include <ds/eth/fetch.h>
#include <event2/event.h>

#define DOM "node"

struct ds_eth_fetch {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

struct ds_eth_get {
	struct ds_eth_fetch *f;
	const struct ds_eth_node *node;
	CURL *curl;
	struct curl_slist *headers;
	struct ds_buf body;
	size_t max;
	ds_eth_got_fn fn;
	void *arg;
};

static struct ds_eth_get *get_free(struct ds_eth_get *g)
{
	if (!g)
		return NULL;
	if (g->curl) {
		curl_multi_remove_handle(g->f->multi, g->curl);
		curl_easy_cleanup(g->curl);
	}
	curl_slist_free_all(g->headers);
	ds_buf_done(&g->body);
	free(g);
	return NULL;
}

struct ds_eth_get *ds_eth_get_cancel(struct ds_eth_get *get)
{
	return get_free(get);
}

/* The one place here that reads curl's codes. */
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
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return -EPERM;
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_WRITE_ERROR:
		return -EFBIG;
	default:
		return -EIO;
	}
}

static int judge(struct ds_eth_get *g, CURLcode c, struct ds_err *err)
{
	int r = translate(c);
	long status = 0;

	if (r == -EFBIG)
		return ds_err_set(err, r, DOM, 0, "%s: the reply is too large", g->node->name);
	if (r == -ETIMEDOUT)
		return ds_err_set(err, r, DOM, 0, "%s: no reply in time", g->node->name);
	if (r) /* not curl's own text, which may quote the URL */
		return ds_err_set(err, r, DOM, 0, "%s: %s", g->node->name, curl_easy_strerror(c));
	if (curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &status) || status != 200)
		return ds_err_set(err, -EPROTO, DOM, 0, "%s: expected status 200, got %ld",
				  g->node->name, status);
	return 0;
}

static void finish(struct ds_eth_get *g, CURLcode c)
{
	struct ds_err err = DS_ERR_NULL;
	int r = judge(g, c, &err);

	/* fn may start and cancel others, not this one: it is over */
	g->fn(g->arg, r, r ? DS_SPAN_NULL : ds_buf_span(&g->body), &err);
	get_free(g);
}

static void reap(struct ds_eth_fetch *f)
{
	struct ds_eth_get *g;
	CURLMsg *msg;
	CURLcode c;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		c = msg->data.result;
		g = NULL;
		if (!curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&g) && g)
			finish(g, c);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct ds_eth_fetch *f = arg;
	int running, flags = (what & EV_READ ? CURL_CSELECT_IN : 0) |
			     (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(f->multi, fd, flags, &running);
	reap(f);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ds_eth_fetch *f = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(f);
}

/* curl: watch this socket for that. ev is what was made for it before. */
static int watch(CURL *curl, curl_socket_t fd, int what, void *arg, void *ev)
{
	struct ds_eth_fetch *f = arg;
	short flags = EV_PERSIST;

	(void)curl;
	if (ev)
		event_free(ev);
	curl_multi_assign(f->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	flags |= what & CURL_POLL_IN ? EV_READ : 0;
	flags |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	ev = event_new(f->base, fd, flags, on_socket, f);
	if (!ev || event_add(ev, NULL)) {
		if (ev)
			event_free(ev);
		return -1;
	}
	curl_multi_assign(f->multi, fd, ev);
	return 0;
}

static int wake_in(CURLM *multi, long ms, void *arg)
{
	struct ds_eth_fetch *f = arg;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)multi;
	if (ms < 0)
		return event_del(f->timer);
	return event_add(f->timer, &tv);
}

int ds_eth_fetch_new(struct event_base *base, struct ds_eth_fetch **ret)
{
	struct ds_eth_fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->base = base;
	if (!curl_global_init(CURL_GLOBAL_DEFAULT))
		f->multi = curl_multi_init();
	f->timer = evtimer_new(base, on_timer, f);
	if (!f->multi || !f->timer ||
	    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, watch) ||
	    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f) ||
	    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, wake_in) ||
	    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f)) {
		ds_eth_fetch_free(f);
		return -ENOMEM;
	}
	*ret = f;
	return 0;
}

struct ds_eth_fetch *ds_eth_fetch_free(struct ds_eth_fetch *f)
{
	if (!f)
		return NULL;
	if (f->multi)
		curl_multi_cleanup(f->multi);
	if (f->timer)
		event_free(f->timer);
	free(f);
	return NULL;
}

static bool is_loopback(const char *host)
{
	return !strcmp(host, "127.0.0.1") || !strcmp(host, "[::1]") || !strcmp(host, "localhost");
}

int ds_eth_node_check(const struct ds_eth_node *node, struct ds_err *err)
{
	char *scheme = NULL, *host = NULL;
	CURLU *u = curl_url();
	int r = 0;

	if (!u)
		return -ENOMEM;
	/* the URL may hold a key, so it is not in the message */
	if (curl_url_set(u, CURLUPART_URL, node->url, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) ||
	    (strcmp(scheme, "https") && !(!strcmp(scheme, "http") && is_loopback(host))))
		r = ds_err_set(err, -EINVAL, DOM, 0,
			       "[endpoint %s] url: expected https, or http to a loopback "
			       "address",
			       node->name);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct ds_eth_get *g = arg;

	n *= size;
	if (n > g->max - g->body.n || ds_buf_add(&g->body, p, n))
		return CURL_WRITEFUNC_ERROR;
	return n;
}

static bool set_up(struct ds_eth_get *g, struct ds_span body)
{
	const struct ds_eth_node *node = g->node;
	CURL *c = g->curl;

	g->headers = curl_slist_append(NULL, "Content-Type: application/json");
	return g->headers &&
	       !(curl_easy_setopt(c, CURLOPT_URL, node->url) ||
		 curl_easy_setopt(c, CURLOPT_PRIVATE, g) ||
		 curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http") ||
		 curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) ||
		 curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) ||
		 curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)node->timeout_ms) ||
		 curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)g->max) ||
		 curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
		 curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) ||
		 curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) ||
		 (node->ca && (curl_easy_setopt(c, CURLOPT_CAINFO, node->ca) ||
			       curl_easy_setopt(c, CURLOPT_CAPATH, NULL))) ||
		 curl_easy_setopt(c, CURLOPT_USERAGENT, "dstack-c") ||
		 curl_easy_setopt(c, CURLOPT_HTTPHEADER, g->headers) ||
		 curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) ||
		 curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p) ||
		 curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) ||
		 curl_easy_setopt(c, CURLOPT_WRITEDATA, g));
}

int ds_eth_get_start(struct ds_eth_fetch *f, const struct ds_eth_node *node, struct ds_span body,
		     size_t max_reply, ds_eth_got_fn fn, void *arg, struct ds_eth_get **ret,
		     struct ds_err *err)
{
	struct ds_eth_get *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	*g = (struct ds_eth_get){ .f = f, .node = node, .max = max_reply, .fn = fn, .arg = arg };
	g->curl = curl_easy_init();
	if (!g->curl || !set_up(g, body) || curl_multi_add_handle(f->multi, g->curl)) {
		get_free(g);
		return ds_err_set(err, -EIO, DOM, 0, "%s: libcurl cannot be set up", node->name);
	}
	*ret = g;
	return 0;
}
