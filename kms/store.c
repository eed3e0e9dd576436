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
#include <ds/x509/cert.h>
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

static int new_k256(struct ds_secret **ret, uint8_t ret_pub[DS_K256_PUB_SIZE])
{
	DS_SECRET struct ds_secret *k = ds_secret_new(32);

	if (!k)
		return -ENOMEM;
	DS_TRY(ds_rand(k->p, k->n));
	/* out of range once in 2^127: an error then is as good as a retry */
	DS_TRY(ds_k256_pub(k->p, ret_pub));
	*ret = k;
	k = NULL;
	return 0;
}

/* Everything the directory holds, with the information file last. */
static int fill_dir(int dirfd, const char *domain, int64_t now)
{
	DS_P256 struct ds_p256 *root = NULL, *tmp = NULL, *rpc = NULL;
	DS_BUF struct ds_buf root_pem = DS_BUF_NULL, tmp_pem = DS_BUF_NULL, info = DS_BUF_NULL;
	DS_SECRET struct ds_secret *k256 = NULL;
	uint8_t pub[DS_K256_PUB_SIZE], spki[DS_P256_SPKI_SIZE];

	DS_TRY(ds_p256_generate(&tmp));
	DS_TRY(ds_p256_generate(&root));
	DS_TRY(ds_p256_generate(&rpc));
	DS_TRY(new_k256(&k256, pub));
	DS_TRY(issue_root(root, now, &root_pem, NULL));
	DS_TRY(issue_tmp(tmp, now, &tmp_pem));
	DS_TRY(ds_p256_spki(root, spki));
	DS_TRY(ds_buf_addf(&info, "{\"ca_pubkey\":\""));
	DS_TRY(ds_buf_add_hex(&info, DS_SPAN_ARRAY(spki)));
	DS_TRY(ds_buf_addf(&info, "\",\"k256_pubkey\":\""));
	DS_TRY(ds_buf_add_hex(&info, DS_SPAN_ARRAY(pub)));
	DS_TRY(ds_buf_addf(&info, "\",\"attestation\":\"\"}\n"));

	DS_TRY(write_key(dirfd, KMS_F_TMP_KEY, tmp));
	DS_TRY(write_key(dirfd, KMS_F_ROOT_KEY, root));
	DS_TRY(write_key(dirfd, KMS_F_RPC_KEY, rpc));
	DS_TRY(write_new(dirfd, KMS_F_K256, DS_SPAN(k256->p, k256->n), 0600));
	DS_TRY(write_new(dirfd, KMS_F_TMP_CRT, ds_buf_span(&tmp_pem), 0644));
	DS_TRY(write_new(dirfd, KMS_F_ROOT_CRT, ds_buf_span(&root_pem), 0644));
	DS_TRY(write_new(dirfd, KMS_F_DOMAIN, DS_SPAN_STR(domain), 0644));
	return write_new(dirfd, KMS_F_INFO, ds_buf_span(&info), 0644);
}

static void remove_dir(const char *path)
{
	static const char *const names[] = { KMS_F_TMP_KEY, KMS_F_ROOT_KEY, KMS_F_RPC_KEY,
					     KMS_F_K256,    KMS_F_TMP_CRT,  KMS_F_ROOT_CRT,
					     KMS_F_DOMAIN,  KMS_F_INFO };
	DS_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < DS_ARRAY_SIZE(names); i++)
		unlinkat(fd, names[i], 0);
	rmdir(path);
}

