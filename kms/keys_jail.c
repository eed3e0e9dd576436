// SPDX-License-Identifier: Apache-2.0
/* What the keys process can do once it has the roots. */
#include "consent.h"
#include "keys.h"

#include <seccomp.h>

/* The file of recipients, to read. Which file of the directory it is a filter cannot see. */
static int allow_consent(scmp_filter_ctx ctx, int dirfd)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 2,
				 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)dirfd),
				 SCMP_A2(SCMP_CMP_EQ, KMS_CONSENT_FLAGS));

	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fstat), 0);
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 0);
	return r;
}

/* Memory, random numbers, the clock and the socket. */
static const int always[] = {
	SCMP_SYS(read),		 SCMP_SYS(write),
	SCMP_SYS(recvfrom),	 SCMP_SYS(sendto),
	SCMP_SYS(recvmsg),	 SCMP_SYS(sendmsg),
	SCMP_SYS(mmap),		 SCMP_SYS(munmap),
	SCMP_SYS(mprotect),	 SCMP_SYS(mremap),
	SCMP_SYS(brk),		 SCMP_SYS(madvise),
	SCMP_SYS(mlock),	 SCMP_SYS(munlock),
	SCMP_SYS(getrandom),	 SCMP_SYS(futex),
	SCMP_SYS(clock_gettime), SCMP_SYS(getpid),
	SCMP_SYS(rt_sigreturn),	 SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),		 SCMP_SYS(exit_group),
	SCMP_SYS(close),	 SCMP_SYS(time),
};

static int add(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < n; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

/* Nothing else is left to do. */
int kms_keys_jail(int dirfd)
{
	scmp_filter_ctx ctx;
	int r;

#ifdef __SANITIZE_ADDRESS__
	return 0; /* the leak check at exit starts threads and traces itself */
#endif
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	r = add(ctx, always, DS_ARRAY_SIZE(always));
	if (!r && dirfd >= 0)
		r = allow_consent(ctx, dirfd);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/*
 * The directory of the roots has yet to be written. What is not allowed fails here, and does not end
 * the process: half a directory would be what is left.
 */
int kms_keys_new_jail(void)
{
	static const int files[] = {
		SCMP_SYS(open),	     SCMP_SYS(openat),	  SCMP_SYS(mkdir),
		SCMP_SYS(mkdirat),   SCMP_SYS(rename),	  SCMP_SYS(renameat),
		SCMP_SYS(renameat2), SCMP_SYS(unlink),	  SCMP_SYS(unlinkat),
		SCMP_SYS(rmdir),     SCMP_SYS(fsync),	  SCMP_SYS(fchmod),
		SCMP_SYS(flock),     SCMP_SYS(fstat),	  SCMP_SYS(stat),
		SCMP_SYS(lstat),     SCMP_SYS(newfstatat), SCMP_SYS(faccessat),
		SCMP_SYS(faccessat2), SCMP_SYS(getdents64), SCMP_SYS(lseek),
		SCMP_SYS(fcntl),
	};
	scmp_filter_ctx ctx;
	int r;

#ifdef __SANITIZE_ADDRESS__
	return 0;
#endif
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	r = add(ctx, always, DS_ARRAY_SIZE(always));
	if (!r)
		r = add(ctx, files, DS_ARRAY_SIZE(files));
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
