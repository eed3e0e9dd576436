/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of dstack-mr. Each appends to out what goes to standard output and returns 0, a positive
 * exit status (something differs), or a negative errno with err filled where there is more to say.
 */
#ifndef DSTACK_MR_COMMAND_H
#define DSTACK_MR_COMMAND_H

#include "options.h"

DS_MUST int run_measure(const struct options *o, struct ds_buf *out, struct ds_err *err);
DS_MUST int run_compare(const struct options *o, struct ds_buf *out, struct ds_err *err);
DS_MUST int run_image(const struct options *o, struct ds_buf *out, struct ds_err *err);
DS_MUST int run_hash(const struct options *o, struct ds_buf *out, struct ds_err *err);
DS_MUST int run_material(const struct options *o, struct ds_buf *out, struct ds_err *err);
DS_MUST int run_snp(const struct options *o, struct ds_buf *out, struct ds_err *err);
DS_MUST int run_acpi(const struct options *o, struct ds_buf *out, struct ds_err *err);

/* A file named on the command line. */
DS_MUST int mr_load(const char *path, size_t max, struct ds_buf *ret, struct ds_err *err);

#endif
