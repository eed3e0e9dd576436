// SPDX-License-Identifier: Apache-2.0
/*
 * dstack_rtmr.ko: files, events, log, phase. The tests run in this order in one VM, the first event
 * of all being that of launch_chain(), the end of the launch that of phase_latch().
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ktap.h"
#include "rtmr_util.h"

static size_t log_events(void)
{
	struct rt_log log;
	size_t n;

	if (!rt_log_load(&log))
		return SIZE_MAX;
	n = log.n;
	rt_log_free(&log);
	return n;
}

/* The last event of the log, compared while the log is loaded. */
static bool last_event_is(const char *name, const void *payload, size_t len)
{
	struct rt_log log;
	bool ok;

	if (!rt_log_load(&log))
		return false;
	ok = log.n && rt_event_is(&log.events[log.n - 1], name, payload, len);
	rt_log_free(&log);
	return ok;
}

static bool mode_is(const char *path, mode_t mode, off_t size)
{
	struct stat st;

	return !stat(path, &st) && (st.st_mode & 07777) == mode && st.st_size == size;
}

static void files(void)
{
	KT_CHECK(mode_is(DS_SYSFS("measurements/mrtd:sha384"), 0444, 48));
	KT_CHECK(mode_is(DS_SYSFS("measurements/mrconfigid"), 0444, 48));
	KT_CHECK(mode_is(DS_SYSFS("measurements/mrowner"), 0444, 48));
	KT_CHECK(mode_is(DS_SYSFS("measurements/mrownerconfig"), 0444, 48));
	KT_CHECK(mode_is(DS_SYSFS("measurements/rtmr0:sha384"), 0444, 48));
	KT_CHECK(mode_is(DS_SYSFS("measurements/rtmr1:sha384"), 0444, 48));
	KT_CHECK(mode_is(DS_SYSFS("measurements/rtmr2:sha384"), 0644, 0));
	KT_CHECK(mode_is(DS_SYSFS("measurements/rtmr3:sha384"), 0644, 0));
	KT_CHECK(mode_is(DS_SYSFS("event"), 0200, 0));
	KT_CHECK(mode_is(DS_SYSFS("event_once"), 0200, 0));
	KT_CHECK(mode_is(DS_SYSFS("eventlog"), 0444, 0));
	KT_CHECK(mode_is(DS_SYSFS("phase"), 0644, 4096));
	KT_CHECK(mode_is(DS_SYSFS("consistent"), 0444, 4096));
	KT_CHECK(mode_is(DSTACK_DEVICE, 0600, 0));
}

static int report(struct dstack_report *ret, uint8_t fill)
{
	int fd = open(DSTACK_DEVICE, O_RDONLY | O_CLOEXEC), r, saved;

	if (fd < 0)
		return -1;
	memset(ret, 0, sizeof(*ret));
	memset(ret->reportdata, fill, sizeof(ret->reportdata));
	r = ioctl(fd, DSTACK_IOC_REPORT, ret);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static void registers(void)
{
	static const struct {
		const char *path;
		size_t at;
	} mr[] = {
		{ DS_SYSFS("measurements/mrtd:sha384"), 528 },
		{ DS_SYSFS("measurements/mrconfigid"), 576 },
		{ DS_SYSFS("measurements/mrowner"), 624 },
		{ DS_SYSFS("measurements/mrownerconfig"), 672 },
		{ DS_SYSFS("measurements/rtmr0:sha384"), TDREPORT_RTMR(0) },
		{ DS_SYSFS("measurements/rtmr1:sha384"), TDREPORT_RTMR(1) },
		{ DS_SYSFS("measurements/rtmr2:sha384"), TDREPORT_RTMR(2) },
		{ DS_SYSFS("measurements/rtmr3:sha384"), TDREPORT_RTMR(3) },
	};
	struct dstack_report r;
	uint8_t value[64];
	size_t i;

	KT_CHECK(!report(&r, 0x42));
	KT_CHECK(r.tdreport[0] == 0x81);
	KT_CHECK(!memcmp(r.tdreport + TDREPORT_REPORTDATA, r.reportdata, 64));
	for (i = 0; i < sizeof(mr) / sizeof(mr[0]); i++) {
		KT_CHECK(kt_read_file(mr[i].path, value, sizeof(value)) == 48);
		KT_CHECK(!memcmp(value, r.tdreport + mr[i].at, 48));
	}
	/* The suite gives every register its own value. */
	KT_CHECK(r.tdreport[528] == 0x11 && r.tdreport[576] == 0x33 && r.tdreport[720] == 0x22);
}

static ssize_t read_at(const char *path, void *to, size_t len, off_t at)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, to, len, at);

	close(fd);
	return n;
}

