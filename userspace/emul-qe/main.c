// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-emul-qe: a quoting enclave for emulated TDs and the test PKI around it. See
 * dstack-emul-qe(1).
 */
#include "emul_qe.h"

#include <ds/base/log.h>

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
