// SPDX-License-Identifier: Apache-2.0
/*
 * Key directory and keys process: bootstrap once, and the bytes of spec/kms 3.2 out of a process
 * that holds the specification's roots.
 */
#include "keys.h"
#include "store.h"
#include "store_rig.h"

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/keys/derive.h>
#include <ds/x509/cert.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#define ROOT_SCALAR "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1"
#define ROOT_K256   "4ecb7ec1f3ce195d22fdc6a626b0d6d93c64b3e27b5d4440949b2ff9dda6d9c4"

static char base[] = "/tmp/ds-store-XXXXXX";
static char dir[64];
static struct kms_self self;
static struct kms_conf conf = { .cert_dir = dir, .lease_seconds = 60 };

/* With the seal key, or without one. */
static int load(const struct ds_secret *seal_key, int64_t now, struct kms_roots *ret,
		struct ds_err *err)
{
	const struct kms_rpc_spec rpc = { .spki = DS_SPAN_ARRAY(self.spki) };

	return kms_roots_load(conf.cert_dir, seal_key, &rpc, now, ret, err);
}

static int set_up(void **state)
{
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof(dir), "%s/certs", base);
	return ds_p256_generate(&self.key) || ds_p256_spki(self.key, self.spki);
}

static int tear_down(void **state)
{
	remove_store(dir);
	self.key = ds_p256_free(self.key);
	return rmdir(base);
}

static void test_domain(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} t[] = {
		{ "kms", true },
		{ "kms.example", true },
		{ "10.0.2.2", true },
		{ "", false },
		{ ".", false },
		{ "a..b", false },
		{ "a.", false },
		{ "-a.b", false },
		{ "a-.b", false },
		{ "a-b.c", true },
		{ "a_b", false },
		{ "a b", false },
		{ "[::1]", false },
		{ "0123456789012345678901234567890123456789012345678901234567890123", false },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++)
		if ((kms_domain_check(t[i].name, NULL) == 0) != t[i].ok)
			fail_msg("'%s'", t[i].name);
}

static void test_bootstrap(void **state)
{
	struct kms_roots roots = { 0 };
	struct ds_err err = DS_ERR_NULL;
	int64_t now = time(NULL);

	assert_int_equal(load(NULL, now, &roots, &err), -ENOENT);
	assert_int_equal(kms_bootstrap(dir, "kms.test", NULL, now, &err), 0);
	assert_int_equal(load(NULL, now, &roots, &err), 0);
	kms_roots_done(&roots);
	err = DS_ERR_NULL;
	assert_int_equal(kms_bootstrap(dir, "kms.test", NULL, now, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "never overwritten"));
}

/* A CA certificate near its end is made anew with the same key, so that pins survive. */
static void test_renewal(void **state)
{
	DS_CERT_INFO struct ds_cert_info before = DS_CERT_INFO_NULL, after = DS_CERT_INFO_NULL;
	int64_t now = time(NULL), later = now + INT64_C(3400) * 86400;
	struct kms_roots roots = { 0 };
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(load(NULL, now, &roots, &err), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&roots.ca_der), &before, NULL), 0);
	kms_roots_done(&roots);
	assert_int_equal(load(NULL, later, &roots, &err), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&roots.ca_der), &after, NULL), 0);
	kms_roots_done(&roots);
	assert_true(ds_span_eq(ds_buf_span(&before.spki), ds_buf_span(&after.spki)));
	assert_true(after.not_after > before.not_after);
}

static void spec_roots(void)
{
	DS_P256 struct ds_p256 *key = NULL;
	DS_SECRET struct ds_secret *pem = NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL, crt = DS_BUF_NULL;
	uint8_t bin[32], spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = { .subject = "Dstack KMS CA",
				     .org = "Dstack",
				     .is_ca = true,
				     .pathlen = 1,
				     .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				     .not_after = time(NULL) + DS_CERT_DEFAULT_LIFETIME,
				     .spki = DS_SPAN_ARRAY(spki) };
	char path[128];

	assert_int_equal(ds_hex_decode_exact(ROOT_SCALAR, bin, 32), 0);
	assert_int_equal(ds_p256_from_scalar(bin, &key), 0);
	assert_int_equal(ds_p256_pkcs8_pem(key, &pem), 0);
	assert_int_equal(ds_p256_spki(key, spki), 0);
	assert_int_equal(ds_cert_issue(&spec, key, DS_SPAN_NULL, &der, NULL), 0);
	assert_int_equal(ds_cert_pem(ds_buf_span(&der), &crt), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, KMS_F_ROOT_KEY);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN(pem->p, pem->n), 0600), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, KMS_F_ROOT_CRT);
	/* a certificate of another key is noticed */
	assert_int_equal(load(NULL, time(NULL), &(struct kms_roots){ 0 }, NULL),
			 -EKEYREJECTED);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, ds_buf_span(&crt), 0644), 0);
	assert_int_equal(ds_hex_decode_exact(ROOT_K256, bin, 32), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, KMS_F_K256);
	assert_int_equal(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN_ARRAY(bin), 0600), 0);
}

