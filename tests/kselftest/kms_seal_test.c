// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-kms with seal = kernel, in a VM with dstack_key.ko: /sbin/dstack-kms makes a store whose
 * key only the kernel has, and starts from it in both phases; what was changed, or is of the other
 * seal, it refuses. The phase is "boot" and no root key is there yet.
 */
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ktap.h"

#define KMS   "/sbin/dstack-kms"
#define STORE "/tmp/kms"
#define RING  "/sys/module/dstack_key/parameters/keyring"
#define PHASE "/sys/class/misc/dstack/phase"

static const char conf[] = "[kms]\nseal = %s\ncert_dir = " STORE "\nlisten = 127.0.0.1:0\n"
			   "policy = /tmp/policy\nrelease_log = /tmp/log\n"
			   "[attest]\ncollateral = /tmp/collateral\n";

static pid_t kms_pid;
static char text_of_kms[16384];
static size_t text_n;

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	return kt_write_text(path, text);
}

/* Its standard error is the descriptor returned. */
static int spawn(char *const argv[])
{
	int p[2];

	if (pipe(p))
		return -1;
	text_n = 0;
	text_of_kms[0] = '\0';
	kms_pid = fork();
	if (!kms_pid) {
		dup2(p[1], 2);
		close(p[0]);
		close(p[1]);
		execv(KMS, argv);
		_exit(127);
	}
	close(p[1]);
	return p[0];
}

static int status_of(void)
{
	int status = -1;

	while (waitpid(kms_pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Reads until word has come, which may be long ago, or the writers are gone. */
static bool said(int fd, const char *word)
{
	ssize_t got = 1;

	while (!strstr(text_of_kms, word) && got > 0 && text_n < sizeof(text_of_kms) - 1) {
		got = read(fd, text_of_kms + text_n, sizeof(text_of_kms) - 1 - text_n);
		text_n += got > 0 ? (size_t)got : 0;
		text_of_kms[text_n] = '\0';
	}
	if (strstr(text_of_kms, word))
		return true;
	printf("# expected '%s', got: %s\n", word, text_of_kms);
	return false;
}

static int serve(const char *seal)
{
	char *argv[] = { (char *)"dstack-kms", (char *)"serve", (char *)"--config",
			 (char *)"/tmp/conf", NULL };
	char text[512];

	snprintf(text, sizeof(text), conf, seal);
	if (put("/tmp/conf", text) || put("/tmp/policy", "[policy]\ntcb_status = UpToDate\n") ||
	    put("/tmp/collateral", "{}"))
		return -1;
	return spawn(argv);
}

static int bootstrap(void)
{
	char *argv[] = { (char *)"dstack-kms",	(char *)"bootstrap", (char *)"--seal",
			 (char *)"kernel",	(char *)"--dir",     (char *)STORE,
			 (char *)"--domain",	(char *)"kms.test",  NULL };

	return spawn(argv);
}

/* Starts, is told to stop, and does. */
static void starts(void)
{
	int fd = serve("kernel");

	KT_CHECK(fd >= 0);
	KT_CHECK(said(fd, "event=seal kind=kernel"));
	KT_CHECK(said(fd, "event=ready"));
	KT_CHECK(!kill(kms_pid, SIGTERM));
	KT_CHECK(!status_of());
	close(fd);
}

static void refuses(const char *seal, const char *why)
{
	int fd = serve(seal);

	KT_CHECK(fd >= 0);
	KT_CHECK(said(fd, why));
	KT_CHECK(status_of() == 1);
	close(fd);
}

static void loopback(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	KT_CHECK(fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &r));
	close(fd);
}

static void no_key(void)
{
	struct stat st;
	int fd = bootstrap();

	KT_CHECK(said(fd, "the kernel gives no key app:dstack-kms/roots"));
	KT_CHECK(status_of() == 1);
	KT_ERRNO(stat(STORE, &st), ENOENT);
	close(fd);
}

static void add_root(void)
{
	static const char bytes[33] = "0123456789abcdefghijklmnopqrstuv";
	char text[32] = "";

	KT_CHECK(kt_read_file(RING, text, sizeof(text) - 1) > 0);
	KT_CHECK(syscall(SYS_add_key, "dstack", "root:k256", bytes, 32, atol(text)) > 0);
}

static void makes(void)
{
	struct stat st;
	int fd = bootstrap();

	KT_CHECK(said(fd, "sealed for this app"));
	KT_CHECK(!status_of());
	KT_CHECK(!stat(STORE "/roots.sealed", &st) && st.st_size == 108 && (st.st_mode & 0777) == 0600);
	KT_ERRNO(stat(STORE "/root-ca.key", &st), ENOENT);
	KT_ERRNO(stat(STORE "/root-k256.key", &st), ENOENT);
	close(fd);
}

static void other_seal(void)
{
	refuses("development", "expected seal = kernel, got seal = development");
}

static void flipped(void)
{
	char record[108];

	KT_CHECK(kt_read_file(STORE "/roots.sealed", record, sizeof(record)) == sizeof(record));
	record[60] ^= 1;
	KT_CHECK(!kt_write_file(STORE "/roots.sealed", record, sizeof(record)));
	refuses("kernel", "sealed for somebody else, or changed");
	record[60] ^= 1;
	KT_CHECK(!kt_write_file(STORE "/roots.sealed", record, sizeof(record)));
}

static void in_runtime(void)
{
	KT_CHECK(!kt_write_text(PHASE, "runtime"));
	starts();
}

static const struct kt_test tests[] = {
	{ "loopback", loopback },
	{ "without root:k256 there is no seal, and no store", no_key },
	{ "root:k256", add_root },
	{ "a sealed store is made", makes },
	{ "the KMS starts from it", starts },
	{ "not with the other seal", other_seal },
	{ "not when a byte of it was flipped", flipped },
	{ "and again in phase runtime", in_runtime },
};

KT_MAIN(tests)
