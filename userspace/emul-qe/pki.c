// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-emul-qe pki: write root-ca.pem, collateral.json (and its bad relatives) and emul-qe.key.
 */
#include "emul_qe.h"

#include <getopt.h>
#include <sys/stat.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>

#define DAY	     INT64_C(86400)
#define MAX_DAYS     3650u
#define CERT_AGE     (90 * DAY) /* certificates begin before any document of --expired */
#define MAX_TIME     253370764800 /* 9999-01-01 */
#define DEFAULT_DAYS 30

static const char help[] =
	"usage: dstack-emul-qe pki --out DIR [OPTION...]\n"
	"Make a test PKI in Intel's shape. Its CA keys are not kept.\n\n"
	"  --out DIR             gets root-ca.pem, collateral.json and the secret emul-qe.key\n"
	"  --fmspc HEX           6 bytes (default ffc06f000000)\n"
	"  --platform            PCK from a Platform CA (default)\n"
	"  --processor           PCK from a Processor CA\n"
	"  --now TIME            pretended date, RFC 3339 or Unix seconds (default: the clock)\n"
	"  --days N              life of the documents, 1 to 3650 (default 30)\n"
	"  --expired             documents that ended yesterday\n"
	"  --tcb-status WORD     status of the platform's TCB level (default UpToDate)\n"
	"  --module-status WORD  status of the TDX module's level\n"
	"  --qe-status WORD      status of the quoting enclave's level\n"
	"  --revoke pck|ca|signer   list that certificate as revoked\n"
	"  --variants            also write collateral-NAME.json for each kind of bad collateral\n";

struct args {
	const char *out;
	struct ds_pki_opts pki;
	struct ds_pki_docs docs;
	int64_t now, days;
	bool expired, variants;
};

enum {
	OPT_OUT = 256,
	OPT_FMSPC,
	OPT_PLATFORM,
	OPT_PROCESSOR,
	OPT_NOW,
	OPT_DAYS,
	OPT_EXPIRED,
	OPT_TCB,
	OPT_MODULE,
	OPT_QE,
	OPT_REVOKE,
	OPT_VARIANTS,
	OPT_HELP
};

