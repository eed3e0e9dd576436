/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request was refused: a stable code, and words for the reply. */
#ifndef KMS_REFUSAL_H
#define KMS_REFUSAL_H

#include <ds/attest/verdict.h>
#include <ds/base/base.h>
#include <stdarg.h>

struct kms_refusal {
	char code[40];
	char text[400];			 /* the reply's error */
	char expected[200], actual[200]; /* whole values for the record, "" where there are none */
};

/* Fills code and text; returns DS_ATTEST_REFUSED, so that callers write return kms_refuse(...). */
DS_PRINTF(3, 4)
static inline int kms_refuse(struct kms_refusal *why, const char *code, const char *fmt, ...)
{
	va_list ap;

	snprintf(why->code, sizeof(why->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return DS_ATTEST_REFUSED;
}

#endif
