// SPDX-License-Identifier: Apache-2.0
/*
 * dstack_rtmr.ko beside the measurements folder of the in-tree driver, where it has one: both see
 * the same registers, and what went in through the other is told. The tests run in this order.
 */
#include <sys/wait.h>

#include "ktap.h"
#include "rtmr_util.h"

#define INTREE(name)	"/sys/class/misc/tdx_guest/measurements/" name
#define EXTENSIONS	100

static bool same_everywhere(void)
{
	static const char *const names[] = {
		"mrtd:sha384", "mrconfigid", "mrowner", "mrownerconfig",
		"rtmr0:sha384", "rtmr1:sha384", "rtmr2:sha384", "rtmr3:sha384",
	};
	char ours[96], theirs[96];
	uint8_t a[64], b[64];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(ours, sizeof(ours), DS_SYSFS("measurements/%s"), names[i]);
		snprintf(theirs, sizeof(theirs), INTREE("%s"), names[i]);
		if (kt_read_file(ours, a, sizeof(a)) != 48 ||
		    kt_read_file(theirs, b, sizeof(b)) != 48 || memcmp(a, b, 48))
			return false;
	}
	return true;
}

/*
 * The in-tree files show what they read last until they are written themselves: after an extension
 * through ours they are stale (docs/tdx-emulator.md), ours never are.
 */
static void same_registers(void)
{
	uint8_t before[48], theirs[48], live[48];

	KT_CHECK(same_everywhere());
	KT_CHECK(rt_live_rtmr(3, before));
	KT_CHECK(!rt_event("app-coexist", "x"));
	KT_CHECK(rt_live_rtmr(3, live) && memcmp(live, before, 48));
	KT_CHECK(kt_read_file(INTREE("rtmr3:sha384"), theirs, 48) == 48);
	KT_CHECK(!memcmp(theirs, before, 48));
	KT_CHECK(rt_replay_matches(3));
}

/* Both at once: neither loses an extension nor fails, ours waits while the module is busy. */
static void at_the_same_time(void)
{
	uint8_t digest[48] = { 1 };
	size_t logged = 0, i;
	struct rt_log log;
	int status, n;
	pid_t pid = fork();

	if (!pid) {
		for (n = 0; n < EXTENSIONS; n++) {
			if (kt_write_file(INTREE("rtmr2:sha384"), digest, 48))
				_exit(1);
		}
		_exit(0);
	}
	for (n = 0; n < EXTENSIONS; n++)
		KT_CHECK(!rt_event("app-both", "x"));
	KT_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	KT_CHECK(same_everywhere());
	KT_CHECK(rt_log_load(&log));
	for (i = 0; i < log.n; i++)
		logged += rt_event_is(&log.events[i], "app-both", "x", 1);
	KT_CHECK(logged == EXTENSIONS);
	rt_log_free(&log);
	/* RTMR3 was ours alone, RTMR2 was not. */
	KT_CHECK(rt_consistent() == 0);
}

static void told(void)
{
	uint8_t digest[48] = { 2 }, before[48], after[48], both[96];

	KT_CHECK(rt_live_rtmr(3, before));
	KT_CHECK(!kt_write_file(INTREE("rtmr3:sha384"), digest, 48));
	KT_CHECK(rt_live_rtmr(3, after));
	memcpy(both, before, 48);
	memcpy(both + 48, digest, 48);
	rt_sha384(both, 96, both);
	KT_CHECK(!memcmp(both, after, 48));
	KT_CHECK(!rt_replay_matches(3) && rt_consistent() == 0);
	/* Extending and logging goes on. */
	KT_CHECK(!rt_event("app-after", ""));
	KT_CHECK(rt_consistent() == 0);
}

static const struct kt_test tests[] = {
	{ "coexist: both drivers show the same registers, the other one as it last read them", same_registers },
	{ "coexist: both extend at once, an extension through the other is told", at_the_same_time },
	{ "coexist: also of RTMR3, and ours goes on", told },
};

int main(void)
{
	if (access(INTREE("rtmr3:sha384"), F_OK)) {
		printf("1..0 # SKIP the in-tree driver of this kernel has no measurements\n");
		return 4;
	}
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
