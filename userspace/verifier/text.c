// SPDX-License-Identifier: Apache-2.0
/* Lines for a terminal of 80 columns: words are kept whole where they fit, long hex is cut in 48s. */
#include "verify.h"

#include <stdarg.h>

#define COLUMNS 79 /* some terminals wrap at the last one */
#define VALUE	28 /* where values begin: a mark of 4, a label of 22, blanks between */
#define CHUNK	48 /* of a word that fits no line */

/* The text from column at on, with the lines that follow indented to column indent. */
static void wrap(const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " "), room = COLUMNS - at;

		if (!n) {
			text++;
			continue;
		}
		if (n > COLUMNS - indent)
			n = CHUNK < COLUMNS - indent ? CHUNK : COLUMNS - indent;
		if (n + !first > room) {
			printf("\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		printf("%s%.*s", first ? "" : " ", (int)n, text);
		at += n + !first;
		first = false;
		text += n;
		if (*text && *text != ' ') { /* the rest of a word that was cut */
			printf("\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
	}
	putchar('\n');
}

void output_field(const char *mark, const char *label, const char *value)
{
	int n = printf("%-4s %-22s ", mark, label);

	if (!*value) {
		putchar('\n');
		return;
	}
	wrap(value, n > VALUE ? (size_t)n : VALUE, VALUE);
}

void output_linef(const char *lead, const char *fmt, ...)
{
	char text[1024];
	size_t n = strlen(lead) + 1;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%s ", lead);
	wrap(text, n, n);
}
