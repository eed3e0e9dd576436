// SPDX-License-Identifier: Apache-2.0
/*
 * tdx_emul.ko under the stock, unmodified tdx-guest.ko: reports recompute, configfs-tsm gives
 * quotes, the quoting enclave device keeps its rules. Needs qe_echo running.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "ktap.h"
#include "qe_echo.h"
#include "uapi/tdx_emul.h"

/* The stock driver's ABI; the C library's kernel headers are older than it. */
struct tdx_report_req {
	uint8_t reportdata[64];
	uint8_t tdreport[1024];
};

#define TDX_CMD_GET_REPORT0	_IOWR('T', 1, struct tdx_report_req)

#define KNOB(name)	"/sys/kernel/debug/tdx_emul/" name
#define TSM_DIR		"/sys/kernel/config/tsm/report/emul_test"

static const uint8_t emul_mrseam[48] = DSTACK_EMUL_MRSEAM;

static int get_report(struct tdx_report_req *req, uint8_t fill)
{
	int fd = open("/dev/tdx_guest", O_RDWR | O_CLOEXEC), r, saved;

	if (fd < 0)
		return -1;
	memset(req, 0, sizeof(*req));
	memset(req->reportdata, fill, sizeof(req->reportdata));
	r = ioctl(fd, TDX_CMD_GET_REPORT0, req);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static bool sha384_is(const uint8_t *data, size_t len, const uint8_t want[48])
{
	uint8_t got[48];

	return EVP_Digest(data, len, got, NULL, EVP_sha384(), NULL) && !memcmp(got, want, 48);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return !n;
}

static void report_fields(void)
{
	static const uint8_t valid[8] = { 0xff, 0x01, 0x03 }, svn[16] = { 5, 1, 3 };
	static const uint8_t type[16] = { 0x81 };
	static const uint8_t attributes[8] = { 0, 0, 0, 0x10 }, xfam[8] = { 0xe7, 0x02, 0x06 };
	struct tdx_report_req req;
	const uint8_t *r = req.tdreport;

	KT_CHECK(!get_report(&req, 0x5a));
	KT_CHECK(!memcmp(r, type, 16));
	KT_CHECK(!memcmp(r + 128, req.reportdata, 64));
	KT_CHECK(all_zero(r + 192, 32));
	KT_CHECK(!memcmp(r + 256, valid, 8));
	KT_CHECK(!memcmp(r + 264, svn, 16));
	KT_CHECK(!memcmp(r + 280, emul_mrseam, 48));
	KT_CHECK(all_zero(r + 328, 512 - 328));
	KT_CHECK(!memcmp(r + 512, attributes, 8));
	KT_CHECK(!memcmp(r + 520, xfam, 8));
	KT_CHECK(all_zero(r + 912, 112));
}

/* The suite loads tdx_emul with mrtd=1111.., rtmr0=2222.., mrconfigid=3333.. */
static void report_parameters(void)
{
	struct tdx_report_req req;
	uint8_t want[48];

	KT_CHECK(!get_report(&req, 0));
	memset(want, 0x11, 48);
	KT_CHECK(!memcmp(req.tdreport + 528, want, 48));
	memset(want, 0x33, 48);
	KT_CHECK(!memcmp(req.tdreport + 576, want, 48));
	memset(want, 0x22, 48);
	KT_CHECK(!memcmp(req.tdreport + 720, want, 48));
	KT_CHECK(all_zero(req.tdreport + 768, 3 * 48));
}

static void report_hashes(void)
{
	struct tdx_report_req req;

	KT_CHECK(!get_report(&req, 0xa5));
	KT_CHECK(sha384_is(req.tdreport + 256, 239, req.tdreport + 32));
	KT_CHECK(sha384_is(req.tdreport + 512, 512, req.tdreport + 80));
}

static void report_mac(void)
{
	struct tdx_report_req req;
	uint8_t key[32], mac[32];

	KT_CHECK(kt_read_file(KNOB("report_key"), key, sizeof(key)) == sizeof(key));
	KT_CHECK(!get_report(&req, 0xff));
	KT_CHECK(HMAC(EVP_sha256(), key, sizeof(key), req.tdreport, 224, mac, NULL));
	KT_CHECK(!memcmp(mac, req.tdreport + 224, 32));
}

static void report_busy(void)
{
	struct tdx_report_req req;

	if (!access("/sys/class/misc/tdx_guest/measurements", F_OK))
		KT_SKIP("drivers with measurements warn about it with a stack trace");
	KT_CHECK(!kt_write_text(KNOB("busy"), "1"));
	KT_ERRNO(get_report(&req, 0), EIO);
	KT_CHECK(!get_report(&req, 0));
}

static void knob_extend(void)
{
	struct tdx_report_req before, after;
	uint8_t both[96];
	char line[2 + 96 + 1];

	memset(line, 'a', sizeof(line) - 1);
	memcpy(line, "1 ", 2);
	line[sizeof(line) - 1] = '\0';
	KT_CHECK(!get_report(&before, 0));
	KT_CHECK(!kt_write_text(KNOB("extend"), line));
	KT_CHECK(!get_report(&after, 0));
	memcpy(both, before.tdreport + 768, 48);
	memset(both + 48, 0xaa, 48);
	KT_CHECK(sha384_is(both, 96, after.tdreport + 768));
	KT_CHECK(!memcmp(before.tdreport + 816, after.tdreport + 816, 96));

	line[0] = '4';
	KT_ERRNO(kt_write_text(KNOB("extend"), line), EINVAL);
	line[0] = '1';
	line[97] = '\0';
	KT_ERRNO(kt_write_text(KNOB("extend"), line), EINVAL);
}

/* In-tree path: returns the length of outblob or -1. */
static ssize_t tsm_quote(const uint8_t reportdata[64], uint8_t *to, size_t size)
{
	ssize_t n = -1;
	int saved;

	if (mkdir(TSM_DIR, 0700))
		return -1;
	if (!kt_write_file(TSM_DIR "/inblob", reportdata, 64))
		n = kt_read_file(TSM_DIR "/outblob", to, size);
	saved = errno;
	rmdir(TSM_DIR);
	errno = saved;
	return n;
}

static void tsm_provider(void)
{
	char name[32] = "";

	KT_CHECK(!mkdir(TSM_DIR, 0700));
	KT_CHECK(kt_read_file(TSM_DIR "/provider", name, sizeof(name) - 1) > 0);
	KT_CHECK(!rmdir(TSM_DIR));
	KT_CHECK(!strcmp(name, "tdx_guest\n"));
}

static void tsm_gives_quote(void)
{
	struct qe_echo_quote quote;
	uint8_t reportdata[64];

	memset(reportdata, 0x77, sizeof(reportdata));
	KT_CHECK(tsm_quote(reportdata, (uint8_t *)&quote, sizeof(quote)) == sizeof(quote));
	KT_CHECK(!memcmp(quote.tag, QE_ECHO_TAG, 16));
	KT_CHECK(!memcmp(quote.tdreport + 128, reportdata, 64));
}

static void tsm_oversize(void)
{
	static uint8_t buf[2 * TDX_EMUL_QUOTE_MAX];
	uint8_t reportdata[64] = { 1 };

	KT_CHECK(!kt_write_text(KNOB("quote_fault"), "oversize"));
	KT_ERRNO(tsm_quote(reportdata, buf, sizeof(buf)), EFBIG);
	KT_CHECK(!kt_write_text(KNOB("quote_fault"), "none"));
	KT_ERRNO(kt_write_text(KNOB("quote_fault"), "nonsense"), EINVAL);
}

static void qe_device_rules(void)
{
	struct tdx_emul_qe_request req;
	struct tdx_emul_qe_reply reply = { .id = 424242, .status = TDX_EMUL_QE_ERROR };
	struct pollfd p = { .events = POLLIN };
	int fd = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	KT_CHECK(fd >= 0);
	p.fd = fd;
	KT_CHECK(poll(&p, 1, 0) == 0);
	KT_ERRNO(read(fd, &req, sizeof(req)), EAGAIN);
	KT_ERRNO(read(fd, &req, sizeof(req) - 1), EINVAL);
	KT_ERRNO(write(fd, &reply, sizeof(reply)), ENOENT);
	KT_ERRNO(write(fd, &reply, sizeof(reply) - 1), EINVAL);
	KT_ERRNO(write(fd, (void *)8, sizeof(reply)), EFAULT);
	reply.status = 3;
	KT_ERRNO(write(fd, &reply, sizeof(reply)), EINVAL);
	reply.status = TDX_EMUL_QE_OK;
	KT_ERRNO(write(fd, &reply, sizeof(reply)), EINVAL);
	reply.quote_len = TDX_EMUL_QUOTE_MAX + 1;
	KT_ERRNO(write(fd, &reply, sizeof(reply)), EMSGSIZE);
	close(fd);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void qe_reader_interrupted(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct tdx_emul_qe_request req;
	int fd = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_CLOEXEC);

	KT_CHECK(fd >= 0 && !sigaction(SIGALRM, &act, NULL));
	alarm(1);
	KT_ERRNO(read(fd, &req, sizeof(req)), EINTR);
	close(fd);
}

static const struct kt_test tests[] = {
	{ "emul: every report field has its place and value", report_fields },
	{ "emul: module parameters reach the report", report_parameters },
	{ "emul: both SHA-384 hashes recompute", report_hashes },
	{ "emul: REPORTMAC recomputes", report_mac },
	{ "emul: OPERAND_BUSY reaches the driver once", report_busy },
	{ "emul: the extend knob folds one register", knob_extend },
	{ "emul: configfs-tsm names the stock driver", tsm_provider },
	{ "emul: configfs-tsm gives the quoting enclave's answer", tsm_gives_quote },
	{ "emul: the stock driver refuses an oversized quote", tsm_oversize },
	{ "emul: the quoting enclave device refuses malformed replies", qe_device_rules },
	{ "emul: a signal ends the wait of a quoting enclave", qe_reader_interrupted },
};

KT_MAIN(tests)
