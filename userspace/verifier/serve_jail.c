// SPDX-License-Identifier: Apache-2.0
/*
 * What answering and judging need once everything is open: no file, no new connection, no other
 * program. A call outside the list ends the process.
 */
#include "serve.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static const int allowed[] = {
	/* the loop and its sockets */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(accept4),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(ioctl),
	SCMP_SYS(fcntl),
	SCMP_SYS(close),
	/* clock where the vDSO has none, random numbers of OpenSSL */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* signals and the end */
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* The third argument is the protection. */
static const int without_exec[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

int serve_jail(void)
{
	scmp_filter_ctx ctx;
	int r;

#ifdef __SANITIZE_ADDRESS__
	return 0; /* the leak check at exit starts threads and traces itself */
#endif
	if (prctl(PR_SET_DUMPABLE, 0))
		return -errno;
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	r = ctx ? 0 : -ENOMEM;
	for (size_t i = 0; i < DS_ARRAY_SIZE(allowed) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	/* nothing here writes code */
	for (size_t i = 0; i < DS_ARRAY_SIZE(without_exec) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, without_exec[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!r)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return r;
}
