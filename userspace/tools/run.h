/* SPDX-License-Identifier: Apache-2.0 */
/* Running sibling programs (dstack-mr, dstack-verify) with an argument array; never a shell. */
#ifndef DS_TOOLS_RUN_H
#define DS_TOOLS_RUN_H

#include <limits.h>

#include <ds/base/base.h>

/* Path of a program in the directory of the running one. */
DS_MUST int sibling_path(const char *name, char *ret, size_t cap);
/* argv[0] is a path. Standard output up to max bytes goes to ret_out, the exit status (128 + signal) to ret_status. */
DS_MUST int run_capture(char *const argv[], size_t max, struct ds_buf *ret_out, int *ret_status);

#endif
