// SPDX-License-Identifier: Apache-2.0
/* Privileges of workers, see ids.h. */
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>

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
