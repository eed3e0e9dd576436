// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDG.VP.VMCALL<GetQuote>: a request is noted in the trap, served by the quoting enclave behind
 * /dev/tdx_emul_qe, and its result written into the guest's buffer, as a VMM would.
 *
 * A slot belongs to the guest's buffer until the request is completed: PENDING until some open file
 * reads it, then SERVING for that file, PENDING again if the file is closed without an answer, and
 * ANSWERED from the answer until it is due, when the host thread delivers it.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "emul.h"
#include "uapi/tdx_emul.h"

#define EMUL_QUOTES	16

enum emul_quote_state {
	EMUL_QUOTE_FREE,
	EMUL_QUOTE_PENDING,
	EMUL_QUOTE_SERVING,
	EMUL_QUOTE_ANSWERED,
};

/**
 * struct emul_quote - one GetQuote in progress; guarded by emul_td.lock
 * @state: whose it is
 * @id: counts up, so the smallest pending one is the oldest
 * @owner: the open file that has read it and may answer, NULL until then
 * @buf: the guest's buffer
 * @size: bytes of @buf
 * @report: what is to be quoted, copied out of the buffer when the call was made
 * @asked: when that was
 * @status: TDX_EMUL_QE_*, the answer
 * @quote: the answer, NULL unless @status is TDX_EMUL_QE_OK
 * @quote_len: bytes of @quote
 */
struct emul_quote {
	enum emul_quote_state state;
	u64 id;
	struct file *owner;
	struct ghci_head *buf;
	size_t size;
	struct ds_tdreport report;
	ktime_t asked;
	u32 status;
	void *quote;
	u32 quote_len;
};

static struct emul_quote quotes[EMUL_QUOTES];
static u64 next_id = 1;
static DECLARE_WAIT_QUEUE_HEAD(qe_wait);
static struct task_struct *host;
static DECLARE_WAIT_QUEUE_HEAD(host_wait);

/* The trap may have interrupted anybody, so the wake-up waits for an interrupt. */
static void wake_qe(struct irq_work *work)
{
	wake_up_interruptible(&qe_wait);
}

static DEFINE_IRQ_WORK(qe_wake_work, wake_qe);

void emul_quote_kick(void)
{
	irq_work_queue(&qe_wake_work);
}

void emul_quote_delay_changed(void)
{
	wake_up_interruptible(&host_wait);
}

/* When an answer is delivered; a delay that has been changed counts at once. */
static ktime_t due(const struct emul_quote *q)
{
	return ktime_add_us(q->asked, READ_ONCE(emul_td.quote_delay_us));
}

static struct emul_quote *find_free(void)
{
	int i;

	for (i = 0; i < EMUL_QUOTES; i++) {
		if (quotes[i].state == EMUL_QUOTE_FREE)
			return &quotes[i];
	}
	return NULL;
}

static struct emul_quote *oldest_pending(void)
{
	struct emul_quote *found = NULL;
	int i;

	for (i = 0; i < EMUL_QUOTES; i++) {
		if (quotes[i].state != EMUL_QUOTE_PENDING)
			continue;
		if (!found || quotes[i].id < found->id)
			found = &quotes[i];
	}
	return found;
}

static bool note_request(struct ghci_head *buf, size_t size)
{
	struct emul_quote *q = find_free();

	lockdep_assert_held(&emul_td.lock);
	if (emul_td.quote_retry) {
		emul_td.quote_retry--;
		return false;
	}
	if (!q)
		return false;
	q->buf = buf;
	q->size = size;
	memcpy(&q->report, buf->data, sizeof(q->report));
	q->id = next_id++;
	q->owner = NULL;
	q->asked = ktime_get();
	q->state = EMUL_QUOTE_PENDING;
	WRITE_ONCE(buf->status, GHCI_IN_FLIGHT);
	return true;
}