static const struct option opts[] = {
	{ "out", required_argument, NULL, OPT_OUT },
	{ "fmspc", required_argument, NULL, OPT_FMSPC },
	{ "platform", no_argument, NULL, OPT_PLATFORM },
	{ "processor", no_argument, NULL, OPT_PROCESSOR },
	{ "now", required_argument, NULL, OPT_NOW },
	{ "days", required_argument, NULL, OPT_DAYS },
	{ "expired", no_argument, NULL, OPT_EXPIRED },
	{ "tcb-status", required_argument, NULL, OPT_TCB },
	{ "module-status", required_argument, NULL, OPT_MODULE },
	{ "qe-status", required_argument, NULL, OPT_QE },
	{ "revoke", required_argument, NULL, OPT_REVOKE },
	{ "variants", no_argument, NULL, OPT_VARIANTS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static int parse_time(const char *s, int64_t *ret)
{
	uint64_t v;

	if (!ds_time_parse_rfc3339(s, strlen(s), ret))
		return 0;
	DS_TRY(ds_parse_u64(s, strlen(s), MAX_TIME, &v));
	*ret = (int64_t)v;
	return 0;
}

static int parse_revoke(const char *s, struct ds_pki_docs *docs)
{
	docs->revoke_pck = !strcmp(s, "pck");
	docs->revoke_ca = !strcmp(s, "ca");
	docs->revoke_signer = !strcmp(s, "signer");
	return docs->revoke_pck || docs->revoke_ca || docs->revoke_signer ? 0 : -EINVAL;
}

/* -EINVAL: the value of this option is not usable. */
static int take(int c, const char *arg, struct args *a)
{
	uint64_t days;

	switch (c) {
	case OPT_OUT:
		a->out = arg;
		return 0;
	case OPT_FMSPC:
		return ds_hex_decode_exact(arg, a->pki.fmspc, sizeof(a->pki.fmspc));
	case OPT_PLATFORM:
	case OPT_PROCESSOR:
		a->pki.processor = c == OPT_PROCESSOR;
		return 0;
	case OPT_NOW:
		return parse_time(arg, &a->now);
	case OPT_DAYS:
		DS_TRY(ds_parse_u64(arg, strlen(arg), MAX_DAYS, &days));
		a->days = (int64_t)days;
		return days ? 0 : -EINVAL;
	case OPT_EXPIRED:
		a->expired = true;
		return 0;
	case OPT_TCB:
		a->docs.tcb_status = arg;
		return 0;
	case OPT_MODULE:
		a->docs.module_status = arg;
		return 0;
	case OPT_QE:
		a->docs.qe_status = arg;
		return 0;
	case OPT_REVOKE:
		return parse_revoke(arg, &a->docs);
	default:
		a->variants = true;
		return 0;
	}
}

static int write_collateral(int dir, const struct ds_pki *pki, const struct ds_pki_docs *docs,
			    const char *name)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_pki_collateral(pki, docs, &buf, &err);

	if (!r)
		r = ds_write_file_atomic(dir, name, ds_buf_span(&buf), 0644);
	if (r)
		ds_log(DS_LOG_ERR, "%s: %s", name, err.code ? err.msg : strerror(-r));
	return r;
}

/* What a verifier must refuse, one file each. */
static int write_variants(int dir, const struct ds_pki *pki, const struct args *a)
{
	const struct {
		const char *name;
		struct ds_pki_docs docs; /* 0 for a time: that of the good set */
	} v[] = {
		{ "collateral-expired.json",
		  { .issued = a->now - 31 * DAY, .next_update = a->now - DAY } },
		{ "collateral-not-yet-valid.json",
		  { .issued = a->now + DAY, .next_update = a->now + 31 * DAY } },
		{ "collateral-out-of-date.json", { .tcb_status = "OutOfDate" } },
		{ "collateral-tcb-revoked.json", { .tcb_status = "Revoked" } },
		{ "collateral-unknown-status.json", { .tcb_status = "LooksFine" } },
		{ "collateral-module-out-of-date.json", { .module_status = "OutOfDate" } },
		{ "collateral-qe-out-of-date.json", { .qe_status = "OutOfDate" } },
		{ "collateral-pck-revoked.json", { .revoke_pck = true } },
		{ "collateral-ca-revoked.json", { .revoke_ca = true } },
		{ "collateral-signer-revoked.json", { .revoke_signer = true } },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		struct ds_pki_docs docs = v[i].docs;

		docs.issued = docs.issued ? docs.issued : a->docs.issued;
		docs.next_update = docs.next_update ? docs.next_update : a->docs.next_update;
		DS_TRY(write_collateral(dir, pki, &docs, v[i].name));
	}
	return 0;
}

static int write_all(const struct args *a, const struct ds_pki *pki)
{
	DS_SECRET struct ds_secret *bundle = NULL;
	DS_BUF struct ds_buf root = DS_BUF_NULL;
	DS_FD int dir = -1;
	int r;

	if (mkdir(a->out, 0755) && errno != EEXIST)
		return -errno;
	dir = open(a->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	DS_TRY(ds_pki_root_pem(pki, &root));
	DS_TRY(ds_pki_bundle(pki, &bundle));
	DS_TRY(write_collateral(dir, pki, &a->docs, "collateral.json"));
	r = a->variants ? write_variants(dir, pki, a) : 0;
	if (r)
		return r;
	DS_TRY(ds_write_file_atomic(dir, "root-ca.pem", ds_buf_span(&root), 0644));
	return ds_write_file_atomic(dir, "emul-qe.key", DS_SPAN(bundle->p, bundle->n), 0600);
}

/* Documents are a day old, so that a verifier whose clock is a little behind takes them. */
static void set_times(struct args *a)
{
	int64_t end = a->expired ? a->now - DAY : a->now + a->days * DAY;

	a->docs.next_update = end;
	a->docs.issued = a->expired ? end - 30 * DAY : a->now - DAY;
	a->pki.not_before = a->now - CERT_AGE;
}

int cmd_pki(int argc, char **argv)
{
	struct args a = { .pki.fmspc = { 0xff, 0xc0, 0x6f },
			  .now = (int64_t)time(NULL),
			  .days = DEFAULT_DAYS };
	DS_PKI struct ds_pki *pki = NULL;
	struct ds_err err = DS_ERR_NULL;
	int c, at = -1, r;

	while ((c = getopt_long(argc, argv, "h", opts, &at)) != -1) {
		if (c == 'h' || c == OPT_HELP) {
			fputs(help, stdout);
			return 0;
		}
		if (c != '?' && !take(c, optarg, &a))
			continue;
		if (c != '?')
			fprintf(stderr, "dstack-emul-qe pki: --%s: bad value '%s'\n", opts[at].name,
				optarg);
		return EXIT_USAGE;
	}
	if (!a.out || optind != argc || a.now < CERT_AGE) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	r = ds_secret_harden_process();
	set_times(&a);
	if (!r)
		r = ds_pki_new(&a.pki, &pki, &err);
	if (!r)
		r = write_all(&a, pki);
	if (r)
		ds_log(DS_LOG_ERR, "%s: %s", a.out, err.code ? err.msg : strerror(-r));
	return r ? 1 : 0;
}
