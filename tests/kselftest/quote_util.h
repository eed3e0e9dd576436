/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes through /dev/dstack, from qe_echo. */
#ifndef QUOTE_UTIL_H
#define QUOTE_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#define QT_SLOTS       4  /* buffers the module gives to the host at most */
#define QT_LIVE_MAX    64 /* requests it lets wait or keep a quote */
#define QT_DEADLINE_MS 20000

/* The host's fault from now on, see docs/tdx-emulator.md. 0, or -1 and errno. */
int qt_fault(const char *name);

/* An open request for 64 bytes of fill, opened with flags; -1 and errno. */
int qt_ask(uint8_t fill, int flags);
/* What poll() says about it within so many milliseconds, 0 for nothing. */
short qt_ready(int fd, int ms);
/* It comes to the echo of a report with this reportdata. */
bool qt_answered(int fd, uint8_t fill);

#endif /* QUOTE_UTIL_H */