static void registers_in_pieces(void)
{
	static const char *const paths[] = {
		DS_SYSFS("measurements/mrtd:sha384"), DS_SYSFS("measurements/rtmr0:sha384"),
		DS_SYSFS("measurements/rtmr2:sha384"), DS_SYSFS("measurements/rtmr3:sha384"),
	};
	uint8_t value[48], piece[64];
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		KT_CHECK(read_at(paths[i], value, 48, 0) == 48);
		KT_CHECK(read_at(paths[i], piece, sizeof(piece), 40) == 8);
		KT_CHECK(!memcmp(piece, value + 40, 8));
		KT_CHECK(read_at(paths[i], piece, sizeof(piece), 48) == 0);
		KT_CHECK(read_at(paths[i], piece, sizeof(piece), 4096) == 0);
	}
}

/* boot.md 4.3, the first worked chain, V1. */
static void launch_chain(void)
{
	static const uint8_t want[48] = {
		0x01, 0x8a, 0xee, 0x3f, 0x2e, 0xc5, 0xd7, 0xb1, 0x5b, 0xfb, 0x5a, 0x50,
		0x66, 0xc7, 0x0c, 0xff, 0x7a, 0xcb, 0x36, 0xec, 0x27, 0xce, 0x7c, 0xb6,
		0x23, 0xde, 0xfa, 0x14, 0x3e, 0x13, 0x39, 0x05, 0xd5, 0x4b, 0x1a, 0xa8,
		0xf9, 0xb0, 0xe3, 0x2c, 0x86, 0x2b, 0x5d, 0x1a, 0xc1, 0x17, 0x67, 0x77,
	};
	/* SHA-256 of "{}" */
	static const uint8_t empty_policy[32] = {
		0x44, 0x13, 0x6f, 0xa3, 0x55, 0xb3, 0x67, 0x8a, 0x11, 0x46, 0xad, 0x16,
		0xf7, 0xe8, 0x64, 0x9e, 0x94, 0xfb, 0x4f, 0xc2, 0x1f, 0xe7, 0x7e, 0x83,
		0x10, 0xc0, 0x60, 0xf6, 0x1c, 0xaa, 0xff, 0x8a,
	};
	uint8_t id[32], live[48];

	KT_CHECK(log_events() == 0);
	KT_CHECK(!rt_event("system-preparing", ""));
	memset(id, 0x11, 20);
	KT_CHECK(!rt_event_write(DS_SYSFS("event"), "app-id", id, 20));
	memset(id, 0x22, 32);
	KT_CHECK(!rt_event_write(DS_SYSFS("event"), "compose-hash", id, 32));
	KT_CHECK(!rt_event_write(DS_SYSFS("event"), "gpu-policy-hash", empty_policy, 32));
	memset(id, 0x33, 20);
	KT_CHECK(!rt_event_write(DS_SYSFS("event"), "instance-id", id, 20));
	KT_CHECK(!rt_event("boot-mr-done", ""));
	KT_CHECK(rt_live_rtmr(3, live) && !memcmp(live, want, 48));
	KT_CHECK(log_events() == 6);
	KT_CHECK(rt_replay_matches(3));
}

