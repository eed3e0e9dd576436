// SPDX-License-Identifier: Apache-2.0
/* dstackctl up: prepare the input, start QEMU, follow the boot to its end. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/text.h>

#include "follow.h"
#include "vm.h"

#define POWER_OFF_MS 30000

static const char help_text[] =
	"usage: dstackctl up --name NAME --image DIR --compose FILE [OPTION...]\n"
	"\n"
	"  --kms URL              key server, tried in order (up to 4)\n"
	"  --gateway URL          gateway to register with (up to 4)\n"
	"  --publish [ADDR:]HOST:GUEST[/udp]   forward a host port (default ADDR 127.0.0.1, up to 16)\n"
	"  --user-config FILE     handed to the guest unmeasured\n"
	"  --encrypted-env FILE   of dstackctl env encrypt: for the app, which needs a KMS\n"
	"  --kms-collateral FILE  what a compose file with kms_attestation judges the KMS with\n"
	"  --app-id HEX           20 bytes; default: first 20 bytes of the compose hash\n"
	"  --memory MIB           default 1024           --cpus N     default 1\n"
	"  --tee emulated|tdx     default emulated: the software TDX module of the image's emulated flavour\n"
	"  --pki DIR              test PKI of the emulated quoting enclave (dstack-emul-qe pki --out DIR)\n"
	"  --firmware FILE        default /usr/share/ovmf/OVMF.fd\n"
	"  --accel tcg|kvm        for emulated TDs, default tcg\n"
	"  --timeout SECONDS      until the app runs, default 180\n"
	"  --dry-run              write the input, print the emulator's command line, start nothing\n";

enum { OPT_KMS = 256, OPT_GATEWAY, OPT_PUBLISH, OPT_USER, OPT_ENV, OPT_KMS_COL, OPT_APP_ID, OPT_MEMORY, OPT_CPUS, OPT_TEE, OPT_PKI,
       OPT_FIRMWARE, OPT_ACCEL, OPT_TIMEOUT, OPT_DRY, OPT_NAME, OPT_IMAGE, OPT_COMPOSE, OPT_HELP };

static const struct option options[] = {
	{ "name", 1, 0, OPT_NAME },	    { "image", 1, 0, OPT_IMAGE },   { "compose", 1, 0, OPT_COMPOSE },
	{ "kms", 1, 0, OPT_KMS },	    { "gateway", 1, 0, OPT_GATEWAY }, { "publish", 1, 0, OPT_PUBLISH },
	{ "user-config", 1, 0, OPT_USER },  { "app-id", 1, 0, OPT_APP_ID }, { "memory", 1, 0, OPT_MEMORY },
	{ "cpus", 1, 0, OPT_CPUS },	    { "tee", 1, 0, OPT_TEE },	    { "pki", 1, 0, OPT_PKI },
	{ "encrypted-env", 1, 0, OPT_ENV }, { "kms-collateral", 1, 0, OPT_KMS_COL },
	{ "firmware", 1, 0, OPT_FIRMWARE }, { "accel", 1, 0, OPT_ACCEL },   { "timeout", 1, 0, OPT_TIMEOUT },
	{ "dry-run", 0, 0, OPT_DRY },	    { "help", 0, 0, OPT_HELP },	    { 0 },
};

static int parse_port(const char *s, struct vm_port *ret)
{
	const char *first = strchr(s, ':'), *last = strrchr(s, ':'), *slash = strchr(s, '/');
	struct vm_port p = { .addr = "127.0.0.1" };
	const char *host = s;
	uint64_t h, g;

	if (!first || (slash && strcmp(slash, "/udp") && strcmp(slash, "/tcp")))
		return -EINVAL;
	p.udp = slash && !strcmp(slash, "/udp");
	if (first != last) {
		struct in_addr ip;

		if ((size_t)(first - s) >= sizeof(p.addr))
			return -EINVAL;
		memcpy(p.addr, s, (size_t)(first - s));
		p.addr[first - s] = '\0';
		if (inet_pton(AF_INET, p.addr, &ip) != 1)
			return -EINVAL;
		host = first + 1;
	}
	if (ds_parse_u64(host, (size_t)(last - host), 65535, &h) || !h ||
	    ds_parse_u64(last + 1, slash ? (size_t)(slash - last - 1) : strlen(last + 1), 65535, &g) || !g)
		return -EINVAL;
	p.host = (uint16_t)h;
	p.guest = (uint16_t)g;
	*ret = p;
	return 0;
}

static int number(const char *opt, const char *s, uint64_t min, uint64_t max, unsigned int *ret)
{
	uint64_t v;

	if (ds_parse_u64(s, strlen(s), max, &v) || v < min)
		return usage_error("--%s: '%s' is not a number from %llu to %llu", opt, s, (unsigned long long)min,
				   (unsigned long long)max);
	*ret = (unsigned int)v;
	return 0;
}

static int one_of(const char *opt, const char *s, const char *a, const char *b, const char **ret)
{
	if (strcmp(s, a) && strcmp(s, b))
		return usage_error("--%s: '%s' is neither %s nor %s", opt, s, a, b);
	*ret = s;
	return 0;
}

static int add_url(const char *opt, const char *s, const char **list, size_t *n)
{
	if (*n == 4 || strncmp(s, "https://", 8))
		return usage_error("--%s: '%s': %s", opt, s, *n == 4 ? "more than 4" : "not an https:// URL");
	list[(*n)++] = s;
	return 0;
}

static int one_option(int opt, const char *arg, struct vm_spec *spec)
{
	uint8_t id[20];

	switch (opt) {
	case OPT_NAME: spec->name = arg; return 0;
	case OPT_IMAGE: spec->image = arg; return 0;
	case OPT_COMPOSE: spec->compose = arg; return 0;
	case OPT_USER: spec->user_config = arg; return 0;
	case OPT_ENV: spec->encrypted_env = arg; return 0;
	case OPT_KMS_COL: spec->kms_collateral = arg; return 0;
	case OPT_PKI: spec->pki = arg; return 0;
	case OPT_FIRMWARE: spec->firmware = arg; return 0;
	case OPT_DRY: spec->dry_run = true; return 0;
	case OPT_KMS: return add_url("kms", arg, spec->kms, &spec->n_kms);
	case OPT_GATEWAY: return add_url("gateway", arg, spec->gateway, &spec->n_gateway);
	case OPT_MEMORY: return number("memory", arg, 256, 1u << 20, &spec->memory_mib);
	case OPT_CPUS: return number("cpus", arg, 1, 255, &spec->cpus);
	case OPT_TIMEOUT: return number("timeout", arg, 1, 3600, &spec->timeout);
	case OPT_TEE: return one_of("tee", arg, "emulated", "tdx", &spec->tee);
	case OPT_ACCEL: return one_of("accel", arg, "tcg", "kvm", &spec->accel);
	case OPT_APP_ID:
		if (ds_hex_decode_exact(arg, id, sizeof(id)))
			return usage_error("--app-id: '%s' is not 40 hex digits", arg);
		spec->app_id = arg;
		return 0;
	case OPT_PUBLISH:
		if (spec->n_ports == VM_PORTS_MAX || parse_port(arg, &spec->ports[spec->n_ports]))
			return usage_error("--publish: '%s' is not [ADDR:]HOST:GUEST[/udp] (at most %d)", arg, VM_PORTS_MAX);
		spec->n_ports++;
		return 0;
	default:
		return 2;
	}
}

static int parse_options(int argc, char **argv, struct vm_spec *spec)
{
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_HELP || opt == 'h') {
			fputs(help_text, stdout);
			return -1;
		}
		r = one_option(opt, optarg, spec);
		if (r)
			return r;
	}
	if (optind < argc)
		return usage_error("up: unexpected argument '%s'", argv[optind]);
	if (!spec->name || !spec->image || !spec->compose)
		return usage_error("up: --name, --image and --compose are needed (see --help)");
	if (!vm_name_ok(spec->name))
		return usage_error("--name: '%s' is not [a-z0-9][a-z0-9-]*, up to %d characters", spec->name, VM_NAME_MAX);
	if (!strcmp(spec->tee, "emulated") && !spec->pki)
		return usage_error("up: --tee emulated needs --pki DIR");
	return 0;
}

/* The lock descriptor stays open in the emulator: it holds the machine's lock for exactly as long as it lives. */
static pid_t spawn(const struct vm *vm, struct argv *a, int *ret_pidfd)
{
	DS_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	DS_FD int err = openat(vm->dirfd, "qemu.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	pid_t pid;

	if (null < 0 || err < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		setsid();
		if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(err, 2) < 0 ||
		    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) || fcntl(vm->lockfd, F_SETFD, 0))
			_exit(126);
		execvp(a->v[0], a->v);
		dprintf(2, "%s: %s\n", a->v[0], strerror(errno));
		_exit(127);
	}
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*ret_pidfd < 0) {
		int r = -errno;

		kill(pid, SIGKILL);
		return r;
	}
	return pid;
}

