/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prpc over HTTP (spec/guest-api 1.2-1.4, spec/kms 1.2): methods are found under /<M>, /prpc/<M>
 * and /prpc/<Service>.<M>; arguments are a JSON object or the URL query of a GET. A service with a
 * table of messages takes protobuf bodies too and replies to them in kind; without one they get 400
 * and a sentence.
 */
#ifndef DS_NET_PRPC_H
#define DS_NET_PRPC_H

#include <ds/net/server.h>
#include <ds/wire/protobuf.h>

struct ds_prpc_method {
	const char *name;
	/* args: an object, borrowed during the call (an asynchronous handler takes a reference).
	 * Replies through req. */
	void (*fn)(void *ctx, struct ds_req *req, json_t *args);
	bool no_args; /* Empty request: the body is not parsed, args is an empty object */
};

/* The messages of one method. */
struct ds_prpc_messages {
	const char *method;
	const struct ds_pb_field *request, *reply;
};

enum ds_prpc_paths {
	DS_PRPC_ROOT = 1,   /* /<M> */
	DS_PRPC_PREFIX = 2, /* /prpc/<M> and /prpc/<Service>.<M> */
};

struct ds_prpc_service {
	const char *name; /* "KMS" */
	unsigned paths;	  /* DS_PRPC_* */
	const struct ds_prpc_method *methods;
	size_t n_methods;
	/* For protobuf, every method; NULL: JSON only. */
	const struct ds_prpc_messages *messages;
	size_t n_messages;
	void *ctx;
	/* Before arguments are parsed, may be NULL. Non-zero: it has replied itself. */
	int (*before)(void *ctx, struct ds_req *req, const char *method);
};

/* Other routes of the server come first. svc is borrowed for the life of the server. */
DS_MUST int ds_prpc_mount(struct ds_server *srv, const struct ds_prpc_service *svc);

/*
 * Pure: the arguments of one call. query NULL: none. request NULL: JSON only, and all of it; else what
 * request does not name is not in *ret.
 */
DS_MUST int ds_prpc_args(bool is_get, const char *query, const char *content_type,
			 struct ds_span body, const struct ds_pb_field *request, json_t **ret,
			 struct ds_err *err);

/*
 * Typed fields; an absent field gives the zero value and 0 (present says which), null or another
 * type is -EBADMSG. Strings are borrowed from args.
 */
DS_MUST int ds_json_hex(const json_t *args, const char *name, size_t max, struct ds_buf *ret,
			struct ds_err *err);
DS_MUST int ds_json_str(const json_t *args, const char *name, size_t max, const char **ret,
			struct ds_err *err);
DS_MUST int ds_json_bool(const json_t *args, const char *name, bool *ret, struct ds_err *err);
DS_MUST int ds_json_u64(const json_t *args, const char *name, uint64_t max, uint64_t *ret,
			struct ds_err *err);
/* null counts as absent here: the optional fields of the wire. */
DS_MUST int ds_json_opt_u64(const json_t *args, const char *name, uint64_t max, bool *ret_present,
			    uint64_t *ret, struct ds_err *err);
/* Array of strings; ret is borrowed, NULL when absent. */
DS_MUST int ds_json_strs(const json_t *args, const char *name, size_t max_n, const json_t **ret,
			 struct ds_err *err);

static inline void ds_cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define DS_JSON DS_CLEANUP(ds_cleanup_json)

#endif
