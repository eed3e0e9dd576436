// SPDX-License-Identifier: Apache-2.0
/* dstackctl kms: roots for a new node, and a look at nodes and their release logs. */
#include <getopt.h>
#include <jansson.h>
#include <unistd.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/secret.h>
#include <ds/net/client.h>
#include <ds/net/kms.h>
#include <ds/net/prpc.h>

#include "allow.h"
#include "run.h"
#include "vm.h"

static const char help_text[] =
	"usage: dstackctl kms bootstrap --url URL --token FILE --domain NAME\n"
	"       dstackctl kms onboard --url URL --token FILE --source URL --domain NAME\n"
	"       dstackctl kms status --url URL [--token FILE | --root-ca PEM]\n"
	"       dstackctl kms log [--verify] FILE\n"
	"       dstackctl kms allow|deny compose-hash|device VALUE --app ID --policy FILE\n"
	"       dstackctl kms allow|deny kms-mr|kms-device VALUE --policy FILE\n"
	"       dstackctl kms allow|deny|approve|withdraw|execute|history ... --rpc URL ...\n"
	"\n"
	"bootstrap makes new roots in a dstack-kms that has none; onboard takes those of the node at --source, if the\n"
	"policies of both allow it. Both speak to the node's onboarding listener (onboard_listen in kms.conf) with the\n"
	"one-time token that it wrote (onboard_token), and let it start its service then.\n"
	"status prints GetMeta of a running node, whose root must be the one in --root-ca if that is given; with --token,\n"
	"what a node without roots measures, for the [kms] section of the policies, and seal_to, the key for replicate_to\n"
	"of the node that gives the roots.\n"
	"log prints a release log, one line per record, after its chain was checked; --verify only checks it.\n"
	"allow and deny change the policy file of policy_backend = file; VALUE has 64 hex digits, a device may be any.\n"
	"Without --policy they, and the words behind them, are those of dstackctl contract (see its --help).\n";

struct kms_args {
	const char *url, *token, *domain, *source, *root_ca;
	bool verify;
};

static int post(const struct kms_args *a, const char *method, json_t *take_args, json_t **ret)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL, body = DS_BUF_NULL, roots = DS_BUF_NULL;
	struct ds_client_cfg cfg = { .check = ds_kms_check_rpc, .no_name_check = true };
	DS_FREE char *text = json_dumps(take_args, JSON_COMPACT);
	struct ds_err err = DS_ERR_NULL;
	int status = 0, r = text ? ds_kms_url(a->url, method, &url) : -ENOMEM;
	char why[200];

	json_decref(take_args);
	if (!r && a->root_ca) {
		r = ds_read_file(AT_FDCWD, a->root_ca, DS_MAX_CERT_PEM, &roots);
		if (r)
			return failure("%s: %s", a->root_ca, strerror(-r));
		cfg.roots_pem = ds_buf_span(&roots);
		cfg.no_name_check = false;
	}
	if (!r)
		r = ds_call(&cfg, (const char *)url.p, DS_SPAN_STR(text), &body, &status, &err);
	if (text)
		ds_wipe(text, strlen(text));
	if (r)
		return failure("%s: %s", a->url, err.code ? err.msg : strerror(-r));
	if (status != 200)
		return failure("%s refused: %s", method,
			       ds_kms_error(status, ds_buf_span(&body), why, sizeof(why)));
	*ret = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	return *ret ? 0 : failure("%s: the reply is no JSON", method);
}

/* {"token": …} from the file, which holds nothing else. */
static json_t *with_token(const struct kms_args *a)
{
	DS_SECRET struct ds_secret *token = NULL;
	int r = ds_read_file_secret(AT_FDCWD, a->token, 64, &token);

	if (r) {
		failure("%s: %s", a->token, strerror(-r));
		return NULL;
	}
	return json_pack("{s:s%}", "token", token->p, token->n);
}

/* Text of a peer: lines stay lines, and nothing in it moves the cursor. */
static void print_text(const char *s)
{
	for (; *s; s++)
		putchar(*s == '\n' || (*s >= ' ' && *s <= '~') ? *s : '?');
	putchar('\n');
}

static void print_fields(const json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, key, v) {
		DS_FREE char *text = json_is_string(v) ? strdup(json_string_value(v))
						       : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		printf("%s: ", key);
		print_text(text ? text : "");
	}
}

/* Bootstrap or Onboard, then the service may start. */
static int get_roots(const struct kms_args *a, const char *method)
{
	DS_JSON json_t *reply = NULL, *none = NULL;
	json_t *args = a->url && a->token && a->domain ? with_token(a) : NULL;
	int r;

	if (!a->url || !a->token || !a->domain)
		return usage_error("kms: --url, --token and --domain are needed (see --help)");
	if (!args)
		return 1;
	if (json_object_set_new(args, "domain", json_string(a->domain)) ||
	    (a->source && json_object_set_new(args, "source_url", json_string(a->source)))) {
		json_decref(args);
		return failure("out of memory");
	}
	r = post(a, method, args, &reply);
	if (r)
		return r;
	print_fields(reply);
	args = with_token(a);
	return args ? post(a, "Finish", args, &none) : 1;
}

