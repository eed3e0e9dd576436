/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside dstack-verify: options shared by the subcommands, input files and the two forms of output.
 * Exit status 0 accepted, 1 refused, 2 usage or a file that cannot be read.
 */
#ifndef DS_VERIFIER_VERIFY_H
#define DS_VERIFIER_VERIFY_H

#include <jansson.h>

#include <ds/attest/verify.h>
#include <ds/base/base.h>

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
	OPT_JUDGE = OPT_COLLATERAL | OPT_ROOT_CA | OPT_TIME | OPT_POLICY,
};

struct policy;

struct options {
	const char *collateral, *root_ca, *policy_file, *event_log, *quote, *rtmr3, *cert, *compose,
		*image, *kms_root, *app_id, *host;
	int64_t time;
	bool json;
	struct ds_buf root_buf;
	struct policy *policy;
	struct ds_verify_opts verify;
};

#define OPTIONS DS_CLEANUP(options_done)
void options_done(struct options *o);

/*
 * Parse argv against the mask; want_args operands must be left, from *ret_first. 0; EXIT_USAGE
 * after printing why; or -ECANCELED when --help was printed.
 */
DS_MUST int options_parse(int argc, char **argv, unsigned int mask, int want_args,
			  const char *usage, struct options *o, int *ret_first);
/* Read root CA and policy files into o->verify. 0 or EXIT_USAGE. */
DS_MUST int options_load(struct options *o);

/* input.c: "-" is standard input. 0, -EFBIG (not printed), or EXIT_USAGE after printing why. */
DS_MUST int input_file(const char *path, size_t max, struct ds_buf *ret);
/* A file that is all hex digits and white space is decoded, anything else is taken as it is. */
DS_MUST int input_quote(const char *path, struct ds_buf *ret);

/* policy.c */
DS_MUST int policy_load(const char *path, struct policy **ret, struct ds_err *err);
struct policy *policy_free(struct policy *p);
const struct ds_tcb_policy *policy_get(const struct policy *p);

/*
 * expect.c: --app-id, --host, and whether anything vouches for the identity that was measured. 0 or
 * negative; refusals are in the verdict. is_app: the identity is what it is all about.
 */
DS_MUST int expect_judge(const struct options *o, struct ds_span leaf, const struct ds_identity *id,
			 bool is_app, struct ds_verdict *v);
/* The caller expects somebody in particular. */
bool expect_identity(const struct options *o);
/* Who vouches: "kms-root", "image" or "nobody". */
const char *expect_source(const struct options *o);

/* output.c: the verdict on stdout; extra (borrowed, may be NULL) is merged into the JSON object. */
DS_MUST int output_verdict(const struct options *o, const struct ds_verdict *v, json_t *extra);
void output_hex(json_t *obj, const char *key, const void *p, size_t n);

int cmd_quote(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_app(int argc, char **argv);
int cmd_cert(int argc, char **argv);

#endif
