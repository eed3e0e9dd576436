// SPDX-License-Identifier: Apache-2.0
/* dstackctl evidence: put all that is needed to judge an app into one file (docs/verify.md). Nothing is judged here. */
#include <getopt.h>
#include <sys/stat.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/crypto/rand.h>
#include <ds/net/client.h>
#include <ds/net/peer.h>
#include <ds/wire/attestation.h>
#include <ds/wire/bundle.h>
#include <ds/wire/hostinput.h>
#include <ds/x509/cert.h>

#include "run.h"
#include "vm.h"

#define HANDSHAKE_S 15
#define QUOTE_MS    60000u /* a quote may take the kernel's whole 30 s */
#define NONCE_SIZE  32u

static const char help_text[] =
	"usage: dstackctl evidence -o FILE [OPTION...] [HOST:PORT | NAME] [-- DSTACK-VERIFY-COLLATERAL-OPTION...]\n"
	"\n"
	"Writes an evidence bundle: what 'dstack-verify app --bundle FILE' needs to judge an app offline.\n"
	"HOST:PORT is a TLS server of the app, NAME a machine of this host (its forwarded ports are tried, its compose\n"
	"file and image are taken from its folder). Nothing is judged, and nothing in the bundle vouches for itself.\n"
	"\n"
	"  --connect ADDR:PORT  go there, naming HOST in the handshake\n"
	"  --agent URL          ask the guest's agent for a quote: http://ADDR:PORT or unix:SOCKET\n"
	"  --reply FILE         the agent's JSON reply to GetQuote, made elsewhere\n"
	"  --nonce HEX          up to 64 bytes the quote must be made for; with --agent random by default\n"
	"  --compose FILE       app-compose.json\n"
	"  --image DIR          sha256sum.txt and measurement.json of the image\n"
	"  --measurement FILE   measurement.json for another machine shape\n"
	"  --kms-root PEM       root certificate of the KMS\n"
	"  --collateral FILE    TCB info, QE identity and CRLs; or fetch them with the options behind --, which are those\n"
	"                       of 'dstack-verify collateral', for example --collateral-url URL\n"
	"  -o, --output FILE    where the bundle goes\n";

struct args {
	const char *connect, *agent, *reply, *nonce, *compose, *image, *measurement, *kms_root, *collateral, *output;
	const char *subject; /* HOST:PORT or NAME; NULL: none */
	char **fetch;	     /* options behind -- */
	int n_fetch;
	char image_dir[PATH_MAX]; /* of a machine by name */
	uint8_t asked[64];	  /* nonce that the agent was asked for */
};

/* A file, or nothing when there is no path. */
static int load(const char *path, size_t max, struct ds_buf *ret)
{
	int r = path ? ds_read_file(AT_FDCWD, path, max, ret) : 0;

	if (!r && path && !ret->n)
		return failure("%s: empty", path);
	return r ? failure("%s: %s", path, strerror(-r)) : 0;
}

static int chain_of_host(const struct args *a, struct ds_bundle *b)
{
	char host[256], addr[64];
	struct ds_err err = DS_ERR_NULL;
	uint16_t port, to_port;

	if (split_host_port(a->subject, host, sizeof(host), &port))
		return usage_error("evidence: '%s' is neither HOST:PORT nor a machine", a->subject);
	if (split_host_port(a->connect ? a->connect : a->subject, addr, sizeof(addr), &to_port))
		return usage_error("evidence: --connect '%s' is not ADDR:PORT", a->connect);
	if (ds_tls_fetch_chain(addr, to_port, host, HANDSHAKE_S, &b->chain, &err))
		return failure("%s", err.msg);
	return ds_buf_add(&b->host, host, strlen(host)) ? failure("out of memory") : 0;
}

/* The first forwarded port of the machine that speaks TLS. */
static void chain_of_ports(const json_t *ports, struct ds_bundle *b)
{
	struct ds_err err = DS_ERR_NULL;
	const json_t *p;
	size_t i;

	json_array_foreach(ports, i, p) {
		const char *addr = json_string_value(json_object_get(p, "address"));
		const char *protocol = json_string_value(json_object_get(p, "protocol"));
		json_int_t port = json_integer_value(json_object_get(p, "host"));

		if (!addr || !protocol || strcmp(protocol, "tcp") || port <= 0 || port > 65535)
			continue;
		if (!ds_tls_fetch_chain(strcmp(addr, "0.0.0.0") ? addr : "127.0.0.1", (uint16_t)port, "localhost", HANDSHAKE_S,
					&b->chain, &err))
			return;
	}
}

