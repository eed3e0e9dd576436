// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/dstack. A request is NEW until REPORTDATA is written, then WAITING in the queue or in a
 * slot, then DONE or FAILED. The report is taken at the write, so everybody in the queue is quoted
 * with the log as it was when they asked.
 *
 * Closing the file, or the timeout, ends a request while the host may still own its buffer: the
 * slot is parked until the host gives the buffer back.
 */
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "ghci.h"
#include "measure.h"
#include "quote.h"
#include "sysfs.h"
#include "uapi/dstack.h"

#define POLL_PARKED_NS	(100 * NSEC_PER_MSEC)
/* After the host said "retry". */
#define RETRY_NS	(5 * NSEC_PER_MSEC)

static int set_timeout(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 60 * 60 * MSEC_PER_SEC);
}

static int set_poll(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 10, USEC_PER_SEC);
}

static const struct kernel_param_ops timeout_ops = { .set = set_timeout, .get = param_get_uint };
static const struct kernel_param_ops poll_ops = { .set = set_poll, .get = param_get_uint };

static unsigned int quote_timeout_ms = 30 * MSEC_PER_SEC;
module_param_cb(quote_timeout_ms, &timeout_ops, &quote_timeout_ms, 0644);
MODULE_PARM_DESC(quote_timeout_ms, "a request fails after this long, 1 to 3600000 (default 30000)");

/* The buffer is looked at every eighth of the time waited, within these bounds. */
static unsigned int quote_poll_min_us = 100;
module_param_cb(quote_poll_min_us, &poll_ops, &quote_poll_min_us, 0644);
MODULE_PARM_DESC(quote_poll_min_us, "shortest time between looks, 10 to 1000000 (default 100)");
static unsigned int quote_poll_max_us = 10 * USEC_PER_MSEC;
module_param_cb(quote_poll_max_us, &poll_ops, &quote_poll_max_us, 0644);
MODULE_PARM_DESC(quote_poll_max_us, "longest time between looks, 10 to 1000000 (default 10000)");

/**
 * struct ds_quote_req - the request behind one open file
 * @node: in the queue, while no slot serves it
 * @state: DSTACK_QUOTE_*
 * @queued: @node is in the queue
 * @error: what read() returns in state FAILED
 * @deadline: when a waiting request fails
 * @mark: the log the report covers, zero before it is made
 * @report: what is to be quoted
 * @quote: the result, constant once @state is DONE
 * @quote_len: bytes of @quote
 * @wait: woken when @state is not WAITING any more
 *
 * Everything except @report is guarded by quote_lock; @report is written before the request is
 * queued and constant afterwards.
 */
struct ds_quote_req {
	struct list_head node;
	u32 state;
	bool queued;
	int error;
	ktime_t deadline;
	struct ds_log_mark mark;
	struct ds_tdreport report;
	void *quote;
	u32 quote_len;
	wait_queue_head_t wait;
};

/**
 * struct slot - one buffer shared with the host; guarded by quote_lock
 * @buf: NULL until first used
 * @dead: there is no @buf and never will be, its memory could not be shared
 * @busy: the host owns @buf
 * @started: since when
 * @req: who waits for it, NULL if parked
 */
struct slot {
	struct ds_ghci *buf;
	bool dead;
	bool busy;
	ktime_t started;
	struct ds_quote_req *req;
};

static DEFINE_MUTEX(quote_lock);
static LIST_HEAD(queue);
/* Requests that wait or hold a quote, bounded so that quotes nobody reads are. */
static unsigned int live;
static struct slot slots[DS_QUOTE_SLOTS];
static struct task_struct *server;
static bool server_kicked;
static DECLARE_WAIT_QUEUE_HEAD(server_wait);
/* Writes that wait for room, first come first served; each has its node on its stack. */
static LIST_HEAD(writers);
/* Woken when there may be room for the first in line or, if there is no line, for who polls. */
static DECLARE_WAIT_QUEUE_HEAD(room_wait);

static void kick_server(void)
{
	WRITE_ONCE(server_kicked, true);
	wake_up(&server_wait);
}

static void unqueue(struct ds_quote_req *req)
{
	lockdep_assert_held(&quote_lock);
	list_del_init(&req->node);
	req->queued = false;
}

