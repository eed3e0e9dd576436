// SPDX-License-Identifier: Apache-2.0
/* prpc dispatch, arguments and typed JSON fields. */
#include "http.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/net/prpc.h>
#include <ds/wire/jbounds.h>
#include <strings.h>

#define DOM	  "prpc"
#define MAX_ARGS  64
#define MAX_DEPTH  16
#define MAX_VALUES 65536

/* Marks arguments that came as a query, where everything is text. A body cannot set it: it is
 * removed there. */
static const char from_query[] = "\x01query";

static bool json_flag(const char *query)
{
	const char *p = query;

	while (p && *p) {
		size_t n = strcspn(p, "&");

		if ((n == 4 && !strncmp(p, "json", 4)) || (n == 5 && !strncmp(p, "json=", 5)) ||
		    (n == 6 && !strncmp(p, "json=1", 6)) || (n == 9 && !strncmp(p, "json=true", 9)))
			return true;
		p += n + (p[n] == '&');
	}
	return false;
}

static bool is_json_type(const char *type)
{
	size_t n = strcspn(type, "; \t");

	return n == 16 && !strncasecmp(type, "application/json", 16);
}

static int from_body(struct ds_span body, json_t **ret, struct ds_err *err)
{
	json_error_t je;
	json_t *j;

	/* our calls are flat */
	DS_TRY(ds_json_bounds(body, MAX_DEPTH, MAX_VALUES, err));
	j = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return ds_err_set(err, -EBADMSG, DOM, (size_t)(je.position < 0 ? 0 : je.position),
				  "invalid JSON at byte %d: %s", je.position, je.text);
	if (!json_is_object(j)) {
		json_decref(j);
		return ds_err_set(err, -EBADMSG, DOM, 0, "expected a JSON object");
	}
	json_object_del(j, from_query);
	*ret = j;
	return 0;
}

/* key=value, and key[]=value or key[N]=value for lists, in order of appearance. */
static int add_pair(json_t *args, char *key, const char *value, struct ds_err *err)
{
	size_t n = strlen(key);
	char *open = strchr(key, '[');
	json_t *list;

	if (open && n && key[n - 1] == ']' && open > key) {
		*open = '\0';
		list = json_object_get(args, key);
		if (!list && json_object_set_new(args, key, json_array()))
			return ds_err_set(err, -EBADMSG, DOM, 0, "query field is not UTF-8");
		list = json_object_get(args, key);
		if (!json_is_array(list))
			return ds_err_set(err, -EBADMSG, DOM, 0, "duplicate field `%s`", key);
		if (json_array_append_new(list, json_string(value)))
			return ds_err_set(err, -EBADMSG, DOM, 0, "query field is not UTF-8");
		return 0;
	}
	if (json_object_get(args, key))
		return ds_err_set(err, -EBADMSG, DOM, 0, "duplicate field `%s`", key);
	if (json_object_set_new(args, key, json_string(value)))
		return ds_err_set(err, -EBADMSG, DOM, 0, "query field is not UTF-8");
	return 0;
}

static int query_pair(json_t *args, const char *p, size_t n, struct ds_err *err)
{
	const char *eq = memchr(p, '=', n);
	size_t key_n = eq ? (size_t)(eq - p) : n;
	DS_FREE char *key = NULL;
	DS_FREE char *value = NULL;

	if (ds_http_unescape(DS_SPAN(p, key_n), true, &key) ||
	    ds_http_unescape(eq ? DS_SPAN(eq + 1, n - key_n - 1) : DS_SPAN("", 0), true, &value))
		return ds_err_set(err, -EBADMSG, DOM, 0, "query is not well escaped");
	return add_pair(args, key, value, err);
}

static int from_url(const char *query, json_t **ret, struct ds_err *err)
{
	DS_JSON json_t *args = json_object();
	unsigned fields = 0;

	if (!args)
		return -ENOMEM;
	for (const char *p = query; p && *p;) {
		size_t n = strcspn(p, "&");

		if (n) {
			if (++fields > MAX_ARGS)
				return ds_err_set(err, -EFBIG, DOM, 0, "more than %d query fields",
						  MAX_ARGS);
			DS_TRY(query_pair(args, p, n, err));
		}
		p += n + (p[n] == '&');
	}
	if (json_object_set_new(args, from_query, json_true()))
		return -ENOMEM;
	*ret = json_incref(args);
	return 0;
}

