// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-mr acpi: the ACPI tables of a VM, from the QEMU that would run it. QEMU is started with
 * the VM's shape and stays stopped before its first instruction; we set the few chipset registers
 * that the firmware sets before it reads the tables, and read the three blobs through fw_cfg, with
 * QEMU's own test protocol (-qtest). Devices are stand-ins: the tables say where one is, not which.
 */
#include "command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <ds/base/file.h>
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define MAX_ARGS	 256
#define TEXT		 128
#define TIMEOUT_MS	 60000
#define BATCH		 256u /* replies of so many commands fit into a pipe */
#define FW_CFG_SELECT	 0x510
#define FW_CFG_DATA	 0x511
#define FW_CFG_DIRECTORY 0x19
#define MAX_FW_CFG	 256u
#define DOMAIN		 "qemu"

extern char **environ;

struct argv {
	char text[MAX_ARGS][TEXT];
	char *p[MAX_ARGS + 1];
	size_t n;
	bool overflow;
};

struct qemu {
	pid_t pid;
	int in, out; /* its standard input and output */
	char buf[8192];
	size_t at, n;
};

static void arg(struct argv *a, const char *fmt, ...) DS_PRINTF(2, 3);
static void arg(struct argv *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (a->n == MAX_ARGS) {
		a->overflow = true;
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(a->text[a->n], TEXT, fmt, ap);
	va_end(ap);
	a->overflow |= n < 0 || n >= TEXT;
	a->p[a->n] = a->text[a->n];
	a->p[++a->n] = NULL;
}

static void device(struct argv *a, const char *bus)
{
	arg(a, "-device");
	arg(a, "virtio-rng-pci%s%s", *bus ? ",bus=" : "", bus);
}

/* The machine of spec/boot.md 7.1: rootfs, data, volumes, NICs, vsock, share, then GPUs. */
static void devices(struct argv *a, const struct options *o)
{
	char bus[32];

	for (uint64_t i = 0; i < 2 + o->volumes + o->nics + 2; i++)
		device(a, "");
	for (uint64_t i = 0; i < o->gpus; i++) {
		snprintf(bus, sizeof(bus), "pci.%llu", (unsigned long long)i);
		arg(a, "-device");
		arg(a, "pcie-root-port,id=%s,bus=pcie.0,chassis=%llu", bus, (unsigned long long)i);
		device(a, bus);
	}
}

static int make_args(const struct options *o, struct argv *a, struct ds_err *err)
{
	static const char *const fixed[] = {
		"-accel",   "tcg",    "-S",	  "-nodefaults", "-no-user-config",
		"-display", "none",   "-monitor", "none",	 "-serial",
		"null",	    "-qtest", "stdio",	  "-qtest-log",	 "none",
		"-cpu",	    "qemu64,phys-bits=52" /* room for any 64-bit window */
	};
	unsigned long long mib = o->machine.memory >> 20;

	a->n = 0;
	a->overflow = strlen(o->qemu) >= TEXT || strlen(o->firmware) >= TEXT;
	arg(a, "%s", o->qemu);
	for (size_t i = 0; i < DS_ARRAY_SIZE(fixed); i++)
		arg(a, "%s", fixed[i]);
	arg(a, "-smp");
	arg(a, "%llu", (unsigned long long)o->machine.cpus);
	arg(a, "-m");
	arg(a, "%lluM", mib);
	arg(a, "-object");
	arg(a, "memory-backend-ram,id=m0,size=%lluM,reserve=off", mib);
	arg(a, "-machine");
	arg(a, "q35,kernel-irqchip=split,smm=off,hpet=off,pic=%s,memory-backend=m0",
	    o->pic_off ? "off" : "on");
	arg(a, "-bios");
	arg(a, "%s", o->firmware);
	devices(a, o);
	if (o->hotplug_off) {
		arg(a, "-global");
		arg(a, "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
	}
	if (o->hole64) {
		arg(a, "-global");
		arg(a, "q35-pcihost.pci-hole64-size=0x%llx", (unsigned long long)o->hole64);
	}
	return a->overflow ? ds_err_set(err, -E2BIG, DOMAIN, 0,
					"a name or the device list is too "
					"long")
			   : 0;
}

static int start(struct argv *a, struct qemu *q, struct ds_err *err)
{
	posix_spawn_file_actions_t fa;
	int to[2], from[2], r;

	if (pipe2(to, O_CLOEXEC))
		return -errno;
	if (pipe2(from, O_CLOEXEC)) {
		r = -errno;
		close(to[0]);
		close(to[1]);
		return r;
	}
	r = posix_spawn_file_actions_init(&fa);
	if (!r) {
		r = posix_spawn_file_actions_adddup2(&fa, to[0], STDIN_FILENO);
		r = r ? r : posix_spawn_file_actions_adddup2(&fa, from[1], STDOUT_FILENO);
		r = r ? r : posix_spawn(&q->pid, a->p[0], &fa, NULL, a->p, environ);
		posix_spawn_file_actions_destroy(&fa);
	}
	close(to[0]);
	close(from[1]);
	q->in = to[1];
	q->out = from[0];
	if (r)
		q->pid = -1;
	return r ? ds_err_set(err, -r, DOMAIN, 0, "%s: %s", a->p[0], strerror(r)) : 0;
}

static void stop(struct qemu *q)
{
	if (q->pid > 0) {
		kill(q->pid, SIGKILL);
		waitpid(q->pid, NULL, 0);
	}
	close(q->in);
	close(q->out);
}

static int fill(struct qemu *q, struct ds_err *err)
{
	struct pollfd p = { .fd = q->out, .events = POLLIN };
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, TIMEOUT_MS);
	while (r < 0 && errno == EINTR);
	if (!r)
		return ds_err_set(err, -ETIMEDOUT, DOMAIN, 0, "no answer within %d s",
				  TIMEOUT_MS / 1000);
	n = r < 0 ? -1 : read(q->out, q->buf, sizeof(q->buf));
	if (n <= 0)
		return ds_err_set(err, -EPIPE, DOMAIN, 0, "ended before it had answered");
	q->at = 0;
	q->n = (size_t)n;
	return 0;
}

/* One line without its end; longer ones are cut. */
static int read_line(struct qemu *q, char *ret, size_t cap, struct ds_err *err)
{
	size_t n = 0;

	for (;;) {
		if (q->at == q->n)
			DS_TRY(fill(q, err));
		if (q->buf[q->at] == '\n') {
			q->at++;
			ret[n] = '\0';
			return 0;
		}
		if (n + 1 < cap)
			ret[n++] = q->buf[q->at];
		q->at++;
	}
}

/* "OK", or "OK 0xVALUE". */
static int read_reply(struct qemu *q, unsigned long *ret, struct ds_err *err)
{
	char line[TEXT];

	DS_TRY(read_line(q, line, sizeof(line), err));
	if (strncmp(line, "OK", 2))
		return ds_err_set(err, -EPROTO, DOMAIN, 0, "answers '%s'", line);
	*ret = strtoul(line + 2, NULL, 16);
	return 0;
}

static int command(struct qemu *q, struct ds_err *err, const char *fmt, ...) DS_PRINTF(3, 4);
static int command(struct qemu *q, struct ds_err *err, const char *fmt, ...)
{
	unsigned long ignored;
	char line[TEXT];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	DS_TRY(ds_write_full(q->in, line, (size_t)n));
	return read_reply(q, &ignored, err);
}

/* Type 1 configuration access: bus 0. */
static int pci_write(struct qemu *q, unsigned int devfn, unsigned int reg, uint32_t v,
		     struct ds_err *err)
{
	DS_TRY(command(q, err, "outl 0xcf8 0x%x\n", 0x80000000u | devfn << 8 | reg));
	return command(q, err, "outl 0xcfc 0x%x\n", v);
}

/*
 * What OVMF has set when it reads the tables: I/O ports of power management, memory-mapped
 * configuration space, and the 64-bit window, which begins where the first BAR there lies.
 */
static int program(struct qemu *q, struct ds_err *err)
{
	const unsigned int lpc = 0x1f << 3, first = 1 << 3;

	DS_TRY(pci_write(q, lpc, 0x40, 0x601, err)); /* PMBASE */
	DS_TRY(pci_write(q, lpc, 0x44, 0x80, err));  /* ACPI_CNTL: enable */
	DS_TRY(pci_write(q, 0, 0x64, 0, err));	     /* PCIEXBAR */
	DS_TRY(pci_write(q, 0, 0x60, 0xe0000001, err));
	DS_TRY(pci_write(q, first, 0x20, 0, err)); /* BAR 4 and 5: 0x380000000000 */
	DS_TRY(pci_write(q, first, 0x24, 0x3800, err));
	return pci_write(q, first, 0x04, 2, err); /* decode memory */
}

static int read_item(struct qemu *q, unsigned int key, size_t n, struct ds_buf *ret,
		     struct ds_err *err)
{
	static const char inb[] = "inb 0x511\n";
	DS_BUF struct ds_buf batch = DS_BUF_NULL;
	unsigned long v;

	for (size_t i = 0; i < BATCH; i++)
		DS_TRY(ds_buf_add(&batch, inb, sizeof(inb) - 1));
	DS_TRY(command(q, err, "outw 0x%x 0x%x\n", FW_CFG_SELECT, key));
	while (n) {
		size_t k = n < BATCH ? n : BATCH;

		DS_TRY(ds_write_full(q->in, batch.p, k * (sizeof(inb) - 1)));
		for (size_t i = 0; i < k; i++) {
			DS_TRY(read_reply(q, &v, err));
			DS_TRY(ds_buf_add_u8(ret, (uint8_t)v));
		}
		n -= k;
	}
	return 0;
}

/* fw_cfg directory: u32 count, then u32 size, u16 key, u16 reserved, name[56]; big endian. */
static int read_file(struct qemu *q, struct ds_span dir, const char *name, struct ds_buf *ret,
		     struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(dir);
	char entry[57] = "";
	uint32_t size;
	uint16_t key;

	DS_TRY(ds_rd_skip(&rd, 4));
	while (ds_rd_left(&rd)) {
		DS_TRY(ds_rd_u32be(&rd, &size));
		DS_TRY(ds_rd_u16be(&rd, &key));
		DS_TRY(ds_rd_skip(&rd, 2));
		DS_TRY(ds_rd_copy(&rd, entry, 56));
		if (strcmp(entry, name))
			continue;
		if (size > DS_ACPI_MAX_BLOB)
			return ds_err_set(err, -EFBIG, DOMAIN, 0, "%s of %u bytes", name, size);
		return read_item(q, key, size, ret, err);
	}
	return ds_err_set(err, -ENOENT, DOMAIN, 0, "has no %s", name);
}

static int read_directory(struct qemu *q, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf head = DS_BUF_NULL;
	struct ds_rd rd;
	uint32_t n;

	DS_TRY(read_item(q, FW_CFG_DIRECTORY, 4, &head, err));
	rd = ds_rd_init(ds_buf_span(&head));
	DS_TRY(ds_rd_u32be(&rd, &n));
	if (n > MAX_FW_CFG)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "%u fw_cfg files", n);
	return read_item(q, FW_CFG_DIRECTORY, 4 + 64 * (size_t)n, ret, err);
}

