// SPDX-License-Identifier: Apache-2.0
/* Holding the measurement lock, and everything that waits for it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "lock_util.h"
#include "rtmr_util.h"

#define BUSY_FOR_LONG "100000000"

pid_t lk_hold(void)
{
	pid_t pid;

	if (kt_write_text(DS_KNOB("busy"), BUSY_FOR_LONG))
		return -1;
	pid = fork();
	if (!pid)
		_exit(rt_consistent() < 0);
	for (;;) {
		char text[16] = "";

		if (pid < 0 || kt_read_file(DS_KNOB("busy"), text, sizeof(text) - 1) < 0)
			return -1;
		if (strncmp(text, BUSY_FOR_LONG, strlen(BUSY_FOR_LONG)))
			return pid;
		sched_yield();
	}
}

int lk_release(pid_t pid)
{
	return kt_write_text(DS_KNOB("busy"), "0") || waitpid(pid, NULL, 0) != pid;
}

static int device_op(unsigned long request)
{
	union {
		struct dstack_report report;
		struct dstack_extend extend;
	} arg = { 0 };
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC), ret, saved;

	arg.extend.rtmr = request == DSTACK_IOC_EXTEND ? 2 : 0;
	ret = request ? ioctl(fd, request, &arg) : (int)write(fd, &arg, DSTACK_REPORTDATA_SIZE);
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}

long lk_wait(unsigned int way)
{
	static const uint8_t digest[48];
	uint8_t buf[64];

	switch (way) {
	case 0:
		return kt_read_file(DS_SYSFS("measurements/rtmr0:sha384"), buf, sizeof(buf));
	case 1:
		return kt_read_file(DS_SYSFS("consistent"), buf, sizeof(buf));
	case 2:
		return kt_read_file(DS_SYSFS("eventlog"), buf, sizeof(buf));
	case 3:
		return kt_write_file(DS_SYSFS("measurements/rtmr2:sha384"), digest, 48);
	case 4:
		return rt_event("app-interrupted", "");
	case 5:
		return rt_event_once("app-interrupted", "");
	case 6:
		return kt_write_text(DS_SYSFS("phase"), "runtime");
	case 7:
		return device_op(0);
	case 8:
		return device_op(DSTACK_IOC_REPORT);
	case 9:
		return device_op(DSTACK_IOC_EXTEND);
	default:
		return 0;
	}
}