/* The machine's lock is free when this returns: whoever was told of the end can start it again. */
static void await_end(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;
	int r;

	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	if (r <= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0))
		return;
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) && errno == EINTR)
		;
}

struct progress {
	struct timespec start;
	const struct vm *vm;
	char reason[4096];
};

static void show(void *ctx, const struct notify_event *ev)
{
	struct progress *p = ctx;
	struct timespec now;
	double s;

	clock_gettime(CLOCK_MONOTONIC, &now);
	s = (double)(now.tv_sec - p->start.tv_sec) + (double)(now.tv_nsec - p->start.tv_nsec) / 1e9;
	if (!strcmp(ev->event, "instance.info")) {
		/* the guest's own words: stored for its next start only if they are a small JSON object */
		json_t *info = json_loads(ev->payload, JSON_REJECT_DUPLICATES, NULL);

		if (json_is_object(info) && vm_store(p->vm, "instance_info.json", info))
			failure("could not store instance_info.json");
		json_decref(info);
		return;
	}
	printf("%7.2f s  %s: %s\n", s, p->vm->name, ev->payload);
	fflush(stdout);
	if (!strcmp(ev->event, "boot.error"))
		snprintf(p->reason, sizeof(p->reason), "%s", ev->payload);
}

static int record(const struct vm *vm, const struct vm_spec *spec, pid_t pid)
{
	json_t *ports = json_array(), *obj;
	int r;

	for (size_t i = 0; i < spec->n_ports; i++)
		json_array_append_new(ports, json_pack("{s:s,s:i,s:i,s:s}", "address", spec->ports[i].addr, "host",
						       spec->ports[i].host, "guest", spec->ports[i].guest, "protocol",
						       spec->ports[i].udp ? "udp" : "tcp"));
	obj = json_pack("{s:s,s:i,s:I,s:s,s:s,s:i,s:i,s:o}", "name", vm->name, "pid", (int)pid, "started",
			(json_int_t)time(NULL), "image", spec->image, "tee", spec->tee, "memory_mib",
			(int)spec->memory_mib, "cpus", (int)spec->cpus, "ports", ports);
	r = obj ? vm_store(vm, "vm.json", obj) : -ENOMEM;
	json_decref(obj);
	return r;
}

