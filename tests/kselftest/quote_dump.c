// SPDX-License-Identifier: Apache-2.0
/*
 * One quote through /dev/dstack and one through the in-tree driver's configfs, printed in hex for a
 * verifier outside the VM, each with the TDREPORT it must match.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "ktap.h"
#include "rtmr_util.h"

#define TSM_DIR	"/sys/kernel/config/tsm/report/quote_dump"

static uint8_t quote[65536];

static void show(const char *what, const uint8_t *data, size_t len)
{
	printf("# %s ", what);
	while (len--)
		printf("%02x", *data++);
	putchar('\n');
}

/* The body of a version 4 quote starts at 48 and holds the registers and REPORTDATA of the report. */
static bool quote_is_of(const uint8_t *q, size_t len, const struct dstack_report *r)
{
	return len > 48 + 584 && q[0] == 4 && q[1] == 0 &&
	       !memcmp(q + 48 + 136, r->tdreport + 528, 48) &&
	       !memcmp(q + 48 + 328, r->tdreport + TDREPORT_RTMR(0), 4 * 48) &&
	       !memcmp(q + 48 + 520, r->reportdata, 64);
}

static void through_dstack(void)
{
	struct dstack_report r;
	ssize_t n;
	int fd;

	KT_CHECK(!rt_event("app-quoted", "yes"));
	fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);
	KT_CHECK(fd >= 0);
	memset(r.reportdata, 0xd5, sizeof(r.reportdata));
	KT_CHECK(!ioctl(fd, DSTACK_IOC_REPORT, &r));
	KT_CHECK(write(fd, r.reportdata, 64) == 64);
	n = read(fd, quote, sizeof(quote));
	KT_CHECK(n > 0 && quote_is_of(quote, (size_t)n, &r));
	close(fd);
	show("dstack", quote, (size_t)n);
}

static void through_tsm(void)
{
	struct dstack_report r;
	ssize_t n;
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC);

	KT_CHECK(fd >= 0);
	memset(r.reportdata, 0x75, sizeof(r.reportdata));
	KT_CHECK(!ioctl(fd, DSTACK_IOC_REPORT, &r));
	close(fd);
	KT_CHECK(!mkdir(TSM_DIR, 0700));
	KT_CHECK(!kt_write_file(TSM_DIR "/inblob", r.reportdata, 64));
	n = kt_read_file(TSM_DIR "/outblob", quote, sizeof(quote));
	KT_CHECK(n > 0 && quote_is_of(quote, (size_t)n, &r));
	KT_CHECK(!rmdir(TSM_DIR));
	show("tsm", quote, (size_t)n);
}

static const struct kt_test tests[] = {
	{ "emul-qe: a quote through /dev/dstack has what the report has", through_dstack },
	{ "emul-qe: a quote through the stock driver has what the report has", through_tsm },
};

KT_MAIN(tests)
