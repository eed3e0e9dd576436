// SPDX-License-Identifier: Apache-2.0
/* Inside, a file can be opened in one way only, and without a file of recipients in none. */
#include "consent.h"
#include "keys.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct attempt {
	const char *name;
	bool consent; /* the filter of replication = sealed */
	int flags;
	bool elsewhere;
	int killed;
};

static const struct attempt attempts[] = {
	{ "the file of recipients", true, KMS_CONSENT_FLAGS, false, 0 },
	{ "to write", true, KMS_CONSENT_FLAGS | O_WRONLY, false, SIGSYS },
	{ "to make", true, KMS_CONSENT_FLAGS | O_CREAT, false, SIGSYS },
	{ "through a link", true, KMS_CONSENT_FLAGS & ~O_NOFOLLOW, false, SIGSYS },
	{ "elsewhere", true, KMS_CONSENT_FLAGS, true, SIGSYS },
	{ "without replication", false, KMS_CONSENT_FLAGS, false, SIGSYS },
};

static void inside(const struct attempt *a, int dirfd)
{
	struct stat st;
	int fd;

	if (kms_keys_jail(a->consent ? dirfd : -1))
		_exit(99);
	fd = openat(a->elsewhere ? AT_FDCWD : dirfd, "passwd", a->flags, 0600);
	_exit(fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) ? 0 : 98);
}

static void test_open(void **state)
{
	DS_FD int dirfd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

#ifdef __SANITIZE_ADDRESS__
	skip(); /* there is no filter then */
#endif
	for (size_t i = 0; i < DS_ARRAY_SIZE(attempts); i++) {
		int status = 0;
		pid_t pid = fork();

		if (!pid)
			inside(&attempts[i], dirfd);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		print_message("%s\n", attempts[i].name);
		if (attempts[i].killed)
			assert_true(WIFSIGNALED(status) &&
				    WTERMSIG(status) == attempts[i].killed);
		else
			assert_int_equal(status, 0);
	}
}

/* Inside the filter of a process that writes roots: 0, or the number of the line that is wrong. */
static int write_only(const char *dir)
{
	static const long no[] = { SYS_socket,	 SYS_connect,  SYS_execve,	     SYS_execveat,
				   SYS_fork,	 SYS_clone,    SYS_kill,	     SYS_ptrace,
				   SYS_add_key,	 SYS_request_key, SYS_keyctl,	     SYS_process_vm_readv,
				   SYS_mount,	 SYS_setuid,   SYS_process_vm_writev };
	int dirfd, fd;

	if (chdir(dir) || kms_keys_new_jail())
		return 1;
	for (size_t i = 0; i < DS_ARRAY_SIZE(no); i++)
		if (syscall(no[i], -1, NULL, NULL, 0, 0, -1) >= 0 || errno != EPERM)
			return 10 + (int)i;
	if (mkdir("certs.new", 0700))
		return 2;
	dirfd = open("certs.new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dirfd, "root-ca.key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (dirfd < 0 || fd < 0 || write(fd, "x", 1) != 1 || fchmod(fd, 0600) || fsync(fd))
		return 3;
	if (fsync(dirfd) || rename("certs.new", "certs") || unlinkat(dirfd, "root-ca.key", 0) ||
	    rmdir("certs"))
		return 4;
	return 0;
}

static void test_new(void **state)
{
	char dir[] = "/tmp/ds-jail-XXXXXX";
	int status = 0;
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	assert_non_null(mkdtemp(dir));
	pid = fork();
	if (!pid)
		_exit(write_only(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(dir);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_open), cmocka_unit_test(test_new) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
