// SPDX-License-Identifier: Apache-2.0
/*
 * quote_share_test none|one: quotes where no buffer, or only the last of four, can be shared with
 * the host. Which of them is up to fail_share of a DEBUG build, set when the module was loaded.
 * Needs qe_echo.
 */
#include <poll.h>

#include "ktap.h"
#include "qe_echo.h"
#include "quote_util.h"
#include "rtmr_util.h"

#define FAIL_SHARE	"/sys/module/dstack_rtmr/parameters/fail_share"
#define FAIL_MANY	1000
/* Well below the timeout of a request. */
#define SOON_MS		10000

static long failures_left(void)
{
	char text[16] = "";

	return kt_read_file(FAIL_SHARE, text, sizeof(text) - 1) > 0 ? strtol(text, NULL, 10) : -1;
}

static void none(void)
{
	char byte;
	int i, fd;

	KT_CHECK(failures_left() == FAIL_MANY);
	for (i = 0; i < 3; i++) {
		fd = qt_ask(0, 0);
		KT_CHECK(fd >= 0);
		KT_CHECK(qt_ready(fd, SOON_MS) == (POLLIN | POLLERR));
		KT_ERRNO(read(fd, &byte, 1), ENOMEM);
		close(fd);
		/* Each buffer is lost once. */
		KT_CHECK(failures_left() == FAIL_MANY - QT_SLOTS);
	}
}

static void one(void)
{
	int first, second;

	KT_CHECK(failures_left() == QT_SLOTS - 1);
	first = qt_ask(0, 0);
	KT_CHECK(first >= 0 && qt_answered(first, 0));
	close(first);
	KT_CHECK(failures_left() == 0);
	/* The only buffer is with the host: the second request waits for it, and tries no other. */
	KT_CHECK(!kt_write_text(FAIL_SHARE, "1000"));
	KT_CHECK(!kt_write_text(DS_KNOB("quote_fault"), "hold"));
	first = qt_ask(0, 0);
	second = qt_ask(0, 0);
	KT_CHECK(first >= 0 && second >= 0 && qt_ready(second, 200) == 0);
	KT_CHECK(!kt_write_text(DS_KNOB("quote_fault"), "none"));
	KT_CHECK(qt_answered(first, 0) && qt_answered(second, 0));
	close(first);
	close(second);
	KT_CHECK(failures_left() == FAIL_MANY);
}

static const struct kt_test tests[] = {
	{ "quote: no buffer can be shared: ENOMEM at once, and none is tried again", none },
	{ "quote: one buffer can be shared: it serves all, the others are not tried again", one },
};

int main(int argc, char **argv)
{
	if (argc != 2 || (strcmp(argv[1], "none") && strcmp(argv[1], "one"))) {
		fprintf(stderr, "usage: quote_share_test none|one\n");
		return 2;
	}
	return kt_main(&tests[!strcmp(argv[1], "one")], 1);
}