static void once(void)
{
	uint8_t before[48], after[48];
	size_t n = log_events();

	KT_CHECK(!rt_event_once("app-once", "a"));
	KT_CHECK(log_events() == n + 1 && last_event_is("app-once", "a", 1));
	KT_CHECK(rt_live_rtmr(3, before));
	KT_CHECK(!rt_event_once("app-once", "a"));
	KT_CHECK(rt_live_rtmr(3, after) && !memcmp(before, after, 48));
	KT_CHECK(log_events() == n + 1);
	/* Another payload, another name: other events. */
	KT_CHECK(!rt_event_once("app-once", "b"));
	KT_CHECK(!rt_event_once("app-oncea", ""));
	KT_CHECK(log_events() == n + 3);
	/* "event" never looks back. */
	KT_CHECK(!rt_event("app-once", "a"));
	KT_CHECK(log_events() == n + 4);
	KT_CHECK(rt_replay_matches(3));
}

/* A bare digest that somebody extended is no proof that the event was measured. */
static void once_needs_the_event(void)
{
	static const uint8_t preimage[] = "\x01\0\0\x08:app-forged:x";
	uint8_t digest[48];
	size_t n = log_events();

	rt_sha384(preimage, sizeof(preimage) - 1, digest);
	KT_CHECK(!kt_write_file(DS_SYSFS("measurements/rtmr3:sha384"), digest, 48));
	KT_CHECK(!rt_event_once("app-forged", "x"));
	KT_CHECK(log_events() == n + 2 && last_event_is("app-forged", "x", 1));
}

static void malformed(void)
{
	static const struct {
		const char *data;
		size_t len;
		int err;
	} bad[] = {
		{ "no-newline", 10, EINVAL },
		{ "\npayload", 8, EINVAL },
		{ "a b\n", 4, EINVAL },
		{ "a:b\n", 4, EINVAL },
		{ "a/b\n", 4, EINVAL },
		{ "a\0b\n", 4, EINVAL },
		{ "a\r\n", 3, EINVAL },
		{ "\xc3\xa9\n", 3, EINVAL },
	};
	char name[80];
	uint8_t before[48], after[48];
	size_t n = log_events(), i;

	KT_CHECK(rt_live_rtmr(3, before));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		KT_ERRNO(kt_write_file(DS_SYSFS("event"), bad[i].data, bad[i].len), bad[i].err);
		KT_ERRNO(kt_write_file(DS_SYSFS("event_once"), bad[i].data, bad[i].len),
			 bad[i].err);
	}
	memset(name, 'n', sizeof(name));
	name[65] = '\0';
	KT_ERRNO(rt_event(name, "p"), EINVAL);
	KT_CHECK(log_events() == n);
	KT_CHECK(rt_live_rtmr(3, after) && !memcmp(before, after, 48));
	name[64] = '\0';
	KT_CHECK(!rt_event(name, "p"));
	KT_CHECK(log_events() == n + 1 && last_event_is(name, "p", 1));
}

static void sizes(void)
{
	static uint8_t payload[12288];
	char name[65];
	size_t n = log_events(), i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = i % 7 ? (uint8_t)i : '\n';
	memset(name, 'm', 64);
	name[64] = '\0';
	KT_ERRNO(rt_event_write(DS_SYSFS("event"), name, payload, 4001), EFBIG);
	/* Longer than a page: sysfs passes on the first page only, which must not become an event. */
	KT_ERRNO(rt_event_write(DS_SYSFS("event"), "x", payload, 4093), EFBIG);
	KT_ERRNO(rt_event_write(DS_SYSFS("event"), "x", payload, 4094), EFBIG);
	KT_ERRNO(rt_event_write(DS_SYSFS("event"), "x", payload, 4095), EFBIG);
	KT_ERRNO(rt_event_write(DS_SYSFS("event"), name, payload, sizeof(payload)), EFBIG);
	KT_CHECK(log_events() == n);
	KT_CHECK(!rt_event_write(DS_SYSFS("event"), name, payload, 4000));
	KT_CHECK(log_events() == n + 1 && last_event_is(name, payload, 4000));
	KT_CHECK(rt_replay_matches(3));
}

