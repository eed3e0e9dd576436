// SPDX-License-Identifier: Apache-2.0
/* dstack-emul-qe: a quoting enclave for emulated TDs and the test PKI around it. See dstack-emul-qe(1). */
#include "emul_qe.h"

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "pki", cmd_pki, "make a test PKI: root, collateral, quoting enclave bundle" },
	{ "serve", cmd_serve, "answer quote requests of tdx_emul.ko" },
	{ "quote", cmd_quote, "sign one TDREPORT of an emulated TD" },
	{ "tdreport", cmd_tdreport, "make up a TDREPORT of an emulated TD" },
};

static void usage(FILE *f)
{
	fputs("usage: dstack-emul-qe COMMAND [OPTION...]\n"
	      "Test evidence for emulated TDs. Every verifier of dstack marks it as emulated.\n\n",
	      f);
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\nEach command takes --help.\n", f);
}

int parse_fd(const char *s, int *ret)
{
	uint64_t v;
	int r = ds_parse_u64(s, strlen(s), 65535, &v);

	if (r || v < 3)
		return -EINVAL;
	*ret = (int)v;
	return 0;
}

int qe_open(const char *path, int fd, struct ds_emul_qe **ret)
{
	DS_SECRET struct ds_secret *bundle = NULL;
	DS_BUF struct ds_buf raw = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	int r;

	r = ds_secret_harden_process();
	if (r) {
		ds_log(DS_LOG_ERR, "cannot protect this process: %s", strerror(-r));
		return r;
	}
	if (path) {
		r = ds_read_file_secret(AT_FDCWD, path, DS_EMUL_BUNDLE_MAX, &bundle);
	} else {
		r = ds_read_fd(fd, DS_EMUL_BUNDLE_MAX, &raw);
		bundle = r ? NULL : ds_secret_from(raw.p, raw.n);
		ds_wipe(raw.p, raw.n);
		r = r ? r : bundle ? 0 : -ENOMEM;
	}
	if (r) {
		ds_log(DS_LOG_ERR, "bundle %s: %s", path ? path : "descriptor", strerror(-r));
		return r;
	}
	r = ds_emul_qe_load(DS_SPAN(bundle->p, bundle->n), ret, &err);
	if (r)
		ds_log(DS_LOG_ERR, "%s", err.code ? err.msg : strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	ds_log_init("dstack-emul-qe");
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("dstack-emul-qe " DS_VERSION);
		return 0;
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "dstack-emul-qe: unknown command '%s'\n", argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
