// SPDX-License-Identifier: Apache-2.0
/* Roots where they are kept and where they go: seal, interruption, export, another node's, memory. */
#include "keys.h"
#include "store.h"
#include "store_rig.h"

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/x25519.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

static char base[] = "/tmp/ds-roots-XXXXXX";
static char dir[64], other_dir[64], recipients[64];
static struct kms_self self;
static struct kms_conf conf = { .cert_dir = dir,
				.lease_seconds = 60,
				.replicate_to = recipients };

/* With the seal key, or without one. */
static int load(const struct ds_secret *seal_key, int64_t now, struct kms_roots *ret,
		struct ds_err *err)
{
	const struct kms_rpc_spec rpc = { .spki = DS_SPAN_ARRAY(self.spki) };

	return kms_roots_load(conf.cert_dir, seal_key, &rpc, now, ret, err);
}

static pid_t start_process(int *ret_sock, bool fresh)
{
	int sv[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(sv[0]);
		_exit(fresh ? kms_keys_new_main(sv[1], &conf) : kms_keys_main(sv[1], &conf, &self));
	}
	close(sv[1]);
	*ret_sock = sv[0];
	return pid;
}

static pid_t start_keys(int *ret_sock)
{
	return start_process(ret_sock, false);
}

static int status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static struct ds_secret *filled(uint8_t with, size_t n)
{
	struct ds_secret *s = ds_secret_new(n);

	assert_non_null(s);
	memset(s->p, with, n);
	return s;
}

static void path_in(char path[128], const char *d, const char *name)
{
	snprintf(path, 128, "%s/%s", d, name);
}

/* A sealed directory opens for the key that it was sealed with, and for nobody else. */
static void test_sealed(void **state)
{
	DS_SECRET struct ds_secret *mine = filled(1, 32), *other = filled(2, 32);
	DS_BUF struct ds_buf record = DS_BUF_NULL;
	struct kms_fresh f = { .root = NULL };
	struct kms_roots roots = { 0 };
	struct ds_err err = DS_ERR_NULL;
	char path[128], plain[128], name[128];

	conf.cert_dir = other_dir;
	assert_int_equal(kms_fresh_make(&f), 0);
	assert_int_equal(kms_store_write(other_dir, "kms.test", &f, mine, DS_SPAN_NULL, time(NULL),
					 &err),
			 0);
	path_in(plain, other_dir, KMS_F_ROOT_KEY);
	assert_int_equal(access(plain, F_OK), -1);
	path_in(plain, other_dir, KMS_F_K256);
	assert_int_equal(access(plain, F_OK), -1);
	path_in(path, other_dir, KMS_F_SEALED);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 4096, &record), 0);
	assert_null(memmem(record.p, record.n, f.material->p, 8));
	assert_int_equal(load(mine, time(NULL), &roots, &err), 0);
	assert_memory_equal(roots.ca_scalar->p, f.material->p, 32);
	assert_memory_equal(roots.k256->p, f.material->p + 32, 32);
	kms_roots_done(&roots);
	assert_int_equal(load(other, time(NULL), &roots, &err), -EKEYREJECTED);
	assert_non_null(strstr(err.msg, "sealed for somebody else, or changed"));
	assert_int_equal(load(NULL, time(NULL), &roots, &err), -EPERM);
	assert_non_null(strstr(err.msg, "expected seal = kernel, got seal = development"));
	for (size_t i = 0; i < record.n; i++) {
		record.p[i] ^= 1;
		assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, ds_buf_span(&record), 0600), 0);
		record.p[i] ^= 1;
		assert_int_not_equal(load(mine, time(NULL), &roots, &err), 0);
	}
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, ds_buf_span(&record), 0640), 0);
	assert_int_equal(load(mine, time(NULL), &roots, &err), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	/* another name beside them, which would free ours for apps */
	path_in(name, other_dir, KMS_F_DOMAIN);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, name, DS_SPAN_LIT("kms.tes"), 0644), 0);
	assert_int_equal(load(mine, time(NULL), &roots, &err), -EKEYREJECTED);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(load(mine, time(NULL), &roots, &err), -ENOENT);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, name, DS_SPAN_LIT("kms.test"), 0644), 0);
	/* somebody's own roots beside them */
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, plain, DS_SPAN(mine->p, 32), 0600), 0);
	assert_int_equal(load(mine, time(NULL), &roots, &err), -EPERM);
	assert_int_equal(unlink(plain), 0);
	assert_int_equal(load(mine, time(NULL), &roots, &err), 0);
	kms_roots_done(&roots);
	kms_fresh_done(&f);
	remove_store(other_dir);
	conf.cert_dir = dir;
}

