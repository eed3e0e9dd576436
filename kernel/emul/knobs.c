// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs tdx_emul/: the emulator as a malicious or merely busy host. See
 * Documentation/ABI/testing/debugfs-tdx-emul.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "emul.h"

static struct debugfs_blob_wrapper mac_key_blob = {
	.data = emul_td.mac_key,
	.size = sizeof(emul_td.mac_key),
};

static const char *const fault_names[EMUL_FAULT_NR] = {
	[EMUL_FAULT_NONE] = "none",
	[EMUL_FAULT_HOLD] = "hold",
	[EMUL_FAULT_ERROR] = "error",
	[EMUL_FAULT_UNAVAILABLE] = "unavailable",
	[EMUL_FAULT_STATUS] = "status",
	[EMUL_FAULT_ZERO] = "zero",
	[EMUL_FAULT_SHORT] = "short",
	[EMUL_FAULT_OVERSIZE] = "oversize",
	[EMUL_FAULT_HUGE] = "huge",
	[EMUL_FAULT_GARBAGE] = "garbage",
	[EMUL_FAULT_EARLY] = "early",
	[EMUL_FAULT_RACE] = "race",
	[EMUL_FAULT_FLAP] = "flap",
};

/* One line of text from userspace, without its newline. Longer than size - 1 is an error. */
static int line_from_user(char *line, size_t size, const char __user *from, size_t count)
{
	if (count >= size)
		return -EINVAL;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';
	if (count && line[count - 1] == '\n')
		line[count - 1] = '\0';
	return 0;
}

static ssize_t quote_fault_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	char line[16];
	int len;

	len = scnprintf(line, sizeof(line), "%s\n", fault_names[READ_ONCE(emul_td.quote_fault)]);
	return simple_read_from_buffer(to, count, pos, line, len);
}

static ssize_t quote_fault_write(struct file *file, const char __user *from, size_t count,
				 loff_t *pos)
{
	char line[16];
	int err, fault;

	err = line_from_user(line, sizeof(line), from, count);
	if (err)
		return err;
	fault = match_string(fault_names, EMUL_FAULT_NR, line);
	if (fault < 0)
		return -EINVAL;
	WRITE_ONCE(emul_td.quote_fault, fault);
	emul_quote_kick();
	return count;
}

static const struct file_operations quote_fault_fops = {
	.owner = THIS_MODULE,
	.read = quote_fault_read,
	.write = quote_fault_write,
};

static int quote_delay_get(void *unused, u64 *ret_us)
{
	*ret_us = READ_ONCE(emul_td.quote_delay_us);
	return 0;
}

static int quote_delay_set(void *unused, u64 us)
{
	WRITE_ONCE(emul_td.quote_delay_us, us);
	emul_quote_delay_changed();
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(quote_delay_fops, quote_delay_get, quote_delay_set, "%llu\n");

/* "INDEX HEX": an extension nobody but the TDX module knows about. */
static ssize_t extend_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char line[2 + 2 * DS_TD_MR_SIZE + 2];
	u8 digest[DS_TD_MR_SIZE];
	unsigned long flags;
	int err;

	err = line_from_user(line, sizeof(line), from, count);
	if (err)
		return err;
	if (strlen(line) != 2 + 2 * DS_TD_MR_SIZE || line[0] < '0' ||
	    line[0] >= '0' + DS_TD_RTMRS || line[1] != ' ' ||
	    hex2bin(digest, line + 2, sizeof(digest)))
		return -EINVAL;
	raw_spin_lock_irqsave(&emul_td.lock, flags);
	emul_rtmr_extend(line[0] - '0', digest);
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return count;
}

static const struct file_operations extend_fops = {
	.owner = THIS_MODULE,
	.write = extend_write,
};

/* Without debugfs the emulator works, it only cannot be made to misbehave. */
void emul_knobs_init(void)
{
	struct dentry *dir = debugfs_create_dir("tdx_emul", NULL);

	debugfs_create_u32("busy", 0600, dir, &emul_td.busy);
	debugfs_create_u32("refuse", 0600, dir, &emul_td.refuse);
	debugfs_create_u32("quote_retry", 0600, dir, &emul_td.quote_retry);
	debugfs_create_file_unsafe("quote_delay_us", 0600, dir, NULL, &quote_delay_fops);
	debugfs_create_u32("quote_took_us", 0400, dir, &emul_td.quote_took_us);
	debugfs_create_u32("trick_ms", 0600, dir, &emul_td.trick_ms);
	debugfs_create_file("quote_fault", 0600, dir, NULL, &quote_fault_fops);
	debugfs_create_file("extend", 0200, dir, NULL, &extend_fops);
	debugfs_create_blob("report_key", 0400, dir, &mac_key_blob);
}