static bool wants_json(bool is_get, const char *query, const char *content_type)
{
	return is_get || json_flag(query) || is_json_type(content_type);
}

/* A handler may keep its arguments for long: what it does not know does not stay. */
static int keep_known(const struct ds_pb_field *request, json_t *args, json_t **ret)
{
	DS_JSON json_t *o = json_object();
	json_t *v = json_object_get(args, from_query);

	if (!o || (v && json_object_set(o, from_query, v)))
		return -ENOMEM;
	for (; request->name; request++) {
		v = json_object_get(args, request->name);
		if (v && json_object_set(o, request->name, v))
			return -ENOMEM;
	}
	*ret = json_incref(o);
	return 0;
}

static int from_json(bool is_get, const char *query, struct ds_span body, json_t **ret,
		     struct ds_err *err)
{
	if (is_get)
		return from_url(query, ret, err);
	if (body.n)
		return from_body(body, ret, err);
	*ret = json_object();
	return *ret ? 0 : -ENOMEM;
}

int ds_prpc_args(bool is_get, const char *query, const char *content_type, struct ds_span body,
		 const struct ds_pb_field *request, json_t **ret, struct ds_err *err)
{
	DS_JSON json_t *all = NULL;

	if (!wants_json(is_get, query, content_type)) {
		if (request)
			return ds_pb_decode(request, body, ret, err);
		return ds_err_set(
			err, -EBADMSG, DOM, 0,
			"protobuf bodies are not supported: send JSON with ?json or Content-Type: "
			"application/json");
	}
	if (!request)
		return from_json(is_get, query, body, ret, err);
	DS_TRY(from_json(is_get, query, body, &all, err));
	return keep_known(request, all, ret);
}

static const struct ds_prpc_messages *messages_of(const struct ds_prpc_service *svc,
						  const char *name)
{
	for (size_t i = 0; i < svc->n_messages; i++)
		if (!strcmp(svc->messages[i].method, name))
			return &svc->messages[i];
	return NULL;
}

static void serve(const struct ds_prpc_service *svc, struct ds_req *req, const char *name)
{
	static const struct ds_pb_field nothing = { 0 };
	bool is_get = !strcmp(req->method, "GET");
	const struct ds_prpc_messages *pb = messages_of(svc, name);
	const struct ds_prpc_method *m = NULL;
	struct ds_err err = DS_ERR_NULL;
	DS_JSON json_t *args = NULL;
	int r;

	if (!is_get && strcmp(req->method, "POST")) {
		ds_req_fail(req, 404, "no such path");
		return;
	}
	if (svc->messages && !wants_json(is_get, req->query, req->content_type))
		req->reply_pb = pb ? pb->reply : &nothing;
	for (size_t i = 0; i < svc->n_methods && !m; i++)
		if (!strcmp(svc->methods[i].name, name))
			m = &svc->methods[i];
	if (!m) {
		ds_req_fail(req, 400, "Service not found: %.64s", name);
		return;
	}
	if (svc->before && svc->before(svc->ctx, req, m->name))
		return;
	if (m->no_args) {
		args = json_object();
		r = args ? 0 : -ENOMEM;
	} else {
		r = ds_prpc_args(is_get, req->query, req->content_type, req->body,
				 pb ? pb->request : NULL, &args, &err);
	}
	if (r)
		ds_req_fail(req, 400, "%s", err.code ? err.msg : strerror(-r));
	else
		m->fn(svc->ctx, req, args);
}

static void on_prefixed(void *ctx, struct ds_req *req)
{
	const struct ds_prpc_service *svc = ctx;
	const char *name = req->path + strlen("/prpc/");
	size_t n = strlen(svc->name);

	/* stripped repeatedly, as the reference does (spec/kms 1.1) */
	while (!strncmp(name, svc->name, n) && name[n] == '.')
		name += n + 1;
	serve(svc, req, name);
}

static void on_root(void *ctx, struct ds_req *req)
{
	if (strchr(req->path + 1, '/'))
		ds_req_fail(req, 404, "no such path");
	else
		serve(ctx, req, req->path + 1);
}

int ds_prpc_mount(struct ds_server *srv, const struct ds_prpc_service *svc)
{
	void *ctx = (void *)(uintptr_t)svc;

	if (svc->paths & DS_PRPC_PREFIX)
		DS_TRY(ds_server_route(srv, NULL, "/prpc/", on_prefixed, ctx));
	if (svc->paths & DS_PRPC_ROOT)
		DS_TRY(ds_server_route(srv, NULL, "/", on_root, ctx));
	return 0;
}

