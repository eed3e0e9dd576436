// SPDX-License-Identifier: Apache-2.0
/*
 * Every trick of tdx_emul's host, played on /dev/dstack and on the in-tree driver's configfs. What
 * each of them makes of it is written down here and in docs/tdx-emulator.md; a driver that starts
 * to behave better fails its row, so that the page stays true. Needs qe_echo.
 */
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "ktap.h"
#include "qe_echo.h"
#include "rtmr_util.h"
#include "uapi/tdx_emul.h"

#define TSM_DIR		"/sys/kernel/config/tsm/report/host_test"
#define QUOTE_LEN	((int)sizeof(struct qe_echo_quote))

/* What came out of one request. */
struct outcome {
	int err;
	ssize_t len;
	bool genuine;	/* what the enclave wrote for this REPORTDATA, as far as it goes */
	long ms;
	uint8_t data[2 * TDX_EMUL_QUOTE_MAX];
};

static struct outcome out;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fault(const char *name)
{
	return kt_write_text(DS_KNOB("quote_fault"), name);
}

static void judge(uint8_t fill)
{
	struct qe_echo_quote want;
	const struct qe_echo_quote *got = (const void *)out.data;
	uint8_t reportdata[64];

	memset(reportdata, fill, sizeof(reportdata));
	memcpy(want.tag, QE_ECHO_TAG, sizeof(want.tag));
	out.genuine = out.len > 0 && out.len <= QUOTE_LEN &&
		      !memcmp(got->tag, want.tag, sizeof(want.tag)) &&
		      !memcmp(got->tdreport + TDREPORT_REPORTDATA, reportdata, 64);
}

static void ask_ours(uint8_t fill)
{
	uint8_t reportdata[64];
	long start = now_ms();
	ssize_t n;
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	memset(&out, 0, sizeof(out));
	memset(reportdata, fill, sizeof(reportdata));
	n = fd < 0 ? -1 : write(fd, reportdata, sizeof(reportdata));
	if (n >= 0)
		n = read(fd, out.data, sizeof(out.data));
	out.err = n < 0 ? errno : 0;
	out.len = n;
	close(fd);
	out.ms = now_ms() - start;
	judge(fill);
}

static void ask_intree(uint8_t fill)
{
	uint8_t reportdata[64];
	long start = now_ms();

	memset(&out, 0, sizeof(out));
	memset(reportdata, fill, sizeof(reportdata));
	out.len = -1;
	if (!mkdir(TSM_DIR, 0700) &&
	    !kt_write_file(TSM_DIR "/inblob", reportdata, sizeof(reportdata)))
		out.len = kt_read_file(TSM_DIR "/outblob", out.data, sizeof(out.data));
	out.err = out.len < 0 ? errno : 0;
	rmdir(TSM_DIR);
	out.ms = now_ms() - start;
	judge(fill);
}

/* What a row may come to; a positive number is an errno. */
#define FULL		0	/* the whole quote, as the enclave wrote it */
#define EMPTY		-1	/* success without a byte */
#define HALF		-2	/* the first half of the quote */
#define NOT_IT		-3	/* a quote's length of something else */
#define FULL_OR_NOT	-4	/* either, the host decides */
#define BOUNDED		-5	/* anything that was in the buffer, or the driver's error for a bad length */

static bool came_to(int want, int bad_length)
{
	switch (want) {
	case FULL:
		return out.len == QUOTE_LEN && out.genuine;
	case EMPTY:
		return out.len == 0;
	case HALF:
		return out.len == QUOTE_LEN / 2 && out.genuine;
	case NOT_IT:
		return out.len == QUOTE_LEN && !out.genuine;
	case FULL_OR_NOT:
		return out.len == QUOTE_LEN;
	case BOUNDED:
		return out.err == bad_length ||
		       (out.len >= 0 && out.len <= QUOTE_LEN + 1 && (out.genuine || !out.len ||
								     out.len > QUOTE_LEN));
	default:
		return out.len < 0 && out.err == want;
	}
}

/* The in-tree driver got a measurements group and a check of the host's status between 6.12 and 7.3. */
static bool intree_is_new(void)
{
	return !access("/sys/class/misc/tdx_guest/measurements", F_OK);
}

