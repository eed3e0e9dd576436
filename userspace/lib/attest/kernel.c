// SPDX-License-Identifier: Apache-2.0
/* Client of dstack_rtmr.ko. */
#include <ds/attest/kernel.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <uapi/dstack.h>

struct ds_kquote {
	int fd;
	struct ds_kernel k;
};

static const struct ds_kernel real = {
	.sysfs = DSTACK_SYSFS_DIR,
	.device = DSTACK_DEVICE,
};

static int open_sysfs(const struct ds_kernel *k, const char *name, int flags)
{
	char path[256];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", k->sysfs, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ds_kernel_event(const struct ds_kernel *k, const char *name, struct ds_span payload, bool once)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	DS_FD int fd = -1;
	ssize_t n;

	k = k ? k : &real;
	if (payload.n > DSTACK_EVENT_PAYLOAD_MAX)
		return -EFBIG;
	DS_TRY(ds_buf_addf(&b, "%s\n", name));
	DS_TRY(ds_buf_add_span(&b, payload));
	fd = open_sysfs(k, once ? "event_once" : "event", O_WRONLY);
	if (fd < 0)
		return fd;
	/* One event is one write(2): a part of it would be another event, so it is never continued.
	 */
	do
		n = write(fd, b.p, b.n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == b.n ? 0 : -EIO;
}

int ds_kernel_is_runtime(const struct ds_kernel *k, bool *ret)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	DS_FD int fd = open_sysfs(k ? k : &real, "phase", O_RDONLY);

	if (fd < 0)
		return fd;
	DS_TRY(ds_read_fd(fd, 64, &b));
	if (ds_span_eq(ds_buf_span(&b), DS_SPAN_LIT("runtime\n")))
		*ret = true;
	else if (ds_span_eq(ds_buf_span(&b), DS_SPAN_LIT("boot\n")))
		*ret = false;
	else
		return -EBADMSG;
	return 0;
}

int ds_kernel_log(const struct ds_kernel *k, size_t len, struct ds_eventlog *ret,
		  struct ds_err *err)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	DS_FD int fd = open_sysfs(k ? k : &real, "eventlog", O_RDONLY);
	int r = fd < 0 ? fd : ds_read_fd(fd, DS_MAX_EVENT_LOG, &b);

	if (r < 0)
		return ds_err_set(err, r, "evidence", 0, "event log: %s", strerror(-r));
	if (len == SIZE_MAX)
		len = b.n;
	if (len > b.n)
		return ds_err_set(err, -EIO, "evidence", 0,
				  "event log: %zu bytes covered, only %zu there", len, b.n);
	return ds_eventlog_parse_tcg2(DS_SPAN(b.p, len), ret, err);
}

static int open_device(const struct ds_kernel *k, struct ds_err *err)
{
	int fd = open(k->device, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return ds_err_set(err, -errno, "evidence", 0, "%s: %s", k->device, strerror(errno));
	return fd;
}

int ds_kernel_report(const struct ds_kernel *k, const uint8_t report_data[64],
		     uint8_t ret[DS_KERNEL_REPORT_SIZE], size_t *ret_log_len, struct ds_err *err)
{
	struct dstack_report req = { .log_len = 0 };
	DS_FD int fd = open_device(k ? k : &real, err);

	if (fd < 0)
		return fd;
	memcpy(req.reportdata, report_data, sizeof(req.reportdata));
	if (ioctl(fd, DSTACK_IOC_REPORT, &req) < 0)
		return ds_err_set(err, -errno, "evidence", 0, "TDREPORT: %s", strerror(errno));
	memcpy(ret, req.tdreport, DS_KERNEL_REPORT_SIZE);
	*ret_log_len = (size_t)req.log_len;
	return 0;
}

int ds_kquote_start(const struct ds_kernel *k, const uint8_t report_data[64],
		    struct ds_kquote **ret, struct ds_err *err)
{
	DS_KQUOTE struct ds_kquote *q = calloc(1, sizeof(*q));
	ssize_t n;

	if (!q)
		return -ENOMEM;
	q->k = k ? *k : real;
	q->fd = open_device(&q->k, err);
	if (q->fd < 0)
		return q->fd;
	n = write(q->fd, report_data, DSTACK_REPORTDATA_SIZE);
	if (n != DSTACK_REPORTDATA_SIZE)
		return ds_err_set(err, n < 0 ? -errno : -EIO, "evidence", 0, "quote request: %s",
				  n < 0 ? strerror(errno) : "short write");
	*ret = q;
	q = NULL;
	return 0;
}

int ds_kquote_fd(const struct ds_kquote *q)
{
	return q->fd;
}

int ds_kquote_finish(struct ds_kquote *q, struct ds_buf *ret_quote, struct ds_eventlog *ret_log,
		     struct ds_err *err)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	struct dstack_quote_info info;
	int r = ds_read_fd(q->fd, DS_MAX_QUOTE, &quote);

	if (r == -EAGAIN)
		return r;
	if (r)
		return ds_err_set(err, r, "evidence", 0, "quote: %s", strerror(-r));
	if (ioctl(q->fd, DSTACK_IOC_QUOTE_INFO, &info) < 0)
		return ds_err_set(err, -errno, "evidence", 0, "quote state: %s", strerror(errno));
	if (info.state != DSTACK_QUOTE_DONE || info.quote_len != quote.n)
		return ds_err_set(err, -EIO, "evidence", 0, "quote: %zu bytes read, %u expected",
				  quote.n, info.quote_len);
	DS_TRY(ds_kernel_log(&q->k, (size_t)info.log_len, ret_log, err));
	*ret_quote = ds_buf_steal(&quote);
	return 0;
}

struct ds_kquote *ds_kquote_free(struct ds_kquote *q)
{
	if (q && q->fd >= 0)
		close(q->fd);
	free(q);
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int wait_quote(struct ds_kquote *q, int64_t deadline, struct ds_err *err)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int64_t left = deadline - now_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n < 0 && errno != EINTR)
		return ds_err_set(err, -errno, "evidence", 0, "poll: %s", strerror(errno));
	if (n == 0 && left <= 0)
		return ds_err_set(err, -ETIMEDOUT, "evidence", 0,
				  "quote: none before the deadline");
	return 0;
}

int ds_kernel_attestation(struct ds_buf *take_quote, struct ds_eventlog *take_log,
			  const uint8_t report_data[64], struct ds_span vm_config,
			  struct ds_attestation *ret)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;

	att.quote = ds_buf_steal(take_quote);
	att.log = *take_log;
	*take_log = DS_EVENTLOG_NULL;
	memcpy(att.report_data, report_data, sizeof(att.report_data));
	DS_TRY(ds_buf_add_span(&att.config, vm_config));
	DS_TRY(ds_attestation_take_runtime(&att));
	*ret = att;
	att = DS_ATTESTATION_NULL;
	return 0;
}

int ds_kernel_attest(const struct ds_kernel *k, const uint8_t report_data[64],
		     struct ds_span vm_config, int timeout_ms, struct ds_attestation *ret,
		     struct ds_err *err)
{
	DS_BUF struct ds_buf quote = DS_BUF_NULL;
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_KQUOTE struct ds_kquote *q = NULL;
	int64_t deadline = now_ms() + timeout_ms;
	int r;

	DS_TRY(ds_kquote_start(k, report_data, &q, err));
	do {
		DS_TRY(wait_quote(q, deadline, err));
		r = ds_kquote_finish(q, &quote, &log, err);
	} while (r == -EAGAIN);
	DS_TRY(r);
	return ds_kernel_attestation(&quote, &log, report_data, vm_config, ret);
}
