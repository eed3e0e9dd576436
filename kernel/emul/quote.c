// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDG.VP.VMCALL<GetQuote>: a request is noted in the trap, served by the quoting enclave behind
 * /dev/tdx_emul_qe, and its result written into the guest's buffer, as a VMM would.
 *
 * A slot belongs to the guest's buffer until the request is completed: PENDING until some open file
 * reads it, then SERVING for that file, PENDING again if the file is closed without an answer.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
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
};

/**
 * struct emul_quote - one GetQuote in progress; guarded by emul_td.lock
 * @state: whose it is
 * @id: counts up, so the smallest pending one is the oldest
 * @owner: the open file that serves it
 * @buf: the guest's buffer
 * @size: bytes of @buf
 * @report: what is to be quoted, copied out of the buffer when the call was made
 */
struct emul_quote {
	enum emul_quote_state state;
	u64 id;
	struct file *owner;
	struct ghci_head *buf;
	size_t size;
	struct ds_tdreport report;
};

static struct emul_quote quotes[EMUL_QUOTES];
static u64 next_id = 1;
static DECLARE_WAIT_QUEUE_HEAD(qe_wait);

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

static void complete_with_quote(struct emul_quote *q, const void *quote, u32 len)
{
	u64 status = GHCI_SUCCESS;

	memcpy(q->buf->data, quote, len);
	switch (READ_ONCE(emul_td.quote_fault)) {
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
		len = 0;
		break;
	case EMUL_FAULT_SHORT:
		len /= 2;
		break;
	case EMUL_FAULT_OVERSIZE:
		len = q->size - sizeof(*q->buf) + 1;
		break;
	case EMUL_FAULT_HUGE:
		len = U32_MAX;
		break;
	case EMUL_FAULT_GARBAGE:
		get_random_bytes(q->buf->data, len);
		break;
	case EMUL_FAULT_NONE:
	case EMUL_FAULT_HOLD:	/* came too late for this one */
	default:
		break;
	}
	complete_quote(q, status, len);
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

/* Make the oldest pending request ours. NULL: there is none. */
static struct emul_quote *claim(struct file *file)
{
	struct emul_quote *q = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	if (emul_td.quote_fault != EMUL_FAULT_HOLD)
		q = oldest_pending();
	if (q) {
		q->state = EMUL_QUOTE_SERVING;
		q->owner = file;
	}
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return q;
}

/* The same, passing over reports that this TDX module did not make: those are never quoted. */
static struct emul_quote *claim_genuine(struct file *file)
{
	struct emul_quote *q;

	while ((q = claim(file)) && !emul_report_verify(&q->report))
		complete_quote(q, GHCI_ERROR, 0);
	return q;
}

static ssize_t qe_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct tdx_emul_qe_request req;
	struct emul_quote *q;

	if (count < sizeof(req))
		return -EINVAL;
	while (!(q = claim_genuine(file))) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(qe_wait, qe_has_work()))
			return -ERESTARTSYS;
	}
	req.id = q->id;
	static_assert(sizeof(req.tdreport) == sizeof(q->report));
	memcpy(req.tdreport, &q->report, sizeof(req.tdreport));
	if (copy_to_user(to, &req, sizeof(req))) {
		set_state(q, EMUL_QUOTE_PENDING);
		return -EFAULT;
	}
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

/* Take the slot out of reach of a second reply with the same id. */
static int take_served(const struct file *file, u64 id, u32 quote_len, struct emul_quote **ret_q)
{
	struct emul_quote *q;
	unsigned long flags;
	int err = 0;

	raw_spin_lock_irqsave(&emul_td.lock, flags);
	q = find_served(file, id);
	if (!q) {
		err = -ENOENT;
	} else if (quote_len > q->size - sizeof(*q->buf)) {
		err = -EMSGSIZE;
	} else {
		q->owner = NULL;
		*ret_q = q;
	}
	raw_spin_unlock_irqrestore(&emul_td.lock, flags);
	return err;
}

static ssize_t qe_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct tdx_emul_qe_reply reply;
	struct emul_quote *q;
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
	err = take_served(file, reply.id, reply.quote_len, &q);
	if (!err) {
		if (reply.status == TDX_EMUL_QE_OK)
			complete_with_quote(q, quote, reply.quote_len);
		else if (reply.status == TDX_EMUL_QE_ERROR)
			complete_quote(q, GHCI_ERROR, 0);
		else
			complete_quote(q, GHCI_UNAVAILABLE, 0);
	}
	kvfree(quote);
	return err ?: count;
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

static struct miscdevice qe_misc = {
	.name = "tdx_emul_qe",
	.minor = MISC_DYNAMIC_MINOR,
	.mode = 0600,
	.fops = &qe_fops,
};

#ifdef DEBUG
bool emul_quote_drop_one(void)
{
	struct emul_quote *q = claim_genuine(NULL);

	if (q)
		complete_quote(q, GHCI_UNAVAILABLE, 0);
	return q;
}
#endif

int emul_quote_init(void)
{
	return misc_register(&qe_misc);
}

void emul_quote_exit(void)
{
	misc_deregister(&qe_misc);
	irq_work_sync(&qe_wake_work);
}
