// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's half of an encrypted environment, for tests on the host: env_open BLOB ALLOWED <key.
 * ALLOWED is a JSON array, the key 64 hex digits. Prints the flat object, and how many were dropped.
 */
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/keys/envseal.h>
#include <ds/wire/envtext.h>

static struct ds_err err;

static int run(const char *path, const char *allowed)
{
	DS_SECRET struct ds_secret *text = NULL, *flat = NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	DS_ENV struct ds_env env = DS_ENV_NULL;
	json_t *list = json_loads(allowed, 0, NULL);
	char hex[66] = "";
	uint8_t sk[32];
	size_t n = 0;
	int r;

	if (!fgets(hex, sizeof(hex), stdin))
		return -EINVAL;
	hex[strcspn(hex, "\n")] = '\0';
	DS_TRY(ds_hex_decode_exact(hex, sk, sizeof(sk)));
	DS_TRY(ds_read_file(AT_FDCWD, path, DS_MAX_ENCRYPTED_ENV, &blob));
	DS_TRY(ds_env_open(sk, ds_buf_span(&blob), &text, &err));
	r = ds_env_parse(DS_SPAN(text->p, text->n), false, list, &env, &err);
	json_decref(list);
	if (r)
		return r;
	DS_TRY(ds_env_write(&env, DS_ENV_FLAT, &flat, &n));
	printf("%.*s %zu\n", (int)n, (const char *)flat->p, env.dropped);
	return 0;
}

int main(int argc, char **argv)
{
	int r = argc == 3 ? run(argv[1], argv[2]) : -EINVAL;

	if (r)
		fprintf(stderr, "env_open: %s\n", err.code ? err.msg : strerror(-r));
	return r ? 1 : 0;
}