/* What this host keeps about the machine: its ports, the compose file it was given, its image. */
static int machine(struct args *a, struct ds_bundle *b)
{
	struct vm vm = VM_NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	struct ds_hostinput in = { 0 };
	json_t *obj = NULL;
	int r = vm_open(a->subject, false, &vm);

	if (r)
		return failure("no machine '%s'", a->subject);
	if (!vm_load(&vm, "vm.json", DS_MAX_CONFIG_FILE, &obj)) {
		const char *image = json_string_value(json_object_get(obj, "image"));

		if (image && !a->image && !a->measurement) {
			(void)snprintf(a->image_dir, sizeof(a->image_dir), "%s", image);
			a->image = a->image_dir;
		}
		chain_of_ports(json_object_get(obj, "ports"), b);
	}
	json_decref(obj);
	r = 0;
	if (!a->compose && !ds_read_file(vm.dirfd, "host-input.bin", DS_MAX_HOST_INPUT, &blob) &&
	    !ds_hostinput_decode(ds_buf_span(&blob), &in, NULL) && in.has[DS_HI_APP_COMPOSE])
		r = ds_buf_add_span(&b->compose, in.item[DS_HI_APP_COMPOSE]);
	vm_close(&vm);
	return r ? failure("out of memory") : 0;
}

static int pick_nonce(const struct args *a, uint8_t ret[64], size_t *ret_n)
{
	*ret_n = NONCE_SIZE;
	memset(ret, 0, 64);
	if (!a->nonce)
		return ds_rand(ret, NONCE_SIZE) ? failure("no random numbers") : 0;
	*ret_n = strlen(a->nonce) / 2;
	if (!*a->nonce || ds_hex_decode(a->nonce, strlen(a->nonce), ret, 64))
		return usage_error("evidence: --nonce: 2 to 128 hex digits expected");
	return 0;
}

static int ask_agent(struct args *a, struct ds_buf *ret)
{
	const struct ds_client_cfg cfg = { .total_ms = QUOTE_MS };
	DS_BUF struct ds_buf body = DS_BUF_NULL, url = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	const char *end = strncmp(a->agent, "unix:", 5) || a->agent[strlen(a->agent) - 1] == ':' ? "" : ":";
	int status = 0;
	size_t n = 0;
	int r = pick_nonce(a, a->asked, &n);

	if (r)
		return r;
	if (ds_buf_addf(&body, "{\"report_data\":\"") || ds_buf_add_hex(&body, DS_SPAN(a->asked, n)) ||
	    ds_buf_addf(&body, "\"}") || ds_buf_addf(&url, "%s%s/GetQuote", a->agent, end) || !ds_buf_cstr(&url))
		return failure("out of memory");
	if (ds_call(&cfg, ds_buf_cstr(&url), ds_buf_span(&body), ret, &status, &err))
		return failure("%s: %s", a->agent, err.msg);
	return status == 200 ? 0 : failure("%s: GetQuote answered %d", a->agent, status);
}

static int hex_field(const json_t *o, const char *key, size_t max, struct ds_buf *ret)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s && !ds_hex_decode_buf(s, strlen(s), max, ret) ? 0 : failure("GetQuote: no usable %s", key);
}

/* The reply of GetQuote (spec/guest-api 2.1): hex, and the log as text of JSON. */
static int take_reply(const json_t *o, struct ds_bundle *b)
{
	const char *log = json_string_value(json_object_get(o, "event_log"));
	const char *config = json_string_value(json_object_get(o, "vm_config"));
	DS_BUF struct ds_buf rd = DS_BUF_NULL;
	int r = hex_field(o, "quote", DS_MAX_QUOTE, &b->quote);

	if (!r)
		r = hex_field(o, "report_data", 64, &rd);
	if (r)
		return r;
	if (rd.n != 64 || !log)
		return failure("GetQuote: no usable report_data or event_log");
	memcpy(b->nonce, rd.p, 64);
	if (ds_buf_addf(&b->event_log, "%s", log) || (config && ds_buf_addf(&b->vm_config, "%s", config)))
		return failure("out of memory");
	return 0;
}

