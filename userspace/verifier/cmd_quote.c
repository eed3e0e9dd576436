// SPDX-License-Identifier: Apache-2.0
/* dstack-verify quote */
#include "verify.h"

#include <ds/base/limits.h>

#define USAGE "quote [OPTION...] QUOTE"

static int judge(struct options *o, const char *path, struct ds_verdict *v)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	DS_BUF struct ds_buf collateral = DS_BUF_NULL;
	int r, rc = 0;

	r = input_quote(path, &quote);
	if (r && r != -EFBIG)
		return r;
	if (o->collateral)
		rc = input_file(o->collateral, DS_MAX_COLLATERAL, &collateral);
	if (rc && rc != -EFBIG)
		return rc;
	if (r == -EFBIG) {
		ds_verdict_init(v);
		(void)ds_verdict_fail(v, DS_REASON_PARSE_SIZE, "quote: more than %u bytes",
				      DS_MAX_QUOTE);
		return 0;
	}
	if (rc == -EFBIG || (o->collateral && !collateral.n)) {
		ds_verdict_init(v);
		(void)ds_verdict_fail(v, DS_REASON_COLLATERAL_FORMAT,
				      "collateral: empty, or more than %u bytes",
				      DS_MAX_COLLATERAL);
		return 0;
	}
	r = ds_attest_quote(ds_buf_span(&quote), ds_buf_span(&collateral), &o->verify, v);
	if (r)
		fprintf(stderr, "dstack-verify: %s\n", strerror(-r));
	return r ? EXIT_USAGE : 0;
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
