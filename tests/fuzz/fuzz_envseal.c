// SPDX-License-Identifier: Apache-2.0
/*
 * An encrypted environment from the host. First byte 0: the blob itself. 1: its text, sealed here so
 * that the parser behind the tag is reached; 2: lines. What was taken must write and read again as
 * the same.
 */
#include <ds/crypto/x25519.h>
#include <ds/keys/envseal.h>
#include <ds/wire/envtext.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint8_t sk[32] = { 7 };

static void same_again(const struct ds_env *env)
{
	DS_SECRET struct ds_secret *text = NULL, *lines = NULL;
	DS_ENV struct ds_env again = DS_ENV_NULL;
	size_t len = 0, lines_n = 0;

	if (ds_env_write(env, DS_ENV_TEXT, &text, &len) ||
	    ds_env_write(env, DS_ENV_LINES, &lines, &lines_n) ||
	    ds_env_parse(DS_SPAN(text->p, len), true, NULL, &again, NULL) || again.n != env->n)
		abort();
	for (size_t i = 0; i < env->n; i++)
		if (strcmp(env->item[i].key, again.item[i].key) ||
		    strcmp(env->item[i].value, again.item[i].value))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_SECRET struct ds_secret *text = NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	DS_ENV struct ds_env env = DS_ENV_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint8_t pub[32];
	int r;

	if (!n)
		return 0;
	if (p[0] == 2) {
		r = ds_env_parse_lines(DS_SPAN(p + 1, n - 1), &env, &err);
	} else if (p[0] == 1) {
		if (ds_x25519_pub(sk, pub) || ds_env_seal(pub, DS_SPAN(p + 1, n - 1), &blob, &err))
			return 0;
		r = ds_env_open(sk, ds_buf_span(&blob), &text, &err);
		if (!r)
			r = ds_env_parse(DS_SPAN(text->p, text->n), true, NULL, &env, &err);
		else if (n > 1)
			abort();
	} else {
		r = ds_env_open(sk, DS_SPAN(p + 1, n - 1), &text, &err);
		if (!r)
			abort(); /* nobody guesses a tag */
	}
	if (r && !err.msg[0])
		abort(); /* a refusal without a reason */
	if (!r)
		same_again(&env);
	return 0;
}
