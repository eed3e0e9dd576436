// SPDX-License-Identifier: Apache-2.0
/* dstack-verify quote */
#include "verify.h"

#include <ds/base/limits.h>

#define USAGE "quote [OPTION...] QUOTE"

struct subject {
	struct ds_span quote;
	const struct ds_verify_opts *opts;
};

static int judge_quote(void *ctx, struct ds_span collateral, struct ds_verdict *v)
{
	const struct subject *s = ctx;
	int r = ds_attest_quote(s->quote, collateral, s->opts, v);

	if (r)
		fprintf(stderr, "dstack-verify: %s\n", strerror(-r));
	return r;
}

static int judge(struct options *o, const char *path, struct ds_verdict *v)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	struct subject s = { .opts = &o->verify };
	int r;

	r = input_quote(path, &quote);
	if (r && r != -EFBIG)
		return r;
	if (r == -EFBIG) {
		ds_verdict_init(v);
		(void)ds_verdict_fail(v, DS_REASON_PARSE_SIZE, "quote: more than %u bytes",
				      DS_MAX_QUOTE);
		return 0;
	}
	s.quote = ds_buf_span(&quote);
	return collateral_judge(o, s.quote, judge_quote, &s, v) ? EXIT_USAGE : 0;
}

int cmd_quote(int argc, char **argv)
{
	OPTIONS struct options o = { 0 };
	DS_FREE struct ds_verdict *v = NULL;
	int r, first;

	r = options_parse(argc, argv, OPT_JUDGE, 1, USAGE, &o, &first);
	if (!r)
		r = options_load(&o);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	v = malloc(sizeof(*v));
	if (!v)
		return EXIT_USAGE;
	r = judge(&o, argv[first], v);
	return r ? r : output_verdict(&o, v, NULL);
}