/* Roots of another epoch than the one there is are not taken for it. */
static void test_epoch(void **state)
{
	struct kms_roots roots = { 0 };
	struct ds_err err = DS_ERR_NULL;
	char path[128];

	path_in(path, dir, KMS_F_EPOCH);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_LIT("1\n"), 0644), 0);
	assert_int_equal(load(NULL, time(NULL), &roots, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "expected key epoch 0, got 1"));
	/* a stock directory has no such file */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(load(NULL, time(NULL), &roots, &err), 0);
	kms_roots_done(&roots);
}

/* What a dead writer left goes; a living one is left alone. */
static void test_sweep(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	char tmp[80], path[128];
	int fd;

	snprintf(tmp, sizeof(tmp), "%s.new", other_dir);
	assert_int_equal(kms_store_sweep(other_dir, &err), 0);
	assert_int_equal(mkdir(tmp, 0700), 0);
	path_in(path, tmp, KMS_F_ROOT_KEY);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_LIT("x"), 0600), 0);
	fd = open(tmp, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(kms_store_sweep(other_dir, &err), -EBUSY);
	assert_int_equal(kms_bootstrap(other_dir, "kms.test", NULL, time(NULL), &err), -EBUSY);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	assert_int_equal(kms_store_sweep(other_dir, &err), 0);
	assert_int_equal(access(tmp, F_OK), -1);
	/* a bootstrap does the same by itself */
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_LIT("x"), 0600), 0);
	assert_int_equal(kms_bootstrap(other_dir, "kms.test", NULL, time(NULL), &err), 0);
	assert_int_equal(access(tmp, F_OK), -1);
	remove_store(other_dir);
}

/* The operator's word: pub may have the roots, or somebody else. */
static void consent_to(const uint8_t pub[32])
{
	static const uint8_t nobody[32] = { 9 };
	char line[66];

	ds_hex_encode(pub ? pub : nobody, 32, line);
	line[64] = '\n';
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, conf.replicate_to, DS_SPAN(line, 65), 0600),
			 0);
}

/* Roots leave in the form that the configuration allows, which the asker cannot change. */
static void test_export(void **state)
{
	DS_SECRET struct ds_secret *sk = NULL;
	DS_BUF struct ds_buf k256 = DS_BUF_NULL;
	uint8_t pub[32], msg[KMS_MESSAGE_SIZE];
	char path[128];

	path_in(path, dir, KMS_F_K256);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 32, &k256), 0);
	assert_int_equal(ds_x25519_keygen(&sk, pub), 0);
	consent_to(pub);
	for (int allowed = KMS_REPLICATION_OFF; allowed <= KMS_REPLICATION_STOCK; allowed++) {
		DS_SECRET struct ds_secret *plain = NULL, *opened = NULL;
		pid_t pid;
		int sock;

		conf.replication = (enum kms_replication)allowed;
		pid = start_keys(&sock);
		assert_int_equal(kms_keys_export(sock, pub, msg),
				 allowed >= KMS_REPLICATION_SEALED ? 0 : -EPERM);
		assert_int_equal(kms_keys_export_stock(sock, &plain),
				 allowed == KMS_REPLICATION_STOCK ? 0 : -EPERM);
		if (allowed) {
			assert_null(memmem(msg, sizeof(msg), k256.p, 8));
			assert_int_equal(kms_open_message(sk, DS_SPAN_ARRAY(msg), &opened, NULL), 0);
			assert_memory_equal(opened->p + 32, k256.p, 32);
		}
		if (plain)
			assert_memory_equal(plain->p, opened->p, KMS_MATERIAL_SIZE);
		close(sock);
		assert_int_equal(status_of(pid), 0);
	}
	conf.replication = KMS_REPLICATION_OFF;
}

