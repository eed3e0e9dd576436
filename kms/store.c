// SPDX-License-Identifier: Apache-2.0
/* Key directory: bootstrap, loading, the KMS's own certificates (spec/kms 1.9, 6.1, 6.2). */
#include "store.h"

#include <dirent.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/k256.h>
#include <ds/crypto/rand.h>
#include <ds/keys/derive.h>
#include <ds/keys/keyring.h>
#include <ds/x509/cert.h>
#include <sys/file.h>
#include <sys/stat.h>

#define DOM	   "kms"
#define RENEW_LEFT (INT64_C(365) * 86400)

int kms_domain_check(const char *domain, struct ds_err *err)
{
	size_t label = 0, n = strlen(domain);

	for (size_t i = 0; i <= n; i++) {
		char c = domain[i];

		if (c == '.' || c == '\0') {
			if (!label || label > 63 || domain[i - 1] == '-' ||
			    domain[i - label] == '-')
				goto bad;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			goto bad;
		label++;
	}
	if (n <= 253)
		return 0;
bad:
	return ds_err_set(err, -EINVAL, DOM, 0,
			  "domain '%.80s': expected labels of letters, digits and inner hyphens",
			  domain);
}

/* Root CA and temporary CA: self-signed, the same profile but for name and path length. */
static int issue_ca(const struct ds_p256 *key, const char *cn, int pathlen, int64_t now,
		    struct ds_buf *ret_pem, struct ds_buf *ret_der)
{
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = {
		.subject = cn,
		.org = "Dstack",
		.is_ca = true,
		.pathlen = pathlen,
		.not_before = DS_CERT_DEFAULT_NOT_BEFORE,
		.not_after = now + DS_CERT_DEFAULT_LIFETIME,
		.spki = DS_SPAN_ARRAY(spki),
	};

	DS_TRY(ds_p256_spki(key, spki));
	DS_TRY(ds_cert_issue(&spec, key, DS_SPAN_NULL, &der, NULL));
	DS_TRY(ds_cert_pem(ds_buf_span(&der), ret_pem));
	if (ret_der) {
		ds_buf_done(ret_der);
		*ret_der = ds_buf_steal(&der);
	}
	return 0;
}

static int issue_root(const struct ds_p256 *key, int64_t now, struct ds_buf *ret_pem,
		      struct ds_buf *ret_der)
{
	return issue_ca(key, "Dstack KMS CA", 1, now, ret_pem, ret_der);
}

static int issue_tmp(const struct ds_p256 *key, int64_t now, struct ds_buf *ret_pem)
{
	return issue_ca(key, "Dstack Client Temp CA", 0, now, ret_pem, NULL);
}

int kms_issue_app_ca(const struct kms_roots *roots, const uint8_t app[20], int64_t now,
		     struct ds_buf *ret)
{
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	struct ds_cert_spec spec = {
		.subject = "Dstack App CA",
		.org = "Dstack",
		.is_ca = true,
		.pathlen = 0,
		.not_before = DS_CERT_DEFAULT_NOT_BEFORE,
		.not_after = now + DS_CERT_DEFAULT_LIFETIME,
		.app_id = DS_SPAN(app, 20),
		.usage = DS_USAGE_APP_CA,
		.spki = DS_SPAN_ARRAY(spki),
	};

	DS_TRY(ds_kms_app_ca(roots->ca_scalar->p, app, &key));
	DS_TRY(ds_p256_spki(key, spki));
	return ds_cert_issue(&spec, roots->ca, ds_buf_span(&roots->ca_der), ret, NULL);
}

static int write_new(int dirfd, const char *name, struct ds_span data, mode_t mode)
{
	DS_FD int fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	DS_TRY(ds_write_full(fd, data.p, data.n));
	return fchmod(fd, mode) || fsync(fd) ? -errno : 0;
}

static int write_key(int dirfd, const char *name, const struct ds_p256 *key)
{
	DS_SECRET struct ds_secret *pem = NULL;

	DS_TRY(ds_p256_pkcs8_pem(key, &pem));
	return write_new(dirfd, name, DS_SPAN(pem->p, pem->n), 0600);
}

int kms_seal_key(enum kms_seal seal, struct ds_secret **ret, struct ds_err *err)
{
	int r;

	if (seal == KMS_SEAL_DEVELOPMENT) {
		*ret = NULL;
		return 0;
	}
	r = ds_keyring_app_key(DS_SPAN_LIT(KMS_SEAL_PATH), ret);
	return r ? ds_err_set(err, r, DOM, 0,
			      "seal = kernel: the kernel gives no key app:" KMS_SEAL_NAME " (%s)",
			      r == -ENODEV ? "dstack_key is not loaded" : strerror(-r))
		 : 0;
}

void kms_fresh_done(struct kms_fresh *f)
{
	f->root = ds_p256_free(f->root);
	f->tmp = ds_p256_free(f->tmp);
	f->material = ds_secret_free(f->material);
}

int kms_fresh_public(const struct kms_fresh *f, uint8_t ret_spki[DS_P256_SPKI_SIZE],
		     uint8_t ret_k256[33])
{
	DS_TRY(ds_p256_spki(f->root, ret_spki));
	return ds_k256_pub(f->material->p + 32, ret_k256);
}

/* f is complete on success only; whatever is in it is freed by the caller. */
static int make(struct kms_fresh *f)
{
	DS_SECRET struct ds_secret *scalar = NULL;
	uint8_t pub[DS_K256_PUB_SIZE];

	f->material = ds_secret_new(KMS_MATERIAL_SIZE);
	if (!f->material)
		return -ENOMEM;
	DS_TRY(ds_p256_generate(&f->tmp));
	DS_TRY(ds_p256_generate(&f->root));
	DS_TRY(ds_p256_scalar(f->root, &scalar));
	memcpy(f->material->p, scalar->p, 32);
	DS_TRY(ds_rand(f->material->p + 32, 32));
	/* out of range once in 2^127: an error then is as good as a retry */
	return ds_k256_pub(f->material->p + 32, pub);
}

int kms_fresh_make(struct kms_fresh *ret)
{
	struct kms_fresh f = { .root = NULL };
	int r = make(&f);

	if (r)
		kms_fresh_done(&f);
	else
		*ret = f;
	return r;
}

int kms_fresh_take(struct ds_secret **take_material, const uint8_t tmp_scalar[32],
		   struct kms_fresh *ret)
{
	struct kms_fresh f = { .material = *take_material };
	uint8_t pub[DS_K256_PUB_SIZE];
	int r;

	*take_material = NULL;
	r = f.material->n == KMS_MATERIAL_SIZE ? ds_p256_from_scalar(f.material->p, &f.root)
					       : -EBADMSG;
	if (!r)
		r = ds_p256_from_scalar(tmp_scalar, &f.tmp);
	if (!r)
		r = ds_k256_pub(f.material->p + 32, pub);
	if (r)
		kms_fresh_done(&f);
	else
		*ret = f;
	return r;
}

static int make_info(const struct kms_fresh *f, struct ds_span attestation, struct ds_buf *ret)
{
	uint8_t pub[DS_K256_PUB_SIZE], spki[DS_P256_SPKI_SIZE];

	DS_TRY(kms_fresh_public(f, spki, pub));
	DS_TRY(ds_buf_addf(ret, "{\"ca_pubkey\":\""));
	DS_TRY(ds_buf_add_hex(ret, DS_SPAN_ARRAY(spki)));
	DS_TRY(ds_buf_addf(ret, "\",\"k256_pubkey\":\""));
	DS_TRY(ds_buf_add_hex(ret, DS_SPAN_ARRAY(pub)));
	DS_TRY(ds_buf_addf(ret, "\",\"attestation\":\""));
	DS_TRY(ds_buf_add_hex(ret, attestation));
	return ds_buf_addf(ret, "\"}\n");
}

static int write_roots(int dirfd, const char *domain, const struct kms_fresh *f,
		       const struct ds_secret *seal_key)
{
	DS_SECRET struct ds_secret *key = NULL;
	uint8_t record[KMS_RECORD_SIZE];
	char epoch[16];

	if (seal_key) {
		DS_TRY(kms_seal_domain(seal_key, DS_SPAN_STR(domain), &key));
		DS_TRY(kms_seal_record(key, f->material, record));
		return write_new(dirfd, KMS_F_SEALED, DS_SPAN_ARRAY(record), 0600);
	}
	snprintf(epoch, sizeof(epoch), "%u\n", KMS_EPOCH);
	DS_TRY(write_new(dirfd, KMS_F_EPOCH, DS_SPAN_STR(epoch), 0644));
	DS_TRY(write_key(dirfd, KMS_F_ROOT_KEY, f->root));
	return write_new(dirfd, KMS_F_K256, DS_SPAN(f->material->p + 32, 32), 0600);
}

/* Everything the directory holds, with the information file last. */
static int fill_dir(int dirfd, const char *domain, const struct kms_fresh *f,
		    const struct ds_secret *seal_key, struct ds_span attestation, int64_t now)
{
	DS_BUF struct ds_buf root_pem = DS_BUF_NULL, tmp_pem = DS_BUF_NULL, info = DS_BUF_NULL;

	DS_TRY(issue_root(f->root, now, &root_pem, NULL));
	DS_TRY(issue_tmp(f->tmp, now, &tmp_pem));
	DS_TRY(make_info(f, attestation, &info));
	DS_TRY(write_roots(dirfd, domain, f, seal_key));
	DS_TRY(write_key(dirfd, KMS_F_TMP_KEY, f->tmp));
	DS_TRY(write_new(dirfd, KMS_F_TMP_CRT, ds_buf_span(&tmp_pem), 0644));
	DS_TRY(write_new(dirfd, KMS_F_ROOT_CRT, ds_buf_span(&root_pem), 0644));
	DS_TRY(write_new(dirfd, KMS_F_DOMAIN, DS_SPAN_STR(domain), 0644));
	return write_new(dirfd, KMS_F_INFO, ds_buf_span(&info), 0644);
}

static void empty_dir(int fd)
{
	static const char *const names[] = { KMS_F_TMP_KEY, KMS_F_ROOT_KEY, KMS_F_SEALED,
					     KMS_F_K256,    KMS_F_TMP_CRT,  KMS_F_ROOT_CRT,
					     KMS_F_DOMAIN,  KMS_F_INFO,	    KMS_F_EPOCH };

	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++)
		unlinkat(fd, names[i], 0);
}