static void leave_live(void)
{
	lockdep_assert_held(&quote_lock);
	WRITE_ONCE(live, live - 1);
	wake_up_interruptible(&room_wait);
}

static void leave_waiting(struct ds_quote_req *req, u32 state)
{
	lockdep_assert_held(&quote_lock);
	WRITE_ONCE(req->state, state);
	wake_up_interruptible(&req->wait);
	if (state != DSTACK_QUOTE_DONE)
		leave_live();
}

static void end_request(struct ds_quote_req *req, int error)
{
	req->error = error;
	leave_waiting(req, error ? DSTACK_QUOTE_FAILED : DSTACK_QUOTE_DONE);
}

/* Look at a buffer the host has. */
static void poll_slot(struct slot *slot, ktime_t now)
{
	struct ds_quote_req *req = slot->req;
	void *quote = NULL;
	u32 len = 0;
	int err;

	err = ds_ghci_poll(slot->buf, &quote, &len);
	if (err == -EINPROGRESS) {
		if (req && ktime_after(now, req->deadline)) {
			slot->req = NULL;
			end_request(req, -ETIMEDOUT);
		}
		return;
	}
	slot->busy = false;
	slot->req = NULL;
	if (!req) {
		kvfree(quote);
		return;
	}
	req->quote = quote;
	req->quote_len = len;
	end_request(req, err);
}

static bool slot_usable(struct slot *slot)
{
	if (!slot->buf && !slot->dead)
		slot->dead = ds_ghci_alloc(&slot->buf) == -EIO;
	return slot->buf;
}

/* -EAGAIN: one that is with the host may come back. -ENOMEM: there is none to wait for. */
static int free_slot(struct slot **ret_slot)
{
	int err = -ENOMEM, i;

	for (i = 0; i < DS_QUOTE_SLOTS; i++) {
		if (slots[i].busy) {
			err = -EAGAIN;
		} else if (slot_usable(&slots[i])) {
			*ret_slot = &slots[i];
			return 0;
		}
	}
	return err;
}

/* All of them: quote_timeout_ms may have been another one when those in front were written. */
static void expire_queued(ktime_t now)
{
	struct ds_quote_req *req, *next;

	lockdep_assert_held(&quote_lock);
	list_for_each_entry_safe(req, next, &queue, node) {
		if (!ktime_after(now, req->deadline))
			continue;
		unqueue(req);
		end_request(req, -ETIMEDOUT);
	}
}

/* False: nothing more can be started now. */
static bool start_oldest(ktime_t now)
{
	struct ds_quote_req *req = list_first_entry_or_null(&queue, struct ds_quote_req, node);
	struct slot *slot;
	int err;

	if (!req)
		return false;
	err = free_slot(&slot);
	if (!err)
		err = ds_ghci_start(slot->buf, &req->report);
	if (err == -EAGAIN)
		return false;
	unqueue(req);
	if (err) {
		end_request(req, err);
		return true;
	}
	slot->busy = true;
	slot->started = now;
	slot->req = req;
	return true;
}

static u64 slot_delay_ns(const struct slot *slot, ktime_t now)
{
	u64 shortest = (u64)READ_ONCE(quote_poll_min_us) * NSEC_PER_USEC;
	u64 longest = (u64)READ_ONCE(quote_poll_max_us) * NSEC_PER_USEC;
	u64 eighth = ktime_to_ns(ktime_sub(now, slot->started)) / 8;

	if (!slot->req)
		return POLL_PARKED_NS;
	/* The upper bound wins if they are the wrong way round. */
	return min(max(eighth, shortest), longest);
}

/* One round over everything; returns when to come back, 0 for not before somebody asks. */
static u64 serve(void)
{
	ktime_t now = ktime_get();
	u64 delay = U64_MAX;
	int i;

	guard(mutex)(&quote_lock);
	for (i = 0; i < DS_QUOTE_SLOTS; i++) {
		if (slots[i].busy)
			poll_slot(&slots[i], now);
	}
	expire_queued(now);
	while (start_oldest(now))
		;
	for (i = 0; i < DS_QUOTE_SLOTS; i++) {
		if (slots[i].busy)
			delay = min(delay, slot_delay_ns(&slots[i], now));
	}
	/* Waiting for a slot or for the host to be less busy. */
	if (!list_empty(&queue))
		delay = min(delay, RETRY_NS);
	return delay == U64_MAX ? 0 : delay;
}

