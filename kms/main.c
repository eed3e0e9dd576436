// SPDX-License-Identifier: Apache-2.0
/* dstack-kms: options and the two processes. */
#include "consent.h"
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

static const char usage[] = "usage: dstack-kms bootstrap --dir DIR --domain NAME --seal kernel|development\n"
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

static int cmd_bootstrap(const char *dir, const char *domain, const char *seal_name)
{
	DS_SECRET struct ds_secret *key = NULL;
	struct ds_err err = DS_ERR_NULL;
	enum kms_seal seal;
	int r;

	if (!dir || !domain || !seal_name)
		return bad_usage("bootstrap needs --dir, --domain and --seal");
	if (kms_seal_parse(seal_name, &seal, &err))
		return bad_usage(err.msg);
	r = ds_secret_harden_process();
	if (!r)
		r = kms_seal_key(seal, &key, &err);
	if (!r)
		r = kms_bootstrap(dir, domain, key, time(NULL), &err);
	if (r)
		return fail(&err, r);
	fprintf(stderr, "dstack-kms: new roots in %s%s\n", dir,
		key ? ", sealed for this app"
		    : ". DEVELOPMENT SEAL: they are plain files.");
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

/*
 * The child is forked before this process has seen anything but the word of its own VM's agent; it
 * ends when our end of the socket does. fresh: there are no roots yet.
 */
static int run_once(const struct kms_conf *conf, const struct kms_self *self, bool fresh)
{
	int sv[2], r, status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
		perror("dstack-kms: socketpair");
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
		_exit(fresh ? kms_keys_new_main(sv[1], conf) : kms_keys_main(sv[1], conf, self));
	}
	close(sv[1]);
	r = kms_net_main(conf, self, sv[0], fresh);
	close(sv[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r ? r : status != 0;
}

/* A process of its own gets the roots: what it becomes, another user, cannot be undone. */
static int onboard(const struct kms_conf *conf, const struct kms_self *self)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		perror("dstack-kms: fork");
		return 1;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		_exit(run_once(conf, self, true));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* good for that one time */
	unlink(conf->onboard_token);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run(const struct kms_conf *conf)
{
	struct kms_self self = { .key = NULL };
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (ds_net_wipe_on_free() || ds_secret_harden_process()) {
		fprintf(stderr, "dstack-kms: cannot prepare the process: %s\n", strerror(errno));
		return 1;
	}
	r = kms_self_make(conf, &self, &err);
	if (r)
		return fail(&err, r);
	if (conf->onboard_addr && !kms_store_exists(conf->cert_dir))
		r = onboard(conf, &self);
	/* an onboarding that was stopped is no failure, and no KMS */
	if (!r && (!conf->onboard_addr || kms_store_exists(conf->cert_dir)))
		r = run_once(conf, &self, false);
	kms_self_done(&self);
	return r;
}

/* Known before roots are made or taken, and by --check-config. */
static int check_consent(const struct kms_conf *conf, struct ds_err *err)
{
	struct kms_consent consent;

	if (conf->replication != KMS_REPLICATION_SEALED)
		return 0;
	DS_TRY(kms_consent_open(conf, &consent, err));
	kms_consent_close(&consent);
	return 0;
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
	r = check_consent(&conf, &err);
	if (r) {
		fail(&err, r);
	} else if (check_only) {
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
		{ "seal", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *dir = NULL, *domain = NULL, *seal = NULL, *config = NULL, *cmd;
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
		seal = c == 's' ? optarg : seal;
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
		return cmd_bootstrap(dir, domain, seal);
	if (!strcmp(cmd, "serve"))
		return cmd_serve(config, check);
	return bad_usage("expected bootstrap, serve or check-log");
}
