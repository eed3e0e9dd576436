// SPDX-License-Identifier: Apache-2.0
/* Asking for quotes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "qe_echo.h"
#include "quote_util.h"
#include "rtmr_util.h"

int qt_fault(const char *name)
{
	return kt_write_text(DS_KNOB("quote_fault"), name);
}

int qt_ask(uint8_t fill, int flags)
{
	uint8_t reportdata[64];
	int fd = open(DSTACK_DEVICE, O_RDWR | O_CLOEXEC | flags), saved;

	if (fd < 0)
		return -1;
	memset(reportdata, fill, sizeof(reportdata));
	if (write(fd, reportdata, sizeof(reportdata)) == sizeof(reportdata))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

short qt_ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

bool qt_answered(int fd, uint8_t fill)
{
	struct qe_echo_quote quote;
	uint8_t want[64];

	memset(want, fill, sizeof(want));
	return qt_ready(fd, QT_DEADLINE_MS) == POLLIN &&
	       read(fd, &quote, sizeof(quote)) == sizeof(quote) &&
	       !memcmp(quote.tag, QE_ECHO_TAG, sizeof(quote.tag)) &&
	       !memcmp(quote.tdreport + TDREPORT_REPORTDATA, want, sizeof(want));
}
