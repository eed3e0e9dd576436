/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON documents that are read and thrown away (RFC 8259): one array of nodes and one of text for
 * a whole document, no hash tables. Strict: an object or array and nothing behind it, UTF-8,
 * no key twice in an object, integers of 64 bits, \u0000 only where asked for. Bounded by
 * DS_JDOC_NODES, DS_JDOC_KEYS an object and DS_JDOC_DEPTH. Pure.
 *
 * Nodes belong to the document and say where their neighbours are: NULL in, NULL or nothing out, so
 * look-ups can be nested.
 */
#ifndef DS_WIRE_JDOC_H
#define DS_WIRE_JDOC_H

#include <ds/base/base.h>

#define DS_JDOC_NODES 65536u
#define DS_JDOC_KEYS  256u
#define DS_JDOC_DEPTH 64u

enum ds_jtype {
	DS_JOBJECT,
	DS_JARRAY,
	DS_JSTRING,
	DS_JINTEGER,
	DS_JREAL, /* its value is not kept */
	DS_JTRUE,
	DS_JFALSE,
	DS_JNULL,
};

struct ds_jnode {
	enum ds_jtype type;
	uint32_t n;	     /* members or elements */
	uint32_t next;	     /* distance to the next sibling; 0: none */
	struct ds_span key;  /* in an object */
	struct ds_span text; /* of a string */
	int64_t integer;
};

struct ds_jdoc {
	struct ds_jnode *root; /* NULL: no document */
	char *text;
};

#define DS_JDOC_NULL ((struct ds_jdoc){ NULL, NULL })

/* 0, -ENOMEM, or -EBADMSG with the place in err. nul: \u0000 may stand in strings, never in keys.
 */
DS_MUST int ds_jdoc_parse(struct ds_span in, bool nul, struct ds_jdoc *ret, struct ds_err *err);
void ds_jdoc_done(struct ds_jdoc *doc);

static inline void ds_cleanup_jdoc(struct ds_jdoc *doc)
{
	ds_jdoc_done(doc);
}
#define DS_JDOC DS_CLEANUP(ds_cleanup_jdoc)

/* The member of an object; NULL when there is none or obj is none. */
const struct ds_jnode *ds_jget(const struct ds_jnode *obj, const char *key);

static inline bool ds_jis(const struct ds_jnode *v, enum ds_jtype type)
{
	return v && v->type == type;
}

static inline const struct ds_jnode *ds_jnext(const struct ds_jnode *v)
{
	return v->next ? v + v->next : NULL;
}

/* Elements of an array; 0 for anything else. */
static inline uint32_t ds_jcount(const struct ds_jnode *v)
{
	return ds_jis(v, DS_JARRAY) ? v->n : 0;
}

/* for (v = ds_jfirst(arr); v; v = ds_jnext(v)) */
static inline const struct ds_jnode *ds_jfirst(const struct ds_jnode *arr)
{
	return ds_jcount(arr) ? arr + 1 : NULL;
}

/* The text of a string; n == 0 for anything else. */
static inline struct ds_span ds_jtext(const struct ds_jnode *v)
{
	return ds_jis(v, DS_JSTRING) ? v->text : DS_SPAN_NULL;
}

#endif
