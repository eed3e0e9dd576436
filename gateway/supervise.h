/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that starts the others (see msg.h). It holds every socket, so that a worker or the
 * control process can die and be replaced: connections of the remaining workers do not notice, new
 * ones wait in the kernel's queue. It reads nothing from the network and holds no secret.
 */
#ifndef DS_GATEWAY_SUPERVISE_H
#define DS_GATEWAY_SUPERVISE_H

#include "conf.h"

/* Exit status of a control process whose problem a restart cannot cure. */
#define DS_GW_EXIT_CONFIG 2

/*
 * Runs until SIGTERM or SIGINT. Exit status for main(). conf_path: for the control process, which
 * reads it again on SIGHUP.
 */
int ds_gw_supervise(const struct ds_gw_conf *conf, const char *conf_path);

/* ctl_proc.c: the control process; returns its exit status. fds: its ends of the workers' pairs. */
int ds_ctl_run(const struct ds_gw_conf *conf, const char *conf_path, int rpc_fd, const int *fds,
	       unsigned int n_workers);

#endif
