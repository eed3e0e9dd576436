// SPDX-License-Identifier: Apache-2.0
/*
 * kms_load --url URL --keys DIR --bundle FILE --guests N: N guests, a process each, that boot at the
 * same moment: each asks the KMS for its temporary CA, makes its certificate and asks for its keys,
 * with the client, the timeouts and the patience of a guest. Evidence is there before. Prints what
 * became of them in one line; exit status 0 if each has its own keys.
 */
#include "../bench/kms/guests.h"

#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <getopt.h>
#include <sys/wait.h>
#include <time.h>

#define CONNECT_MS 10000 /* as initramfs/stage_keys.c has it */

struct outcome {
	int r;
	unsigned waits;
	bool right;
	char why[200];
};

struct asking {
	const char *url;
	struct outcome *out;
	struct ds_err err;
};

static void on_wait(void *arg, unsigned ms)
{
	struct asking *a = arg;

	(void)ms;
	a->out->waits++;
}

static int call(struct asking *a, const struct ds_client_cfg *cfg, const char *method,
		struct ds_span body, struct ds_buf *ret)
{
	return ds_kms_ask(cfg, a->url, method, body, on_wait, a, ret, &a->err);
}

/* As stage_keys.c; the quote is there. */
static int ask(struct asking *a, const struct guests *gs, const struct guest *g)
{
	DS_KMS_TEMP_CA struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	DS_KMS_APP_KEYS struct ds_kms_app_keys keys = DS_KMS_APP_KEYS_NULL;
	DS_BUF struct ds_buf first = DS_BUF_NULL, pem = DS_BUF_NULL, body = DS_BUF_NULL,
			     reply = DS_BUF_NULL;
	struct ds_span pin = ds_buf_span(&gs->pin);
	struct ds_client_cfg cfg = { .check = ds_kms_check_any,
				     .no_name_check = true,
				     .connect_ms = CONNECT_MS,
				     .max_reply = DS_MAX_CERT_PEM };

	DS_TRY(call(a, &cfg, "GetTempCaCert", DS_SPAN_LIT("{}"), &first));
	DS_TRY(ds_kms_temp_ca_parse(ds_buf_span(&first), pin, &ca, &a->err));
	DS_TRY(ds_kms_temp_cert(&ca, g->key, &g->att, time(NULL), &pem, &a->err));
	cfg = (struct ds_client_cfg){ .roots_pem = ds_buf_span(&ca.root_pem),
				      .check = ds_kms_check_rpc,
				      .cert_pem = ds_buf_span(&pem),
				      .key = g->key,
				      .connect_ms = CONNECT_MS,
				      .max_reply = DS_MAX_CERT_PEM };
	DS_TRY(guest_body(&body));
	DS_TRY(call(a, &cfg, "GetAppKey", ds_buf_span(&body), &reply));
	a->out->right = guest_got(g, ds_buf_span(&reply));
	return ds_kms_app_keys_parse(ds_buf_span(&reply), pin, &keys, &a->err);
}

/* Waits until all are there, then asks. */
static void guest(const char *url, const struct guests *gs, size_t i, int gate, int results)
{
	struct outcome out = { .r = -EIO };
	struct asking a = { .url = url, .out = &out };
	char byte;

	/* guests have machines of their own: the KMS comes first on this one */
	if (nice(19) == -1 || read(gate, &byte, 1) != 0)
		_exit(2);
	out.r = ask(&a, gs, &gs->g[i]);
	if (out.r)
		snprintf(out.why, sizeof(out.why), "%s", a.err.code ? a.err.msg : strerror(-out.r));
	_exit(write(results, &out, sizeof(out)) == sizeof(out) ? 0 : 2);
}

struct tally {
	size_t right, wrong, failed, again;
	unsigned most;
};

static void count(struct tally *t, const struct outcome *out)
{
	t->right += !out->r && out->right;
	t->wrong += !out->r && !out->right;
	t->again += out->waits > 0;
	if (out->waits > t->most)
		t->most = out->waits;
	if (out->r && !t->failed++)
		fprintf(stderr, "kms_load: the first that failed: %s\n", out->why);
}

static int boot_all(const char *url, const struct guests *gs, struct tally *t)
{
	int gate[2], results[2], status, r = 0;
	struct outcome out;

	if (pipe(gate) || pipe(results))
		return -errno;
	for (size_t i = 0; i < gs->n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid)
			continue;
		close(gate[1]);
		close(results[0]);
		guest(url, gs, i, gate[0], results[1]);
	}
	close(results[1]);
	close(gate[0]);
	close(gate[1]);
	while (read(results[0], &out, sizeof(out)) == sizeof(out))
		count(t, &out);
	while (wait(&status) > 0)
		r = status ? -EIO : r;
	return r;
}

int main(int argc, char **argv)
{
	static const struct option o[] = { { "url", 1, NULL, 'u' },
					   { "keys", 1, NULL, 'k' },
					   { "bundle", 1, NULL, 'b' },
					   { "guests", 1, NULL, 'g' },
					   { 0 } };
	const char *url = NULL, *keys = NULL, *bundle = NULL;
	struct ds_err err = DS_ERR_NULL;
	struct guests gs = GUESTS_NULL;
	struct tally t = { 0 };
	size_t n = 0;
	int c, r;

	while ((c = getopt_long(argc, argv, "", o, NULL)) != -1) {
		if (c == 'u')
			url = optarg;
		else if (c == 'k')
			keys = optarg;
		else if (c == 'b')
			bundle = optarg;
		else if (c == 'g')
			n = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (!url || !keys || !bundle || !n)
		return 2;
	r = guests_make(keys, bundle, n, &gs, &err);
	if (!r)
		r = boot_all(url, &gs, &t);
	guests_done(&gs);
	if (r)
		fprintf(stderr, "kms_load: %s\n", err.code ? err.msg : strerror(-r));
	printf("right=%zu wrong=%zu failed=%zu again=%zu most-waits=%u\n", t.right, t.wrong,
	       t.failed, t.again, t.most);
	return r || t.right != n ? 1 : 0;
}