static void offsets(void)
{
	int fd = open(DS_SYSFS("event"), O_WRONLY | O_CLOEXEC);
	size_t n = log_events();

	KT_CHECK(fd >= 0);
	KT_ERRNO(pwrite(fd, "app\nx", 5, 1), EINVAL);
	KT_CHECK(write(fd, "app\nx", 5) == 5);
	/* The second write of one open file is the rest of something, not an event. */
	KT_ERRNO(write(fd, "app\ny", 5), EINVAL);
	KT_CHECK(pwrite(fd, "app\nz", 5, 0) == 5);
	close(fd);
	KT_CHECK(log_events() == n + 2 && last_event_is("app", "z", 1));
}

static bool last_is_digest(unsigned int rtmr, const uint8_t digest[48])
{
	struct rt_log log;
	bool ok;

	if (!rt_log_load(&log))
		return false;
	ok = log.n && log.events[log.n - 1].type == DSTACK_EV_DIGEST_ONLY &&
	     log.events[log.n - 1].pcr == rtmr + 1 && log.events[log.n - 1].data_len == 0 &&
	     !memcmp(log.events[log.n - 1].digest, digest, 48);
	rt_log_free(&log);
	return ok;
}

static void raw_writes(void)
{
	static const char *const rtmr3 = DS_SYSFS("measurements/rtmr3:sha384");
	static const size_t wrong[] = { 1, 47, 49, 95, 96, 97, 144, 4095, 4096, 4097, 8192 };
	static uint8_t digest[8192];
	uint8_t before[48], after[48];
	size_t n = log_events(), i;
	int fd;

	memset(digest, 0x5c, sizeof(digest));
	KT_CHECK(!kt_write_file(rtmr3, digest, 48));
	KT_CHECK(log_events() == n + 1 && last_is_digest(3, digest));
	KT_CHECK(!kt_write_file(DS_SYSFS("measurements/rtmr2:sha384"), digest, 48));
	KT_CHECK(log_events() == n + 2 && last_is_digest(2, digest));
	KT_CHECK(rt_replay_matches(3));

	KT_CHECK(rt_live_rtmr(3, before));
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		KT_ERRNO(kt_write_file(rtmr3, digest, wrong[i]), EINVAL);
	fd = open(rtmr3, O_WRONLY | O_CLOEXEC);
	KT_CHECK(fd >= 0);
	KT_ERRNO(pwrite(fd, digest, 47, 1), EINVAL);
	KT_ERRNO(pwrite(fd, digest, 48, 48), EINVAL);
	close(fd);
	KT_ERRNO(kt_write_file(DS_SYSFS("measurements/rtmr1:sha384"), digest, 48), EACCES);
	KT_ERRNO(kt_write_file(DS_SYSFS("measurements/mrtd:sha384"), digest, 48), EACCES);
	KT_CHECK(rt_live_rtmr(3, after) && !memcmp(before, after, 48));
	KT_CHECK(log_events() == n + 2);
}

static void ioctl_extend(void)
{
	struct dstack_extend x = { .rtmr = 3 };
	size_t n = log_events();
	struct rt_log log;
	uint8_t live[48];
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	int ro = open(DSTACK_DEVICE, O_RDONLY | O_CLOEXEC);

	KT_CHECK(fd >= 0 && ro >= 0);
	memset(x.digest, 0x77, 48);
	KT_CHECK(!ioctl(fd, DSTACK_IOC_EXTEND, &x));
	KT_CHECK(rt_live_rtmr(3, live) && !memcmp(live, x.value, 48));
	KT_CHECK(x.event_index == n && log_events() == n + 1);
	KT_CHECK(last_is_digest(3, x.digest));
	KT_CHECK(rt_log_load(&log));
	KT_CHECK(x.log_len == log.len);
	rt_log_free(&log);

	KT_ERRNO(ioctl(ro, DSTACK_IOC_EXTEND, &x), EBADF);
	x.rtmr = 1;
	KT_ERRNO(ioctl(fd, DSTACK_IOC_EXTEND, &x), EINVAL);
	x.rtmr = 4;
	KT_ERRNO(ioctl(fd, DSTACK_IOC_EXTEND, &x), EINVAL);
	x.rtmr = 3;
	x.reserved = 1;
	KT_ERRNO(ioctl(fd, DSTACK_IOC_EXTEND, &x), EINVAL);
	KT_ERRNO(ioctl(fd, DSTACK_IOC_EXTEND, NULL), EFAULT);
	KT_ERRNO(ioctl(fd, DSTACK_IOC_REPORT, NULL), EFAULT);
	KT_ERRNO(ioctl(fd, _IO(DSTACK_IOC_MAGIC, 99)), ENOTTY);
	KT_CHECK(log_events() == n + 1);
	close(fd);
	close(ro);
}

