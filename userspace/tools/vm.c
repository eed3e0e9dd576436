// SPDX-License-Identifier: Apache-2.0
/* State directories of machines, see vm.h. */
#include <sys/file.h>
#include <sys/stat.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>

#include "vm.h"

int vm_state_dir(char *ret, size_t cap)
{
	const char *env = secure_getenv("DSTACK_STATE"), *home = secure_getenv("HOME");
	int n;

	if (env && *env)
		n = snprintf(ret, cap, "%s", env);
	else if (!geteuid())
		n = snprintf(ret, cap, "/var/lib/dstack");
	else if (home && *home)
		n = snprintf(ret, cap, "%s/.local/state/dstack", home);
	else
		return -ENOENT;
	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

bool vm_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n && n <= VM_NAME_MAX && name[0] != '-' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* mkdir -p with mode 0700 for what is missing. */
static int make_dirs(const char *path)
{
	DS_FREE char *p = strdup(path);

	if (!p)
		return -ENOMEM;
	for (char *s = p + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, 0700) && errno != EEXIST)
			return -errno;
		*s = '/';
	}
	return mkdir(p, 0700) && errno != EEXIST ? -errno : 0;
}

int vm_open(const char *name, bool create, struct vm *ret)
{
	struct vm vm = VM_NULL;
	char state[PATH_MAX - VM_NAME_MAX - 8];

	if (!vm_name_ok(name))
		return -EINVAL;
	DS_TRY(vm_state_dir(state, sizeof(state)));
	snprintf(vm.path, sizeof(vm.path), "%s/vms/%s", state, name);
	snprintf(vm.name, sizeof(vm.name), "%s", name);
	if (create)
		DS_TRY(make_dirs(vm.path));
	vm.dirfd = open(vm.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (vm.dirfd < 0)
		return -errno;
	*ret = vm;
	return 0;
}

void vm_close(struct vm *vm)
{
	if (vm->lockfd >= 0)
		close(vm->lockfd);
	if (vm->dirfd >= 0)
		close(vm->dirfd);
	*vm = VM_NULL;
}

static int lock_open(const struct vm *vm, int flags)
{
	int fd = openat(vm->dirfd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	return fd < 0 ? -errno : fd;
}

int vm_lock(struct vm *vm)
{
	int fd = lock_open(vm, O_CREAT);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int r = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(fd);
		return r;
	}
	vm->lockfd = fd;
	return 0;
}

bool vm_running(const struct vm *vm)
{
	DS_FD int fd = lock_open(vm, 0);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

int vm_load(const struct vm *vm, const char *file, size_t max, json_t **ret)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	json_t *obj;

	DS_TRY(ds_read_file(vm->dirfd, file, max, &b));
	obj = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(obj)) {
		json_decref(obj);
		return -EBADMSG;
	}
	*ret = obj;
	return 0;
}

int vm_store(const struct vm *vm, const char *file, const json_t *obj)
{
	DS_FREE char *text = json_dumps(obj, JSON_INDENT(2));

	if (!text)
		return -ENOMEM;
	return ds_write_file_atomic(vm->dirfd, file, DS_SPAN_STR(text), 0600);
}

int split_host_port(const char *s, char *host, size_t cap, uint16_t *ret_port)
{
	const char *colon = strrchr(s, ':');
	uint64_t port;

	if (!colon || colon == s || (size_t)(colon - s) >= cap || ds_parse_u64(colon + 1, strlen(colon + 1), 65535, &port))
		return -EINVAL;
	memcpy(host, s, (size_t)(colon - s));
	host[colon - s] = '\0';
	*ret_port = (uint16_t)port;
	return 0;
}
