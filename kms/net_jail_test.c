// SPDX-License-Identifier: Apache-2.0
/* Inside, no key of the kernel's can be asked for, and no other program be run. */
#include "net.h"

#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

static const struct {
	const char *name;
	long no;
} calls[] = {
	{ "add_key", SYS_add_key },
	{ "request_key", SYS_request_key },
	{ "keyctl", SYS_keyctl },
	{ "execve", SYS_execve },
	{ "execveat", SYS_execveat },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "process_vm_writev", SYS_process_vm_writev },
#ifndef __SANITIZE_ADDRESS__
	{ "ptrace", SYS_ptrace },
#endif
};

/* Arguments that nothing comes of where the call is allowed. */
static int try(long no)
{
	return syscall(no, -1, NULL, NULL, 0, 0, -1) < 0 ? errno : 0;
}

/* In a process of its own: there is no way out of it. */
static int status_of(int (*fn)(long), long no)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(no));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int jailed(long no)
{
	return kms_net_jail() ? 255 : try(no);
}

static void test_forbidden(void **state)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(calls); i++) {
		print_message("%s\n", calls[i].name);
		assert_int_equal(status_of(jailed, calls[i].no), EPERM);
	}
	/* and it is the filter that says so */
	assert_int_not_equal(status_of(try, SYS_execve), EPERM);
}

static void test_others(void **state)
{
	assert_int_equal(status_of(jailed, SYS_getpid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