static pid_t start_keys(int *ret_sock)
{
	int sv[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(sv[0]);
		_exit(kms_keys_main(sv[1], &conf, &self));
	}
	close(sv[1]);
	*ret_sock = sv[0];
	return pid;
}

static int status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define HEX_IS(p, hex)                                                                             \
	do {                                                                                       \
		char text_[2 * sizeof(p) + 1];                                                     \
		assert_string_equal(ds_hex_encode((p), sizeof(p), text_), hex);                    \
	} while (0)

static void test_vectors(void **state)
{
	DS_SECRET struct ds_secret *mem = NULL, *no_inst = NULL;
	DS_BUF struct ds_buf ca = DS_BUF_NULL, sig = DS_BUF_NULL;
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	uint8_t app[20], inst[20], pub[33], digest[32] = { 1 };
	const struct kms_app_keys *k;
	pid_t pid;
	int sock;

	spec_roots();
	memset(app, 0x11, 20);
	memset(inst, 0x22, 20);
	pid = start_keys(&sock);
	assert_int_equal(kms_keys_hello(sock, pub), 0);
	HEX_IS(pub, "026b5e3727fa5a64b7cdc5580fd8d30ab1597771c347c4ef064e8b980d4f764215");
	assert_int_equal(kms_keys_app(sock, KMS_EPOCH, app, DS_SPAN_ARRAY(inst), &mem), 0);
	k = (const struct kms_app_keys *)mem->p;
	HEX_IS(k->disk, "a59c814e2c6d9353af59ce4fba7215e5ec3b62a2495b4dca48ea6f9804061f51");
	HEX_IS(k->env, "a7470db8cfdd0fe24134b461d60766afa7c078abe6dce9f2c8a5c44034ca400e");
	HEX_IS(k->k256, "a4af174fcdadf33ea17a91178f0282f7e86a324e3b36c04abfc5cf92e8af4fcc");
	HEX_IS(k->k256_signature,
	       "478387f8fcd64f0ba7190c53baa79db1b20e5c9493f24211b7a89e196649e1cd6a7ba16f34d82d4503"
	       "6be853fa3ae09bbd1038019d70af4e168d6801eb95f64801");
	assert_int_equal(kms_keys_app(sock, KMS_EPOCH, app, DS_SPAN_NULL, &no_inst), 0);
	k = (const struct kms_app_keys *)no_inst->p;
	HEX_IS(k->disk, "14de7a7fd8bddf8e641a55ca97f043cac4344d175419f743940840f3a348f049");
	assert_int_equal(kms_keys_app(sock, KMS_EPOCH, app, DS_SPAN(inst, 19), &no_inst), -EINVAL);
	/* the app CA is that of the specification, and signs what it is given */
	assert_int_equal(kms_keys_app_ca(sock, KMS_EPOCH, app, &ca), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&ca), &info, NULL), 0);
	assert_string_equal(info.usage, DS_USAGE_APP_CA);
	assert_memory_equal(info.app_id, app, 20);
	assert_int_equal(info.spki.p[info.spki.n - 1], 0x97);
	assert_int_equal(kms_keys_app_sign(sock, KMS_EPOCH, app, digest, &sig), 0);
	assert_true(sig.n >= 68 && sig.n <= 72);
	close(sock);
	assert_int_equal(status_of(pid), 0);
}

/* The public half of the environment's key, of the specification's roots (see above), signed in both
 * forms with the time of the keys process. */
static void test_env_pub(void **state)
{
	uint8_t app[20], k256[32], sig[65];
	struct kms_env_pub e;
	int64_t before;
	pid_t pid;
	int sock;

	memset(app, 0x11, 20);
	pid = start_keys(&sock);
	before = time(NULL);
	assert_int_equal(kms_keys_env_pub(sock, KMS_EPOCH, app, &e), 0);
	HEX_IS(e.pub, "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f");
	HEX_IS(e.signature,
	       "45671dbdd90b2d1af4db618de32294637ac1f7b126a3ff8599632480bc36c49037b08ef0caa4ae5601"
	       "ba10024a57b05a17c2d8443b94797f429e0830a866d9af01");
	assert_in_range(e.timestamp, before, time(NULL));
	assert_int_equal(ds_hex_decode_exact(ROOT_K256, k256, 32), 0);
	assert_int_equal(ds_kms_env_signature_v1(k256, app, e.timestamp, e.pub, sig), 0);
	assert_memory_equal(e.signature_v1, sig, sizeof(sig));
	close(sock);
	assert_int_equal(status_of(pid), 0);
}