static bool server_wanted(void)
{
	return READ_ONCE(server_kicked) || kthread_should_stop();
}

static int serve_forever(void *unused)
{
	while (!kthread_should_stop()) {
		u64 delay;

		WRITE_ONCE(server_kicked, false);
		delay = serve();
		if (delay)
			wait_event_interruptible_hrtimeout(server_wait, server_wanted(),
							   ns_to_ktime(delay));
		else
			wait_event_interruptible(server_wait, server_wanted());
	}
	return 0;
}

static int quote_open(struct inode *inode, struct file *file)
{
	struct ds_quote_req *req = kzalloc(sizeof(*req), GFP_KERNEL_ACCOUNT);

	if (!req)
		return -ENOMEM;
	INIT_LIST_HEAD(&req->node);
	init_waitqueue_head(&req->wait);
	file->private_data = req;
	return nonseekable_open(inode, file);
}

static int quote_release(struct inode *inode, struct file *file)
{
	struct ds_quote_req *req = file->private_data;
	int i;

	mutex_lock(&quote_lock);
	if (req->queued)
		unqueue(req);
	for (i = 0; i < DS_QUOTE_SLOTS; i++) {
		if (slots[i].req == req)
			slots[i].req = NULL;
	}
	if (req->state == DSTACK_QUOTE_WAITING)
		leave_waiting(req, DSTACK_QUOTE_FAILED);
	else if (req->state == DSTACK_QUOTE_DONE)
		leave_live();
	mutex_unlock(&quote_lock);
	kvfree(req->quote);
	kfree(req);
	return 0;
}

/* Nobody passes those who wait. Also asked without the lock, to know whether to take it. */
static bool room_for(const struct list_head *first)
{
	return READ_ONCE(live) < DS_QUOTE_LIVE_MAX && READ_ONCE(writers.next) == first;
}

static int try_enter_waiting(struct ds_quote_req *req, const struct list_head *first)
{
	guard(mutex)(&quote_lock);
	if (req->state != DSTACK_QUOTE_NEW)
		return -EBUSY;
	if (!room_for(first))
		return -EAGAIN;
	WRITE_ONCE(live, live + 1);
	WRITE_ONCE(req->state, DSTACK_QUOTE_WAITING);
	return 0;
}

static int enter_in_line(struct ds_quote_req *req)
{
	struct list_head me;
	int err;

	scoped_guard(mutex, &quote_lock)
		list_add_tail(&me, &writers);
	while ((err = try_enter_waiting(req, &me)) == -EAGAIN) {
		if (wait_event_interruptible(room_wait, room_for(&me))) {
			err = -ERESTARTSYS;
			break;
		}
	}
	scoped_guard(mutex, &quote_lock) {
		list_del(&me);
		/* Two places may have become free; or this one was for the next in line. */
		wake_up_interruptible(&room_wait);
	}
	return err;
}

/* Take a place among the live, before the report is made. */
static int enter_waiting(struct ds_quote_req *req, bool nonblock)
{
	int err = try_enter_waiting(req, &writers);

	return err == -EAGAIN && !nonblock ? enter_in_line(req) : err;
}

static ssize_t quote_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct ds_quote_req *req = file->private_data;
	u8 reportdata[DSTACK_REPORTDATA_SIZE];
	struct ds_log_mark mark;
	int err;

	if (count != sizeof(reportdata))
		return -EINVAL;
	if (copy_from_user(reportdata, from, sizeof(reportdata)))
		return -EFAULT;
	err = enter_waiting(req, file->f_flags & O_NONBLOCK);
	if (err)
		return err;
	err = ds_measure_report(reportdata, &req->report, &mark);

	guard(mutex)(&quote_lock);
	if (err) {
		leave_waiting(req, DSTACK_QUOTE_NEW);
		return err;
	}
	req->mark = mark;
	req->deadline = ktime_add_ms(ktime_get(), READ_ONCE(quote_timeout_ms));
	req->queued = true;
	list_add_tail(&req->node, &queue);
	kick_server();
	return count;
}

