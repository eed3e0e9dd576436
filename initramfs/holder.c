// SPDX-License-Identifier: Apache-2.0
/* Pid 1's side of the key holder process. */
#include <ds/base/log.h>
#include <ds/keys/holder.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "ctx.h"

#define HOLDER_UID 65533 /* nobody's: owns no file and no other process */

/* What signing over a socket needs, and no way to reach anything else. Another call kills the
 * process. */
static int filter_calls(void)
{
	static const int allowed[] = {
		SCMP_SYS(poll),	    SCMP_SYS(recvmsg),	    SCMP_SYS(sendmsg),
		SCMP_SYS(close),    SCMP_SYS(mmap),	    SCMP_SYS(munmap),
		SCMP_SYS(mprotect), SCMP_SYS(mremap),	    SCMP_SYS(brk),
		SCMP_SYS(madvise),  SCMP_SYS(mlock),	    SCMP_SYS(munlock),
		SCMP_SYS(futex),    SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime),
		SCMP_SYS(write),    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
		SCMP_SYS(exit),	    SCMP_SYS(exit_group),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < DS_ARRAY_SIZE(allowed); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* Before the key arrives: no other descriptor, no privilege, no way to start anything. */
static int jail(int fd)
{
	struct rlimit none = { 0, 0 };

	if (fd != 3 && dup3(fd, 3, O_CLOEXEC) != 3)
		return -errno;
	if (syscall(SYS_close_range, 4u, ~0u, 0u))
		return -errno;
	if (setgroups(0, NULL) || setresgid(HOLDER_UID, HOLDER_UID, HOLDER_UID) ||
	    setresuid(HOLDER_UID, HOLDER_UID, HOLDER_UID))
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_NPROC, &none))
		return -errno;
	/* Changing ids made the process dumpable again if it was told so by default. */
	DS_TRY(ds_secret_harden_process());
	return filter_calls();
}

int holder_start(struct ctx *c)
{
	int sv[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		r = jail(sv[1]);
		if (!r)
			r = ds_holder_serve(3);
		if (r)
			ds_log(DS_LOG_ERR, "what=holder error=\"%s\"", strerror(-r));
		_exit(r ? 1 : 0);
	}
	close(sv[1]);
	c->holder_fd = sv[0];
	c->holder_pid = pid;
	return 0;
}

int holder_load(struct ctx *c, const struct ds_secret *key)
{
	int r = ds_holder_load(c->holder_fd, key);

	return r ? ds_err_set(&c->err, r, "key holder", 0, "%s", strerror(-r)) : 0;
}

int holder_connect(struct ctx *c, int *ret_fd)
{
	return ds_holder_connect(c->holder_fd, ret_fd);
}
