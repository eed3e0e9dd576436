// SPDX-License-Identifier: Apache-2.0
/* dstackctl ps, logs, stop. */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>

#include "vm.h"

static const struct option json_options[] = { { "json", 0, 0, 'j' }, { "help", 0, 0, 'h' }, { 0 } };

/* "address:host->guest/proto ..." */
static void ports_text(const json_t *ports, char *out, size_t cap)
{
	size_t i, o = 0;
	json_t *p;

	out[0] = '\0';
	json_array_foreach(ports, i, p) {
		int n = snprintf(out + o, cap - o, "%s%s:%lld->%lld/%s", i ? " " : "",
				 json_string_value(json_object_get(p, "address")),
				 (long long)json_integer_value(json_object_get(p, "host")),
				 (long long)json_integer_value(json_object_get(p, "guest")),
				 json_string_value(json_object_get(p, "protocol")));

		if (n < 0 || (size_t)n >= cap - o)
			return;
		o += (size_t)n;
	}
}

static void print_vm(json_t *list, const char *name)
{
	struct vm vm = VM_NULL;
	json_t *obj = NULL;
	char ports[512];
	bool up;

	if (vm_open(name, false, &vm))
		return;
	up = vm_running(&vm);
	if (!vm_load(&vm, "vm.json", DS_MAX_CONFIG_FILE, &obj)) {
		json_object_set_new(obj, "running", json_boolean(up));
		if (list) {
			json_array_append(list, obj);
		} else {
			ports_text(json_object_get(obj, "ports"), ports, sizeof(ports));
			printf("%-20s %-8s %-9s %4lld MiB  %s\n", name, up ? "running" : "stopped",
			       json_string_value(json_object_get(obj, "tee")),
			       (long long)json_integer_value(json_object_get(obj, "memory_mib")), ports);
		}
		json_decref(obj);
	}
	vm_close(&vm);
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int cmd_ps(int argc, char **argv)
{
	char state[PATH_MAX - 8], path[PATH_MAX];
	struct dirent **names = NULL;
	json_t *list = NULL;
	int opt, n;

	while ((opt = getopt_long(argc, argv, "h", json_options, NULL)) != -1) {
		if (opt == 'h') {
			puts("usage: dstackctl ps [--json]");
			return 0;
		}
		if (opt != 'j')
			return 2;
		list = json_array();
	}
	if (vm_state_dir(state, sizeof(state)))
		return failure("no state directory: set DSTACK_STATE");
	snprintf(path, sizeof(path), "%s/vms", state);
	n = scandir(path, &names, NULL, name_order);
	if (!list)
		printf("%-20s %-8s %-9s %8s  %s\n", "NAME", "STATE", "TEE", "MEMORY", "PORTS");
	for (int i = 0; i < n; i++) {
		if (vm_name_ok(names[i]->d_name))
			print_vm(list, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (list) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(list);
	}
	return 0;
}

/* Open a machine named on the command line, or say why not (exit status in *ret_status). */
static bool open_named(int argc, char **argv, const char *usage, struct vm *vm, int *ret_status)
{
	int r;

	if (optind + 1 != argc) {
		*ret_status = usage_error("%s", usage);
		return false;
	}
	r = vm_open(argv[optind], false, vm);
	if (r) {
		*ret_status = failure("%s: %s", argv[optind], r == -ENOENT ? "no such machine" : strerror(-r));
		return false;
	}
	return true;
}

/* Copy what is there; with follow, go on until the machine ends. */
static int copy_log(struct vm *vm, const char *file, bool follow)
{
	DS_FD int fd = openat(vm->dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	DS_FD int ino = inotify_init1(IN_CLOEXEC);
	char path[PATH_MAX + 16], buf[8192];
	ssize_t n;

	if (fd < 0)
		return failure("%s/%s: %s", vm->path, file, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", vm->path, file);
	if (ino < 0 || inotify_add_watch(ino, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
		return failure("watching %s: %s", path, strerror(errno));
	for (;;) {
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			if (ds_write_full(STDOUT_FILENO, buf, (size_t)n))
				return 1;
		if (n < 0)
			return failure("%s: %s", path, strerror(errno));
		if (!follow || !vm_running(vm))
			return 0;
		if (read(ino, buf, sizeof(buf)) < 0 && errno != EINTR)
			return failure("watching %s: %s", path, strerror(errno));
	}
}

int cmd_logs(int argc, char **argv)
{
	static const struct option o[] = {
		{ "events", 0, 0, 'e' }, { "follow", 0, 0, 'f' }, { "help", 0, 0, 'h' }, { 0 }
	};
	static const char usage[] = "usage: dstackctl logs [--events] [--follow] NAME";
	const char *file = "console.log";
	struct vm vm = VM_NULL;
	bool follow = false;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "efh", o, NULL)) != -1) {
		if (opt == 'h') {
			puts(usage);
			return 0;
		}
		if (opt == 'e')
			file = "notify.log";
		else if (opt == 'f')
			follow = true;
		else
			return 2;
	}
	if (!open_named(argc, argv, usage, &vm, &r))
		return r;
	r = copy_log(&vm, file, follow);
	vm_close(&vm);
	return r;
}

static void on_alarm(int sig)
{
}

/* Wait until the emulator lets go of its lock: flock() blocks until then, the alarm interrupts it. */
static bool wait_unlocked(const struct vm *vm, unsigned int seconds)
{
	DS_FD int fd = openat(vm->dirfd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct sigaction sa = { .sa_handler = on_alarm };
	bool ok;

	if (fd < 0 || sigaction(SIGALRM, &sa, NULL))
		return false;
	alarm(seconds);
	ok = flock(fd, LOCK_EX) == 0;
	alarm(0);
	return ok;
}

int cmd_stop(int argc, char **argv)
{
	static const struct option o[] = { { "help", 0, 0, 'h' }, { 0 } };
	static const char usage[] = "usage: dstackctl stop NAME";
	struct vm vm = VM_NULL;
	int r, opt;

	while ((opt = getopt_long(argc, argv, "h", o, NULL)) != -1) {
		if (opt != 'h')
			return 2;
		puts(usage);
		return 0;
	}
	if (!open_named(argc, argv, usage, &vm, &r))
		return r;
	r = 0;
	if (vm_running(&vm)) {
		r = qmp_command(&vm, "quit");
		if (r)
			r = failure("%s: control socket: %s", vm.name, strerror(-r));
		else if (!wait_unlocked(&vm, 10))
			r = failure("%s did not stop within 10 s", vm.name);
	}
	/* the emulated enclave's key is of no use any more */
	if (!r && unlinkat(vm.dirfd, "emul-qe.key", 0) && errno != ENOENT)
		r = failure("%s/emul-qe.key: %s", vm.path, strerror(errno));
	vm_close(&vm);
	return r;
}
