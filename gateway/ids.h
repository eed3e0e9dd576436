/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and process helpers that the parts of dstack-gateway share. */
#ifndef DS_GATEWAY_IDS_H
#define DS_GATEWAY_IDS_H

#include <ds/base/base.h>

#define DS_GW_MAX_INSTANCES 65536u

/* End (SIGTERM) when the process that started this one ends; -ESRCH when it already has. */
DS_MUST int ds_gw_follow_parent(pid_t parent);
/*
 * For a worker, after its set-up: no user, no group, no way back. A process that is not root keeps
 * its ids.
 */
DS_MUST int ds_gw_drop_ids(void);

/* At most per_second log lines of a kind; what was left out is said when the next second begins. */
struct ds_gw_log_limit {
	uint64_t second;
	unsigned int lines, dropped;
};

/* May this line be written? */
bool ds_gw_may_log(struct ds_gw_log_limit *l, uint64_t second, unsigned int per_second);

#endif