static int kms_bootstrap(const struct kms_args *a, int argc, char **argv)
{
	if (argc || a->source)
		return usage_error("kms bootstrap: '%s' is too much", argc ? argv[0] : "--source");
	return get_roots(a, "Bootstrap");
}

static int kms_onboard(const struct kms_args *a, int argc, char **argv)
{
	if (argc)
		return usage_error("kms onboard: '%s' is too much", argv[0]);
	if (!a->source)
		return usage_error("kms onboard: --source is needed (see --help)");
	return get_roots(a, "Onboard");
}

static int kms_status(const struct kms_args *a, int argc, char **argv)
{
	DS_JSON json_t *reply = NULL;
	json_t *args;
	int r;

	if (argc)
		return usage_error("kms status: '%s' is too much", argv[0]);
	if (!a->url)
		return usage_error("kms status: --url is needed (see --help)");
	args = a->token ? with_token(a) : json_object();
	if (!args)
		return 1;
	r = post(a, a->token ? "GetAttestationInfo" : "GetMeta", args, &reply);
	if (!r)
		print_fields(reply);
	return r;
}

/* dstack-kms judges its own logs. It is beside this program, or in sbin beside that. */
static int check_log(const char *path)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	char tool[PATH_MAX];
	char *argv[] = { tool, (char *)"check-log", (char *)(uintptr_t)path, NULL };
	int status = 1, r = sibling_path("dstack-kms", tool, sizeof(tool));

	if (!r && access(tool, X_OK))
		r = sibling_path("../sbin/dstack-kms", tool, sizeof(tool));
	if (!r)
		r = run_capture(argv, 4096, &out, &status);
	if (r)
		return failure("%s: %s", tool, strerror(-r));
	if (!status && ds_write_full(STDOUT_FILENO, out.p, out.n))
		return 1;
	return status;
}

static const char *field(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	/* the log is our own, and what peers have said is escaped in it */
	return s && *s ? s : "-";
}

static int print_log(const char *path)
{
	DS_FILE FILE *f = fopen(path, "re");
	DS_FREE char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return failure("%s: %s", path, strerror(errno));
	while ((n = getline(&line, &cap, f)) > 0) {
		DS_JSON json_t *o = json_loadb(line, (size_t)n, 0, NULL);

		printf("%lld %s %s %s app=%s peer=%s reason=%s\n",
		       (long long)json_integer_value(json_object_get(o, "seq")), field(o, "time"),
		       field(o, "op"), field(o, "decision"), field(o, "app_id"), field(o, "peer"),
		       field(o, "reason"));
	}
	return 0;
}

static int kms_log(const struct kms_args *a, int argc, char **argv)
{
	int r;

	if (argc != 1)
		return usage_error("kms log: one FILE is needed (see --help)");
	r = check_log(argv[0]);
	return r || a->verify ? r : print_log(argv[0]);
}

static const struct {
	const char *name;
	int (*run)(const struct kms_args *a, int argc, char **argv);
} verbs[] = {
	{ "bootstrap", kms_bootstrap },
	{ "onboard", kms_onboard },
	{ "status", kms_status },
	{ "log", kms_log },
};

/* What rules a KMS is a file or a contract: the words for both are here. */
static bool rules(int argc, char **argv, int *ret)
{
	static const char *const words[] = { "allow",	 "deny",    "approve",
					     "withdraw", "execute", "history" };
	bool file = false, any = false;

	for (size_t i = 0; argc > 1 && i < DS_ARRAY_SIZE(words); i++)
		any |= !strcmp(argv[1], words[i]);
	for (int i = 1; i < argc; i++)
		file |= !strncmp(argv[i], "--policy", 8);
	if (any)
		*ret = file ? cmd_allow(argc, argv) : cmd_contract(argc, argv);
	return any;
}

int cmd_kms(int argc, char **argv)
{
	static const struct option o[] = {
		{ "url", 1, 0, 'u' },	 { "token", 1, 0, 't' },  { "domain", 1, 0, 'd' },
		{ "source", 1, 0, 's' }, { "root-ca", 1, 0, 'r' }, { "verify", 0, 0, 'v' },
		{ "help", 0, 0, 'h' },	 { 0 },
	};
	struct kms_args a = { 0 };
	const char *verb;
	int c;

	if (rules(argc, argv, &c))
		return c;
	while ((c = getopt_long(argc, argv, "h", o, NULL)) != -1) {
		switch (c) {
		case 'h': return fputs(help_text, stdout) < 0;
		case 'u': a.url = optarg; break;
		case 't': a.token = optarg; break;
		case 'd': a.domain = optarg; break;
		case 's': a.source = optarg; break;
		case 'r': a.root_ca = optarg; break;
		case 'v': a.verify = true; break;
		default: return 2;
		}
	}
	verb = optind < argc ? argv[optind++] : "";
	for (size_t i = 0; i < DS_ARRAY_SIZE(verbs); i++)
		if (!strcmp(verb, verbs[i].name))
			return verbs[i].run(&a, argc - optind, argv + optind);
	return usage_error("kms: expected bootstrap, onboard, status, log, allow, deny or history, got '%s'", verb);
}
