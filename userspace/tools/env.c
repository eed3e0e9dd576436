// SPDX-License-Identifier: Apache-2.0
/*
 * dstackctl env encrypt: an app's environment for an app alone. The key to encrypt to comes over the
 * network and is used only if the KMS's secp256k1 root, which the caller knows, signed it for this
 * app a moment ago: recovering some key from a signature proves nothing (spec/kms 5).
 */
#include <getopt.h>
#include <malloc.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/keys/chain.h>
#include <ds/keys/envseal.h>
#include <ds/wire/envtext.h>
#include <ds/wire/keyreply.h>

#include "vm.h"

#define DEFAULT_AGE 300

static const char help_text[] =
	"usage: dstackctl env encrypt --app-id HEX --kms-root-key HEX --key FILE --out FILE [--in FILE] [--max-age SECONDS]\n"
	"\n"
	"  --app-id HEX           20 bytes: the app that is to read it\n"
	"  --kms-root-key HEX     k256_pubkey of the KMS (33 bytes), from a source that you trust\n"
	"  --key FILE             the KMS's reply to GetAppEnvEncryptPubKey for this app, in JSON\n"
	"  --out FILE             the encrypted environment, for dstackctl up --encrypted-env\n"
	"  --in FILE              default -, standard input: lines KEY=VALUE, taken as they are (empty ones and # comments\n"
	"                         are skipped), or JSON: {\"env\":[{\"key\":\"K\",\"value\":\"V\"},...]}\n"
	"  --max-age SECONDS      of the KMS's signature, default 300 (and a minute for clocks that differ)\n"
	"\n"
	"The key is used only if the root key signed it for the app, with a time that is not older. Values are never\n"
	"options: they would be in the list of processes.\n";

struct wish {
	const char *key, *in, *out;
	uint8_t app_id[20], root[33];
	bool has_app, has_root;
	uint64_t max_age;
};

static const struct option options[] = {
	{ "app-id", 1, 0, 'a' }, { "kms-root-key", 1, 0, 'r' }, { "key", 1, 0, 'k' },	{ "out", 1, 0, 'o' },
	{ "in", 1, 0, 'i' },	 { "max-age", 1, 0, 'm' },	{ "help", 0, 0, 'h' }, { 0 },
};

static int one_option(int opt, const char *arg, struct wish *w)
{
	switch (opt) {
	case 'k': w->key = arg; return 0;
	case 'o': w->out = arg; return 0;
	case 'i': w->in = arg; return 0;
	case 'a':
		w->has_app = !ds_hex_decode_exact(arg, w->app_id, sizeof(w->app_id));
		return w->has_app ? 0 : usage_error("--app-id: '%s' is not 40 hex digits", arg);
	case 'r':
		w->has_root = !ds_hex_decode_exact(arg, w->root, sizeof(w->root));
		return w->has_root ? 0 : usage_error("--kms-root-key: '%s' is not 66 hex digits", arg);
	case 'm':
		if (ds_parse_u64(arg, strlen(arg), UINT32_MAX, &w->max_age))
			return usage_error("--max-age: '%s' is not a number of seconds", arg);
		return 0;
	default:
		return 2;
	}
}

static int parse_options(int argc, char **argv, struct wish *w)
{
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return -1;
		}
		r = one_option(opt, optarg, w);
		if (r)
			return r;
	}
	if (optind < argc)
		return usage_error("env encrypt: unexpected argument '%s'", argv[optind]);
	if (!w->has_app || !w->has_root || !w->key || !w->out)
		return usage_error("env encrypt: --app-id, --kms-root-key, --key and --out are needed (see --help)");
	return 0;
}

