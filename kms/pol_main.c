// SPDX-License-Identifier: Apache-2.0
/* dstack-kms-policy: options and the loop. */
#include "pol.h"

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/net/loop.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>

static const char usage[] =
	"usage: dstack-kms-policy --config FILE [--check-config]\n"
	"Asks the policy contracts for a KMS, several nodes at a time. See dstack-kms-policy(8).\n";

static int fail(const struct ds_err *err, int r)
{
	fprintf(stderr, "dstack-kms-policy: %s\n", err->code ? err->msg : strerror(-r));
	return 1;
}

static void on_stop(void *arg)
{
	if (ds_notify("STOPPING=1"))
		ds_log(DS_LOG_WARN, "event=notify-failed");
	ds_loop_stop(arg, 0);
}

static int start_server(struct pol *p, struct ds_err *err)
{
	struct ds_server_cfg cfg = { .unix_path = p->conf->socket,
				     .unix_mode = 0660,
				     .addr = p->conf->addr,
				     .port = p->conf->port,
				     .max_body = 256u << 10,
				     .max_conns = 64,
				     .max_per_addr = 64 };
	char text[8];

	DS_TRY(ds_server_new(p->base, &cfg, &p->srv, err));
	DS_TRY(pol_api_mount(p));
	if (!p->conf->port_file)
		return 0;
	snprintf(text, sizeof(text), "%u\n", ds_server_port(p->srv));
	return ds_write_file_atomic(AT_FDCWD, p->conf->port_file, DS_SPAN_STR(text), 0644);
}

static int start(struct pol *p, struct ds_loop *loop, struct ds_err *err)
{
	const struct pol_conf *c = p->conf;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	DS_TRY(pol_seen_load(c->state, c->chain_id, &p->seen, err));
	p->base = ds_loop_base(loop);
	DS_TRY(ds_eth_fetch_new(p->base, &p->fetch));
	DS_TRY(start_server(p, err));
	DS_TRY(ds_loop_on_signal(loop, SIGTERM, on_stop, loop));
	DS_TRY(ds_loop_on_signal(loop, SIGINT, on_stop, loop));
	if (c->n_node == 1)
		ds_log(DS_LOG_WARN, "event=one-endpoint note=\"whoever runs it decides who gets keys\"");
	if (strcmp(c->block, "finalized"))
		ds_log(DS_LOG_WARN, "event=block tag=%s note=\"a block that may not stay\"", c->block);
	ds_log(DS_LOG_NOTICE, "event=ready chain=%llu endpoints=%zu quorum=%llu seen=%llu",
	       (unsigned long long)c->chain_id, c->n_node, (unsigned long long)c->quorum,
	       (unsigned long long)p->seen.number);
	return ds_notify("READY=1");
}

static int serve(const struct pol_conf *conf)
{
	struct pol *p = calloc(1, sizeof(*p));
	struct ds_err err = DS_ERR_NULL;
	struct ds_loop *loop = NULL;
	int r = p ? ds_loop_new(&loop) : -ENOMEM;

	if (!r) {
		p->conf = conf;
		r = start(p, loop, &err);
	}
	if (r)
		fail(&err, r);
	else
		r = ds_loop_run(loop);
	if (p) {
		pol_rounds_stop(p);
		ds_server_free(p->srv);
		ds_eth_fetch_free(p->fetch);
	}
	ds_loop_free(loop);
	free(p);
	return r ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct ds_err err = DS_ERR_NULL;
	const char *config = NULL;
	struct pol_conf conf;
	bool check = false;
	int c, r;

	ds_log_init("dstack-kms-policy");
	while ((c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == 'V')
			return puts("dstack-kms-policy " DS_VERSION) < 0;
		if (c == '?')
			return 2;
		config = c == 'c' ? optarg : config;
		check = check || c == 'C';
	}
	if (!config || optind < argc) {
		fprintf(stderr, "dstack-kms-policy: expected --config FILE\n%s", usage);
		return 2;
	}
	r = pol_conf_load(config, &conf, &err);
	if (r)
		return fail(&err, r);
	r = check ? 0 : serve(&conf);
	pol_conf_done(&conf);
	return r;
}