/* What we derive from the tables has to be what this QEMU gives to firmware. */
static int check_derived(struct qemu *q, struct ds_span dir, struct ds_span tables,
			 struct ds_err *err)
{
	DS_BUF struct ds_buf loader = DS_BUF_NULL, rsdp = DS_BUF_NULL;
	DS_BUF struct ds_buf want = DS_BUF_NULL, want_rsdp = DS_BUF_NULL;
	struct ds_acpi acpi = { .n = 0 };

	DS_TRY(ds_acpi_parse(tables, &acpi, err));
	DS_TRY(ds_acpi_loader(&acpi, &want));
	DS_TRY(ds_acpi_rsdp(&acpi, &want_rsdp));
	DS_TRY(read_file(q, dir, "etc/table-loader", &loader, err));
	DS_TRY(read_file(q, dir, "etc/acpi/rsdp", &rsdp, err));
	if (!ds_span_eq(ds_buf_span(&loader), ds_buf_span(&want)) ||
	    !ds_span_eq(ds_buf_span(&rsdp), ds_buf_span(&want_rsdp)))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "links its tables in a way that is not modelled");
	return 0;
}

static int read_tables(struct qemu *q, struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf dir = DS_BUF_NULL;

	DS_TRY(program(q, err));
	DS_TRY(read_directory(q, &dir, err));
	DS_TRY(read_file(q, ds_buf_span(&dir), "etc/acpi/tables", ret, err));
	return check_derived(q, ds_buf_span(&dir), ds_buf_span(ret), err);
}