/*
 * Whoever has the net process's end of the socket, and names a recipient of its own: nothing comes
 * of it, before and after the operator has allowed another one, in a process that is jailed.
 */
static void test_consent(void **state)
{
	DS_SECRET struct ds_secret *sk = NULL, *opened = NULL;
	uint8_t own[32], msg[KMS_MESSAGE_SIZE];
	pid_t pid;
	int sock;

	assert_int_equal(ds_x25519_keygen(&sk, own), 0);
	conf.replication = KMS_REPLICATION_SEALED;
	consent_to(NULL);
	pid = start_keys(&sock);
	assert_int_equal(kms_keys_export(sock, own, msg), -ENOKEY);
	consent_to(own);
	assert_int_equal(kms_keys_export(sock, own, msg), 0);
	/* a reply that was lost may be asked for again */
	assert_int_equal(kms_keys_export(sock, own, msg), 0);
	assert_int_equal(kms_open_message(sk, DS_SPAN_ARRAY(msg), &opened, NULL), 0);
	consent_to(NULL);
	assert_int_equal(kms_keys_export(sock, own, msg), -ENOKEY);
	/* a file that others could have written, or that is none, is nobody's word */
	consent_to(own);
	assert_int_equal(chmod(conf.replicate_to, 0662), 0);
	assert_int_equal(kms_keys_export(sock, own, msg), -EACCES);
	assert_int_equal(unlink(conf.replicate_to), 0);
	assert_int_equal(kms_keys_export(sock, own, msg), -EACCES);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, conf.replicate_to, DS_SPAN_LIT("all\n"),
					      0600),
			 0);
	assert_int_equal(kms_keys_export(sock, own, msg), -EACCES);
	close(sock);
	assert_int_equal(status_of(pid), 0);
	/* and with such a file it does not start */
	pid = start_keys(&sock);
	assert_int_equal(kms_keys_export(sock, own, msg), -EPIPE);
	close(sock);
	assert_int_equal(WEXITSTATUS(status_of(pid)), 1);
	conf.replication = KMS_REPLICATION_OFF;
}

