/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files below /sys/class/misc/dstack. They appear with the misc device, which main.c registers
 * last, and are described in Documentation/ABI/testing/sysfs-class-misc-dstack.
 */
#ifndef DS_RTMR_SYSFS_H
#define DS_RTMR_SYSFS_H

struct attribute_group;

extern const struct attribute_group *ds_sysfs_groups[];

/* Wake whoever polls eventlog, a tick later. Any context, also under ds_measure_lock. */
void ds_sysfs_notify_log(void);

#endif /* DS_RTMR_SYSFS_H */