static int wrong_type(const char *name, const char *want, const json_t *v, struct ds_err *err)
{
	static const char *const types[] = { "an object",  "an array",	    "a string",
					     "an integer", "a real number", "a boolean",
					     "a boolean",  "null" };

	return ds_err_set(err, -EBADMSG, DOM, 0, "field `%s`: expected %s, got %s", name, want,
			  types[json_typeof(v)]);
}

static bool is_query(const json_t *args)
{
	return json_object_get(args, from_query);
}

int ds_json_str(const json_t *args, const char *name, size_t max, const char **ret,
		struct ds_err *err)
{
	const json_t *v = json_object_get(args, name);

	if (!v) {
		*ret = "";
		return 0;
	}
	if (!json_is_string(v))
		return wrong_type(name, "a string", v, err);
	if (json_string_length(v) > max)
		return ds_err_set(err, -EFBIG, DOM, 0, "field `%s`: longer than %zu bytes", name,
				  max);
	*ret = json_string_value(v);
	return 0;
}

int ds_json_hex(const json_t *args, const char *name, size_t max, struct ds_buf *ret,
		struct ds_err *err)
{
	const char *s;
	size_t n;
	int r;

	DS_TRY(ds_json_str(args, name, SIZE_MAX, &s, err));
	while (!strncmp(s, "0x", 2))
		s += 2;
	n = strlen(s);
	if (n > 2 * max)
		return ds_err_set(err, -EFBIG, DOM, 0, "field `%s`: longer than %zu bytes", name,
				  max);
	r = ds_hex_decode_buf(s, n, max, ret);
	if (r)
		return ds_err_set(err, r, DOM, 0, "field `%s`: not a hex string", name);
	return 0;
}

int ds_json_bool(const json_t *args, const char *name, bool *ret, struct ds_err *err)
{
	const json_t *v = json_object_get(args, name);
	const char *s = v && is_query(args) ? json_string_value(v) : NULL;

	if (!v) {
		*ret = false;
		return 0;
	}
	if (s && (!strcmp(s, "true") || !strcmp(s, "false"))) {
		*ret = s[0] == 't';
		return 0;
	}
	if (!json_is_boolean(v))
		return wrong_type(name, "a boolean", v, err);
	*ret = json_is_true(v);
	return 0;
}

int ds_json_u64(const json_t *args, const char *name, uint64_t max, uint64_t *ret,
		struct ds_err *err)
{
	const json_t *v = json_object_get(args, name);
	const char *s = v && is_query(args) ? json_string_value(v) : NULL;
	uint64_t n;

	if (!v) {
		*ret = 0;
		return 0;
	}
	if (s) {
		if (ds_parse_u64(s, strlen(s), max, &n))
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "field `%s`: expected a number up to %llu", name,
					  (unsigned long long)max);
		*ret = n;
		return 0;
	}
	if (!json_is_integer(v))
		return wrong_type(name, "an integer", v, err);
	if (json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return ds_err_set(err, -EBADMSG, DOM, 0, "field `%s`: expected 0 to %llu, got %lld",
				  name, (unsigned long long)max, (long long)json_integer_value(v));
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

int ds_json_opt_u64(const json_t *args, const char *name, uint64_t max, bool *ret_present,
		    uint64_t *ret, struct ds_err *err)
{
	const json_t *v = json_object_get(args, name);

	if (!v || json_is_null(v)) {
		*ret_present = false;
		*ret = 0;
		return 0;
	}
	DS_TRY(ds_json_u64(args, name, max, ret, err));
	*ret_present = true;
	return 0;
}

int ds_json_strs(const json_t *args, const char *name, size_t max_n, const json_t **ret,
		 struct ds_err *err)
{
	const json_t *v = json_object_get(args, name);

	if (v && !json_is_array(v))
		return wrong_type(name, "an array", v, err);
	if (v && json_array_size(v) > max_n)
		return ds_err_set(err, -EFBIG, DOM, 0, "field `%s`: more than %zu items", name,
				  max_n);
	for (size_t i = 0; v && i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return wrong_type(name, "strings", json_array_get(v, i), err);
	*ret = v;
	return 0;
}