/* Taking another's roots: sealed for us, once; in the clear only when that is allowed. */
static void test_new(void **state)
{
	DS_SECRET struct ds_secret *m = filled(7, KMS_MATERIAL_SIZE);
	struct kms_new_ask q = { .op = KMS_NEW_COMMIT, .domain = "kms.test" };
	struct kms_new_answer ans, again;
	struct kms_roots roots = { 0 };
	struct ds_err err = DS_ERR_NULL;
	pid_t pid;
	int sock;

	conf.cert_dir = other_dir;
	memset(q.tmp_scalar, 3, sizeof(q.tmp_scalar));
	pid = start_process(&sock, true);
	assert_int_equal(kms_keys_new(sock, &q, &ans, &err), -EINVAL);
	q.op = KMS_NEW_TAKE;
	assert_int_equal(kms_keys_new(sock, &q, &ans, &err), -EBADMSG);
	q.op = KMS_NEW_RECIPIENT;
	assert_int_equal(kms_keys_new(sock, &q, &ans, &err), 0);
	/* one key, for as long as it has not been used */
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), 0);
	assert_memory_equal(again.recipient, ans.recipient, sizeof(ans.recipient));
	assert_int_equal(kms_seal_message(ans.recipient, m, q.message), 0);
	q.op = KMS_NEW_TAKE;
	q.message[60] ^= 1;
	assert_int_equal(kms_keys_new(sock, &q, &ans, &err), -EKEYREJECTED);
	q.message[60] ^= 1;
	assert_int_equal(kms_keys_new(sock, &q, &ans, &err), 0);
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), -ESTALE);
	q.op = KMS_NEW_RECIPIENT;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), -ESTALE);
	assert_non_null(strstr(err.msg, "start again for another"));
	memcpy(q.message, m->p, KMS_MATERIAL_SIZE);
	q.op = KMS_NEW_TAKE_STOCK;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), -EPERM);
	assert_non_null(strstr(err.msg, "expected replication = stock"));
	/* what failed took what was there before with it */
	q.op = KMS_NEW_COMMIT;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), -EINVAL);
	assert_int_equal(access(other_dir, F_OK), -1);
	close(sock);
	assert_int_equal(status_of(pid), 0);

	conf.replication = KMS_REPLICATION_STOCK;
	pid = start_process(&sock, true);
	q.op = KMS_NEW_TAKE_STOCK;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), 0);
	assert_memory_equal(again.spki, ans.spki, sizeof(ans.spki));
	q.op = KMS_NEW_COMMIT;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), 0);
	assert_int_equal(load(NULL, time(NULL), &roots, &err), 0);
	assert_memory_equal(roots.k256->p, m->p + 32, 32);
	kms_roots_done(&roots);
	/* and never over others */
	q.op = KMS_NEW_MAKE;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), 0);
	assert_memory_not_equal(again.spki, ans.spki, sizeof(ans.spki));
	q.op = KMS_NEW_COMMIT;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), -EEXIST);
	assert_int_equal(load(NULL, time(NULL), &roots, &err), 0);
	assert_memory_equal(roots.k256->p, m->p + 32, 32);
	kms_roots_done(&roots);
	q.op = 99;
	assert_int_equal(kms_keys_new(sock, &q, &again, &err), -EBADMSG);
	close(sock);
	assert_int_equal(status_of(pid), 0);
	remove_store(other_dir);
	conf.cert_dir = dir;
	conf.replication = KMS_REPLICATION_OFF;
}

/* One mapping's text in smaps; false: it is at its end. */
struct mapping {
	unsigned long from, to;
	bool writable, locked, undumped;
};

static bool next_mapping(FILE *f, struct mapping *m)
{
	char line[512], perms[8];
	unsigned long from, to;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) == 3)
			*m = (struct mapping){ from, to, perms[1] == 'w', false, false };
		if (strncmp(line, "VmFlags:", 8))
			continue;
		m->locked = strstr(line, " lo");
		m->undumped = strstr(line, " dd");
		return true;
	}
	return false;
}

/*
 * The roots are in locked memory that is in no core dump, and in no other. (The CA key's second copy
 * is OpenSSL's: that process is not dumpable at all.)
 */
static void test_memory(void **state)
{
	DS_FD int mem = -1;
	DS_FILE FILE *maps = NULL;
	struct mapping m = { 0 };
	DS_BUF struct ds_buf k256 = DS_BUF_NULL;
	uint8_t pub[33];
	char path[128];
	unsigned found = 0;
	pid_t pid;
	int sock;

#ifdef __SANITIZE_ADDRESS__
	skip(); /* it makes mlock() do nothing */
#endif
	if (geteuid())
		skip();
	/* roots that were in no ordinary memory of this process, which the other one inherits */
	conf.cert_dir = other_dir;
	assert_int_equal(kms_bootstrap(other_dir, "kms.test", NULL, time(NULL), NULL), 0);
	pid = start_keys(&sock);
	assert_int_equal(kms_keys_hello(sock, pub), 0);
	path_in(path, other_dir, KMS_F_K256);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 32, &k256), 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	maps = fopen(path, "re");
	assert_true(mem >= 0 && maps);
	while (next_mapping(maps, &m)) {
		size_t n = m.to - m.from;
		DS_FREE uint8_t *copy = malloc(n);

		if (!m.writable || !copy || pread(mem, copy, n, (off_t)m.from) != (ssize_t)n ||
		    !memmem(copy, n, k256.p, 32))
			continue;
		found++;
		if (!m.locked || !m.undumped)
			fail_msg("a root at %lx-%lx, which is%s locked and%s kept out of dumps",
				 m.from, m.to, m.locked ? "" : " not", m.undumped ? "" : " not");
	}
	assert_true(found);
	close(sock);
	assert_int_equal(status_of(pid), 0);
	remove_store(other_dir);
	conf.cert_dir = dir;
}

