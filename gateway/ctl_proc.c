// SPDX-License-Identifier: Apache-2.0
/* The control process from start to end, see ctl.h. */
#include <malloc.h>
#include <signal.h>

#include <ds/base/log.h>
#include <ds/base/secret.h>

#include "ctl.h"
#include "supervise.h"

/* The agent's reply holds our TLS key in a JSON tree for a moment. */
static void wiping_free(void *p)
{
	if (p)
		ds_wipe(p, malloc_usable_size(p));
	free(p);
}

static void on_stop(void *arg)
{
	struct ctl *c = arg;

	ds_loop_stop(c->loop, 0);
}

/* Status and verification rules can change while we run; sockets, addresses and tunnels cannot. */
static void on_reload(void *arg)
{
	struct ctl *c = arg;
	struct ds_gw_conf new = { 0 };
	struct ds_err err = DS_ERR_NULL;

	if (ds_gw_conf_load(c->conf_path, &new, &err)) {
		ds_log(DS_LOG_ERR, "event=reload result=kept-old error=\"%s\"", err.msg);
		return;
	}
	ds_gw_conf_done(&c->live);
	c->live = new;
	ds_log(DS_LOG_NOTICE, "event=reload result=ok status=%s allow_emulated=%s",
	       c->live.down ? "down" : "up", c->live.allow_emulated ? "yes" : "no");
}

static void warnings(const struct ds_gw_conf *conf)
{
	if (conf->allow_emulated)
		ds_log(DS_LOG_WARN, "event=config allow_emulated=yes note=\"evidence of software "
				    "TDX is accepted: tests only\"");
	if (conf->root_ca)
		ds_log(DS_LOG_WARN,
		       "event=config root_ca=%s note=\"evidence is judged under this root instead "
		       "of Intel's\"",
		       conf->root_ca);
}

static int start(struct ctl *c, const int *fds, unsigned int n_workers, struct ds_err *err)
{
	static const struct ds_ip4net none;
	const struct ds_gw_conf *conf = c->conf;

	DS_TRY(ds_secret_harden_process());
	DS_TRY(ds_gw_conf_load(c->conf_path, &c->live, err));
	warnings(&c->live);
	DS_TRY(ds_loop_new(&c->loop));
	DS_TRY(ds_loop_on_signal(c->loop, SIGTERM, on_stop, c));
	DS_TRY(ds_loop_on_signal(c->loop, SIGHUP, on_reload, c));
	DS_TRY(ds_store_open(conf->state_dir, conf->client_range,
			     conf->wg_enabled ? conf->wg_ip : none, &c->store, err));
	DS_TRY(ctl_wg_start(c, err));
	DS_TRY(ctl_push_start(c, fds, n_workers));
	return ctl_tls_start(c, err);
}

/* A missing file or a wrong key stays wrong however often we start. */
static bool permanent(int r)
{
	return r == -EBADMSG || r == -EINVAL || r == -ENOENT || r == -EACCES ||
	       r == -EKEYREJECTED || r == -EOPNOTSUPP || r == -EPERM || r == -EAFNOSUPPORT;
}

int ds_ctl_run(const struct ds_gw_conf *conf, const char *conf_path, int rpc_fd, const int *fds,
	       unsigned int n_workers)
{
	struct ctl c = { .conf = conf, .conf_path = conf_path, .rpc_fd = rpc_fd };
	struct ds_err err = DS_ERR_NULL;
	int r, status;

	json_set_alloc_funcs(malloc, wiping_free);
	r = start(&c, fds, n_workers, &err);
	if (r)
		ds_log(DS_LOG_ERR, "event=start-failed error=\"%s\"",
		       err.code ? err.msg : strerror(-r));
	status = r ? (permanent(r) ? DS_GW_EXIT_CONFIG : 1) : ds_loop_run(c.loop);
	ctl_tls_stop(&c);
	ctl_push_stop(&c);
	ctl_wg_stop(&c);
	ds_store_free(c.store);
	ds_loop_free(c.loop);
	ds_gw_conf_done(&c.live);
	return status;
}
