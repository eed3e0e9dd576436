// SPDX-License-Identifier: Apache-2.0
/* dstack-agent: subcommands. */
#include <ds/base/log.h>

#include "agent.h"

static const struct {
	const char *name, *what;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "serve", "serve the guest API on /var/run/dstack.sock", cmd_serve },
	{ "gateway", "register with the gateway and keep the tunnel up", cmd_gateway },
	{ "call", "call a method of the guest API", cmd_call },
	{ "tls-key", "get a TLS key and its certificate chain", cmd_tls_key },
};

static void help(FILE *f)
{
	fputs("usage: dstack-agent COMMAND [OPTION...]\n\n", f);
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\ndstack-agent COMMAND --help says more; --version prints the version.\n", f);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	ds_log_init("dstack-agent");
	if (!strcmp(name, "--help") || !strcmp(name, "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(name, "--version")) {
		puts("dstack-agent " DS_VERSION);
		return 0;
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (*name)
		fprintf(stderr, "dstack-agent: no command '%s'\n", name);
	help(stderr);
	return 2;
}
