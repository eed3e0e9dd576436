// SPDX-License-Identifier: Apache-2.0
/* Extensions and quotes, ours and the in-tree driver's. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "uapi/dstack.h"

#define INTREE_RTMR3 "/sys/class/misc/tdx_guest/measurements/rtmr3:sha384"
#define TSM_REPORTS  "/sys/kernel/config/tsm/report"
#define QUOTE_TOOK   "/sys/kernel/debug/tdx_emul/quote_took_us"

/* The file of this caller: each is a process of its own. */
static int fd_a = -1;
static uint8_t quote[128 * 1024];

static int open_at(int *fd, const char *path, int flags)
{
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? -1 : 0;
}

static int write_whole(int fd, const void *data, size_t n)
{
	ssize_t w = pwrite(fd, data, n, 0);

	if (w >= 0 && (size_t)w != n)
		errno = EIO;
	return w == (ssize_t)n ? 0 : -1;
}

static int event_init(void)
{
	return open_at(&fd_a, DSTACK_SYSFS_DIR "/event", O_WRONLY);
}

/* A payload of 32 bytes, as most launch events have. */
static const char event[] = "app-bench\n0123456789abcdef0123456789abcdef";

static int event_run(void)
{
	return write_whole(fd_a, event, sizeof(event) - 1);
}

const struct op op_event = { .name = "event", .init = event_init, .run = event_run };

static int rtmr_init(void)
{
	return open_at(&fd_a, DSTACK_SYSFS_DIR "/measurements/rtmr3:sha384", O_WRONLY);
}

static int intree_init(void)
{
	return open_at(&fd_a, INTREE_RTMR3, O_WRONLY);
}

static int digest_run(void)
{
	static const uint8_t digest[DSTACK_DIGEST_SIZE] = { 1 };

	return write_whole(fd_a, digest, sizeof(digest));
}

const struct op op_rtmr = { .name = "rtmr3:sha384", .init = rtmr_init, .run = digest_run };
const struct op op_intree_rtmr = { .name = "in-tree rtmr3:sha384",
				   .init = intree_init,
				   .run = digest_run };

static int intree_event_run(void)
{
	static const char preimage[] = "\1\0\0\10:app-bench:0123456789abcdef0123456789abcdef";
	uint8_t digest[DSTACK_DIGEST_SIZE];

	if (!EVP_Digest(preimage, sizeof(preimage) - 1, digest, NULL, EVP_sha384(), NULL)) {
		errno = ENOMEM;
		return -1;
	}
	return write_whole(fd_a, digest, sizeof(digest));
}

const struct op op_intree_event = { .name = "SHA-384, in-tree rtmr3",
				    .init = intree_init,
				    .run = intree_event_run };

static int no_init(void)
{
	return 0;
}

static int quote_run(void)
{
	uint8_t reportdata[DSTACK_REPORTDATA_SIZE] = { 1 };
	int fd, saved;
	ssize_t n;

	if (open_at(&fd, DSTACK_DEVICE, O_RDWR))
		return -1;
	n = write(fd, reportdata, sizeof(reportdata));
	if (n == sizeof(reportdata))
		n = read(fd, quote, sizeof(quote));
	saved = errno;
	close(fd);
	errno = n == 0 ? ENODATA : saved;
	return n > 0 ? 0 : -1;
}

const struct op op_quote = { .name = "/dev/dstack", .init = no_init, .run = quote_run };

static char tsm_dir[64];

static int tsm_init(void)
{
	snprintf(tsm_dir, sizeof(tsm_dir), TSM_REPORTS "/bench-%d", getpid());
	return mkdir(tsm_dir, 0700);
}

/* REPORTDATA takes effect when its file is closed; the first read of an open outblob asks for the
 * quote. */
static int tsm_run(void)
{
	uint8_t reportdata[DSTACK_REPORTDATA_SIZE] = { 1 };
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/inblob", tsm_dir);
	if (open_at(&fd, path, O_WRONLY))
		return -1;
	n = write(fd, reportdata, sizeof(reportdata));
	if (close(fd) || n != sizeof(reportdata))
		return -1;
	snprintf(path, sizeof(path), "%s/outblob", tsm_dir);
	if (open_at(&fd, path, O_RDONLY))
		return -1;
	n = read(fd, quote, sizeof(quote));
	close(fd);
	return n > 0 ? 0 : -1;
}

const struct op op_tsm_quote = { .name = "configfs-tsm", .init = tsm_init, .run = tsm_run };

/* From the GetQuote call to the quote in the buffer: the delay, and the enclave's work. */
static uint64_t host_time(void)
{
	char text[16] = "";
	ssize_t n;
	int fd;

	if (open_at(&fd, QUOTE_TOOK, O_RDONLY))
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoull(text, NULL, 10) * 1000 : 0;
}

const struct op op_quote_wait = { .name = "/dev/dstack beyond the host's time",
				  .init = no_init,
				  .run = quote_run,
				  .elsewhere = host_time };
const struct op op_tsm_quote_wait = {
	.name = "configfs-tsm", .init = tsm_init, .run = tsm_run, .elsewhere = host_time
};
