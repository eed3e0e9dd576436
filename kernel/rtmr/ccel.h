/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware's event log, as the ACPI table CCEL names it. Process context, no locks. */
#ifndef DS_RTMR_CCEL_H
#define DS_RTMR_CCEL_H

#include <linux/types.h>

struct ds_tcg2_extent;

/*
 * A copy of the firmware's events, to be freed with kvfree(), or NULL if there is no table or none
 * that we continue, which is said in the kernel log.
 */
u8 *ds_ccel_copy(struct ds_tcg2_extent *ret_extent);

#endif /* DS_RTMR_CCEL_H */
