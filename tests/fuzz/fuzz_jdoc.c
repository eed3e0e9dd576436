// SPDX-License-Identifier: Apache-2.0
/*
 * ds_jdoc_parse() and jansson on the same bytes (first byte 'n': \u0000 is allowed): what ours
 * accepts jansson accepts, and the trees are the same; the other way round our bounds may refuse.
 */
#include <jansson.h>
#include <stdlib.h>

#include <ds/wire/jdoc.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void same(const struct ds_jnode *v, const json_t *want)
{
	static const json_type types[] = {
		[DS_JOBJECT] = JSON_OBJECT,   [DS_JARRAY] = JSON_ARRAY, [DS_JSTRING] = JSON_STRING,
		[DS_JINTEGER] = JSON_INTEGER, [DS_JREAL] = JSON_REAL,	[DS_JTRUE] = JSON_TRUE,
		[DS_JFALSE] = JSON_FALSE,     [DS_JNULL] = JSON_NULL,
	};
	const struct ds_jnode *at = v + 1;
	char key[64];

	need(want && json_typeof(want) == types[v->type]);
	need(v->type != DS_JSTRING ||
	     ds_span_eq(v->text, DS_SPAN(json_string_value(want), json_string_length(want))));
	need(v->type != DS_JINTEGER || v->integer == json_integer_value(want));
	need(v->type != DS_JARRAY || v->n == json_array_size(want));
	need(v->type != DS_JOBJECT || v->n == json_object_size(want));
	for (uint32_t i = 0; i < v->n; i++, at += at->next) {
		if (v->type == DS_JARRAY) {
			same(at, json_array_get(want, i));
		} else if (at->key.n < sizeof(key)) {
			memcpy(key, at->key.p, at->key.n);
			key[at->key.n] = '\0';
			need(ds_jget(v, key) == at);
			same(at, json_object_get(want, key));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	bool nul = n && p[0] == 'n';
	struct ds_jdoc doc;
	json_t *want;

	if (nul) {
		p++;
		n--;
	}
	if (ds_jdoc_parse(DS_SPAN(p, n), nul, &doc, NULL))
		return 0;
	want = json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES | (nul ? JSON_ALLOW_NUL : 0),
			  NULL);
	/* jansson refuses reals beyond a double, whose value we do not look at */
	if (want || !memchr(p, 'e', n))
		if (want || !memchr(p, 'E', n))
			same(doc.root, want);
	json_decref(want);
	ds_jdoc_done(&doc);
	return 0;
}
