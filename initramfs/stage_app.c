// SPDX-License-Identifier: Apache-2.0
/* Stage app: leave what the agent needs in /run/dstack, run the init scripts, start the services
 * and the app. */
#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <fcntl.h>
#include <keyutils.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ctx.h"

#define KEY_FD 3 /* where a child finds the descriptor passed to it */

static int put(struct ctx *c, const char *dir, const char *name, struct ds_span data, mode_t mode)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = ds_write_file_atomic(AT_FDCWD, path, data, mode);
	return r ? ds_err_set(&c->err, r, "", 0, "%s: %s", path, strerror(-r)) : 0;
}

static json_t *urls(const char *const *url, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < n; i++)
		if (json_array_append_new(a, json_string(url[i]))) {
			json_decref(a);
			a = NULL;
		}
	return a;
}

/* Public facts only: every secret is in the kernel or in the key holder by now. */
static int put_agent_config(struct ctx *c)
{
	char app[41], inst[41], sig[131];
	bool kms = c->compose.key_provider == DS_KP_KMS;
	DS_BUF struct ds_buf pin = DS_BUF_NULL;
	json_t *o;
	char *s;
	int r;

	DS_TRY(ds_buf_add_hex(&pin, ds_buf_span(&c->compose.key_provider_id)));
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:o}", "app_id",
		      ds_hex_encode(c->id.app_id, 20, app), "instance_id",
		      ds_hex_encode(c->id.instance_id, c->id.instance_id_len, inst), "kms_url",
		      c->kms_url ? c->kms_url : "", "key_provider_id",
		      pin.n ? ds_buf_cstr(&pin) : "", "k256_signature",
		      kms ? ds_hex_encode(c->keys.k256_signature, 65, sig) : "", "gateway_app_id",
		      c->keys.gateway_app_id, "nameserver", c->sys.net_dns ? c->sys.net_dns : "",
		      "gateway_enabled", c->compose.gateway_enabled, "gateway_urls",
		      urls(c->sys.gateway_url, c->sys.n_gateway_url));
	s = o ? json_dumps(o, JSON_INDENT(1) | JSON_ENSURE_ASCII) : NULL;
	json_decref(o);
	if (!s)
		return -ENOMEM;
	r = put(c, RUN_DIR, "agent.json", DS_SPAN_STR(s), 0600);
	free(s);
	return r;
}

static int put_files(struct ctx *c)
{
	DS_TRY(put(c, RUN_DIR, "app-compose.json", c->hi.item[DS_HI_APP_COMPOSE], 0600));
	DS_TRY(put(c, RUN_DIR, "vm-config.json", DS_SPAN_STR(c->sys.vm_config), 0600));
	DS_TRY(put(c, RUN_DIR, "kms-root.pem", ds_buf_span(&c->kms_root_pem), 0644));
	DS_TRY(put_agent_config(c));
	DS_TRY(put(c, APP_DIR, "app-compose.json", c->hi.item[DS_HI_APP_COMPOSE], 0644));
	if (c->hi.has[DS_HI_USER_CONFIG])
		DS_TRY(put(c, APP_DIR, "user_config", c->hi.item[DS_HI_USER_CONFIG], 0644));
	return put(c, APP_DIR, "app.sh", DS_SPAN_STR(c->compose.bash_script), 0700);
}

/*
 * In the child: nothing of pid 1 but stdio and the one descriptor; a session keyring of its own, so
 * that keys it requests with "@s" are possessed by it and its children and by nobody else.
 */
_Noreturn static void child(const char *name, char *const argv[], int pass_fd, const char *dir,
			    bool quiet, bool env)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	umask(022);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || chdir(dir))
		_exit(126);
	if (quiet && (dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0))
		_exit(126);
	if (pass_fd >= 0 &&
	    (pass_fd == KEY_FD ? fcntl(pass_fd, F_SETFD, 0) : dup2(pass_fd, KEY_FD)) < 0)
		_exit(126);
	if (keyctl_join_session_keyring(name) < 0) {
		ds_log(DS_LOG_ERR, "what=spawn name=%s error=\"session keyring: %s\"", name,
		       strerror(errno));
		_exit(126);
	}
	if (!strcmp(dir, APP_DIR))
		unsetenv("NOTIFY_SOCKET"); /* for services only */
	if (env && env_apply()) {
		ds_log(DS_LOG_ERR, "what=spawn name=%s error=\"environment\"", name);
		_exit(126);
	}
	signal(SIGPIPE, SIG_DFL);
	execv(argv[0], argv);
	ds_log(DS_LOG_ERR, "what=spawn name=%s file=%s error=\"%s\"", name, argv[0],
	       strerror(errno));
	_exit(127);
}

pid_t spawn(struct ctx *c, const char *name, char *const argv[], int pass_fd, const char *dir)
{
	/* The console is the host's: an app's words are its own unless it made them public. */
	bool quiet = !strcmp(dir, APP_DIR) && !c->compose.public_logs;
	pid_t pid = fork();

	if (!pid)
		child(name, argv, pass_fd, dir, quiet, !strcmp(name, "app"));
	if (pid < 0)
		ds_log(DS_LOG_ERR, "what=spawn name=%s error=\"%s\"", name, strerror(errno));
	return pid;
}

pid_t start_qe(struct ctx *c)
{
	char *argv[] = { "/sbin/dstack-emul-qe", "serve", "--key-fd", "3", NULL };

	/* The offset is shared with the copy that an earlier one has read. */
	if (lseek(c->qe_key_fd, 0, SEEK_SET) < 0)
		return -1;
	return spawn(c, "emul-qe", argv, c->qe_key_fd, "/");
}

pid_t start_agent(struct ctx *c)
{
	char *argv[] = { "/usr/bin/dstack-agent", "serve", "--holder-fd", "3", NULL };
	int fd = -1, r = holder_connect(c, &fd);
	pid_t pid;

	if (r) {
		ds_log(DS_LOG_ERR, "what=spawn name=agent error=\"key holder: %s\"", strerror(-r));
		return -1;
	}
	pid = spawn(c, "agent", argv, fd, "/");
	close(fd);
	return pid;
}

pid_t start_gateway(struct ctx *c)
{
	char *argv[] = { "/usr/bin/dstack-agent", "gateway", NULL };

	return spawn(c, "gateway", argv, -1, "/");
}

pid_t start_app(struct ctx *c)
{
	char *argv[] = { "/bin/bash", APP_DIR "/app.sh", NULL };

	return spawn(c, "app", argv, -1, APP_DIR);
}

/* One after the other; anything but success ends the boot. */
static int run_init_scripts(struct ctx *c)
{
	char name[32], path[64];
	char *argv[] = { "/bin/bash", path, NULL };

	for (size_t i = 0; i < c->compose.n_init_script; i++) {
		int st = 0;
		pid_t pid;

		snprintf(name, sizeof(name), "init-%zu.sh", i);
		snprintf(path, sizeof(path), APP_DIR "/%s", name);
		DS_TRY(put(c, APP_DIR, name, DS_SPAN_STR(c->compose.init_script[i]), 0700));
		notify_progress(c, "init-script %zu", i);
		pid = spawn(c, "init-script", argv, -1, APP_DIR);
		if (pid < 0 || waitpid(pid, &st, 0) != pid)
			return -errno;
		if (!WIFEXITED(st) || WEXITSTATUS(st))
			return ds_err_set(&c->err, -EIO, "", 0, "init_script %zu: exit status %d",
					  i, WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st));
	}
	return 0;
}

int stage_app(struct ctx *c)
{
	DS_TRY(put_files(c));
	return run_init_scripts(c);
}
