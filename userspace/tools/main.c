// SPDX-License-Identifier: Apache-2.0
/* dstackctl: start, list, watch, stop and verify confidential VMs on this host. One file per subcommand. */
#include <stdarg.h>

#include "vm.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "up", cmd_up, "start a confidential VM and follow its boot" },
	{ "ps", cmd_ps, "list the machines of this host" },
	{ "logs", cmd_logs, "show the console or the events of a machine" },
	{ "stop", cmd_stop, "stop a machine" },
	{ "verify", cmd_verify, "fetch an app's evidence over TLS and judge it with dstack-verify" },
	{ "kms", cmd_kms, "roots for a new KMS node, its policy, nodes and release logs" },
	{ "env", cmd_env, "encrypt an app's environment to the app" },
	{ "contract", cmd_contract, "change a policy contract, approve changes, check its history" },
	{ "evidence", cmd_evidence, "put all evidence of an app into one file, to be judged offline" },
};

static void message(const char *fmt, va_list ap)
{
	fputs("dstackctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int failure(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	return 1;
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	return 2;
}

static void help(FILE *out)
{
	fputs("usage: dstackctl COMMAND [OPTION...]\n\n", out);
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n'dstackctl COMMAND --help' tells the options. State is kept in $DSTACK_STATE, /var/lib/dstack for root,\n"
	      "else ~/.local/state/dstack. Exit status: 0 done, 1 failed or refused, 2 usage.\n",
	      out);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(name, "--version")) {
		puts("dstackctl " DS_VERSION);
		return 0;
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (*name)
		usage_error("no command '%s'", name);
	help(stderr);
	return 2;
}
