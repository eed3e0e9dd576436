/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a JSON text will cost its reader, looked at before a general parser makes trees of it:
 * "{}," is three bytes of text and more than two hundred of memory. Pure.
 */
#ifndef DS_WIRE_JBOUNDS_H
#define DS_WIRE_JBOUNDS_H

#include <ds/base/base.h>

/*
 * At most this deep, and at most so many brackets and commas, which is one less than the values there
 * can be. -EBADMSG or -EFBIG with err. Text that is no JSON passes: up to its first fault it is counted
 * as a parser reads it, and there the parser stops.
 */
DS_MUST int ds_json_bounds(struct ds_span text, size_t depth, size_t values, struct ds_err *err);

#endif
