// SPDX-License-Identifier: Apache-2.0
/* Stage modules: file systems of the kernel, then its modules, in the order that the image build
 * wrote down. */
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ctx.h"

#define LIST_FILE    "/lib/dstack/modules.list"
#define RELEASE_FILE "/etc/dstack-release"
#define QE_KEY_MAX   (64u << 10)

static const struct {
	const char *type, *dir, *opts;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC },
	{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/run", "mode=0755,size=64m", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777,size=256m", MS_NOSUID | MS_NODEV },
};

static int mount_one(struct ctx *c, const char *type, const char *dir, unsigned long flags,
		     const char *opts)
{
	if (mkdir(dir, 0755) && errno != EEXIST)
		return ds_err_set(&c->err, -errno, "", 0, "mkdir %s: %s", dir, strerror(errno));
	if (mount(type, dir, type, flags, opts) && errno != EBUSY)
		return ds_err_set(&c->err, -errno, "", 0, "mount %s on %s: %s", type, dir,
				  strerror(errno));
	return 0;
}

static int mount_all(struct ctx *c)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(mounts); i++)
		DS_TRY(mount_one(c, mounts[i].type, mounts[i].dir, mounts[i].flags,
				 mounts[i].opts));
	if (symlink("/proc/self/fd", "/dev/fd") && errno != EEXIST)
		return ds_err_set(&c->err, -errno, "", 0, "/dev/fd: %s", strerror(errno));
	/* Both are for everybody to enter, whatever the umask. */
	if ((mkdir(RUN_DIR, 0755) && errno != EEXIST) ||
	    (mkdir(APP_DIR, 0755) && errno != EEXIST) || chmod(RUN_DIR, 0755) ||
	    chmod(APP_DIR, 0755))
		return ds_err_set(&c->err, -errno, "", 0, "mkdir %s: %s", RUN_DIR, strerror(errno));
	return 0;
}

static int load(struct ctx *c, const char *file, const char *params)
{
	char path[128];
	DS_FD int fd = -1;

	snprintf(path, sizeof(path), MODULE_DIR "/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ds_err_set(&c->err, -errno, "", 0, "%s: %s", path, strerror(errno));
	if (syscall(SYS_finit_module, fd, params, 0) && errno != EEXIST)
		return ds_err_set(&c->err, -errno, "", 0, "loading %s: %s%s", file, strerror(errno),
				  errno == ENODEV ? " (is this a trust domain?)" : "");
	return 0;
}

static int load_group(struct ctx *c, struct ds_span list, const char *group, const char *params)
{
	char file[64];
	size_t pos = 0;

	for (;;) {
		int r = modlist_next(list, &pos, group, file, &c->err);

		if (r == MODLIST_E_END)
			return 0;
		DS_TRY(r);
		DS_TRY(load(c, file, params));
	}
}

/* KEY=VALUE lines that the image build wrote and the initrd measurement covers. */
static int read_release(struct ctx *c)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	int r = ds_read_file(AT_FDCWD, RELEASE_FILE, 4096, &b);
	const char *s, *p;
	uint64_t t;

	if (r)
		return ds_err_set(&c->err, r, "", 0, RELEASE_FILE ": %s", strerror(-r));
	s = ds_buf_cstr(&b);
	p = s ? strstr(s, "\nBUILD_EPOCH=") : NULL;
	if (!p || ds_parse_u64(p + 13, strcspn(p + 13, "\n"), INT64_MAX, &t))
		return ds_err_set(&c->err, -EBADMSG, "", 0, RELEASE_FILE ": BUILD_EPOCH expected");
	c->image_time = (int64_t)t;
	return 0;
}

/* The host's offer of emulation counts only in an image that carries the emulator: release images
 * do not. */
static int start_emulator(struct ctx *c, struct ds_span list)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL, params = DS_BUF_NULL;
	DS_SECRET struct ds_secret *key = NULL;
	char file[64];
	size_t pos = 0;
	int r;

	if (modlist_next(list, &pos, "emul", file, &c->err))
		return 0;
	r = ds_read_file(AT_FDCWD, FWCFG_DIR "/opt/dstack/tdx-emul/raw", EMUL_TEXT_MAX, &text);
	if (r == -ENOENT)
		return 0;
	if (r)
		return ds_err_set(&c->err, r, "", 0, "fw_cfg opt/dstack/tdx-emul: %s",
				  strerror(-r));
	DS_TRY(emul_params(ds_buf_span(&text), &params, &c->err));
	DS_TRY(load_group(c, list, "emul", ds_buf_cstr(&params)));
	c->emulated = true;
	r = ds_read_file_secret(AT_FDCWD, FWCFG_DIR "/opt/dstack/emul-qe/raw", QE_KEY_MAX, &key);
	if (r == -ENOENT)
		return 0;
	if (r)
		return ds_err_set(&c->err, r, "", 0, "fw_cfg opt/dstack/emul-qe: %s", strerror(-r));
	c->qe_key_fd = memfd_create("emul-qe", MFD_CLOEXEC);
	if (c->qe_key_fd < 0)
		return -errno;
	DS_TRY(ds_write_full(c->qe_key_fd, key->p, key->n));
	supervise_add_qe(c, start_qe(c));
	return 0;
}

static int write_once(struct ctx *c, const char *path, const char *value)
{
	DS_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : ds_write_full(fd, value, strlen(value));

	return r ? ds_err_set(&c->err, r, "", 0, "%s: %s", path, strerror(-r)) : 0;
}

/*
 * All that will ever be loaded is loaded. From here on not even root in an app adds code to the
 * kernel that holds log and keys, starts another one, or reads its memory (/proc/kcore, /dev/mem,
 * BPF, tracing, hibernation), nor looks into another process, the key holder and pid 1 among them
 * (/proc/PID/mem, ptrace, pidfd_getfd, perf). These locks are one way. The console takes no SysRq:
 * it is the host's.
 */
static int close_kernel(struct ctx *c)
{
	int r;

	DS_TRY(mount_one(c, "securityfs", "/sys/kernel/security", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			 NULL));
	r = seal_kernel(c->seals);
	if (r)
		return ds_err_set(&c->err, r, "", 0, "closing bpf(2) and perf_event_open(2): %s",
				  strerror(-r));
	DS_TRY(write_once(c, "/proc/sys/kernel/modules_disabled", "1"));
	DS_TRY(write_once(c, "/proc/sys/kernel/kexec_load_disabled", "1"));
	DS_TRY(write_once(c, "/proc/sys/kernel/yama/ptrace_scope", "3"));
	DS_TRY(write_once(c, "/proc/sys/kernel/sysrq", "0"));
	return write_once(c, "/sys/kernel/security/lockdown", "confidentiality");
}

int stage_modules(struct ctx *c)
{
	DS_BUF struct ds_buf list = DS_BUF_NULL;
	struct ds_span l;
	int r;

	DS_TRY(mount_all(c));
	c->notify_fd = notify_open();
	notify_progress(c, "dstack-init started");
	DS_TRY(read_release(c));
	r = ds_read_file(AT_FDCWD, LIST_FILE, MODLIST_MAX, &list);
	if (r)
		return ds_err_set(&c->err, r, "", 0, LIST_FILE ": %s", strerror(-r));
	l = ds_buf_span(&list);
	DS_TRY(load_group(c, l, "base", ""));
	DS_TRY(mount_one(c, "configfs", "/sys/kernel/config", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			 NULL));
	DS_TRY(start_emulator(c, l));
	DS_TRY(load_group(c, l, "tee", ""));
	DS_TRY(load_group(c, l, "net", ""));
	return close_kernel(c);
}