static const struct row {
	const char *fault;
	unsigned int times;
	int ours, intree_612, intree_73;
} rows[] = {
	{ "none", 1, FULL, FULL, FULL },
	/* 6.12 takes any status but "in flight" for success, and gives what is in the buffer. */
	{ "error", 1, EIO, FULL, EIO },
	{ "unavailable", 1, ENODEV, FULL, EIO },
	{ "status", 1, EBADMSG, FULL, EIO },
	{ "zero", 1, EBADMSG, EMPTY, EMPTY },
	{ "short", 1, HALF, HALF, HALF },
	{ "oversize", 1, EBADMSG, EFBIG, EFBIG },
	{ "huge", 1, EBADMSG, EFBIG, EFBIG },
	{ "garbage", 1, NOT_IT, NOT_IT, NOT_IT },
	{ "early", 1, FULL_OR_NOT, FULL_OR_NOT, FULL_OR_NOT },
	{ "race", 40, BOUNDED, BOUNDED, BOUNDED },
};

static void show(const char *who, const struct row *row)
{
	printf("# %s: %s gave error %d, %zd bytes, %sgenuine\n", row->fault, who, out.err, out.len,
	       out.genuine ? "" : "not ");
}

static void ours(void)
{
	unsigned int n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		KT_CHECK(!fault(rows[i].fault));
		for (n = 0; n < rows[i].times; n++) {
			ask_ours((uint8_t)(1 + n));
			if (!came_to(rows[i].ours, EBADMSG)) {
				show("/dev/dstack", &rows[i]);
				KT_CHECK(!"as documented");
			}
		}
		/* Whatever happened, the next request is served. */
		KT_CHECK(!fault("none"));
		ask_ours(0x99);
		KT_CHECK(came_to(FULL, 0));
	}
}

static void intree(void)
{
	bool new = intree_is_new();
	unsigned int n;
	size_t i;

	/* It looks once a second, so that is how long a host has to go on. */
	KT_CHECK(!kt_write_text(DS_KNOB("trick_ms"), "1500"));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		KT_CHECK(!fault(rows[i].fault));
		/* A second each: a few have to do. */
		for (n = 0; n < (rows[i].times + 9) / 10; n++) {
			ask_intree((uint8_t)(1 + n));
			if (!came_to(new ? rows[i].intree_73 : rows[i].intree_612, EFBIG)) {
				show("configfs", &rows[i]);
				KT_CHECK(!"as documented");
			}
		}
		KT_CHECK(!fault("none"));
		ask_intree(0x99);
		KT_CHECK(came_to(FULL, 0));
	}
	KT_CHECK(!kt_write_text(DS_KNOB("trick_ms"), "20"));
}

static void retry(void)
{
	KT_CHECK(!kt_write_text(DS_KNOB("quote_retry"), "3"));
	ask_ours(0x31);
	KT_CHECK(came_to(FULL, 0));
	KT_CHECK(!kt_write_text(DS_KNOB("quote_retry"), "1"));
	ask_intree(0x32);
	KT_CHECK(came_to(EIO, 0));
	ask_intree(0x33);
	KT_CHECK(came_to(FULL, 0));
}

static void busy(void)
{
	KT_CHECK(!kt_write_text(DS_KNOB("busy"), "50"));
	ask_ours(0x34);
	KT_CHECK(came_to(FULL, 0));
	KT_CHECK(!kt_write_text(DS_KNOB("busy"), "0"));
}

/* A refusal is not waited for: there is nothing to wait for. */
static void refused(void)
{
	KT_CHECK(!kt_write_text(DS_KNOB("refuse"), "1"));
	ask_ours(0x47);
	KT_CHECK(came_to(EIO, 0));
	ask_ours(0x48);
	KT_CHECK(came_to(FULL, 0));
}

/* 7.3 warns with a stack trace as well, which the suite intree-busy announces. */
static void intree_busy_refused(void)
{
	bool new = intree_is_new();

	KT_CHECK(!kt_write_text(DS_KNOB("busy"), "1"));
	ask_intree(0x35);
	KT_CHECK(came_to(new ? EBUSY : EIO, 0));
	KT_CHECK(!kt_write_text(DS_KNOB("refuse"), "1"));
	ask_intree(0x49);
	KT_CHECK(came_to(new ? ENXIO : EINVAL, 0));
	ask_intree(0x4a);
	KT_CHECK(came_to(FULL, 0));
}

/* What the emulator says of the last quote; -1: nothing. */
static long took_ms(void)
{
	char text[16] = "";

	if (kt_read_file(DS_KNOB("quote_took_us"), text, sizeof(text) - 1) <= 0)
		return -1;
	return strtol(text, NULL, 10) / 1000;
}

static void slow_enclave(void)
{
	static const struct {
		const char *us;
		long ms;
	} delay[] = { { "4000", 4 }, { "120000", 120 } };
	size_t i;

	for (i = 0; i < 2; i++) {
		KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), delay[i].us));
		ask_ours(0x36);
		KT_CHECK(came_to(FULL, 0));
		KT_CHECK(out.ms >= delay[i].ms && out.ms < delay[i].ms + 900);
		KT_CHECK(took_ms() >= delay[i].ms && took_ms() <= out.ms);
		ask_intree(0x37);
		KT_CHECK(came_to(FULL, 0));
		/* It looks when it has asked, and then once a second; 4 ms may be over by then. */
		KT_CHECK(out.ms >= (i ? 1000 : delay[i].ms));
	}
	KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), "0"));
}

