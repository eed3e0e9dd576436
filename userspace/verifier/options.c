// SPDX-License-Identifier: Apache-2.0
/* Command line of the subcommands: one table, each takes the part it names in its mask. */
#include "verify.h"

#include <getopt.h>
#include <time.h>

#include <ds/base/limits.h>
#include <ds/base/text.h>

enum { OPT_HELP = 1 << 30, OPT_JSON = 1 << 29 };

static const struct opt {
	const char *name;
	const char *arg; /* NULL: takes none */
	int id;
	const char *what;
} table[] = {
	{ "collateral", "FILE", OPT_COLLATERAL, "TCB info, QE identity and CRLs (JSON)" },
	{ "root-ca", "PEM", OPT_ROOT_CA, "trust this root instead of Intel's or AMD's" },
	{ "time", "TIME", OPT_TIME,
	  "judge at this time (RFC 3339 or seconds since 1970), not now" },
	{ "policy", "FILE", OPT_POLICY, "what else is acceptable, see dstack-verify(1)" },
	{ "event-log", "FILE", OPT_EVENT_LOG, "event log, JSON or TCG2" },
	{ "quote", "QUOTE", OPT_QUOTE, "quote whose registers the log must give" },
	{ "rtmr3", "HEX", OPT_RTMR3, "value of RTMR3 that the log must give" },
	{ "cert", "PEM", OPT_CERT, "RA-TLS certificate, and its chain" },
	{ "compose", "FILE", OPT_COMPOSE, "app-compose.json that must be the measured one" },
	{ "image", "JSON", OPT_IMAGE,
	  "expected mrtd, rtmr0, rtmr1, rtmr2, as dstack-mr prints them" },
	{ "kms-root", "PEM", OPT_KMS_ROOT, "root that the certificate chain must end in" },
	{ "app-id", "HEX", OPT_APP_ID, "app id that must be the measured one" },
	{ "host", "NAME", OPT_HOST,
	  "name the certificate must be for, and of the app if it holds an id" },
	{ "bundle", "FILE", OPT_BUNDLE, "all of it in one file, see dstackctl(1) evidence" },
	{ "nonce", "HEX", OPT_NONCE, "the bundle's quote must have been made for it" },
	{ "kms-root-hash", "HEX", OPT_KMS_ROOT_HASH,
	  "trust the bundle's KMS root: SHA-256 of its public key (SPKI)" },
	{ "image-hash", "HEX", OPT_IMAGE_HASH,
	  "trust the bundle's image: SHA-256 of its sha256sum.txt" },
	{ "kms-root-key", "HEX", OPT_KMS_ROOT_KEY, "secp256k1 root key of the KMS, compressed" },
	{ "purpose", "TEXT", OPT_PURPOSE, "purpose that the key was asked for (GetKey)" },
	{ "algorithm", "NAME", OPT_ALGORITHM, "secp256k1 (default), secp256k1_prehashed or ed25519" },
	{ "data", "FILE", OPT_DATA, "what was signed (Sign)" },
	{ "max-age", "AGE", OPT_MAX_AGE, "of an environment key, in seconds (default 300), or any" },
	{ "listen", "WHERE", OPT_LISTEN, "ADDR:PORT or unix:PATH" },
	{ "insecure-allow-emulated", NULL, OPT_EMULATED,
	  "evidence without any security is valid" },
	{ "vek", "FILE", OPT_VEK, "certificate of the VCEK or VLEK, DER or PEM" },
	{ "chain", "PEM", OPT_CHAIN, "ASK or ASVK, and ARK, as AMD's cert_chain has them" },
	{ "crl", "FILE", OPT_CRL, "revocation list of the ARK, DER or PEM" },
	{ "json", NULL, OPT_JSON, "print one JSON object" },
	{ "help", NULL, OPT_HELP, "print this" },
};

#define MAX_OPTS (DS_ARRAY_SIZE(table) + FETCH_TABLE_MAX)

