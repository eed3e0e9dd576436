/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text inside an encrypted environment (spec/kms 5, spec/boot 2.6): {"env":[{"key":"K",
 * "value":"V"},...]}. Its values are secrets: they stay in the JSON library's memory, which the
 * program has told to wipe what it frees, and are written to secret memory only. Pure.
 */
#ifndef DS_WIRE_ENVTEXT_H
#define DS_WIRE_ENVTEXT_H

#include <ds/base/base.h>
#include <ds/base/secret.h>
#include <jansson.h>

#define DS_ENV_MAX_ITEMS 1024u	       /* before filtering */
#define DS_ENV_MAX_KEY	 255u	       /* [A-Za-z_][A-Za-z0-9_]* */
#define DS_ENV_MAX_VALUE (128u << 10)
#define DS_ENV_MAX_SUM	 (1u << 20) /* keys and values */

/* Sorted by key, each once: the last of several counts. Strings are borrowed from root. */
struct ds_env_item {
	const char *key, *value;
};
struct ds_env {
	json_t *root;
	struct ds_env_item *item;
	size_t n, dropped;
};
#define DS_ENV_NULL ((struct ds_env){ .root = NULL })
void ds_env_done(struct ds_env *env);
#define DS_ENV DS_CLEANUP(ds_env_done)

/*
 * Keys that are not in allowed (an array of strings; NULL is an empty one) are dropped and counted,
 * before anything else is asked of them. all: none is dropped. -EBADMSG, -EFBIG.
 */
DS_MUST int ds_env_parse(struct ds_span text, bool all, const json_t *allowed, struct ds_env *ret,
			 struct ds_err *err);
/* From lines KEY=VALUE, verbatim up to the line feed; empty ones and # comments are skipped. The
 * same limits. */
DS_MUST int ds_env_parse_lines(struct ds_span text, struct ds_env *ret, struct ds_err *err);

enum ds_env_form {
	DS_ENV_TEXT,  /* what ds_env_parse() reads */
	DS_ENV_FLAT,  /* {"K":"V",...} */
	DS_ENV_LINES, /* K=V, quoted where a shell or systemd would take it apart */
};
/* ret_n: bytes of it; may be 0. */
DS_MUST int ds_env_write(const struct ds_env *env, enum ds_env_form form, struct ds_secret **ret,
			 size_t *ret_n);

#endif