/* Called from the trap, interrupts off. */
u64 emul_get_quote(u64 gpa, u64 size)
{
	struct ghci_head *buf, head;
	bool accepted;
	u64 at;

	if (!PAGE_ALIGNED(gpa) || !size || !PAGE_ALIGNED(size) || size > TDX_EMUL_QUOTE_MAX)
		return EMUL_VMCALL_INVALID;
	for (at = 0; at < size; at += PAGE_SIZE) {
		if (!emul_read_guest(&head, gpa + at, sizeof(head)))
			return EMUL_VMCALL_INVALID;
	}

	buf = phys_to_virt(gpa);
	head = *buf;
	if (head.version != GHCI_VERSION || head.in_len != sizeof(struct ds_tdreport)) {
		WRITE_ONCE(buf->status, GHCI_ERROR);
		return EMUL_VMCALL_SUCCESS;
	}
	raw_spin_lock(&emul_td.lock);
	accepted = note_request(buf, size);
	raw_spin_unlock(&emul_td.lock);
	if (!accepted)
		return EMUL_VMCALL_RETRY;
	emul_quote_kick();
	return EMUL_VMCALL_SUCCESS;
}

static void set_state(struct emul_quote *q, enum emul_quote_state state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	q->state = state;
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
}

/* The caller owns the slot: it is SERVING for it. The buffer is the guest's again afterwards. */
static void complete_quote(struct emul_quote *q, u64 status, u32 out_len)
{
	WRITE_ONCE(q->buf->out_len, out_len);
	/* The guest looks at status first: everything else must be there by then. */
	smp_store_release(&q->buf->status, status);
	set_state(q, EMUL_QUOTE_FREE);
}

/* What a host can do to a buffer that it has given back already: everything, at any time. */
static void play_tricks(struct ghci_head *buf, enum emul_quote_fault fault, const void *quote,
			u32 len)
{
	const u32 lengths[] = { U32_MAX, len / 2, 0, len + 1, len };
	unsigned int i = 0, ms = READ_ONCE(emul_td.trick_ms);
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	switch (fault) {
	case EMUL_FAULT_EARLY:
		msleep(ms);
		memcpy(buf->data, quote, len);
		break;
	case EMUL_FAULT_RACE:
		while (ktime_before(ktime_get(), end) || i % ARRAY_SIZE(lengths)) {
			WRITE_ONCE(buf->out_len, lengths[i++ % ARRAY_SIZE(lengths)]);
			cond_resched();
		}
		break;
	case EMUL_FAULT_FLAP:
		msleep(ms);
		WRITE_ONCE(buf->status, GHCI_IN_FLIGHT);
		break;
	default:
		break;
	}
}

static void complete_with_quote(struct emul_quote *q, const void *quote, u32 len)
{
	enum emul_quote_fault fault = READ_ONCE(emul_td.quote_fault);
	u64 status = GHCI_SUCCESS;
	u32 out_len = len;

	if (fault != EMUL_FAULT_EARLY)
		memcpy(q->buf->data, quote, len);
	switch (fault) {
	case EMUL_FAULT_ERROR:
		status = GHCI_ERROR;
		break;
	case EMUL_FAULT_UNAVAILABLE:
		status = GHCI_UNAVAILABLE;
		break;
	case EMUL_FAULT_STATUS:
		status = 0x1234;
		break;
	case EMUL_FAULT_ZERO:
		out_len = 0;
		break;
	case EMUL_FAULT_SHORT:
		out_len /= 2;
		break;
	case EMUL_FAULT_OVERSIZE:
		out_len = q->size - sizeof(*q->buf) + 1;
		break;
	case EMUL_FAULT_HUGE:
		out_len = U32_MAX;
		break;
	case EMUL_FAULT_GARBAGE:
		get_random_bytes(q->buf->data, len);
		break;
	case EMUL_FAULT_NONE:
	case EMUL_FAULT_HOLD:	/* came too late for this one */
	default:
		break;
	}
	WRITE_ONCE(q->buf->out_len, out_len);
	WRITE_ONCE(emul_td.quote_took_us, ktime_us_delta(ktime_get(), q->asked));
	/* The guest looks at status first: everything else must be there by then. */
	smp_store_release(&q->buf->status, status);
	play_tricks(q->buf, fault, quote, len);
	set_state(q, EMUL_QUOTE_FREE);
}

