/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside dstack-verify: options shared by the subcommands, input files and the two forms of output.
 * Exit status 0 accepted, 1 refused, 2 usage or a file that cannot be read.
 */
#ifndef DS_VERIFIER_VERIFY_H
#define DS_VERIFIER_VERIFY_H

#include <jansson.h>

#include <ds/attest/platform.h>
#include <ds/attest/verify.h>
#include <ds/base/base.h>
#include <ds/net/tcbpolicy.h>

enum { EXIT_ACCEPTED = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

/* Which options a subcommand takes. */
enum {
	OPT_COLLATERAL = 1 << 0,
	OPT_ROOT_CA = 1 << 1,
	OPT_TIME = 1 << 2,
	OPT_POLICY = 1 << 3,
	OPT_EVENT_LOG = 1 << 4,
	OPT_QUOTE = 1 << 5,
	OPT_RTMR3 = 1 << 6,
	OPT_CERT = 1 << 7,
	OPT_COMPOSE = 1 << 8,
	OPT_IMAGE = 1 << 9,
	OPT_KMS_ROOT = 1 << 10,
	OPT_APP_ID = 1 << 11,
	OPT_HOST = 1 << 12,
	OPT_KMS_ROOT_KEY = 1 << 21,
	OPT_PURPOSE = 1 << 22,
	OPT_ALGORITHM = 1 << 23,
	OPT_DATA = 1 << 24,
	OPT_MAX_AGE = 1 << 25,
	OPT_KEY = OPT_KMS_ROOT_KEY | OPT_PURPOSE | OPT_ALGORITHM | OPT_DATA | OPT_MAX_AGE,
	OPT_BUNDLE = 1 << 13,
	OPT_NONCE = 1 << 14 | OPT_BUNDLE, /* these go with it */
	OPT_KMS_ROOT_HASH = 1 << 15 | OPT_BUNDLE,
	OPT_IMAGE_HASH = 1 << 16 | OPT_BUNDLE,
	OPT_VEK = 1 << 17,
	OPT_CHAIN = 1 << 18,
	OPT_CRL = 1 << 19,
	OPT_FETCH = 1 << 20, /* the whole table of collateral.c */
	OPT_LISTEN = 1 << 26,
	OPT_EMULATED = 1 << 27,
	OPT_JUDGE = OPT_COLLATERAL | OPT_ROOT_CA | OPT_TIME | OPT_POLICY | OPT_FETCH,
};

/* Where collateral is fetched, see collateral.c. */
struct fetch_options {
	const char *url, *root_crl_url, *tls_ca, *cache, *save;
	const char *fmspc; /* of the collateral command */
	bool processor, early, insecure_http;
	uint64_t evaluation, timeout_s; /* 0: default */
};

struct options {
	const char *collateral, *root_ca, *policy_file, *event_log, *quote, *rtmr3, *cert, *compose,
		*image, *kms_root, *app_id, *host, *listen, *vek, *chain, *crl;
	struct fetch_options fetch;
	const char *bundle, *nonce, *kms_root_hash, *image_hash;
	const char *kms_root_key, *purpose, *algorithm, *data, *max_age;
	int64_t time;
	bool json, fixed_time, allow_emulated;
	struct ds_buf root_buf;
	struct ds_tcb_policy_file *policy;
	struct ds_verify_opts verify;
};

#define OPTIONS DS_CLEANUP(options_done)
void options_done(struct options *o);

/*
 * Parse argv against the mask; want_args operands must be left, from *ret_first (at most -want_args
 * when it is negative). 0; EXIT_USAGE after printing why; or -ECANCELED when --help was printed.
 */
DS_MUST int options_parse(int argc, char **argv, unsigned int mask, int want_args,
			  const char *usage, struct options *o, int *ret_first);
/* Read root CA and policy files into o->verify. 0 or EXIT_USAGE. */
DS_MUST int options_load(struct options *o);

/* input.c: "-" is standard input. 0, -EFBIG (not printed), or EXIT_USAGE after printing why. */
DS_MUST int input_file(const char *path, size_t max, struct ds_buf *ret);
/* A file that is all hex digits and white space is decoded, anything else is taken as it is. */
DS_MUST int input_quote(const char *path, struct ds_buf *ret);
/*
 * Optional evidence, path may be NULL: 0; -EIO after printing why it cannot be read; or refused for
 * this reason because it is larger than max.
 */
DS_MUST int input_evidence(const char *path, size_t max, enum ds_reason reason, struct ds_buf *ret,
			   struct ds_verdict *v);

/*
 * collateral.c: its options, a NULL name ends the table; id: index in it. 0 or EXIT_USAGE after
 * printing why.
 */
struct fetch_option {
	const char *name, *arg, *what;
};
extern const struct fetch_option fetch_table[];
#define FETCH_TABLE_MAX 12
DS_MUST int fetch_take(struct fetch_options *f, int id, const char *arg);
/*
 * Who a service has to be asked about: nobody, unless the quote's certificates are genuine and only
 * collateral is missing. DS_ATTEST_REFUSED: v is the verdict; negative without memory.
 */
DS_MUST int collateral_platform(const struct ds_verify_opts *opts, struct ds_span quote,
				struct ds_platform_id *id, struct ds_verdict *v);
/*
 * Judge with the collateral of --collateral, of --collateral-url, or none. From a service it is
 * fetched after the quote's certificates have been found good, and a second time when documents from
 * the cache were refused; not for an empty quote. fn judges and writes v. 0 also when refused; negative after printing why.
 */
typedef int (*judge_fn)(void *ctx, struct ds_span collateral, struct ds_verdict *v);
DS_MUST int collateral_judge(const struct options *o, struct ds_span quote, judge_fn fn, void *ctx,
			     struct ds_verdict *v);
struct ds_pcs;
/* From o->fetch; notes go to stderr. 0 or EXIT_USAGE after printing why. */
DS_MUST int fetch_open(const struct fetch_options *f, struct ds_pcs **ret);
/* A reason that newer documents could change. */
bool is_collateral_reason(enum ds_reason reason);

/*
 * expect.c: --app-id, --host, and whether anything vouches for the identity that was measured. 0 or
 * negative; refusals are in the verdict. is_app: the identity is what it is all about. by_kms: the
 * KMS root vouches for it.
 */
DS_MUST int expect_judge(const struct options *o, struct ds_span leaf, const struct ds_identity *id,
			 bool is_app, bool by_kms, struct ds_verdict *v);
/* The caller expects somebody in particular. */
bool expect_identity(const struct options *o);
/* A KMS root is given: --kms-root or --kms-root-hash. */
bool expect_kms(const struct options *o);
/* The image is known: --image, --image-hash, or images in the policy. */
bool expect_image(const struct options *o);
/* Who vouches: "kms-root", "image" or "nobody". */
const char *expect_source(const struct options *o, bool by_kms);

/* text.c: lines of at most 80 columns. mark: "ok", "FAIL", "note" or ""; long values go on below. */
void output_field(const char *mark, const char *label, const char *value);
void output_linef(const char *lead, const char *fmt, ...) DS_PRINTF(2, 3);

/* explain.c: what a refusal means and what to do, as fields of a JSON object or as lines. */
void explain_json(json_t *obj, const struct ds_verdict *v);
void explain_print(const struct ds_verdict *v);

/* output.c: the verdict on stdout; extra (borrowed, may be NULL) is merged into the JSON object. */
DS_MUST int output_verdict(const struct options *o, struct ds_verdict *v, json_t *extra);
/* The object that --json prints. */
json_t *output_verdict_json(const struct ds_verdict *v);
void output_hex(json_t *obj, const char *key, const void *p, size_t n);
/* output_snp.c: the same two forms of what is SEV-SNP's own. */
json_t *output_snp_report(const struct ds_verdict *v);
json_t *output_snp_platform(const struct ds_verdict *v);
void output_snp_text(const struct ds_verdict *v);

int cmd_quote(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_snp(int argc, char **argv);
int cmd_app(int argc, char **argv);
int cmd_cert(int argc, char **argv);
int cmd_collateral(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_explain(int argc, char **argv);

#endif
