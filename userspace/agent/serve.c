// SPDX-License-Identifier: Apache-2.0
/* dstack-agent serve: the sockets and their methods. */
#include <ds/base/log.h>
#include <ds/net/loop.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>

#include "agent.h"

static const struct ds_prpc_method methods[] = {
	{ "GetKey", rpc_get_key, false },
	{ "GetTlsKey", rpc_get_tls_key, false },
	{ "GetQuote", rpc_get_quote, false },
	{ "Attest", rpc_attest, false },
	{ "EmitEvent", rpc_emit_event, false },
	{ "Sign", rpc_sign, false },
	{ "Verify", rpc_verify, false },
	{ "GetKmsItem", rpc_get_kms_item, false },
	{ "GpuInfo", rpc_gpu_info, true },
	{ "Info", rpc_info, true },
	{ "Version", rpc_version, true },
};

static void wiping_free(void *p)
{
	if (p)
		ds_wipe(p, malloc_usable_size(p));
	free(p);
}

struct options {
	const char *run_dir, *socket, *alias;
	int holder_fd;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	enum { OPT_RUN = 256, OPT_SOCKET, OPT_ALIAS, OPT_HOLDER, OPT_HELP };
	static const struct option opts[] = {
		{ "run-dir", required_argument, NULL, OPT_RUN },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "alias", required_argument, NULL, OPT_ALIAS },
		{ "holder-fd", required_argument, NULL, OPT_HOLDER },
		{ "help", no_argument, NULL, OPT_HELP },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case OPT_RUN:
			o->run_dir = optarg;
			break;
		case OPT_SOCKET:
			o->socket = optarg;
			break;
		case OPT_ALIAS:
			o->alias = optarg;
			break;
		case OPT_HOLDER:
			if (sscanf(optarg, "%d", &o->holder_fd) != 1 ||
			    fcntl(o->holder_fd, F_GETFD) < 0) {
				fprintf(stderr,
					"dstack-agent: --holder-fd %s: not an open descriptor\n",
					optarg);
				return 2;
			}
			break;
		case OPT_HELP:
			puts("usage: dstack-agent serve [--run-dir DIR] [--socket PATH] [--alias "
			     "PATH] [--holder-fd N]\n"
			     "Serve the guest API. pid 1 starts it; the options are for tests.");
			return 1;
		default:
			return 2;
		}
	}
	return 0;
}

static int open_server(struct agent *a, const char *path, const struct ds_prpc_service *svc,
		       struct ds_server **ret, struct ds_err *err)
{
	struct ds_server_cfg cfg = { .unix_path = path, .unix_mode = 0777 };

	DS_TRY(ds_server_new(a->base, &cfg, ret, err));
	return ds_prpc_mount(*ret, svc);
}

static void on_stop(void *arg)
{
	ds_loop_stop(arg, 0);
}

static int drop_caps(struct ds_err *err)
{
	int r = geteuid() ? 0 : caps_keep(0, false);

	return r ? ds_err_set(err, r, "start", 0, "capabilities: %s", strerror(-r)) : 0;
}

static int serve(struct agent *a, struct ds_loop *loop, const struct options *o, struct ds_err *err)
{
	const struct ds_prpc_service svc = { .name = "DstackGuest",
					     .paths = DS_PRPC_ROOT | DS_PRPC_PREFIX,
					     .methods = methods,
					     .n_methods = DS_ARRAY_SIZE(methods),
					     .ctx = a };
	struct ds_server *main_srv = NULL, *alias = NULL;
	int r = open_server(a, o->socket, &svc, &main_srv, err);

	if (!r && o->alias)
		r = open_server(a, o->alias, &svc, &alias, err);
	if (!r)
		r = ds_loop_on_signal(loop, SIGTERM, on_stop, loop);
	/* Sockets are made; /dev/dstack, the event files and the keys are open to uid 0 as such. */
	if (!r)
		r = drop_caps(err);
	if (!r)
		r = ds_notify("READY=1");
	if (!r) {
		app_cert_refresh(a);
		r = ds_loop_run(loop);
	}
	ds_server_free(alias);
	ds_server_free(main_srv);
	return r;
}

static int run(const struct options *o, struct ds_err *err)
{
	struct agent a = { .holder_fd = o->holder_fd };
	struct ds_loop *loop = NULL;
	int r = ds_secret_harden_process();

	if (!r)
		r = agent_config_load(o->run_dir, &a.cfg, err);
	if (!r)
		r = ds_loop_new(&loop);
	if (!r) {
		a.base = ds_loop_base(loop);
		r = serve(&a, loop, o, err);
	}
	kms_session_free(a.kms);
	ds_loop_free(loop);
	ds_buf_done(&a.app_cert);
	agent_config_done(&a.cfg);
	return r;
}

int cmd_serve(int argc, char **argv)
{
	struct options o = { .run_dir = AGENT_RUN_DIR, .socket = AGENT_SOCKET, .holder_fd = -1 };
	struct ds_err err = DS_ERR_NULL;
	int r = parse_options(argc, argv, &o);

	if (r)
		return r == 1 ? 0 : r;
	json_set_alloc_funcs(malloc, wiping_free);
	if (!strcmp(o.socket, AGENT_SOCKET))
		o.alias = AGENT_RUN_DIR "/dstack.sock";
	if (o.holder_fd >= 0 && fcntl(o.holder_fd, F_SETFD, FD_CLOEXEC))
		return 1;
	r = ds_net_wipe_on_free();
	if (!r)
		r = run(&o, &err);
	if (r)
		ds_log(DS_LOG_ERR, "what=start error=\"%s\"", err.msg[0] ? err.msg : strerror(-r));
	return r ? 1 : 0;
}