static int quote(struct args *a, struct ds_bundle *b)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	json_t *o;
	int r;

	if (!a->agent && !a->reply)
		return 0;
	r = a->agent ? ask_agent(a, &text) : load(a->reply, DS_MAX_RPC_BODY, &text);
	if (r)
		return r;
	o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	r = o ? take_reply(o, b) : failure("GetQuote: not JSON");
	json_decref(o);
	if (!r && a->agent && memcmp(a->asked, b->nonce, sizeof(b->nonce)))
		return failure("%s: the quote is not for the nonce that was asked for", a->agent);
	return r;
}

static int image(const struct args *a, struct ds_bundle *b)
{
	char path[PATH_MAX];
	int n;

	if (a->measurement && load(a->measurement, DS_MAX_CONFIG_FILE, &b->measurement))
		return 1;
	if (!a->image)
		return 0;
	n = snprintf(path, sizeof(path), "%s/sha256sum.txt", a->image);
	if (n < 0 || (size_t)n >= sizeof(path) || load(path, DS_MAX_CONFIG_FILE, &b->sha256sum))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/measurement.json", a->image);
	return a->measurement ? 0 : load(path, DS_MAX_CONFIG_FILE, &b->measurement);
}

/* A quote of the platform that the collateral is for: the fresh one, or that of the certificate. */
static int sample(const struct ds_bundle *b, struct ds_buf *ret)
{
	DS_CERT_CHAIN struct ds_cert_chain chain = DS_CERT_CHAIN_NULL;
	DS_CERT_INFO struct ds_cert_info leaf = DS_CERT_INFO_NULL;
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_err err = DS_ERR_NULL;

	if (b->quote.n)
		return ds_buf_add_span(ret, ds_buf_span(&b->quote)) ? failure("out of memory") : 0;
	if (ds_cert_chain_from_pem(ds_buf_span(&b->chain), &chain, &err) ||
	    ds_cert_parse(ds_buf_span(&chain.der[0]), &leaf, &err) ||
	    (leaf.attestation.n && ds_attestation_decode(ds_buf_span(&leaf.attestation), &att, &err)))
		return failure("certificate: %s", err.msg);
	if (ds_buf_add_span(ret, ds_buf_span(att.quote.n ? &att.quote : &leaf.quote)))
		return failure("out of memory");
	return ret->n ? 0 : failure("the certificate carries no quote");
}

/* dstack-verify collateral --quote FILE --save-collateral FILE OPTION...; dir is a folder of our own. */
static int fetch_into(const struct args *a, const struct ds_bundle *b, const char *dir, struct ds_buf *ret)
{
	DS_FREE char **argv = calloc((size_t)a->n_fetch + 8, sizeof(*argv));
	char tool[PATH_MAX], in[64], out[64];
	DS_BUF struct ds_buf q = DS_BUF_NULL, text = DS_BUF_NULL;
	const char *const fixed[] = { tool, "collateral", "--quote", in, "--save-collateral", out };
	int status = 0, r;

	if (!argv || sibling_path("dstack-verify", tool, sizeof(tool)))
		return failure("dstack-verify: not found");
	if (sample(b, &q))
		return 1;
	(void)snprintf(in, sizeof(in), "%s/quote", dir);
	(void)snprintf(out, sizeof(out), "%s/collateral", dir);
	r = ds_write_file_atomic(AT_FDCWD, in, ds_buf_span(&q), 0600);
	if (r)
		return failure("%s: %s", in, strerror(-r));
	for (size_t i = 0; i < DS_ARRAY_SIZE(fixed); i++)
		argv[i] = (char *)fixed[i];
	for (int i = 0; i < a->n_fetch; i++)
		argv[DS_ARRAY_SIZE(fixed) + (size_t)i] = a->fetch[i];
	r = run_capture(argv, 1u << 20, &text, &status);
	if (!r && !status)
		r = ds_read_file(AT_FDCWD, out, DS_MAX_COLLATERAL, ret);
	unlink(in);
	unlink(out);
	return r || status ? failure("dstack-verify collateral did not succeed") : 0;
}

