// SPDX-License-Identifier: Apache-2.0
/*
 * An app key that another process is making: the wait for it ends with a signal. It is made in a
 * moment, so all of this is on one CPU, which the maker only has while nobody else wants it: who
 * asks comes in the middle at some time, and then a spinner keeps the maker there.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define DESC	"app:wait"
#define SESSION	KEY_SPEC_SESSION_KEYRING

static atomic_bool *asking;

static void on_alarm(int sig)
{
}

static bool on_one_cpu(int priority)
{
	struct sched_param p = { .sched_priority = priority };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return !sched_setaffinity(0, sizeof(one), &one) &&
	       (!priority || !sched_setscheduler(0, SCHED_FIFO, &p));
}

static _Noreturn void make(void)
{
	long key;

	for (;;) {
		key = key_request(KEY_TYPE, DESC, "", SESSION);
		if (key > 0)
			key_ctl(KEYCTL_UNLINK, key, SESSION, 0, 0);
	}
}

static _Noreturn void spin(int told)
{
	char byte;

	while (on_one_cpu(1) && read(told, &byte, 1) == 1)
		while (atomic_load(asking))
			;
	_exit(1);
}

static long ask_once(int tell)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } }, never = { 0 };
	long ret;

	atomic_store(asking, true);
	if (write(tell, "x", 1) != 1)
		return -EIO;
	setitimer(ITIMER_REAL, &soon, NULL);
	ret = key_request(KEY_TYPE, DESC, "", SESSION);
	setitimer(ITIMER_REAL, &never, NULL);
	atomic_store(asking, false);
	return ret;
}

void test_wait(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	int64_t end = now_ms() + 60000;
	pid_t maker, spinner;
	int tell[2], tries = 0;
	long ret = 0;

	asking = mmap(NULL, sizeof(*asking), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!tap(asking != MAP_FAILED && !pipe(tell) && !sigaction(SIGALRM, &act, NULL) && on_one_cpu(0),
		 "wait: everybody on one CPU"))
		return;
	tap(key_add(KEY_TYPE, "root:k256", test_k256, KEY_BYTES, test_ring) > 0, "wait: add root:k256");
	maker = fork();
	if (!maker)
		make();
	spinner = fork();
	if (!spinner)
		spin(tell[0]);
	tap(on_one_cpu(2), "wait: who asks comes first");
	srandom(1);
	while (ret != -EINTR && now_ms() < end) {
		/* The moment is what is being varied, hence a time and not an event. */
		struct timespec moment = { .tv_nsec = random() % 3000000 };

		nanosleep(&moment, NULL);
		ret = ask_once(tell[1]);
		tries++;
	}
	tap_is(ret, -EINTR, "wait: a signal ends it (%d tries)", tries);
	kill(spinner, SIGKILL);
	tap(waitpid(spinner, NULL, 0) == spinner, "wait: the maker goes on");
	ret = key_request(KEY_TYPE, DESC, "", SESSION);
	tap(ret > 0, "wait: asked again, the key is there");
	kill(maker, SIGKILL);
	waitpid(maker, NULL, 0);
}
