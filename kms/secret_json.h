/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reply written straight into secret memory, because a generic tree would leave copies of keys
 * behind: a JSON object, or a protobuf message when given its table.
 */
#ifndef KMS_SECRET_JSON_H
#define KMS_SECRET_JSON_H

#include <ds/base/secret.h>
#include <ds/wire/protobuf.h>

struct secret_json {
	struct ds_secret *mem;
	size_t n;
	const struct ds_pb_field *pb; /* NULL: JSON */
	bool first; /* nothing in the inner object yet */
	const struct ds_pb_field *outer; /* pb of the message that the open one is in */
	size_t inner;			 /* where the open one begins */
	int r; /* the first failure; everything after it does nothing */
};

/* Room for at most cap bytes. */
void secret_json_init(struct secret_json *j, const struct ds_pb_field *pb, size_t cap);
/* Value: printable ASCII and line feeds. */
void secret_json_str(struct secret_json *j, const char *key, struct ds_span value);
void secret_json_hex(struct secret_json *j, const char *key, const void *p, size_t n);
void secret_json_u32(struct secret_json *j, const char *key, uint32_t value);
/* A member that is a list of one object; what follows is in it, until the close. */
void secret_json_open(struct secret_json *j, const char *key);
void secret_json_close(struct secret_json *j);
/* Closes the object; 0 or the first failure. */
DS_MUST int secret_json_end(struct secret_json *j);
void secret_json_done(struct secret_json *j);
/* How to send it. */
static inline const char *secret_json_type(const struct secret_json *j)
{
	return j->pb ? "application/octet-stream" : "application/json";
}

#endif