/* The caller is the only one who has seen this answer become due. */
static void deliver(struct emul_quote *q)
{
	void *quote = q->quote;

	q->quote = NULL;
	if (q->status == TDX_EMUL_QE_OK)
		complete_with_quote(q, quote, q->quote_len);
	else if (q->status == TDX_EMUL_QE_ERROR)
		complete_quote(q, GHCI_ERROR, 0);
	else
		complete_quote(q, GHCI_UNAVAILABLE, 0);
	kvfree(quote);
}

/* An answer that is due now, or NULL and when the next one is, KTIME_MAX if there is none. */
static struct emul_quote *take_due(ktime_t *ret_next)
{
	struct emul_quote *found = NULL;
	unsigned long flags;
	int i;

	*ret_next = KTIME_MAX;
	raw_spin_lock_irqsave(&emul_td.lock, flags);
	for (i = 0; i < EMUL_QUOTES; i++) {
		ktime_t at = due(&quotes[i]);

		if (quotes[i].state == EMUL_QUOTE_ANSWERED && at < *ret_next) {
			*ret_next = at;
			found = &quotes[i];
		}
	}
	if (found && ktime_before(ktime_get(), *ret_next))
		found = NULL;
	/* Nobody else is to find it; it is not the reader's any more. */
	if (found) {
		found->state = EMUL_QUOTE_SERVING;
		found->owner = NULL;
	}
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return found;
}

static bool host_wanted(ktime_t next)
{
	unsigned long flags;
	bool wanted = false;
	int i;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	for (i = 0; i < EMUL_QUOTES; i++)
		wanted |= quotes[i].state == EMUL_QUOTE_ANSWERED && due(&quotes[i]) < next;
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return wanted || kthread_should_stop();
}

static int host_thread(void *unused)
{
	struct emul_quote *q;
	ktime_t next, left;

	while (!kthread_should_stop()) {
		q = take_due(&next);
		if (q) {
			deliver(q);
			continue;
		}
		if (next == KTIME_MAX) {
			wait_event_interruptible(host_wait, host_wanted(next));
			continue;
		}
		/* It may have become due since; a timer takes a negative timeout for "never". */
		left = ktime_sub(next, ktime_get());
		if (left > 0)
			wait_event_interruptible_hrtimeout(host_wait, host_wanted(next), left);
	}
	return 0;
}

static bool qe_has_work(void)
{
	unsigned long flags;
	bool work;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	work = emul_td.quote_fault != EMUL_FAULT_HOLD && oldest_pending();
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return work;
}

/* Put the oldest pending request out of everybody's reach. NULL: there is none. */
static struct emul_quote *claim(void)
{
	struct emul_quote *q = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	if (emul_td.quote_fault != EMUL_FAULT_HOLD)
		q = oldest_pending();
	if (q)
		q->state = EMUL_QUOTE_SERVING;
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return q;
}

/* The same, passing over reports that this TDX module did not make: those are never quoted. */
static struct emul_quote *claim_genuine(void)
{
	struct emul_quote *q;

	while ((q = claim()) && !emul_report_verify(&q->report))
		complete_quote(q, GHCI_ERROR, 0);
	return q;
}

/* What was claimed may be answered through this file from now on, by any of its threads. */
static void hand_over(struct emul_quote *q, struct file *file)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	q->owner = file;
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
}

static ssize_t qe_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct tdx_emul_qe_request req;
	struct emul_quote *q;

	if (count < sizeof(req))
		return -EINVAL;
	while (!(q = claim_genuine())) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(qe_wait, qe_has_work()))
			return -ERESTARTSYS;
	}
	req.id = q->id;
	static_assert(sizeof(req.tdreport) == sizeof(q->report));
	memcpy(req.tdreport, &q->report, sizeof(req.tdreport));
	if (copy_to_user(to, &req, sizeof(req))) {
		/* Whoever else waits has been woken, and slept again because we had it. */
		set_state(q, EMUL_QUOTE_PENDING);
		emul_quote_kick();
		return -EFAULT;
	}
	hand_over(q, file);
	return sizeof(req);
}

