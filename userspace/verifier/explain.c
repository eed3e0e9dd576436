// SPDX-License-Identifier: Apache-2.0
/* dstack-verify explain, and the explanation that goes with every refusal. */
#include "verify.h"

#define USAGE "explain [--json] [REASON]"

/* What the check wanted and what it found: values when there are any, else in words. */
static const char *expected_of(const struct ds_verdict *v)
{
	const struct ds_reason_text *t = ds_reason_explain(v->reason);

	return v->expected[0] || v->actual[0] ? v->expected : t ? t->expected : "";
}

static const char *actual_of(const struct ds_verdict *v)
{
	return v->expected[0] || v->actual[0] ? v->actual : v->detail;
}

static void texts_json(json_t *obj, const struct ds_reason_text *t)
{
	json_object_set_new(obj, "meaning", json_string(t->meaning));
	json_object_set_new(obj, "cause", json_string(t->cause));
	json_object_set_new(obj, "action", json_string(t->action));
}

static void texts_print(const struct ds_reason_text *t)
{
	output_field("", "what it means", t->meaning);
	output_field("", "usual cause", t->cause);
	output_field("", "what to do", t->action);
}

void explain_json(json_t *obj, const struct ds_verdict *v)
{
	const struct ds_reason_text *t = ds_reason_explain(v->reason);

	json_object_set_new(obj, "expected", json_string(expected_of(v)));
	json_object_set_new(obj, "actual", json_string(actual_of(v)));
	if (t)
		texts_json(obj, t);
}

void explain_print(const struct ds_verdict *v)
{
	const struct ds_reason_text *t = ds_reason_explain(v->reason);
	const char *expected = expected_of(v), *actual = actual_of(v);

	putchar('\n');
	output_field("", "check", ds_reason_name(v->reason));
	output_field("", "expected", *expected ? expected : "(nothing)");
	output_field("", "actual", *actual ? actual : "(nothing)");
	if (t)
		texts_print(t);
}

static json_t *reason_json(enum ds_reason r)
{
	const struct ds_reason_text *t = ds_reason_explain(r);
	json_t *o = json_pack("{s:s, s:s}", "reason", ds_reason_name(r), "expected", t->expected);

	texts_json(o, t);
	return o;
}

static void reason_print(enum ds_reason r)
{
	const struct ds_reason_text *t = ds_reason_explain(r);

	puts(ds_reason_name(r));
	output_field("", "the check wants", t->expected);
	texts_print(t);
}

int cmd_explain(int argc, char **argv)
{
	OPTIONS struct options o = { 0 };
	enum ds_reason one = DS_REASON_NONE;
	json_t *all;
	int r, first;

	r = options_parse(argc, argv, 0, -1, USAGE, &o, &first);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	if (first < argc && ds_reason_parse(argv[first], &one)) {
		fprintf(stderr, "dstack-verify explain: no reason '%s'; without one, all are listed\n",
			argv[first]);
		return EXIT_USAGE;
	}
	all = json_array();
	for (size_t i = DS_REASON_NONE + 1; i < DS_REASON_COUNT; i++) {
		if (one != DS_REASON_NONE && one != (enum ds_reason)i)
			continue;
		if (o.json)
			json_array_append_new(all, reason_json((enum ds_reason)i));
		else
			reason_print((enum ds_reason)i);
	}
	if (o.json) {
		json_t *doc = json_pack("{s:O}", "reasons", all);

		r = json_dumpf(doc, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(doc);
	}
	json_decref(all);
	return r || fflush(stdout) ? EXIT_USAGE : EXIT_ACCEPTED;
}
