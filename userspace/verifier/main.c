// SPDX-License-Identifier: Apache-2.0
/* dstack-verify: judge evidence without trusting whoever hands it over. See dstack-verify(1). */
#include "verify.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "quote", cmd_quote, "a TDX quote against collateral" },
	{ "snp", cmd_snp, "a SEV-SNP report against AMD's certificates" },
	{ "log", cmd_log, "an event log against the registers of a quote" },
	{ "app", cmd_app, "an app's certificate, its boot and its compose file" },
	{ "cert", cmd_cert, "an RA-TLS certificate" },
	{ "collateral", cmd_collateral, "fetch collateral and save it, judge nothing" },
	{ "key", cmd_key, "a key or signature of an app, back to its KMS" },
	{ "serve", cmd_serve, "answer the same questions over HTTP" },
	{ "explain", cmd_explain, "what a reason means and what to do about it" },
};

static void usage(FILE *f)
{
	fputs("usage: dstack-verify COMMAND [OPTION...]\n"
	      "Judge evidence. Exit status 0 accepted, 1 refused, 2 usage or unreadable input.\n\n",
	      f);
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\n'dstack-verify COMMAND --help' lists its options.\n", f);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "--help")) {
		usage(stdout);
		return EXIT_ACCEPTED;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		puts("dstack-verify " DS_VERSION);
		return EXIT_ACCEPTED;
	}
	for (size_t i = 0; argc >= 2 && i < DS_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "dstack-verify: unknown command '%s'\n", argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
