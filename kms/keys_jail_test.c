// SPDX-License-Identifier: Apache-2.0
/* Inside, a file can be opened in one way only, and without a file of recipients in none. */
#include "consent.h"
#include "keys.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_open) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
