/* SPDX-License-Identifier: Apache-2.0 */
/* What qe_echo answers instead of a quote. */
#ifndef QE_ECHO_H
#define QE_ECHO_H

#include <stdint.h>

#define QE_ECHO_TAG	"dstack qe echo.."

struct qe_echo_quote {
	uint8_t tag[16];
	uint8_t tdreport[1024];
};

#endif /* QE_ECHO_H */
