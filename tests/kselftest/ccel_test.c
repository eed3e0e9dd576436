// SPDX-License-Identifier: Apache-2.0
/*
 * eventlog on a machine whose ACPI has a CCEL table with four events of RTMR0 to RTMR2: with
 * "taken" they must be the beginning of the log, with "left-out" nothing of them may be there. The
 * tests run in this order in one VM.
 */
#include <sys/ioctl.h>

#include "ktap.h"
#include "rtmr_util.h"

#define FIRMWARE_EVENTS	4

static size_t firmware_events = FIRMWARE_EVENTS;

static void firmware_first(void)
{
	static const uint32_t pcrs[FIRMWARE_EVENTS] = { 1, 2, 3, 1 };
	struct rt_log log;
	size_t i;

	KT_CHECK(rt_log_load(&log));
	KT_CHECK(log.n == firmware_events);
	for (i = 0; i < log.n; i++)
		KT_CHECK(log.events[i].pcr == pcrs[i] && log.events[i].type < 0x08000000);
	rt_log_free(&log);
}

static void ours_behind(void)
{
	struct dstack_extend x = { .rtmr = 2 };
	struct dstack_report r = { .log_len = 0 };
	struct rt_log log;
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	KT_CHECK(fd >= 0);
	KT_CHECK(!rt_event("app-first", "x"));
	memset(x.digest, 0x21, sizeof(x.digest));
	KT_CHECK(!ioctl(fd, DSTACK_IOC_EXTEND, &x));
	KT_CHECK(x.event_index == firmware_events + 1);
	KT_CHECK(!ioctl(fd, DSTACK_IOC_REPORT, &r));
	KT_CHECK(r.log_events == firmware_events + 2 && r.log_len == x.log_len);
	KT_CHECK(rt_log_load(&log) && log.len == r.log_len && log.n == r.log_events);
	KT_CHECK(rt_event_is(&log.events[firmware_events], "app-first", "x", 1));
	rt_log_free(&log);
	close(fd);
}

/* One replay from zero gives every register, the firmware's included, if its log was taken. */
static void whole_replay(void)
{
	uint8_t live[48], replayed[48];
	struct rt_log log;
	unsigned int n;

	KT_CHECK(rt_log_load(&log));
	for (n = 0; n < 4; n++) {
		KT_CHECK(rt_log_replay(&log, log.len, n, replayed) && rt_live_rtmr(n, live));
		KT_CHECK(!memcmp(live, replayed, 48) == (firmware_events || n == 3));
	}
	rt_log_free(&log);
	KT_CHECK(rt_consistent() == 1);
}

/* An event that only the firmware's log claims has not been measured. */
static void nothing_is_taken_on_trust(void)
{
	struct rt_log log;

	KT_CHECK(!rt_event_once("app-firmware", "forged"));
	KT_CHECK(rt_log_load(&log) && log.n == firmware_events + 3);
	KT_CHECK(rt_event_is(&log.events[log.n - 1], "app-firmware", "forged", 6));
	rt_log_free(&log);
	KT_CHECK(rt_replay_matches(3));
}

/* For tests/vm/ccel.post, which has a parser that is not ours read this log. */
static void show_log(void)
{
	struct rt_log log;
	uint8_t live[48];

	KT_CHECK(rt_log_load(&log));
	rt_show("eventlog", log.bytes, log.len);
	KT_CHECK(rt_live_rtmr(2, live));
	rt_show("rtmr2", live, sizeof(live));
	KT_CHECK(rt_live_rtmr(3, live));
	rt_show("rtmr3", live, sizeof(live));
	rt_log_free(&log);
}

static const struct kt_test tests[] = {
	{ "ccel: the log begins with the firmware's events, or with none", firmware_first },
	{ "ccel: ours follow, and are counted from there", ours_behind },
	{ "ccel: one replay gives every register the log speaks of", whole_replay },
	{ "ccel: event_once does not believe the firmware's log", nothing_is_taken_on_trust },
	{ "ccel: the log and the registers, for another parser", show_log },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "left-out"))
		firmware_events = 0;
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