/* The VMM whose tables are wanted is not always the QEMU that made these. */
static int convert(const struct options *o, struct ds_buf *tables, struct ds_err *err)
{
	const struct ds_acpi_vmm vmm = { .before_9_2 = o->qemu_version < 902, .pic = !o->pic_off };
	DS_BUF struct ds_buf stock = DS_BUF_NULL;

	if (!o->qemu_version)
		return 0;
	stock = *tables;
	*tables = DS_BUF_NULL;
	return ds_acpi_for_vmm(ds_buf_span(&stock), &vmm, tables, err);
}

int run_acpi(const struct options *o, struct ds_buf *out, struct ds_err *err)
{
	static const char *const names[] = { "acpi-loader", "acpi-rsdp", "acpi-tables" };
	DS_BUF struct ds_buf tables = DS_BUF_NULL;
	uint8_t digest[MR_ACPI_BLOBS][MR_SIZE];
	struct qemu q = { .pid = -1, .in = -1, .out = -1 };
	char hex[2 * MR_SIZE + 1];
	struct argv a;
	int r;

	DS_TRY(make_args(o, &a, err));
	signal(SIGPIPE, SIG_IGN);
	r = start(&a, &q, err);
	if (!r)
		r = read_tables(&q, &tables, err);
	stop(&q);
	DS_TRY(r);
	DS_TRY(convert(o, &tables, err));
	DS_TRY(mr_acpi_digests(ds_buf_span(&tables), digest, NULL, err));
	r = ds_write_file_atomic(AT_FDCWD, o->output, ds_buf_span(&tables), 0644);
	if (r)
		return ds_err_set(err, r, "file", 0, "%s: %s", o->output, strerror(-r));
	for (size_t i = 0; i < MR_ACPI_BLOBS; i++)
		DS_TRY(ds_buf_addf(out, o->json ? "%s\"%s\":\"%s\"" : "%s%s %s\n",
				   !o->json ? ""
				   : i	    ? ","
					    : "{",
				   names[i], ds_hex_encode(digest[i], MR_SIZE, hex)));
	return o->json ? ds_buf_addf(out, "}\n") : 0;
}