/* Later than the timeout: ours says so, and the late answer reaches nobody. */
static void too_late(void)
{
	int i;

	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "300"));
	KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), "900000"));
	ask_ours(0x38);
	KT_CHECK(came_to(ETIMEDOUT, 0));
	/* An hour for each of our buffers; taken back, it is over for those who wait, too. */
	KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), "3600000000"));
	for (i = 0; i < 4; i++) {
		ask_ours(0x38);
		KT_CHECK(came_to(ETIMEDOUT, 0));
	}
	KT_CHECK(!kt_write_text(DS_KNOB("quote_delay_us"), "0"));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	ask_ours(0x39);
	KT_CHECK(came_to(FULL, 0));
}

/*
 * A host that never answers. The in-tree driver of 6.12 reports its timeout as success, with what is
 * in the buffer: nothing here, and as much as the host likes if it sets the length. Until the host
 * is done it serves nobody.
 */
static void silent(void)
{
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "300"));
	KT_CHECK(!fault("hold"));
	ask_ours(0x3a);
	KT_CHECK(came_to(ETIMEDOUT, 0));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	ask_intree(0x3b);
	show("configfs", &(struct row){ .fault = "hold" });
	KT_CHECK(out.ms >= 29000);
	KT_CHECK(came_to(intree_is_new() ? EIO : EMPTY, 0));
	ask_intree(0x3c);
	KT_CHECK(came_to(EBUSY, 0));
	KT_CHECK(!fault("none"));
	ask_ours(0x3d);
	KT_CHECK(came_to(FULL, 0));
	ask_intree(0x3e);
	KT_CHECK(came_to(FULL, 0));
}

/*
 * Done, then in flight for ever: ours has looked once, the in-tree driver serves nobody any more. If
 * ours looks too late, that buffer is the host's for good, and the others serve on.
 */
static void flapping(void)
{
	KT_CHECK(!fault("flap"));
	ask_ours(0x40);
	KT_CHECK(came_to(FULL, 0));
	KT_CHECK(!kt_write_text(DS_KNOB("trick_ms"), "1500"));
	ask_intree(0x41);
	KT_CHECK(came_to(FULL, 0));
	KT_CHECK(!kt_write_text(DS_KNOB("trick_ms"), "20"));
	KT_CHECK(!fault("none"));
	ask_ours(0x42);
	KT_CHECK(came_to(FULL, 0));
	/* The trick needs its time, which the next request of ours, served after it, waited for. */
	ask_intree(0x43);
	KT_CHECK(came_to(EBUSY, 0));
	ask_intree(0x44);
	KT_CHECK(came_to(EBUSY, 0));

	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_max_us"), "200000"));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_poll_min_us"), "200000"));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "500"));
	KT_CHECK(!fault("flap"));
	ask_ours(0x45);
	KT_CHECK(came_to(ETIMEDOUT, 0));
	KT_CHECK(!fault("none"));
	KT_CHECK(!kt_write_text(DS_PARAM("quote_timeout_ms"), "30000"));
	ask_ours(0x46);
	KT_CHECK(came_to(FULL, 0));
}

static const struct kt_test tests[] = {
	{ "host: each fault comes to what is documented for /dev/dstack", ours },
	{ "host: each fault comes to what is documented for the in-tree driver", intree },
	{ "host: retry is retried by ours, an error of the in-tree driver", retry },
	{ "host: a busy TDX module is waited for by ours", busy },
	{ "host: a TDX module that refuses is an error of ours", refused },
	{ "host: quotes take as long as the enclave is told to take", slow_enclave },
	{ "host: an answer after the timeout reaches nobody", too_late },
	{ "host: silence is a timeout of ours; the in-tree driver serves nobody meanwhile", silent },
	/* Last: nothing but a reload helps the in-tree driver. */
	{ "host: in flight again after success harms ours not, the in-tree driver for good", flapping },
};

/* In a boot of their own: what the in-tree driver of 7.3 makes of them is in the kernel log. */
static const struct kt_test busy_tests[] = {
	{ "host: a busy or refusing TDX module is an error of the in-tree driver",
	  intree_busy_refused },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "intree-busy"))
		return kt_main(busy_tests, sizeof(busy_tests) / sizeof(busy_tests[0]));
	return kt_main(tests, sizeof(tests) / sizeof(tests[0]));
}
