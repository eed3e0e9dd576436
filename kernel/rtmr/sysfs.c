// SPDX-License-Identifier: GPL-2.0-only
/* Registers, events, log, phase and consistency as files. */
#include <linux/device.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "event.h"
#include "measure.h"
#include "phase.h"
#include "quote.h"
#include "sysfs.h"
#include "uapi/dstack.h"

/* Which part of TDINFO a register file shows. */
#define DS_MR_AT(field)	((void *)offsetof(struct ds_tdinfo, field))

static ssize_t mr_read_from(const struct ds_tdinfo *info, const struct bin_attribute *attr,
			    char *buf, loff_t off, size_t count)
{
	return memory_read_from_buffer(buf, count, &off, (u8 *)info + (size_t)attr->private,
				       DS_TD_MR_SIZE);
}

/* Registers that are the same for the life of the TD. */
static ssize_t mr_read_launch(struct file *file, struct kobject *kobj,
			      ds_bin_const struct bin_attribute *attr, char *buf, loff_t off,
			      size_t count)
{
	return mr_read_from(ds_measure_launch_info(), attr, buf, off, count);
}

static ssize_t mr_read(struct file *file, struct kobject *kobj,
		       ds_bin_const struct bin_attribute *attr, char *buf, loff_t off, size_t count)
{
	static const u8 no_reportdata[DS_TD_REPORTDATA_SIZE];
	struct ds_tdreport *report __free(kfree) = kmalloc(sizeof(*report), GFP_KERNEL);
	int err;

	if (!report)
		return -ENOMEM;
	err = ds_measure_report(no_reportdata, report, NULL);
	if (err)
		return err;
	return mr_read_from(&report->td, attr, buf, off, count);
}

static ssize_t mr_write(struct file *file, struct kobject *kobj,
			ds_bin_const struct bin_attribute *attr, char *buf, loff_t off,
			size_t count)
{
	size_t rtmr = ((size_t)attr->private - offsetof(struct ds_tdinfo, rtmr)) / DS_TD_MR_SIZE;
	int err;

	/* A whole digest or nothing. */
	if (off || count != DS_TD_MR_SIZE)
		return -EINVAL;
	err = ds_measure_digest(rtmr, (const u8 *)buf, NULL, NULL);
	return err ?: count;
}

#define DS_MR_RO(id, file_name, field, read_fn) \
	static ds_bin_const struct bin_attribute mr_##id = { \
		.attr = { .name = file_name, .mode = 0444 }, \
		.size = DS_TD_MR_SIZE, \
		.private = DS_MR_AT(field), \
		.read = read_fn, \
	}

/* Without a size, by which sysfs would cut a long write to its first 48 bytes. */
#define DS_MR_RW(id, file_name, field) \
	static ds_bin_const struct bin_attribute mr_##id = { \
		.attr = { .name = file_name, .mode = 0644 }, \
		.private = DS_MR_AT(field), \
		.read = mr_read, \
		.write = mr_write, \
	}

DS_MR_RO(mrtd, "mrtd:sha384", mrtd, mr_read_launch);
DS_MR_RO(mrconfigid, "mrconfigid", mrconfigid, mr_read_launch);
DS_MR_RO(mrowner, "mrowner", mrowner, mr_read_launch);
DS_MR_RO(mrownerconfig, "mrownerconfig", mrownerconfig, mr_read_launch);
DS_MR_RO(rtmr0, "rtmr0:sha384", rtmr[0], mr_read);
DS_MR_RO(rtmr1, "rtmr1:sha384", rtmr[1], mr_read);
DS_MR_RW(rtmr2, "rtmr2:sha384", rtmr[2]);
DS_MR_RW(rtmr3, "rtmr3:sha384", rtmr[3]);

static ds_bin_const struct bin_attribute *ds_bin_const mr_attrs[] = {
	&mr_mrtd, &mr_mrconfigid, &mr_mrowner, &mr_mrownerconfig,
	&mr_rtmr0, &mr_rtmr1, &mr_rtmr2, &mr_rtmr3,
	NULL
};