static u32 request_state(struct ds_quote_req *req)
{
	guard(mutex)(&quote_lock);
	return req->state;
}

static ssize_t quote_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct ds_quote_req *req = file->private_data;
	u32 state;

	/* Again and again: a write that fails makes room for another before we look. */
	while ((state = request_state(req)) == DSTACK_QUOTE_WAITING) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(req->wait,
					     READ_ONCE(req->state) != DSTACK_QUOTE_WAITING))
			return -ERESTARTSYS;
	}
	if (state == DSTACK_QUOTE_FAILED)
		return req->error;
	if (state != DSTACK_QUOTE_DONE)
		return -ENODATA;
	return simple_read_from_buffer(to, count, pos, req->quote, req->quote_len);
}

static __poll_t quote_poll(struct file *file, poll_table *wait)
{
	struct ds_quote_req *req = file->private_data;

	poll_wait(file, &req->wait, wait);
	poll_wait(file, &room_wait, wait);
	guard(mutex)(&quote_lock);
	switch (req->state) {
	case DSTACK_QUOTE_NEW:
		return room_for(&writers) ? EPOLLOUT | EPOLLWRNORM : 0;
	case DSTACK_QUOTE_DONE:
		return EPOLLIN | EPOLLRDNORM;
	case DSTACK_QUOTE_FAILED:
		return EPOLLIN | EPOLLRDNORM | EPOLLERR;
	default:
		return 0;
	}
}

static long ioc_report(struct dstack_report __user *arg)
{
	struct dstack_report *io __free(kfree) = kzalloc(sizeof(*io), GFP_KERNEL);
	struct ds_log_mark mark;
	int err;

	if (!io)
		return -ENOMEM;
	if (copy_from_user(io->reportdata, arg->reportdata, sizeof(io->reportdata)))
		return -EFAULT;
	static_assert(sizeof(io->tdreport) == sizeof(struct ds_tdreport));
	err = ds_measure_report(io->reportdata, (struct ds_tdreport *)io->tdreport, &mark);
	if (err)
		return err;
	io->log_len = mark.len;
	io->log_events = mark.events;
	return copy_to_user(arg, io, sizeof(*io)) ? -EFAULT : 0;
}

static long ioc_extend(struct dstack_extend __user *arg)
{
	struct dstack_extend io;
	struct ds_log_mark mark;
	int err;

	if (copy_from_user(&io, arg, sizeof(io)))
		return -EFAULT;
	if (io.reserved)
		return -EINVAL;
	err = ds_measure_digest(io.rtmr, io.digest, io.value, &mark);
	if (err)
		return err;
	io.event_index = mark.events - 1;
	io.log_len = mark.len;
	return copy_to_user(arg, &io, sizeof(io)) ? -EFAULT : 0;
}

static long ioc_quote_info(struct ds_quote_req *req, struct dstack_quote_info __user *arg)
{
	struct dstack_quote_info io = {};

	scoped_guard(mutex, &quote_lock) {
		io.state = req->state;
		io.log_len = req->mark.len;
		io.log_events = req->mark.events;
		io.quote_len = req->quote_len;
	}
	return copy_to_user(arg, &io, sizeof(io)) ? -EFAULT : 0;
}

static long quote_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case DSTACK_IOC_REPORT:
		return ioc_report((struct dstack_report __user *)arg);
	case DSTACK_IOC_EXTEND:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		return ioc_extend((struct dstack_extend __user *)arg);
	case DSTACK_IOC_QUOTE_INFO:
		return ioc_quote_info(file->private_data, (struct dstack_quote_info __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations quote_fops = {
	.owner = THIS_MODULE,
	.open = quote_open,
	.release = quote_release,
	.write = quote_write,
	.read = quote_read,
	.poll = quote_poll,
	.unlocked_ioctl = quote_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

struct miscdevice ds_quote_misc = {
	.name = "dstack",
	.minor = MISC_DYNAMIC_MINOR,
	.mode = 0600,
	.fops = &quote_fops,
	.groups = ds_sysfs_groups,
};

int ds_quote_init(void)
{
	server = kthread_run(serve_forever, NULL, "dstack_quote");
	return PTR_ERR_OR_ZERO(server);
}

void ds_quote_exit(void)
{
	kthread_stop(server);
}
