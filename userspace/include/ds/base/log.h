/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr: "<N>key=value ..." with the kernel's level numbers, as journald reads it.
 * Programs log; library code returns errors instead (debug only). Escape peer-supplied text with ds_escape().
 */
#ifndef DS_BASE_LOG_H
#define DS_BASE_LOG_H

#include <ds/base/base.h>

enum ds_log_level { DS_LOG_ERR = 3, DS_LOG_WARN = 4, DS_LOG_NOTICE = 5, DS_LOG_INFO = 6, DS_LOG_DEBUG = 7 };

/* Lines above this level are dropped; default DS_LOG_INFO. */
extern enum ds_log_level ds_log_max;
/* prog stands at the start of each line and must be a literal; NULL for none. */
void ds_log_init(const char *prog);
void ds_log(enum ds_log_level level, const char *fmt, ...) DS_PRINTF(2, 3);

#endif