static int collateral(const struct args *a, struct ds_bundle *b)
{
	char dir[] = "/tmp/dstackctl-evidence-XXXXXX";
	int r;

	if (a->collateral)
		return load(a->collateral, DS_MAX_COLLATERAL, &b->collateral);
	if (!a->n_fetch)
		return 0;
	if (!mkdtemp(dir))
		return failure("%s: %s", dir, strerror(errno));
	r = fetch_into(a, b, dir, &b->collateral);
	rmdir(dir);
	return r;
}

static int collect(struct args *a, struct ds_bundle *b)
{
	const bool host = a->subject && strchr(a->subject, ':');
	char now[DS_TIME_SIZE];
	int r = 0;

	if (host)
		r = chain_of_host(a, b);
	else if (a->subject)
		r = machine(a, b);
	if (!r)
		r = quote(a, b);
	if (!r && !b->chain.n && !b->quote.n)
		return failure("no TLS server of the app was found: give HOST:PORT or --agent");
	if (!r)
		r = load(a->compose, DS_MAX_APP_COMPOSE, &b->compose);
	if (!r)
		r = image(a, b);
	if (!r)
		r = load(a->kms_root, DS_MAX_CERT_PEM, &b->kms_root);
	if (!r)
		r = collateral(a, b);
	if (!r && ds_buf_addf(&b->created, "%s", ds_time_format_rfc3339((int64_t)time(NULL), now)))
		r = failure("out of memory");
	return r;
}

static const struct option options[] = {
	{ "connect", 1, 0, 'c' },  { "agent", 1, 0, 'a' },	 { "reply", 1, 0, 'r' },    { "nonce", 1, 0, 'n' },
	{ "compose", 1, 0, 'C' },  { "image", 1, 0, 'i' },	 { "measurement", 1, 0, 'm' }, { "kms-root", 1, 0, 'k' },
	{ "collateral", 1, 0, 'l' }, { "output", 1, 0, 'o' },	 { "help", 0, 0, 'h' },	    { 0 },
};

static const char **text_of(struct args *a, int c)
{
	switch (c) {
	case 'c':
		return &a->connect;
	case 'a':
		return &a->agent;
	case 'r':
		return &a->reply;
	case 'n':
		return &a->nonce;
	case 'C':
		return &a->compose;
	case 'i':
		return &a->image;
	case 'm':
		return &a->measurement;
	case 'k':
		return &a->kms_root;
	case 'l':
		return &a->collateral;
	case 'o':
		return &a->output;
	default:
		return NULL;
	}
}

/* 0, 2 after printing why, or -ECANCELED when the help was printed. */
static int parse(int argc, char **argv, struct args *a)
{
	const char **text;
	int c;

	while ((c = getopt_long(argc, argv, "+ho:", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help_text, stdout);
			return -ECANCELED;
		}
		text = text_of(a, c);
		if (!text)
			return 2;
		*text = optarg;
	}
	/* getopt takes a -- in front of the operand; one behind it is ours */
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		a->subject = argv[optind++];
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	a->fetch = argv + optind;
	a->n_fetch = argc - optind;
	if (!a->output)
		return usage_error("evidence: -o FILE is needed (see --help)");
	if (!a->subject && !a->agent && !a->reply)
		return usage_error("evidence: HOST:PORT, NAME, --agent or --reply is needed");
	if (a->agent && a->reply)
		return usage_error("evidence: --agent or --reply, not both");
	if (a->nonce && !a->agent)
		return usage_error("evidence: --nonce is for --agent");
	if (a->collateral && a->n_fetch)
		return usage_error("evidence: --collateral or options to fetch it, not both");
	return 0;
}

int cmd_evidence(int argc, char **argv)
{
	DS_BUNDLE struct ds_bundle b = DS_BUNDLE_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct args a = { 0 };
	int r = parse(argc, argv, &a);

	if (r)
		return r == -ECANCELED ? 0 : r;
	r = collect(&a, &b);
	if (r)
		return r;
	r = ds_bundle_encode(&b, &text, &err);
	if (r)
		return failure("%s", r == -EINVAL ? err.msg : strerror(-r));
	r = ds_write_file_atomic(AT_FDCWD, a.output, ds_buf_span(&text), 0644);
	return r ? failure("%s: %s", a.output, strerror(-r)) : 0;
}
