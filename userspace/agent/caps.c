// SPDX-License-Identifier: Apache-2.0
/* Privileges of a process that runs as root because files and keys are root's, and needs little
 * else of it. */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "agent.h"

int caps_keep(unsigned int keep_cap, bool keep)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* EINVAL ends the list: this kernel knows no higher capability. */
	for (unsigned int cap = 0; cap < 64; cap++)
		if ((!keep || cap != keep_cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) &&
		    errno != EINVAL)
			return -errno;
	if (keep) {
		d[keep_cap / 32].effective = 1u << keep_cap % 32;
		d[keep_cap / 32].permitted = 1u << keep_cap % 32;
	}
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}