/* The emulator's last line usually tells: no KVM, a port in use. */
static int exited(const struct vm *vm)
{
	DS_BUF struct ds_buf log = DS_BUF_NULL;
	char line[256], *text, *nl;

	if (ds_read_file(vm->dirfd, "qemu.log", 65536, &log) || !log.n || !ds_buf_cstr(&log))
		return failure("%s ended before its app ran: see %s/console.log", vm->name, vm->path);
	text = (char *)log.p;
	while (log.n && text[log.n - 1] == '\n')
		text[--log.n] = '\0';
	nl = strrchr(text, '\n');
	nl = nl ? nl + 1 : text;
	return failure("%s ended before its app ran: %s (%s/qemu.log)", vm->name,
		       ds_escape(DS_SPAN_STR(nl), line, sizeof(line)), vm->path);
}

static int start_and_follow(struct vm *vm, const struct vm_spec *spec, struct argv *a)
{
	struct progress p = { .vm = vm };
	DS_FD int pidfd = -1;
	pid_t pid;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &p.start);
	r = ds_write_file_atomic(vm->dirfd, "notify.log", DS_SPAN_NULL, 0600);
	if (!r)
		r = ds_write_file_atomic(vm->dirfd, "console.log", DS_SPAN_NULL, 0600);
	if (r)
		return failure("%s: %s", vm->path, strerror(-r));
	pid = spawn(vm, a, &pidfd);
	if (pid < 0)
		return failure("starting the emulator: %s", strerror(-pid));
	r = record(vm, spec, pid);
	if (r) {
		await_end(pidfd, 0);
		return failure("%s/vm.json: %s: machine stopped", vm->path, strerror(-r));
	}
	r = follow_boot(vm, pidfd, spec->timeout, show, &p);
	if (r == FOLLOW_READY)
		return 0;
	/* who refuses wipes its keys and powers off */
	await_end(pidfd, r == FOLLOW_REFUSED ? POWER_OFF_MS : 0);
	if (r == FOLLOW_REFUSED)
		return failure("%s refused to boot: %s", vm->name, p.reason);
	if (r == FOLLOW_EXITED)
		return exited(vm);
	if (r == FOLLOW_TIMEOUT)
		return failure("%s did not start its app within %u s: stopped; see %s/console.log", vm->name, spec->timeout,
			    vm->path);
	return failure("following %s: %s: stopped", vm->name, strerror(-r));
}