static struct emul_quote *find_served(const struct file *file, u64 id)
{
	int i;

	for (i = 0; i < EMUL_QUOTES; i++) {
		if (quotes[i].state == EMUL_QUOTE_SERVING && quotes[i].owner == file &&
		    quotes[i].id == id)
			return &quotes[i];
	}
	return NULL;
}

/* Takes over quote if it returns 0, and puts the slot out of reach of a second reply. */
static int accept_reply(const struct file *file, const struct tdx_emul_qe_reply *reply, void *quote)
{
	struct emul_quote *q;
	unsigned long flags;
	int err = 0;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	q = find_served(file, reply->id);
	if (!q) {
		err = -ENOENT;
	} else if (reply->quote_len > q->size - sizeof(*q->buf)) {
		err = -EMSGSIZE;
	} else {
		q->owner = NULL;
		q->status = reply->status;
		q->quote = quote;
		q->quote_len = reply->quote_len;
		q->state = EMUL_QUOTE_ANSWERED;
	}
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return err;
}

static ssize_t qe_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct tdx_emul_qe_reply reply;
	void *quote;
	int err;

	if (count < sizeof(reply))
		return -EINVAL;
	if (copy_from_user(&reply, from, sizeof(reply)))
		return -EFAULT;
	if (reply.quote_len > TDX_EMUL_QUOTE_MAX)
		return -EMSGSIZE;
	if (count != sizeof(reply) + reply.quote_len || reply.status > TDX_EMUL_QE_UNAVAILABLE ||
	    !reply.quote_len != !!reply.status)
		return -EINVAL;

	quote = kvmalloc(max(reply.quote_len, 1U), GFP_KERNEL);
	if (!quote)
		return -ENOMEM;
	if (copy_from_user(quote, from + sizeof(reply), reply.quote_len)) {
		kvfree(quote);
		return -EFAULT;
	}
	err = accept_reply(file, &reply, quote);
	if (err) {
		kvfree(quote);
		return err;
	}
	wake_up_interruptible(&host_wait);
	return count;
}

static __poll_t qe_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &qe_wait, wait);
	return EPOLLOUT | EPOLLWRNORM | (qe_has_work() ? EPOLLIN | EPOLLRDNORM : 0);
}

/* What this file has read and not answered is for the next one. */
static int qe_release(struct inode *inode, struct file *file)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	for (i = 0; i < EMUL_QUOTES; i++) {
		if (quotes[i].state != EMUL_QUOTE_SERVING || quotes[i].owner != file)
			continue;
		quotes[i].state = EMUL_QUOTE_PENDING;
		quotes[i].owner = NULL;
	}
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	emul_quote_kick();
	return 0;
}

static const struct file_operations qe_fops = {
	.owner = THIS_MODULE,
	.read = qe_read,
	.write = qe_write,
	.poll = qe_poll,
	.release = qe_release,
};

struct miscdevice emul_qe_misc = {
	.name = "tdx_emul_qe",
	.minor = MISC_DYNAMIC_MINOR,
	.mode = 0600,
	.fops = &qe_fops,
};

#ifdef DEBUG
bool emul_quote_drop_one(void)
{
	struct emul_quote *q = claim_genuine();

	if (q)
		complete_quote(q, GHCI_UNAVAILABLE, 0);
	return q;
}
#endif

int emul_quote_init(void)
{
	host = kthread_run(host_thread, NULL, "tdx_emul_host");
	return PTR_ERR_OR_ZERO(host);
}

void emul_quote_exit(void)
{
	kthread_stop(host);
	irq_work_sync(&qe_wake_work);
}