/* Each question is of an epoch; of one that does not exist nothing is derived, and the next question
 * is answered. */
static void test_epoch(void **state)
{
	static const uint32_t none[] = { 1, 2, 0x100, 0xffffffff };
	DS_SECRET struct ds_secret *mem = NULL;
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	uint8_t app[20] = { 0x11 }, digest[32] = { 1 };
	struct kms_env_pub e = { 0 };
	pid_t pid;
	int sock;

	pid = start_keys(&sock);
	for (size_t i = 0; i < DS_ARRAY_SIZE(none); i++) {
		assert_int_equal(kms_keys_app(sock, none[i], app, DS_SPAN_NULL, &mem), -ENOENT);
		assert_null(mem);
		assert_int_equal(kms_keys_app_ca(sock, none[i], app, &out), -ENOENT);
		assert_int_equal(kms_keys_app_sign(sock, none[i], app, digest, &out), -ENOENT);
		assert_int_equal(kms_keys_env_pub(sock, none[i], app, &e), -ENOENT);
		assert_int_equal(out.n + e.timestamp, 0);
	}
	assert_int_equal(kms_keys_env_pub(sock, KMS_EPOCH, app, &e), 0);
	close(sock);
	assert_int_equal(status_of(pid), 0);
}

/* No question of another size, no unknown question, no instance of another length: the process ends
 * instead. */
static void test_nonsense(void **state)
{
	struct kms_ask q = { .op = KMS_OP_HELLO };
	uint8_t pub[33], long_q[sizeof(q) + 1] = { 1 };
	const struct {
		const void *p;
		size_t n;
	} t[] = {
		{ &q, sizeof(q) - 1 },
		{ long_q, sizeof(long_q) },
		{ &(struct kms_ask){ .op = 0 }, sizeof(q) },
		{ &(struct kms_ask){ .op = 99 }, sizeof(q) },
		{ &(struct kms_ask){ .op = KMS_OP_APP_KEYS, .inst_n = 19 }, sizeof(q) },
		{ &(struct kms_ask){ .op = KMS_OP_APP_KEYS, .inst_n = 0xffffffff }, sizeof(q) },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		uint8_t back[16];
		pid_t pid;
		int sock;

		pid = start_keys(&sock);
		assert_int_equal(kms_keys_hello(sock, pub), 0);
		assert_int_equal(send(sock, t[i].p, t[i].n, MSG_NOSIGNAL), t[i].n);
		assert_int_equal(recv(sock, back, sizeof(back), 0), 0);
		assert_int_equal(kms_keys_hello(sock, pub), -EPIPE);
		close(sock);
		assert_int_equal(WEXITSTATUS(status_of(pid)), 1);
	}
}

/* Nobody may trace the process, and it may do next to nothing. */
static void test_jail(void **state)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	uint8_t pub[33];
	char path[64];
	struct stat st;
	pid_t pid;
	int sock;

	pid = start_keys(&sock);
	assert_int_equal(kms_keys_hello(sock, pub), 0);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 65536, &text), 0);
#ifndef __SANITIZE_ADDRESS__
	assert_non_null(strstr(ds_buf_cstr(&text), "\nSeccomp:\t2\n"));
#endif
	/* files of a process that is not dumpable belong to root, but here the tests may run as
	 * root: ask the limit too */
	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	ds_buf_done(&text);
	assert_int_equal(ds_read_file(AT_FDCWD, path, 65536, &text), 0);
	assert_non_null(
		strstr(ds_buf_cstr(&text), "Max core file size        0                    0 "));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	close(sock);
	assert_int_equal(status_of(pid), 0);
}

static void test_modes(void **state)
{
	struct kms_roots roots = { 0 };
	struct ds_err err = DS_ERR_NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, KMS_F_ROOT_KEY);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(load(NULL, time(NULL), &roots, &err), -EPERM);
	assert_non_null(strstr(err.msg, "root-ca.key: expected a regular file with mode 0600"));
	assert_int_equal(chmod(path, 0600), 0);
}

/* The agent's GetKey takes any text for a path, from anybody in the VM. */
static void test_seal_path(void **state)
{
	json_t *text = json_string(KMS_SEAL_PATH);

	assert_null(text);
	assert_int_equal(strlen(KMS_SEAL_PATH), sizeof(KMS_SEAL_PATH) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domain),	 cmocka_unit_test(test_bootstrap),
		cmocka_unit_test(test_renewal),	 cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_nonsense), cmocka_unit_test(test_jail),
		cmocka_unit_test(test_modes),	 cmocka_unit_test(test_env_pub),
		cmocka_unit_test(test_epoch),	 cmocka_unit_test(test_seal_path),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