static const struct attribute_group mr_group = {
	.name = "measurements",
	.bin_attrs = mr_attrs,
};

/*
 * Binary attributes because the offset matters: a second write(2) at a later offset is the rest of
 * something the caller believes to be one event, never an event.
 */
static ssize_t event_write_any(const char *buf, loff_t off, size_t count,
			       int (*measure)(const struct ds_event *event))
{
	struct ds_event event;
	int err;

	if (off)
		return -EINVAL;
	err = ds_event_parse((const u8 *)buf, count, &event);
	if (!err)
		err = measure(&event);
	return err ?: count;
}

static ssize_t event_write(struct file *file, struct kobject *kobj,
			   ds_bin_const struct bin_attribute *attr, char *buf, loff_t off,
			   size_t count)
{
	/* sysfs hands over a page at a time, so a whole page can only be the start of too much. */
	static_assert(DSTACK_EVENT_WRITE_MAX < PAGE_SIZE);
	return event_write_any(buf, off, count, ds_measure_event);
}

static ssize_t event_once_write(struct file *file, struct kobject *kobj,
				ds_bin_const struct bin_attribute *attr, char *buf, loff_t off,
				size_t count)
{
	return event_write_any(buf, off, count, ds_measure_event_once);
}

static ssize_t eventlog_read(struct file *file, struct kobject *kobj,
			     ds_bin_const struct bin_attribute *attr, char *buf, loff_t off,
			     size_t count)
{
	return ds_measure_read_log((u8 *)buf, off, count);
}

static ds_bin_const struct bin_attribute bin_attr_event = {
	.attr = { .name = "event", .mode = 0200 },
	.write = event_write,
};

static ds_bin_const struct bin_attribute bin_attr_event_once = {
	.attr = { .name = "event_once", .mode = 0200 },
	.write = event_once_write,
};

static ds_bin_const struct bin_attribute bin_attr_eventlog = {
	.attr = { .name = "eventlog", .mode = 0444 },
	.read = eventlog_read,
};

static ds_bin_const struct bin_attribute *ds_bin_const event_attrs[] = {
	&bin_attr_event, &bin_attr_event_once, &bin_attr_eventlog,
	NULL
};

static ssize_t phase_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  dstack_phase_get() == DSTACK_PHASE_BOOT ? "boot" : "runtime");
}

static ssize_t phase_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	int err;

	if (sysfs_streq(buf, "boot"))
		return -EPERM;
	if (!sysfs_streq(buf, "runtime"))
		return -EINVAL;
	err = ds_measure_end_launch();
	return err ?: count;
}
static DEVICE_ATTR_RW(phase);

static ssize_t consistent_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	bool consistent;
	int err = ds_measure_consistent(&consistent);

	return err ?: sysfs_emit(buf, "%d\n", consistent);
}
static DEVICE_ATTR_RO(consistent);

static struct attribute *state_attrs[] = {
	&dev_attr_phase.attr,
	&dev_attr_consistent.attr,
	NULL
};

static const struct attribute_group state_group = {
	.attrs = state_attrs,
	.bin_attrs = event_attrs,
};

const struct attribute_group *ds_sysfs_groups[] = { &mr_group, &state_group, NULL };

static void notify_log(struct work_struct *work)
{
	sysfs_notify(&ds_quote_misc.this_device->kobj, NULL, bin_attr_eventlog.attr.name);
}

static DECLARE_DELAYED_WORK(notify_work, notify_log);

void ds_sysfs_notify_log(void)
{
	/*
	 * NULL until misc_register() returns, some time after the files are there: what is missed
	 * meanwhile main.c makes up for. From then on the module stays loaded. A tick later, so
	 * that many events are one notification.
	 */
	if (READ_ONCE(ds_quote_misc.this_device))
		schedule_delayed_work(&notify_work, 1);
}