/* The app's public key, signed by the root for this app within the time. */
static int trusted_key(const struct wish *w, uint8_t ret_pub[32])
{
	DS_KEY_REPLY struct ds_key_reply reply = DS_KEY_REPLY_NULL;
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_env_key k = { .app_id = w->app_id, .root = w->root };
	uint8_t got[DS_K256_PUB_SIZE] = { 0 };
	char hex[2 * sizeof(got) + 1];
	int r = ds_read_file(AT_FDCWD, w->key, DS_MAX_KEY_REPLY, &buf);

	if (r)
		return failure("%s: %s", w->key, strerror(-r));
	r = ds_key_reply_parse(ds_buf_span(&buf), &reply, &err);
	if (r)
		return failure("%s: %s", w->key, err.msg[0] ? err.msg : strerror(-r));
	if (reply.kind != DS_KEY_REPLY_ENV || reply.public_key.n != 32)
		return failure("%s: a reply to GetAppEnvEncryptPubKey expected", w->key);
	k.pub = reply.public_key.p;
	k.sig = ds_buf_span(&reply.signature);
	k.sig_v1 = ds_buf_span(&reply.signature_v1);
	k.timestamp = reply.timestamp;
	if (!k.sig_v1.n)
		return failure("%s: no signature with a time (signature_v1)", w->key);
	r = ds_env_key_verify(&k, time(NULL), (int64_t)w->max_age, got);
	if (r == DS_KEYS_E_STALE)
		return failure("%s: the KMS signed this at %llu: not within the last %llu s", w->key,
			       (unsigned long long)reply.timestamp, (unsigned long long)w->max_age);
	if (r == DS_KEYS_E_ROOT)
		return failure("%s: not signed by this root key for this app: signed by %s", w->key,
			       ds_hex_encode(got, sizeof(got), hex));
	if (r)
		return failure("%s: the KMS's signature is missing or malformed", w->key);
	memcpy(ret_pub, reply.public_key.p, 32);
	return 0;
}

/* Standard input to its end, into secret memory. */
static int read_stdin(struct ds_secret **ret)
{
	struct ds_secret *s = ds_secret_new(DS_MAX_ENCRYPTED_ENV + 1);
	size_t n = 0;
	ssize_t got = 1;

	if (!s)
		return -ENOMEM;
	while (got && n < s->n) {
		got = read(STDIN_FILENO, s->p + n, s->n - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			got = -errno;
			ds_secret_free(s);
			return (int)got;
		}
		n += (size_t)got;
	}
	if (n > DS_MAX_ENCRYPTED_ENV) {
		ds_secret_free(s);
		return -EFBIG;
	}
	s->n = n;
	*ret = s;
	return 0;
}

/* Checked as the guest will, so that a mistake is told now. */
static int plaintext(const struct wish *w, struct ds_secret **ret, size_t *ret_n)
{
	DS_SECRET struct ds_secret *text = NULL;
	DS_ENV struct ds_env env = DS_ENV_NULL;
	struct ds_err err = DS_ERR_NULL;
	const bool from_stdin = !strcmp(w->in, "-");
	int r = from_stdin ? read_stdin(&text)
			   : ds_read_file_secret(AT_FDCWD, w->in, DS_MAX_ENCRYPTED_ENV, &text);

	if (r)
		return failure("%s: %s", from_stdin ? "standard input" : w->in, strerror(-r));
	if (text->n && text->p[0] == '{')
		r = ds_env_parse(DS_SPAN(text->p, text->n), true, NULL, &env, &err);
	else
		r = ds_env_parse_lines(DS_SPAN(text->p, text->n), &env, &err);
	if (!r)
		r = ds_env_write(&env, DS_ENV_TEXT, ret, ret_n);
	return r ? failure("%s: %s", from_stdin ? "standard input" : w->in, err.msg[0] ? err.msg : strerror(-r)) : 0;
}

static int encrypt(const struct wish *w)
{
	DS_SECRET struct ds_secret *text = NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t pub[32];
	size_t n = 0;
	int r;

	DS_TRY(trusted_key(w, pub));
	DS_TRY(plaintext(w, &text, &n));
	r = ds_env_seal(pub, DS_SPAN(text->p, n), &blob, &err);
	if (r)
		return failure("%s", err.msg[0] ? err.msg : strerror(-r));
	r = ds_write_file_atomic(AT_FDCWD, w->out, ds_buf_span(&blob), 0644);
	return r ? failure("%s: %s", w->out, strerror(-r)) : 0;
}

/* What the JSON library gives back held values. */
static void wiping_free(void *p)
{
	if (p)
		ds_wipe(p, malloc_usable_size(p));
	free(p);
}

int cmd_env(int argc, char **argv)
{
	struct wish w = { .in = "-", .max_age = DEFAULT_AGE };
	int r;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help_text, stdout);
		return 0;
	}
	if (argc < 2 || strcmp(argv[1], "encrypt"))
		return usage_error("env: encrypt expected, got '%s'", argc < 2 ? "" : argv[1]);
	r = parse_options(argc - 1, argv + 1, &w);
	if (r)
		return r < 0 ? 0 : r;
	if (ds_secret_harden_process())
		return failure("cannot harden the process: %s", strerror(errno));
	json_set_alloc_funcs(malloc, wiping_free);
	return encrypt(&w);
}