static int set_up(void **state)
{
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof(dir), "%s/certs", base);
	snprintf(other_dir, sizeof(other_dir), "%s/other", base);
	snprintf(recipients, sizeof(recipients), "%s/replicate-to", base);
	conf.user = (char *)(uintptr_t)"nobody"; /* who net would be */
	return ds_p256_generate(&self.key) || ds_p256_spki(self.key, self.spki) ||
	       kms_bootstrap(dir, "kms.test", NULL, time(NULL), NULL);
}

/* What the other end says in place of the keys process. */
static void say(int sock, const void *p, size_t n)
{
	assert_int_equal(send(sock, p, n, MSG_NOSIGNAL), n);
}

static void pair_in_a_hurry(int sv[2])
{
	struct timeval soon = { .tv_usec = 20000 };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
}

/* The answer to one app's question, late, is not given to the app that asks next. */
static void test_late(void **state)
{
	static const uint8_t one[20] = { 1 }, two[20] = { 2 };
	struct kms_answer ans = { .n = sizeof(struct kms_app_keys), .data = { 0x11 } };
	struct ds_secret *keys = NULL;
	int sv[2];

	for (int row = 0; row < 3; row++) {
		pair_in_a_hurry(sv);
		if (row == 1)
			say(sv[1], &ans, sizeof(ans) - 1);
		if (row == 2)
			say(sv[1], &(struct kms_answer){ .status = 1 }, sizeof(ans));
		assert_int_equal(kms_keys_app(sv[0], 0, one, DS_SPAN_NULL, &keys), -EPIPE);
		(void)send(sv[1], &ans, sizeof(ans), MSG_NOSIGNAL);
		assert_int_equal(kms_keys_app(sv[0], 0, two, DS_SPAN_NULL, &keys), -EPIPE);
		assert_null(keys);
		close(sv[0]);
		close(sv[1]);
	}
	/* a no is an answer like others */
	pair_in_a_hurry(sv);
	say(sv[1], &(struct kms_answer){ .status = -ENOENT }, sizeof(ans));
	assert_int_equal(kms_keys_app(sv[0], 0, one, DS_SPAN_NULL, &keys), -ENOENT);
	say(sv[1], &ans, sizeof(ans));
	assert_int_equal(kms_keys_app(sv[0], 0, two, DS_SPAN_NULL, &keys), 0);
	ds_secret_free(keys);
	close(sv[0]);
	close(sv[1]);
}

static void test_late_new(void **state)
{
	static const struct kms_new_ask q = { .op = KMS_NEW_MAKE };
	struct kms_new_answer ans = { .status = 0 }, got;
	struct ds_err err = DS_ERR_NULL;
	int sv[2];

	pair_in_a_hurry(sv);
	assert_int_equal(kms_keys_new(sv[0], &q, &got, &err), -EPIPE);
	(void)send(sv[1], &ans, sizeof(ans), MSG_NOSIGNAL);
	assert_int_equal(kms_keys_new(sv[0], &q, &got, &err), -EPIPE);
	close(sv[0]);
	close(sv[1]);
}

static int tear_down(void **state)
{
	remove_store(dir);
	unlink(recipients);
	self.key = ds_p256_free(self.key);
	return rmdir(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed), cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_sweep),  cmocka_unit_test(test_export),
		cmocka_unit_test(test_consent), cmocka_unit_test(test_new),
		cmocka_unit_test(test_memory), cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_new),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
