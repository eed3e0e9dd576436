// SPDX-License-Identifier: Apache-2.0
/* Privileges of workers and limits of the log, see ids.h. */
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>

#include <ds/base/log.h>

#include "ids.h"

#define NOBODY 65534

int ds_gw_follow_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

int ds_gw_drop_ids(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	/* changing ids undoes these two */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return ds_gw_follow_parent(parent);
}

bool ds_gw_may_log(struct ds_gw_log_limit *l, uint64_t second, unsigned int per_second)
{
	if (second != l->second) {
		if (l->dropped)
			ds_log(DS_LOG_NOTICE, "event=log-limited lines=%u", l->dropped);
		*l = (struct ds_gw_log_limit){ .second = second };
	}
	if (l->lines >= per_second) {
		l->dropped++;
		return false;
	}
	l->lines++;
	return true;
}