void options_done(struct options *o)
{
	ds_buf_done(&o->root_buf);
	o->policy = ds_tcb_policy_free(o->policy);
}

static void help_line(const char *name, const char *arg, const char *what)
{
	char left[40];

	(void)snprintf(left, sizeof(left), "--%s %s", name, arg ? arg : "");
	printf("  %-24s %s\n", left, what);
}

static void help(unsigned int mask, const char *usage)
{
	printf("usage: dstack-verify %s\n\n", usage);
	for (size_t i = 0; i < DS_ARRAY_SIZE(table); i++)
		if ((mask | OPT_JSON | OPT_HELP) & (unsigned int)table[i].id)
			help_line(table[i].name, table[i].arg, table[i].what);
	if (!(mask & OPT_FETCH))
		return;
	puts("\nfrom a service:");
	for (const struct fetch_option *f = fetch_table; f->name; f++)
		help_line(f->name, f->arg, f->what);
}

static int parse_time(const char *s, int64_t *ret)
{
	uint64_t secs;

	if (!ds_parse_u64(s, strlen(s), INT64_C(253402300799), &secs)) {
		*ret = (int64_t)secs;
		return 0;
	}
	return ds_time_parse_rfc3339(s, strlen(s), ret);
}

static const char **text_of(struct options *o, int id)
{
	switch (id) {
	case OPT_COLLATERAL:
		return &o->collateral;
	case OPT_ROOT_CA:
		return &o->root_ca;
	case OPT_POLICY:
		return &o->policy_file;
	case OPT_EVENT_LOG:
		return &o->event_log;
	case OPT_QUOTE:
		return &o->quote;
	case OPT_RTMR3:
		return &o->rtmr3;
	case OPT_CERT:
		return &o->cert;
	case OPT_COMPOSE:
		return &o->compose;
	case OPT_IMAGE:
		return &o->image;
	case OPT_KMS_ROOT:
		return &o->kms_root;
	case OPT_APP_ID:
		return &o->app_id;
	case OPT_HOST:
		return &o->host;
	case OPT_BUNDLE:
		return &o->bundle;
	case OPT_NONCE:
		return &o->nonce;
	case OPT_KMS_ROOT_HASH:
		return &o->kms_root_hash;
	case OPT_IMAGE_HASH:
		return &o->image_hash;
	case OPT_KMS_ROOT_KEY:
		return &o->kms_root_key;
	case OPT_PURPOSE:
		return &o->purpose;
	case OPT_ALGORITHM:
		return &o->algorithm;
	case OPT_DATA:
		return &o->data;
	case OPT_MAX_AGE:
		return &o->max_age;
	case OPT_LISTEN:
		return &o->listen;
	case OPT_VEK:
		return &o->vek;
	case OPT_CHAIN:
		return &o->chain;
	case OPT_CRL:
		return &o->crl;
	default:
		return NULL;
	}
}

/* What would be a mismatch whatever the certificate says is a mistake of the caller. */
static int check_text(int id, const char *arg)
{
	uint8_t app_id[20], bytes[64];

	if (id == OPT_APP_ID && ds_hex_decode_exact(arg, app_id, sizeof(app_id))) {
		fprintf(stderr, "dstack-verify: --app-id: expected 40 hex digits, got '%s'\n", arg);
		return EXIT_USAGE;
	}
	if ((id == OPT_KMS_ROOT_HASH || id == OPT_IMAGE_HASH) &&
	    ds_hex_decode_exact(arg, bytes, 32)) {
		fprintf(stderr, "dstack-verify: --%s: expected 64 hex digits, got '%s'\n",
			id == OPT_IMAGE_HASH ? "image-hash" : "kms-root-hash", arg);
		return EXIT_USAGE;
	}
	if (id == OPT_NONCE && (!*arg || ds_hex_decode(arg, strlen(arg), bytes, sizeof(bytes)))) {
		fprintf(stderr, "dstack-verify: --nonce: expected 2 to 128 hex digits, got '%s'\n",
			arg);
		return EXIT_USAGE;
	}
	/* a name that begins with a dot would stand for all names under it */
	if (id == OPT_HOST && (!*arg || *arg == '.' || *arg == '*')) {
		fprintf(stderr, "dstack-verify: --host: expected a host name, got '%s'\n", arg);
		return EXIT_USAGE;
	}
	return 0;
}

