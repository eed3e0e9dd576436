// SPDX-License-Identifier: Apache-2.0
/* dstackctl verify: fetch an app's certificate chain over TLS, then let dstack-verify judge it. */
#include <getopt.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/net/peer.h>

#include "run.h"
#include "vm.h"

static const char help_text[] =
	"usage: dstackctl verify [--connect ADDR:PORT] [--save FILE] HOST:PORT [-- DSTACK-VERIFY-OPTION...]\n"
	"\n"
	"Connects to HOST:PORT (or to ADDR:PORT, naming HOST in the handshake), takes the certificate chain and runs\n"
	"'dstack-verify app --cert CHAIN --host HOST' with the options after --, for example\n"
	"  --compose app-compose.json --image measurement.json --kms-root root-ca.crt --collateral FILE --root-ca FILE\n"
	"The certificate must be for HOST, and when HOST begins with an app or instance id, of that app. Other names say\n"
	"nothing about the app: add --app-id or --compose. --image or --kms-root is needed.\n"
	"--save keeps the chain. The exit status is dstack-verify's: 0 accepted, 1 refused, 2 usage.\n";

static int judge(const char *file, const char *host, int argc, char **extra)
{
	const char *const fixed[] = { "app", "--cert", file, "--host", host };
	DS_FREE char **argv = calloc((size_t)argc + DS_ARRAY_SIZE(fixed) + 2, sizeof(*argv));
	char tool[PATH_MAX];
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	int status, r;

	if (!argv)
		return failure("out of memory");
	r = sibling_path("dstack-verify", tool, sizeof(tool));
	if (r)
		return failure("dstack-verify: %s", strerror(-r));
	argv[0] = tool;
	for (size_t i = 0; i < DS_ARRAY_SIZE(fixed); i++)
		argv[1 + i] = (char *)fixed[i];
	for (int i = 0; i < argc; i++)
		argv[1 + DS_ARRAY_SIZE(fixed) + (size_t)i] = extra[i];
	r = run_capture(argv, 1u << 20, &out, &status);
	if (r)
		return failure("%s: %s", tool, strerror(-r));
	if (ds_write_full(STDOUT_FILENO, out.p, out.n))
		return 1;
	return status;
}

int cmd_verify(int argc, char **argv)
{
	static const struct option o[] = {
		{ "connect", 1, 0, 'c' }, { "save", 1, 0, 's' }, { "help", 0, 0, 'h' }, { 0 }
	};
	char host[256], addr[64], temp[] = "/tmp/dstackctl-chain-XXXXXX";
	const char *connect = NULL, *save = NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	uint16_t port, to_port;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "+h", o, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return 0;
		}
		if (opt == 'c')
			connect = optarg;
		else if (opt == 's')
			save = optarg;
		else
			return 2;
	}
	if (optind >= argc || split_host_port(argv[optind], host, sizeof(host), &port))
		return usage_error("verify: HOST:PORT is needed (see --help)");
	if (split_host_port(connect ? connect : argv[optind], addr, sizeof(addr), &to_port))
		return usage_error("verify: --connect '%s' is not ADDR:PORT", connect);
	optind++;
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (ds_tls_fetch_chain(addr, to_port, host, 15, &pem, &err))
		return failure("%s", err.msg);
	if (save) {
		r = ds_write_file_atomic(AT_FDCWD, save, ds_buf_span(&pem), 0644);
		return r ? failure("%s: %s", save, strerror(-r)) : judge(save, host, argc - optind, argv + optind);
	}
	DS_FD int fd = mkstemp(temp);

	if (fd < 0 || ds_write_full(fd, pem.p, pem.n))
		return failure("%s: %s", temp, strerror(errno));
	r = judge(temp, host, argc - optind, argv + optind);
	unlink(temp);
	return r;
}
