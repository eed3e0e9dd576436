// SPDX-License-Identifier: Apache-2.0
/* Log lines, see ds/base/log.h. */
#include <stdarg.h>

#include <ds/base/log.h>

enum ds_log_level ds_log_max = DS_LOG_INFO;
static const char *prog_name;

void ds_log_init(const char *prog)
{
	prog_name = prog;
}

void ds_log(enum ds_log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t n;
	va_list ap;

	if (level > ds_log_max)
		return;
	n = (size_t)snprintf(line, sizeof(line), "<%d>%s%s", (int)level, prog_name ? prog_name : "", prog_name ? ": " : "");
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n] = '\n';
	/* one write, so that lines of several processes do not mix; nothing useful can be done if stderr is gone */
	if (write(STDERR_FILENO, line, n + 1) < 0)
		return;
}
