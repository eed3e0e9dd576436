// SPDX-License-Identifier: Apache-2.0
/* dstack-gateway: options and configuration; see dstack-gateway(8), msg.h for the processes. */
#include <getopt.h>

#include <ds/base/log.h>
#include <ds/net/loop.h>

#include "conf.h"
#include "supervise.h"

static void usage(FILE *out)
{
	fputs("usage: dstack-gateway [--config FILE] [--check-config]\n"
	      "  -c, --config FILE   configuration (default /etc/dstack/gateway.conf)\n"
	      "      --check-config  read it, say whether it is good, exit\n"
	      "  -v, --verbose       log debugging messages\n"
	      "  -V, --version\n"
	      "  -h, --help\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *path = "/etc/dstack/gateway.conf";
	DS_GW_CONF struct ds_gw_conf conf = { 0 };
	struct ds_err err = DS_ERR_NULL;
	bool check_only = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:vVh", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			check_only = true;
			break;
		case 'v':
			ds_log_max = DS_LOG_DEBUG;
			break;
		case 'V':
			puts("dstack-gateway " DS_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "dstack-gateway: unexpected argument '%s'\n", argv[optind]);
		usage(stderr);
		return 2;
	}
	ds_log_init("dstack-gateway");
	if (ds_gw_conf_load(path, &conf, &err)) {
		fprintf(stderr, "dstack-gateway: %s\n", err.msg);
		return 1;
	}
	if (check_only) {
		printf("%s: ok\n", path);
		return 0;
	}
	if (ds_net_wipe_on_free()) {
		fputs("dstack-gateway: cannot set up wiping of freed memory\n", stderr);
		return 1;
	}
	return ds_gw_supervise(&conf, path);
}