/* As a shell would take it: what holds more than plain characters stands in single quotes. */
static void print_command(const struct argv *a)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%";

	for (size_t i = 0; i < a->n; i++) {
		const char *s = a->v[i];

		if (i)
			putchar(' ');
		if (*s && strspn(s, plain) == strlen(s)) {
			fputs(s, stdout);
			continue;
		}
		putchar('\'');
		for (; *s; s++) {
			if (*s == '\'')
				fputs("'\\''", stdout);
			else
				putchar(*s);
		}
		putchar('\'');
	}
	putchar('\n');
}

int cmd_up(int argc, char **argv)
{
	struct vm_spec spec = { .memory_mib = 1024, .cpus = 1, .timeout = 180, .tee = "emulated", .accel = "tcg",
				.firmware = "/usr/share/ovmf/OVMF.fd" };
	DS_BUF struct ds_buf cmdline = DS_BUF_NULL;
	struct argv a = { 0 };
	struct vm vm = VM_NULL;
	int r = parse_options(argc, argv, &spec);

	if (r)
		return r < 0 ? 0 : r;
	r = vm_open(spec.name, true, &vm);
	if (r)
		return failure("state directory of %s: %s", spec.name, strerror(-r));
	r = vm_lock(&vm);
	if (r) {
		vm_close(&vm);
		return failure("%s: %s", spec.name, r == -EBUSY ? "is running already (dstackctl stop)" : strerror(-r));
	}
	if (input_write(&vm, &spec, &cmdline)) {
		r = failure("%s was not started", spec.name);
	} else if (qemu_argv(&vm, &spec, ds_buf_cstr(&cmdline), &a)) {
		r = failure("command line of the emulator");
	} else if (spec.dry_run) {
		print_command(&a);
	} else {
		r = start_and_follow(&vm, &spec, &a);
	}
	argv_done(&a);
	vm_close(&vm);
	return r;
}
