// SPDX-License-Identifier: GPL-2.0-only
/* The GetQuote buffer, GHCI "TDG.VP.VMCALL<GetQuote>". */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/tdx.h>

#include "ghci.h"
#include "tdreport.h"

#define GHCI_VERSION		1
#define GHCI_SUCCESS		0ULL
#define GHCI_ERROR		0x8000000000000000ULL
#define GHCI_UNAVAILABLE	0x8000000000000001ULL
#define GHCI_IN_FLIGHT		0xffffffffffffffffULL

#define VMCALL_RETRY		1ULL

struct ds_ghci {
	u64 version;
	u64 status;
	u32 in_len;
	u32 out_len;
	u8 data[];
};

#define GHCI_DATA_MAX	(DS_GHCI_SIZE - sizeof(struct ds_ghci))

#ifdef DEBUG
static unsigned int fail_share;
module_param(fail_share, uint, 0600);
MODULE_PARM_DESC(fail_share, "this many buffers cannot be shared with the host (tests)");

static bool share_fails(void)
{
	return fail_share && fail_share--;
}
#else
static bool share_fails(void)
{
	return false;
}
#endif

int ds_ghci_alloc(struct ds_ghci **ret_buf)
{
	void *pages = alloc_pages_exact(DS_GHCI_SIZE, GFP_KERNEL | __GFP_ZERO);

	if (!pages)
		return -ENOMEM;
	/* On failure some of the pages may be shared already, so they cannot go back. */
	if (share_fails() ||
	    set_memory_decrypted((unsigned long)pages, DS_GHCI_SIZE >> PAGE_SHIFT)) {
		pr_err_once("cannot share a quote buffer with the host, leaking it\n");
		return -EIO;
	}
	*ret_buf = pages;
	return 0;
}

int ds_ghci_start(struct ds_ghci *buf, const struct ds_tdreport *report)
{
	u64 err;

	memset(buf, 0, DS_GHCI_SIZE);
	buf->version = GHCI_VERSION;
	buf->in_len = sizeof(*report);
	memcpy(buf->data, report, sizeof(*report));

	err = tdx_hcall_get_quote((u8 *)buf, DS_GHCI_SIZE);
	if (err == VMCALL_RETRY)
		return -EAGAIN;
	if (err) {
		pr_err_ratelimited("GetQuote: the host says %#llx\n", err);
		return -EIO;
	}
	return 0;
}

int ds_ghci_poll(struct ds_ghci *buf, void **ret_quote, u32 *ret_len)
{
	/* Whatever else the host wrote, it wrote before the status. */
	u64 status = smp_load_acquire(&buf->status);
	u32 len;

	switch (status) {
	case GHCI_IN_FLIGHT:
		return -EINPROGRESS;
	case GHCI_SUCCESS:
		break;
	case GHCI_ERROR:
		return -EIO;
	case GHCI_UNAVAILABLE:
		return -ENODEV;
	default:
		pr_err_ratelimited("GetQuote: unknown status %#llx\n", status);
		return -EBADMSG;
	}
	len = READ_ONCE(buf->out_len);
	if (!len || len > GHCI_DATA_MAX) {
		pr_err_ratelimited("GetQuote: length %u, expected 1 to %zu\n", len, GHCI_DATA_MAX);
		return -EBADMSG;
	}
	*ret_quote = kvmemdup(buf->data, len, GFP_KERNEL_ACCOUNT);
	if (!*ret_quote)
		return -ENOMEM;
	*ret_len = len;
	return 0;
}