int kms_bootstrap(const char *dir, const char *domain, int64_t now, struct ds_err *err)
{
	DS_FREE char *path = strdup(dir);
	DS_FREE char *tmp = NULL;
	DS_FD int dirfd = -1;
	int r;

	if (!path)
		return -ENOMEM;
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	DS_TRY(kms_domain_check(domain, err));
	if (asprintf(&tmp, "%s.new-XXXXXX", path) < 0) {
		tmp = NULL;
		return -ENOMEM;
	}
	/* filled beside its place, then moved there in one step: an interrupted bootstrap leaves no
	 * half of a KMS */
	if (!mkdtemp(tmp))
		return ds_err_set(err, -errno, DOM, 0, "%s: %s", tmp, strerror(errno));
	dirfd = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dirfd < 0 ? -errno : fill_dir(dirfd, domain, now);
	if (!r && fsync(dirfd))
		r = -errno;
	if (!r && rename(tmp, path)) {
		r = errno == ENOTEMPTY ? -EEXIST : -errno;
		if (r == -EEXIST)
			ds_err_set(err, r, DOM, 0, "%s is not empty: roots are never overwritten",
				   path);
	}
	if (r) {
		remove_dir(tmp);
		return err && err->code ? r
					: ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	}
	return ds_fsync_parent(path);
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

static int issue_rpc(int dirfd, const struct kms_roots *roots, char *const *names, size_t n_names,
		     int64_t now, struct ds_err *err)
{
	DS_BUF struct ds_buf domain = DS_BUF_NULL, der = DS_BUF_NULL, pem = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL;
	uint8_t spki[DS_P256_SPKI_SIZE];
	const char *alt[17];
	struct ds_cert_spec spec = {
		.alt_names = alt,
		.n_alt_names = 1,
		.not_before = DS_CERT_DEFAULT_NOT_BEFORE,
		.not_after = now + DS_CERT_DEFAULT_LIFETIME,
		.usage = DS_USAGE_KMS_RPC,
		.spki = DS_SPAN_ARRAY(spki),
	};
	int r = ds_read_file(dirfd, KMS_F_DOMAIN, 256, &domain);

	if (r)
		return missing(KMS_F_DOMAIN, r, err);
	spec.subject = alt[0] = ds_buf_cstr(&domain);
	if (!spec.subject)
		return -ENOMEM;
	DS_TRY(kms_domain_check(spec.subject, err));
	for (size_t i = 0; i < n_names && spec.n_alt_names < DS_ARRAY_SIZE(alt); i++)
		alt[spec.n_alt_names++] = names[i];
	DS_TRY(load_key(dirfd, KMS_F_RPC_KEY, &key, err));
	DS_TRY(ds_p256_spki(key, spki));
	DS_TRY(ds_cert_issue(&spec, roots->ca, ds_buf_span(&roots->ca_der), &der, err));
	DS_TRY(ds_cert_pem(ds_buf_span(&der), &pem));
	return ds_write_file_atomic(dirfd, KMS_F_RPC_CRT, ds_buf_span(&pem), 0644);
}

static int load_all(int dirfd, char *const *names, size_t n_names, int64_t now,
		    struct kms_roots *roots, struct ds_err *err)
{
	int r;

	DS_TRY(load_key(dirfd, KMS_F_ROOT_KEY, &roots->ca, err));
	DS_TRY(ds_p256_scalar(roots->ca, &roots->ca_scalar));
	DS_TRY(check_mode(dirfd, KMS_F_K256, err));
	r = ds_read_file_secret(dirfd, KMS_F_K256, 32, &roots->k256);
	if (r)
		return missing(KMS_F_K256, r, err);
	if (roots->k256->n != 32)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: expected 32 bytes, got %zu",
				  KMS_F_K256, roots->k256->n);
	DS_TRY(load_cas(dirfd, now, roots, err));
	return issue_rpc(dirfd, roots, names, n_names, now, err);
}

int kms_roots_load(const char *dir, char *const *names, size_t n_names, int64_t now,
		   struct kms_roots *ret, struct ds_err *err)
{
	DS_FD int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kms_roots roots = { 0 };
	int r;

	if (dirfd < 0)
		return missing(dir, -errno, err);
	r = load_all(dirfd, names, n_names, now, &roots, err);
	if (r) {
		kms_roots_done(&roots);
		return err && err->code ? r
					: ds_err_set(err, r, DOM, 0, "%s: %s", dir, strerror(-r));
	}
	*ret = roots;
	return 0;
}