/*
 * DIR.new, where a directory is filled. The lock on it lives as long as its writer: who gets the lock
 * of one that is there finds what a dead writer left. ret_path is freed by the caller.
 */
static int lock_tmp(const char *dir, bool create, char **ret_path, int *ret_fd, struct ds_err *err)
{
	DS_FREE char *path = NULL;
	struct stat opened, named;
	DS_FD int fd = -1;
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (asprintf(&path, "%.*s.new", (int)n, dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (create && mkdir(path, 0700) && errno != EEXIST)
		return ds_err_set(err, -errno, DOM, 0, "%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* it may have been moved to its place meanwhile */
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &opened) || stat(path, &named) ||
	    opened.st_ino != named.st_ino)
		return ds_err_set(err, -EBUSY, DOM, 0, "%s: another process writes it", path);
	empty_dir(fd);
	*ret_path = path;
	path = NULL;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int kms_store_sweep(const char *dir, struct ds_err *err)
{
	DS_FREE char *path = NULL;
	DS_FD int fd = -1;
	int r = lock_tmp(dir, false, &path, &fd, err);

	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	ds_log(DS_LOG_WARN, "event=swept dir=%s note=\"making roots was interrupted here\"", path);
	return rmdir(path) ? -errno : 0;
}

bool kms_store_exists(const char *dir)
{
	DIR *d = opendir(dir);
	bool any = false;

	if (!d)
		return errno != ENOENT;
	for (struct dirent *e; (e = readdir(d));)
		any = any || (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."));
	closedir(d);
	return any;
}

/* In one step: whatever interrupts it leaves no half of a KMS. */
static int move_in(int fd, const char *tmp, const char *dir, struct ds_err *err)
{
	if (fsync(fd))
		return -errno;
	if (!rename(tmp, dir))
		return ds_fsync_parent(tmp);
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	return ds_err_set(err, -EEXIST, DOM, 0, "%s is not empty: roots are never overwritten", dir);
}

int kms_store_write(const char *dir, const char *domain, const struct kms_fresh *f,
		    const struct ds_secret *seal_key, struct ds_span attestation, int64_t now,
		    struct ds_err *err)
{
	struct ds_err why = DS_ERR_NULL;
	DS_FREE char *tmp = NULL;
	DS_FD int fd = -1;
	int r;

	DS_TRY(kms_domain_check(domain, err));
	DS_TRY(lock_tmp(dir, true, &tmp, &fd, err));
	r = fill_dir(fd, domain, f, seal_key, attestation, now);
	if (!r)
		r = move_in(fd, tmp, dir, &why);
	if (!r)
		return 0;
	empty_dir(fd);
	rmdir(tmp);
	return ds_err_set(err, r, DOM, 0, "%s", why.code ? why.msg : strerror(-r));
}

int kms_bootstrap(const char *dir, const char *domain, const struct ds_secret *seal_key,
		  int64_t now, struct ds_err *err)
{
	struct kms_fresh f = { .root = NULL };
	int r;

	DS_TRY(kms_fresh_make(&f));
	r = kms_store_write(dir, domain, &f, seal_key, DS_SPAN_NULL, now, err);
	kms_fresh_done(&f);
	return r;
}

void kms_roots_done(struct kms_roots *roots)
{
	roots->ca = ds_p256_free(roots->ca);
	roots->ca_scalar = ds_secret_free(roots->ca_scalar);
	roots->k256 = ds_secret_free(roots->k256);
	ds_buf_done(&roots->ca_der);
}

static int missing(const char *name, int r, struct ds_err *err)
{
	return ds_err_set(err, r, DOM, 0, "%s: %s%s", name, strerror(-r),
			  r == -ENOENT ? " (run dstack-kms bootstrap)" : "");
}

/* A key file that others can read is no secret any more. */
static int check_mode(int dirfd, const char *name, struct ds_err *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return missing(name, -errno, err);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077))
		return ds_err_set(err, -EPERM, DOM, 0,
				  "%s: expected a regular file with mode 0600, got %o", name,
				  st.st_mode);
	return 0;
}

static int load_key(int dirfd, const char *name, struct ds_p256 **ret, struct ds_err *err)
{
	DS_SECRET struct ds_secret *pem = NULL;
	int r;

	DS_TRY(check_mode(dirfd, name, err));
	r = ds_read_file_secret(dirfd, name, 4096, &pem);
	if (r)
		return missing(name, r, err);
	return ds_p256_from_pem(DS_SPAN(pem->p, pem->n), ret, err);
}

static int load_cert(int dirfd, const char *name, const struct ds_p256 *key, struct ds_buf *ret_der,
		     int64_t *ret_not_after, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf pem = DS_BUF_NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	int r = ds_read_file(dirfd, name, DS_MAX_CERT_PEM, &pem);

	if (r)
		return missing(name, r, err);
	DS_TRY(ds_cert_pem_to_der(ds_buf_span(&pem), ret_der, err));
	DS_TRY(ds_cert_parse(ds_buf_span(ret_der), &info, err));
	DS_TRY(ds_p256_spki(key, spki));
	if (!ds_span_eq(ds_buf_span(&info.spki), DS_SPAN_ARRAY(spki)))
		return ds_err_set(err, -EKEYREJECTED, DOM, 0, "%s is not of the key beside it",
				  name);
	*ret_not_after = info.not_after;
	return 0;
}

static int renew(int dirfd, const char *name, struct ds_buf *pem)
{
	ds_log(DS_LOG_NOTICE, "event=renew file=%s", name);
	return ds_write_file_atomic(dirfd, name, ds_buf_span(pem), 0644);
}

static int load_cas(int dirfd, int64_t now, struct kms_roots *roots, struct ds_err *err)
{
	DS_P256 struct ds_p256 *tmp = NULL;
	DS_BUF struct ds_buf tmp_der = DS_BUF_NULL, pem = DS_BUF_NULL, tmp_pem = DS_BUF_NULL;
	int64_t until;

	DS_TRY(load_cert(dirfd, KMS_F_ROOT_CRT, roots->ca, &roots->ca_der, &until, err));
	if (until - now <= RENEW_LEFT) {
		DS_TRY(issue_root(roots->ca, now, &pem, &roots->ca_der));
		DS_TRY(renew(dirfd, KMS_F_ROOT_CRT, &pem));
	}
	DS_TRY(load_key(dirfd, KMS_F_TMP_KEY, &tmp, err));
	DS_TRY(load_cert(dirfd, KMS_F_TMP_CRT, tmp, &tmp_der, &until, err));
	if (until - now <= RENEW_LEFT) {
		DS_TRY(issue_tmp(tmp, now, &tmp_pem));
		DS_TRY(renew(dirfd, KMS_F_TMP_CRT, &tmp_pem));
	}
	return 0;
}

static int issue_rpc(int dirfd, const struct kms_roots *roots, const struct kms_rpc_spec *rpc,
		     int64_t now, struct ds_err *err)
{
	DS_BUF struct ds_buf domain = DS_BUF_NULL, der = DS_BUF_NULL, pem = DS_BUF_NULL;
	const char *alt[17];
	struct ds_cert_spec spec = {
		.alt_names = alt,
		.n_alt_names = 1,
		.not_before = DS_CERT_DEFAULT_NOT_BEFORE,
		.not_after = now + DS_CERT_DEFAULT_LIFETIME,
		.usage = DS_USAGE_KMS_RPC,
		.attestation = rpc->attestation,
		.spki = rpc->spki,
	};
	int r = ds_read_file(dirfd, KMS_F_DOMAIN, 256, &domain);

	if (r)
		return missing(KMS_F_DOMAIN, r, err);
	spec.subject = alt[0] = ds_buf_cstr(&domain);
	if (!spec.subject)
		return -ENOMEM;
	DS_TRY(kms_domain_check(spec.subject, err));
	for (size_t i = 0; i < rpc->n_names && spec.n_alt_names < DS_ARRAY_SIZE(alt); i++)
		alt[spec.n_alt_names++] = rpc->names[i];
	DS_TRY(ds_cert_issue(&spec, roots->ca, ds_buf_span(&roots->ca_der), &der, err));
	DS_TRY(ds_cert_pem(ds_buf_span(&der), &pem));
	return ds_write_file_atomic(dirfd, KMS_F_RPC_CRT, ds_buf_span(&pem), 0644);
}

static bool there(int dirfd, const char *name)
{
	return !faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* A directory that a stock KMS made has no such file: its keys are epoch 0. */
static int check_epoch(int dirfd, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	uint64_t v = 0;
	int r = ds_read_file(dirfd, KMS_F_EPOCH, 16, &text);

	if (r == -ENOENT)
		return 0;
	if (!r && text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (!r)
		r = ds_parse_u64((const char *)text.p, text.n, UINT32_MAX, &v);
	if (r)
		return missing(KMS_F_EPOCH, r, err);
	return v == KMS_EPOCH ? 0
			      : ds_err_set(err, -EOPNOTSUPP, DOM, 0,
					   "%s: expected key epoch %u, got %llu", KMS_F_EPOCH,
					   KMS_EPOCH, (unsigned long long)v);
}

static int load_plain(int dirfd, struct kms_roots *roots, struct ds_err *err)
{
	int r;

	if (there(dirfd, KMS_F_SEALED))
		return ds_err_set(err, -EPERM, DOM, 0,
				  "%s is there: the roots are sealed, expected seal = kernel, got "
				  "seal = development",
				  KMS_F_SEALED);
	DS_TRY(check_epoch(dirfd, err));
	DS_TRY(load_key(dirfd, KMS_F_ROOT_KEY, &roots->ca, err));
	DS_TRY(ds_p256_scalar(roots->ca, &roots->ca_scalar));
	DS_TRY(check_mode(dirfd, KMS_F_K256, err));
	r = ds_read_file_secret(dirfd, KMS_F_K256, 32, &roots->k256);
	if (r)
		return missing(KMS_F_K256, r, err);
	if (roots->k256->n != 32)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: expected 32 bytes, got %zu",
				  KMS_F_K256, roots->k256->n);
	return 0;
}

static int load_sealed(int dirfd, const struct ds_secret *seal_key, struct kms_roots *roots,
		       struct ds_err *err)
{
	DS_SECRET struct ds_secret *m = NULL, *key = NULL;
	DS_BUF struct ds_buf record = DS_BUF_NULL, domain = DS_BUF_NULL;
	int r;

	/* plain files beside a sealed one would be roots that somebody put there */
	if (there(dirfd, KMS_F_ROOT_KEY) || there(dirfd, KMS_F_K256))
		return ds_err_set(err, -EPERM, DOM, 0,
				  "%s or %s is there: plain roots, expected none with seal = kernel",
				  KMS_F_ROOT_KEY, KMS_F_K256);
	DS_TRY(check_mode(dirfd, KMS_F_SEALED, err));
	r = ds_read_file(dirfd, KMS_F_SEALED, 4096, &record);
	if (r)
		return missing(KMS_F_SEALED, r, err);
	r = ds_read_file(dirfd, KMS_F_DOMAIN, 256, &domain);
	if (r)
		return missing(KMS_F_DOMAIN, r, err);
	DS_TRY(kms_seal_domain(seal_key, ds_buf_span(&domain), &key));
	DS_TRY(kms_open_record(key, ds_buf_span(&record), &m, err));
	roots->ca_scalar = ds_secret_from(m->p, 32);
	roots->k256 = ds_secret_from(m->p + 32, 32);
	if (!roots->ca_scalar || !roots->k256)
		return -ENOMEM;
	return ds_p256_from_scalar(m->p, &roots->ca);
}

static int load_all(int dirfd, const struct ds_secret *seal_key, const struct kms_rpc_spec *rpc,
		    int64_t now, struct kms_roots *roots, struct ds_err *err)
{
	if (seal_key)
		DS_TRY(load_sealed(dirfd, seal_key, roots, err));
	else
		DS_TRY(load_plain(dirfd, roots, err));
	DS_TRY(load_cas(dirfd, now, roots, err));
	return issue_rpc(dirfd, roots, rpc, now, err);
}

int kms_roots_load(const char *dir, const struct ds_secret *seal_key,
		   const struct kms_rpc_spec *rpc, int64_t now, struct kms_roots *ret,
		   struct ds_err *err)
{
	DS_FD int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kms_roots roots = { 0 };
	int r;

	if (dirfd < 0)
		return missing(dir, -errno, err);
	r = load_all(dirfd, seal_key, rpc, now, &roots, err);
	if (r) {
		kms_roots_done(&roots);
		return err && err->code ? r
					: ds_err_set(err, r, DOM, 0, "%s: %s", dir, strerror(-r));
	}
	*ret = roots;
	return 0;
}