static void busy(void)
{
	static const char *const fixed[] = {
		DS_SYSFS("measurements/mrtd:sha384"), DS_SYSFS("measurements/mrconfigid"),
		DS_SYSFS("measurements/mrowner"), DS_SYSFS("measurements/mrownerconfig"),
	};
	uint8_t before[48], after[48];
	size_t n = log_events(), i;

	/* More than the driver spins for, but over within its patience on the slowest kernel. */
	KT_CHECK(!kt_write_text(DS_KNOB("busy"), "80"));
	KT_CHECK(!rt_event("app-busy", "waited"));
	KT_CHECK(log_events() == n + 1);
	KT_CHECK(rt_live_rtmr(3, before));
	KT_CHECK(!kt_write_text(DS_KNOB("busy"), "100000000"));
	KT_ERRNO(rt_event("app-busy", "gave up"), EBUSY);
	/* What cannot change is known without the TDX module. */
	KT_ERRNO(kt_read_file(DS_SYSFS("measurements/rtmr0:sha384"), after, 48), EBUSY);
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		KT_CHECK(kt_read_file(fixed[i], after, 48) == 48);
	KT_CHECK(!kt_write_text(DS_KNOB("busy"), "0"));
	KT_CHECK(rt_live_rtmr(3, after) && !memcmp(before, after, 48));
	KT_CHECK(log_events() == n + 1);
	KT_CHECK(rt_replay_matches(3));
}

/* Every call that needs the TDX module says so when it refuses, and nothing is logged or extended. */
static void module_refuses(void)
{
	struct dstack_extend x = { .rtmr = 2 };
	struct dstack_report r;
	uint8_t before[96], after[96];
	size_t n = log_events();
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	KT_CHECK(fd >= 0 && rt_live_rtmr(2, before) && rt_live_rtmr(3, before + 48));
	KT_CHECK(!kt_write_text(DS_KNOB("refuse"), "100000000"));
	KT_ERRNO(rt_event("app-refused", "x"), EIO);
	KT_ERRNO(rt_event_once("app-refused", "x"), EIO);
	KT_ERRNO(kt_write_file(DS_SYSFS("measurements/rtmr2:sha384"), before, 48), EIO);
	KT_ERRNO(kt_write_file(DS_SYSFS("measurements/rtmr3:sha384"), before, 48), EIO);
	KT_ERRNO(ioctl(fd, DSTACK_IOC_EXTEND, &x), EIO);
	KT_ERRNO(report(&r, 1), EIO);
	KT_ERRNO(kt_read_file(DS_SYSFS("measurements/rtmr0:sha384"), after, 48), EIO);
	KT_ERRNO(kt_read_file(DS_SYSFS("consistent"), after, 48), EIO);
	KT_CHECK(!kt_write_text(DS_KNOB("refuse"), "0"));
	KT_CHECK(rt_live_rtmr(2, after) && rt_live_rtmr(3, after + 48));
	KT_CHECK(!memcmp(before, after, 96) && log_events() == n && rt_consistent() == 1);
	/* What was refused has not been measured. */
	KT_CHECK(!rt_event_once("app-refused", "x") && log_events() == n + 1);
	close(fd);
}

static void log_poll(void)
{
	struct pollfd p = { .events = POLLPRI };
	char c;
	pid_t pid;

	p.fd = open(DS_SYSFS("eventlog"), O_RDONLY | O_CLOEXEC);
	KT_CHECK(p.fd >= 0);
	KT_CHECK(pread(p.fd, &c, 1, 0) == 1);
	KT_CHECK(poll(&p, 1, 0) == 0);
	pid = fork();
	if (!pid)
		_exit(rt_event("app-poll", "") != 0);
	KT_CHECK(poll(&p, 1, 10000) == 1 && (p.revents & POLLPRI));
	KT_CHECK(waitpid(pid, NULL, 0) == pid);
	KT_CHECK(pread(p.fd, &c, 1, 0) == 1);
	KT_CHECK(poll(&p, 1, 0) == 0);
	close(p.fd);
}

