// SPDX-License-Identifier: Apache-2.0
/* dstack-kms: options and the two processes. */
#include "conf.h"
#include "keys.h"
#include "net.h"
#include "store.h"

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/net/loop.h>
#include <ds/net/tcbpolicy.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static const char usage[] = "usage: dstack-kms bootstrap --dir DIR --domain NAME\n"
			    "       dstack-kms serve --config FILE [--check-config]\n"
			    "       dstack-kms check-log FILE\n"
			    "Releases keys to attested apps. See dstack-kms(8).\n";

static int bad_usage(const char *why)
{
	fprintf(stderr, "dstack-kms: %s\n%s", why, usage);
	return 2;
}

static int fail(const struct ds_err *err, int r)
{
	fprintf(stderr, "dstack-kms: %s\n", err->code ? err->msg : strerror(-r));
	return 1;
}

static int cmd_bootstrap(const char *dir, const char *domain)
{
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (!dir || !domain)
		return bad_usage("bootstrap needs --dir and --domain");
	r = ds_secret_harden_process();
	if (!r)
		r = kms_bootstrap(dir, domain, time(NULL), &err);
	if (r)
		return fail(&err, r);
	fprintf(stderr, "dstack-kms: new roots in %s. DEVELOPMENT SEAL: they are plain files.\n",
		dir);
	return 0;
}

static int cmd_check_log(const char *path)
{
	DS_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ds_err err = DS_ERR_NULL;
	uint64_t n = 0;
	char head[65];
	int r;

	if (fd < 0)
		r = ds_err_set(&err, -errno, "kms", 0, "%s: %s", path, strerror(errno));
	else
		r = kms_relog_check(fd, &n, head, &err);
	if (r)
		return fail(&err, r);
	printf("%llu entries, head %s\n", (unsigned long long)n, head);
	return 0;
}

/* The child is forked before this process has seen anything; it ends when our end of the socket
 * does. */
static int run(const struct kms_conf *conf)
{
	int sv[2], r, status = 0;
	pid_t pid;

	if (ds_net_wipe_on_free() || ds_secret_harden_process() ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
		fprintf(stderr, "dstack-kms: cannot prepare the process: %s\n", strerror(errno));
		return 1;
	}
	pid = fork();
	if (pid < 0) {
		perror("dstack-kms: fork");
		return 1;
	}
	if (!pid) {
		close(sv[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(kms_keys_main(sv[1], conf->cert_dir, conf->alt_names, conf->n_alt_names));
	}
	close(sv[1]);
	r = kms_net_main(conf, sv[0]);
	close(sv[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r ? r : status != 0;
}

static int cmd_serve(const char *path, bool check_only)
{
	struct ds_tcb_policy_file *tcb = NULL;
	struct kms_policy *policy = NULL;
	struct ds_err err = DS_ERR_NULL;
	struct kms_conf conf;
	int r;

	if (!path)
		return bad_usage("serve needs --config");
	r = kms_conf_load(path, &conf, &err);
	if (r)
		return fail(&err, r);
	if (check_only) {
		r = kms_policy_load(conf.policy, conf.backend != KMS_BACKEND_FILE, &policy, &err);
		kms_policy_free(policy);
		if (!r && conf.tcb_policy)
			r = ds_tcb_policy_load(conf.tcb_policy, &tcb, &err);
		ds_tcb_policy_free(tcb);
		if (r)
			fail(&err, r);
	} else {
		r = run(&conf);
	}
	kms_conf_done(&conf);
	return r ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "domain", required_argument, NULL, 'n' },
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *dir = NULL, *domain = NULL, *config = NULL, *cmd;
	bool check = false;
	int c;

	ds_log_init("dstack-kms");
	while ((c = getopt_long(argc, argv, "d:n:c:hV", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == 'V')
			return puts("dstack-kms " DS_VERSION) < 0;
		dir = c == 'd' ? optarg : dir;
		domain = c == 'n' ? optarg : domain;
		config = c == 'c' ? optarg : config;
		check = check || c == 'C';
		if (c == '?')
			return 2;
	}
	cmd = optind < argc ? argv[optind++] : "";
	if (!strcmp(cmd, "check-log") && optind == argc - 1)
		return cmd_check_log(argv[optind]);
	if (optind < argc)
		return bad_usage("unexpected argument");
	if (!strcmp(cmd, "bootstrap"))
		return cmd_bootstrap(dir, domain);
	if (!strcmp(cmd, "serve"))
		return cmd_serve(config, check);
	return bad_usage("expected bootstrap, serve or check-log");
}
