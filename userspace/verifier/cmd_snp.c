// SPDX-License-Identifier: Apache-2.0
/* dstack-verify snp */
#include "verify.h"

#include <ds/base/limits.h>

#define USAGE "snp --vek FILE [--chain PEM] [--crl FILE] [OPTION...] REPORT"

struct files {
	struct ds_buf report, vek, chain, crl;
};

static void files_done(struct files *f)
{
	ds_buf_done(&f->report);
	ds_buf_done(&f->vek);
	ds_buf_done(&f->chain);
	ds_buf_done(&f->crl);
}

/* A file that was named has to say something. */
static int load(const char *path, enum ds_reason reason, struct ds_buf *ret, struct ds_verdict *v)
{
	DS_TRY(input_evidence(path, DS_MAX_CERT_PEM, reason, ret, v));
	return path && !ret->n ? ds_verdict_fail(v, reason, "%s: empty", path) : 0;
}

static int load_all(const struct options *o, const char *report, struct files *f,
		    struct ds_verdict *v)
{
	int r = input_quote(report, &f->report);

	if (r == -EFBIG)
		return ds_verdict_fail(v, DS_REASON_SNP_LENGTH, "report: more than %u bytes",
				       DS_MAX_QUOTE);
	if (r)
		return -EIO;
	DS_TRY(load(o->vek, DS_REASON_SNP_CHAIN, &f->vek, v));
	DS_TRY(load(o->chain, DS_REASON_SNP_CHAIN, &f->chain, v));
	return load(o->crl, DS_REASON_SNP_CRL, &f->crl, v);
}

static int judge(const struct options *o, const char *report, struct ds_verdict *v)
{
	DS_CLEANUP(files_done) struct files f = { 0 };
	int r;

	ds_verdict_init(v);
	v->tee = DS_TEE_SNP;
	r = load_all(o, report, &f, v);
	if (!r)
		r = ds_attest_snp(
			&(struct ds_snp_evidence){ ds_buf_span(&f.report), ds_buf_span(&f.vek),
						   ds_buf_span(&f.chain), ds_buf_span(&f.crl) },
			&o->verify, v);
	if (r < 0 && r != -EIO)
		fprintf(stderr, "dstack-verify: %s\n", strerror(-r));
	return r < 0 ? EXIT_USAGE : 0;
}

int cmd_snp(int argc, char **argv)
{
	OPTIONS struct options o = { 0 };
	DS_FREE struct ds_verdict *v = NULL;
	int r, first;

	r = options_parse(argc, argv,
			  OPT_VEK | OPT_CHAIN | OPT_CRL | OPT_ROOT_CA | OPT_TIME | OPT_POLICY, 1,
			  USAGE, &o, &first);
	if (!r)
		r = options_load(&o);
	if (r)
		return r == -ECANCELED ? EXIT_ACCEPTED : r;
	if (!o.vek) {
		fputs("dstack-verify: --vek is needed\nusage: dstack-verify " USAGE "\n", stderr);
		return EXIT_USAGE;
	}
	v = malloc(sizeof(*v));
	if (!v)
		return EXIT_USAGE;
	r = judge(&o, argv[first], v);
	return r ? r : output_verdict(&o, v, NULL);
}