/* Reads in odd pieces, at odd places, give the same bytes. */
static void log_offsets(void)
{
	struct rt_log log;
	uint8_t piece[777];
	size_t at, len;
	int fd = open(DS_SYSFS("eventlog"), O_RDONLY | O_CLOEXEC);

	KT_CHECK(fd >= 0 && rt_log_load(&log));
	for (at = 0; at < log.len; at += 777) {
		len = log.len - at < 777 ? log.len - at : 777;
		KT_CHECK(pread(fd, piece, len, (off_t)at) == (ssize_t)len);
		KT_CHECK(!memcmp(piece, log.bytes + at, len));
	}
	KT_CHECK(pread(fd, piece, 1, (off_t)log.len) == 0);
	close(fd);
	rt_log_free(&log);
}

static void unprivileged(void)
{
	uint8_t byte;
	int status;
	pid_t pid = fork();

	if (!pid) {
		int ok = !setgid(1000) && !setuid(1000) &&
			kt_read_file(DS_SYSFS("eventlog"), &byte, 1) == 1 &&
			kt_read_file(DS_SYSFS("measurements/mrtd:sha384"), &byte, 1) == 1 &&
			rt_event("app-user", "x") == -1 && errno == EACCES &&
			rt_event_once("app-user", "x") == -1 && errno == EACCES &&
			kt_write_text(DS_SYSFS("phase"), "runtime") == -1 && errno == EACCES &&
			open(DSTACK_DEVICE, O_RDONLY) == -1 && errno == EACCES;

		_exit(!ok);
	}
	KT_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void stays_loaded(void)
{
	KT_ERRNO(syscall(SYS_delete_module, "dstack_rtmr", O_NONBLOCK), EBUSY);
	KT_ERRNO(syscall(SYS_delete_module, "tdx_emul", O_NONBLOCK), EBUSY);
}

static bool phase_is(const char *want)
{
	char text[16] = "";

	return kt_read_file(DS_SYSFS("phase"), text, sizeof(text) - 1) > 0 && !strcmp(text, want);
}

static void phase_latch(void)
{
	static const char *const launch[] = {
		"system-preparing", "app-id", "compose-hash", "init-script-hash",
		"gpu-policy-hash", "gpu-attestation", "instance-id", "boot-mr-done", "mr-kms",
		"os-image-hash", "key-provider", "storage-fs", "system-ready",
		"rootfs-hash", "ca-cert-hash",
	};
	size_t n, i;

	KT_CHECK(phase_is("boot\n"));
	KT_ERRNO(kt_write_text(DS_SYSFS("phase"), "boot"), EPERM);
	KT_ERRNO(kt_write_text(DS_SYSFS("phase"), "over"), EINVAL);
	KT_CHECK(!rt_event_once("key-provider", "{\"name\":\"none\",\"id\":\"\"}"));
	KT_CHECK(phase_is("boot\n"));
	KT_CHECK(!rt_event_once("system-ready", ""));
	KT_CHECK(phase_is("runtime\n"));

	n = log_events();
	for (i = 0; i < sizeof(launch) / sizeof(launch[0]); i++) {
		KT_ERRNO(rt_event(launch[i], "forged"), EPERM);
		KT_ERRNO(rt_event_once(launch[i], "forged"), EPERM);
	}
	KT_ERRNO(rt_event("system-ready", ""), EPERM);
	KT_CHECK(log_events() == n);
	/* What was measured in time is still a success for a restarted daemon. */
	KT_CHECK(!rt_event_once("system-ready", ""));
	KT_CHECK(!rt_event_once("key-provider", "{\"name\":\"none\",\"id\":\"\"}"));
	KT_CHECK(log_events() == n);
	/* Names that only look like launch names are the application's. */
	KT_CHECK(!rt_event("app-id2", "") && !rt_event("App-id", "") && !rt_event("app-i", ""));
	KT_CHECK(log_events() == n + 3);
	KT_ERRNO(kt_write_text(DS_SYSFS("phase"), "boot"), EPERM);
	KT_CHECK(!kt_write_text(DS_SYSFS("phase"), "runtime\n"));
	KT_CHECK(phase_is("runtime\n"));
	KT_CHECK(rt_replay_matches(3));
}

/* The digest of a launch event is as good as its name to who reads names alone. */
static void raw_latch(void)
{
	struct dstack_extend x = { .rtmr = 3 };
	uint8_t before[48], after[48];
	size_t n = log_events();
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	KT_CHECK(phase_is("runtime\n") && fd >= 0);
	rt_sha384("\x01\0\0\x08:app-id:forged", 18, x.digest);
	KT_CHECK(rt_live_rtmr(3, before));
	KT_ERRNO(kt_write_file(DS_SYSFS("measurements/rtmr3:sha384"), x.digest, 48), EPERM);
	KT_ERRNO(ioctl(fd, DSTACK_IOC_EXTEND, &x), EPERM);
	KT_CHECK(rt_live_rtmr(3, after) && !memcmp(before, after, 48));
	KT_CHECK(log_events() == n);
	/* RTMR2 has no names to forge. */
	KT_CHECK(!kt_write_file(DS_SYSFS("measurements/rtmr2:sha384"), x.digest, 48));
	x.rtmr = 2;
	KT_CHECK(!ioctl(fd, DSTACK_IOC_EXTEND, &x));
	KT_CHECK(rt_live_rtmr(2, after) && !memcmp(after, x.value, 48));
	KT_CHECK(log_events() == n + 2);
	close(fd);
}

/* For tests/vm/rtmr.post, which has a parser that is not ours read this log. */
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

/* Last: nothing makes it consistent again. */
static void behind_our_back(void)
{
	char line[2 + 96 + 1];

	KT_CHECK(rt_consistent() == 1);
	memset(line, 'b', sizeof(line) - 1);
	memcpy(line, "3 ", 2);
	line[sizeof(line) - 1] = '\0';
	KT_CHECK(!kt_write_text(DS_KNOB("extend"), line));
	KT_CHECK(rt_consistent() == 0);
	KT_CHECK(!rt_event("app-after", ""));
	KT_CHECK(rt_consistent() == 0);
	KT_CHECK(!rt_replay_matches(3));
}

static const struct kt_test tests[] = {
	{ "rtmr: files, their modes and sizes", files },
	{ "rtmr: registers are those of the report", registers },
	{ "rtmr: registers read the same in pieces", registers_in_pieces },
	{ "rtmr: the launch chain of the specification, to the register", launch_chain },
	{ "rtmr: event_once measures once", once },
	{ "rtmr: event_once is not satisfied by a bare digest", once_needs_the_event },
	{ "rtmr: malformed events change nothing", malformed },
	{ "rtmr: size limits, and no event from the head of a long write", sizes },
	{ "rtmr: one event is one write at offset 0", offsets },
	{ "rtmr: raw digests are whole, logged, and only for registers 2 and 3", raw_writes },
	{ "rtmr: DSTACK_IOC_EXTEND", ioctl_extend },
	{ "rtmr: a busy TDX module is waited for, then nothing is logged; fixed registers need none",
	  busy },
	{ "rtmr: a TDX module that refuses has extended nothing, and nothing is logged",
	  module_refuses },
	{ "rtmr: poll on the log", log_poll },
	{ "rtmr: the log reads the same in pieces", log_offsets },
	{ "rtmr: an ordinary user reads and does not write", unprivileged },
	{ "rtmr: the modules cannot be unloaded", stays_loaded },
	{ "rtmr: the phase falls once and seals the launch names", phase_latch },
	{ "rtmr: in phase runtime no bare digest gets into RTMR3", raw_latch },
	{ "rtmr: the log and the registers, for another parser", show_log },
	{ "rtmr: an extension behind our back is told and never repaired", behind_our_back },
};

KT_MAIN(tests)
