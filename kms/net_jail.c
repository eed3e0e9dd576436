// SPDX-License-Identifier: Apache-2.0
/*
 * What the net process has no business with. The key that seals the roots is the kernel's, for any
 * process of the VM: to who takes this one over, who may hold a copy of the sealed file, it would be
 * the roots. Programs and the memory of other processes it needs as little.
 */
#include "net.h"

#include <seccomp.h>

int kms_net_jail(void)
{
	static const int forbidden[] = {
		SCMP_SYS(add_key),	     SCMP_SYS(request_key),	  SCMP_SYS(keyctl),
		SCMP_SYS(execve),	     SCMP_SYS(execveat),	  SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces */
		SCMP_SYS(ptrace),
#endif
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < DS_ARRAY_SIZE(forbidden); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