static int take(struct options *o, int id, const char *arg)
{
	const char **text = text_of(o, id);

	if (id & OPT_FETCH)
		return fetch_take(&o->fetch, id & ~OPT_FETCH, arg);
	if (text) {
		if (check_text(id, arg))
			return EXIT_USAGE;
		*text = arg;
		return 0;
	}
	if (id == OPT_JSON) {
		o->json = true;
		return 0;
	}
	if (id == OPT_EMULATED) {
		o->allow_emulated = true;
		return 0;
	}
	o->fixed_time = true;
	if (parse_time(arg, &o->time)) {
		fprintf(stderr,
			"dstack-verify: --time: expected YYYY-MM-DDThh:mm:ssZ or seconds, got "
			"'%s'\n",
			arg);
		return EXIT_USAGE;
	}
	return 0;
}

static size_t fill(unsigned int mask, struct option opts[MAX_OPTS + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < DS_ARRAY_SIZE(table); i++)
		if ((mask | OPT_JSON | OPT_HELP) & (unsigned int)table[i].id)
			opts[n++] = (struct option){ table[i].name,
						     table[i].arg ? required_argument : no_argument,
						     NULL, table[i].id };
	for (int i = 0; mask & OPT_FETCH && fetch_table[i].name; i++)
		opts[n++] = (struct option){ fetch_table[i].name,
					     fetch_table[i].arg ? required_argument : no_argument,
					     NULL, OPT_FETCH | i };
	opts[n] = (struct option){ 0 };
	return n;
}

int options_parse(int argc, char **argv, unsigned int mask, int want_args, const char *usage,
		  struct options *o, int *ret_first)
{
	struct option opts[MAX_OPTS + 1];
	char *given = argv[0], name[64];
	int c;

	fill(mask, opts);
	*o = (struct options){ .time = (int64_t)time(NULL) };
	(void)snprintf(name, sizeof(name), "dstack-verify %s", argv[0]);
	optind = 0;
	argv[0] = name; /* getopt_long() begins its messages with it */
	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == OPT_HELP) {
			help(mask, usage);
			argv[0] = given;
			return -ECANCELED;
		}
		if (c == '?' || take(o, c, optarg)) {
			argv[0] = given;
			return EXIT_USAGE;
		}
	}
	argv[0] = given;
	if (want_args < 0 ? argc - optind > -want_args : argc - optind != want_args) {
		fprintf(stderr, "%s: expected %s%d operand%s, got %d\nusage: dstack-verify %s\n",
			name, want_args < 0 ? "at most " : "", abs(want_args),
			abs(want_args) == 1 ? "" : "s", argc - optind, usage);
		return EXIT_USAGE;
	}
	*ret_first = optind;
	return 0;
}

int options_load(struct options *o)
{
	struct ds_err err = DS_ERR_NULL;
	int r;

	o->verify.time = o->time;
	if (o->root_ca) {
		r = input_file(o->root_ca, DS_MAX_CERT_PEM, &o->root_buf);
		if (r || !o->root_buf.n) {
			if (r == -EFBIG || !r)
				fprintf(stderr, "dstack-verify: %s: not a certificate\n",
					o->root_ca);
			return EXIT_USAGE;
		}
		o->verify.root_ca = ds_buf_span(&o->root_buf);
	}
	if (o->policy_file) {
		if (ds_tcb_policy_load(o->policy_file, &o->policy, &err)) {
			fprintf(stderr, "dstack-verify: %s\n", err.msg);
			return EXIT_USAGE;
		}
		o->verify.policy = ds_tcb_policy_get(o->policy);
	}
	return 0;
}
