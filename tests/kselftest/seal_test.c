// SPDX-License-Identifier: Apache-2.0
/*
 * What lockdown "confidentiality" leaves open to root: bpf(2) reads any address of the kernel, and
 * perf_event_open(2) the stack of a process that nobody may trace. After dstack-init's
 * seal_kernel() neither does.
 */
#include <asm/perf_regs.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <ds/base/file.h>

#include "../../initramfs/seal.h"
#include "ktap.h"

/* What the program is given, and where it leaves what it found. */
struct peek {
	uint64_t address;
	uint64_t value;
};

static struct ds_buf btf;
static int peeker = -1;
static uint64_t banner;

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* The kernel takes any number for the address of a structure, if it is only to be read. */
static int load_peeker(void)
{
	uint32_t cast = seal_btf_find(ds_buf_span(&btf), BTF_KIND_FUNC, "bpf_rdonly_cast");
	uint32_t type = seal_btf_find(ds_buf_span(&btf), BTF_KIND_STRUCT, "timespec64");
	const struct bpf_insn prog[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0 },
		{ BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_6, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, (int)type },
		{ BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int)cast },
		{ BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0 },
		{ BPF_STX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_1, 8, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	static char log[65536];
	union bpf_attr attr = { 0 };
	int fd;

	attr.prog_type = BPF_PROG_TYPE_SYSCALL;
	attr.prog_flags = BPF_F_SLEEPABLE;
	attr.insns = (uintptr_t)prog;
	attr.insn_cnt = sizeof(prog) / sizeof(*prog);
	attr.license = (uintptr_t)"GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0)
		fprintf(stderr, "%s", log);
	return fd;
}

static int peek(uint64_t address, uint64_t *ret_value)
{
	struct peek ctx = { address, 0 };
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (uint32_t)peeker;
	attr.test.ctx_in = (uintptr_t)&ctx;
	attr.test.ctx_size_in = sizeof(ctx);
	if (sys_bpf(BPF_PROG_TEST_RUN, &attr))
		return -1;
	*ret_value = ctx.value;
	return 0;
}

static uint64_t find_symbol(const char *want)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long at;
	char name[512];
	uint64_t found = 0;

	while (f && !found && fscanf(f, "%llx %*s %511s%*[^\n]", &at, name) == 2)
		if (!strcmp(name, want))
			found = at;
	if (f)
		fclose(f);
	return found;
}

static void lockdown_is_not_enough(void)
{
	char text[8];
	uint64_t v;

	int fd;

	if (ds_read_file(AT_FDCWD, "/sys/kernel/btf/vmlinux", 64 << 20, &btf))
		KT_SKIP("this kernel has no BTF");
	KT_CHECK(!mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL) ||
		 errno == EBUSY);
	fd = open("/sys/kernel/security/lockdown", O_WRONLY | O_CLOEXEC);
	KT_CHECK(fd >= 0 && write(fd, "confidentiality", 15) == 15 && !close(fd));
	KT_CHECK((banner = find_symbol("linux_banner")));
	peeker = load_peeker();
	KT_CHECK(peeker >= 0);
	KT_CHECK(!peek(banner, &v));
	memcpy(text, &v, sizeof(text));
	KT_CHECK(!memcmp(text, "Linux ve", 8));
}

#define RING_PAGES 16

static int open_perf(pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
		.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = 1 << PERF_REG_X86_SP,
		.sample_stack_user = 4096,
		.exclude_kernel = 1,
		.wakeup_events = 4,
	};

	return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static _Noreturn void keep_on_stack(const uint8_t secret[32])
{
	volatile uint8_t copy[32];

	prctl(PR_SET_DUMPABLE, 0);
	for (int i = 0; i < 32; i++)
		copy[i] = secret[i];
	while (copy[0] == secret[0])
		;
	_exit(0);
}

/* A process with a secret on its stack, which may not be dumped. 1: perf has found it. */
static int perf_finds_secret(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t secret[32], *ring;
	struct pollfd p = { .events = POLLIN };
	int found = -1;
	pid_t pid;

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -1;
	pid = fork();
	if (!pid)
		keep_on_stack(secret);
	p.fd = pid > 0 ? open_perf(pid) : -1;
	if (p.fd >= 0) {
		ring = mmap(NULL, (1 + RING_PAGES) * page, PROT_READ | PROT_WRITE, MAP_SHARED, p.fd, 0);
		if (ring != MAP_FAILED && poll(&p, 1, 60000) == 1)
			found = memmem(ring + page, RING_PAGES * page, secret, sizeof(secret)) != NULL;
		close(p.fd);
	}
	int e = errno;
	if (pid > 0 && !kill(pid, SIGKILL))
		waitpid(pid, NULL, 0);
	errno = e;
	return found;
}

static void perf_sees_stacks(void)
{
	if (access("/proc/sys/kernel/perf_event_paranoid", F_OK) ||
	    access("/proc/sys/kernel/yama/ptrace_scope", F_OK))
		KT_SKIP("this kernel has no perf or no Yama");
	KT_CHECK(!kt_write_text("/proc/sys/kernel/yama/ptrace_scope", "3"));
	KT_CHECK(perf_finds_secret() == 1);
}

/* In a user namespace everybody is root, and may ask for a token. */
static int refused_in_userns(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
		      sys_bpf(BPF_PROG_GET_NEXT_ID, &(union bpf_attr){ 0 }) != -1 ||
		      errno != EPERM);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static void sealed(void)
{
	int links[SEAL_DOORS], again[SEAL_DOORS], r;
	union bpf_attr attr;
	uint64_t v;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		KT_SKIP("this kernel has no BTF");
	r = seal_kernel(links);
	errno = -r;
	KT_CHECK(!r);
	KT_ERRNO(perf_finds_secret(), EPERM);
	/* Neither what is loaded already, nor any command. */
	KT_ERRNO(peek(banner, &v), EPERM);
	KT_ERRNO(load_peeker(), EPERM);
	for (int cmd = 0; cmd < 64; cmd++) {
		memset(&attr, 0, sizeof(attr));
		KT_ERRNO(sys_bpf(cmd, &attr), EPERM);
	}
	/* Nor does the kernel stop calling the hooks: dstack_key.ko sees to that, 7.3 by itself. */
	KT_CHECK(kt_write_text("/proc/sys/kernel/ftrace_enabled", "0") &&
		 (errno == EBUSY || errno == EOPNOTSUPP));
	KT_ERRNO(peek(banner, &v), EPERM);
	/* Not even what would take the seal away. */
	memset(&attr, 0, sizeof(attr));
	attr.link_detach.link_fd = (uint32_t)links[SEAL_DOORS - 1];
	KT_ERRNO(sys_bpf(BPF_LINK_DETACH, &attr), EPERM);
	KT_CHECK(refused_in_userns());
	KT_CHECK(seal_kernel(again) == -EPERM);
	/* It is the descriptors that keep it. */
	KT_CHECK(!close(links[0]) && !close(links[1]));
	if (peeker >= 0)
		KT_CHECK(!peek(banner, &v));
}

static const struct kt_test tests[] = {
	{ "seal: lockdown alone lets bpf(2) read the kernel", lockdown_is_not_enough },
	{ "seal: nor does it keep perf off the stack of a process that may not be traced", perf_sees_stacks },
	{ "seal: then nobody's bpf(2) or perf_event_open(2) does anything", sealed },
};

KT_MAIN(tests)
