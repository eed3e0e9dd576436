/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON object written straight into secret memory, because a generic tree would leave copies of
 * keys behind. */
#ifndef KMS_SECRET_JSON_H
#define KMS_SECRET_JSON_H

#include <ds/base/secret.h>

struct secret_json {
	struct ds_secret *mem;
	size_t n;
	int r; /* the first failure; everything after it does nothing */
};

/* Room for at most cap bytes of text. */
void secret_json_init(struct secret_json *j, size_t cap);
/* Value: printable ASCII and line feeds. */
void secret_json_str(struct secret_json *j, const char *key, struct ds_span value);
void secret_json_hex(struct secret_json *j, const char *key, const void *p, size_t n);
/* Closes the object; 0 or the first failure. */
DS_MUST int secret_json_end(struct secret_json *j);
void secret_json_done(struct secret_json *j);

#endif
