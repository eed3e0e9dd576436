// SPDX-License-Identifier: Apache-2.0
/* The emulator's command line and its control socket. */
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ds/base/text.h>

#include "vm.h"

void argv_done(struct argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct argv){ 0 };
}

int argv_addf(struct argv *a, const char *fmt, ...)
{
	char *s;
	va_list ap;
	int n;

	if (a->n + 2 > a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 32;
		char **v = reallocarray(a->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		a->v = v;
		a->cap = cap;
	}
	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	a->v[a->n++] = s;
	a->v[a->n] = NULL;
	return 0;
}

static int add2(struct argv *a, const char *opt, const char *value)
{
	DS_TRY(argv_addf(a, "%s", opt));
	return argv_addf(a, "%s", value);
}

/* QEMU splits option values at commas; a comma in a path is written twice. */
static int comma_safe(const char *path, char *out, size_t cap)
{
	size_t o = 0;

	for (; *path; path++) {
		if (o + 3 > cap)
			return -ENAMETOOLONG;
		if (*path == ',')
			out[o++] = ',';
		out[o++] = *path;
	}
	out[o] = '\0';
	return 0;
}

static int add_network(struct argv *a, const struct vm_spec *spec)
{
	DS_BUF struct ds_buf net = DS_BUF_NULL;

	DS_TRY(ds_buf_addf(&net, "user,id=net0,net=10.0.2.0/24,restrict=no"));
	for (size_t i = 0; i < spec->n_ports; i++) {
		const struct vm_port *p = &spec->ports[i];

		DS_TRY(ds_buf_addf(&net, ",hostfwd=%s:%s:%u-:%u", p->udp ? "udp" : "tcp", p->addr, p->host, p->guest));
	}
	if (!ds_buf_cstr(&net))
		return -ENOMEM;
	DS_TRY(add2(a, "-netdev", (const char *)net.p));
	return add2(a, "-device", "virtio-net-pci,netdev=net0");
}

/* An emulated TD is an ordinary VM; a real one needs KVM, a TDX host and QEMU 10 or newer (spec/boot 7.1). */
static int add_machine(struct argv *a, const struct vm_spec *spec)
{
	char config_id[DS_B64_SIZE(sizeof(spec->config_id))];

	if (!strcmp(spec->tee, "emulated")) {
		DS_TRY(add2(a, "-machine", "q35"));
		DS_TRY(add2(a, "-accel", spec->accel));
		return add2(a, "-cpu", !strcmp(spec->accel, "kvm") ? "host" : "max");
	}
	DS_TRY(add2(a, "-accel", "kvm"));
	DS_TRY(add2(a, "-cpu", "host"));
	DS_TRY(add2(a, "-bios", spec->firmware));
	DS_TRY(add2(a, "-machine", "q35,kernel-irqchip=split,confidential-guest-support=tdx,hpet=off"));
	DS_TRY(argv_addf(a, "-object"));
	return argv_addf(a,
			 "{\"qom-type\":\"tdx-guest\",\"id\":\"tdx\",\"mrconfigid\":\"%s\","
			 "\"quote-generation-socket\":{\"type\":\"vsock\",\"cid\":\"2\",\"port\":\"4050\"}}",
			 ds_b64_encode(spec->config_id, sizeof(spec->config_id), config_id));
}

static int add_fw_cfg(struct argv *a, const char *name, const char *dir, const char *file)
{
	DS_TRY(argv_addf(a, "-fw_cfg"));
	return argv_addf(a, "name=%s,file=%s/%s", name, dir, file);
}

int qemu_argv(const struct vm *vm, const struct vm_spec *spec, const char *cmdline, struct argv *ret)
{
	char dir[2 * PATH_MAX], image[2 * PATH_MAX];

	DS_TRY(comma_safe(vm->path, dir, sizeof(dir)));
	DS_TRY(comma_safe(spec->image, image, sizeof(image)));
	DS_TRY(argv_addf(ret, "qemu-system-x86_64"));
	DS_TRY(argv_addf(ret, "-name"));
	DS_TRY(argv_addf(ret, "dstack-%s", vm->name));
	DS_TRY(argv_addf(ret, "-nodefaults"));
	DS_TRY(argv_addf(ret, "-no-user-config"));
	DS_TRY(add2(ret, "-display", "none"));
	DS_TRY(argv_addf(ret, "-no-reboot"));
	DS_TRY(add_machine(ret, spec));
	DS_TRY(argv_addf(ret, "-smp"));
	DS_TRY(argv_addf(ret, "%u", spec->cpus));
	DS_TRY(argv_addf(ret, "-m"));
	DS_TRY(argv_addf(ret, "%uM", spec->memory_mib));
	DS_TRY(argv_addf(ret, "-kernel"));
	DS_TRY(argv_addf(ret, "%s/bzImage", spec->image));
	DS_TRY(argv_addf(ret, "-initrd"));
	DS_TRY(argv_addf(ret, "%s/initramfs.cpio.gz", spec->image));
	DS_TRY(add2(ret, "-append", cmdline));
	DS_TRY(argv_addf(ret, "-serial"));
	DS_TRY(argv_addf(ret, "file:%s/console.log", vm->path));
	DS_TRY(argv_addf(ret, "-serial"));
	DS_TRY(argv_addf(ret, "file:%s/notify.log", vm->path));
	DS_TRY(argv_addf(ret, "-qmp"));
	DS_TRY(argv_addf(ret, "unix:%s/qmp.sock,server=on,wait=off", dir));
	DS_TRY(add_network(ret, spec));
	DS_TRY(add_fw_cfg(ret, "opt/dstack/host-input", dir, "host-input.bin"));
	if (!strcmp(spec->tee, "emulated")) {
		DS_TRY(add_fw_cfg(ret, "opt/dstack/tdx-emul", dir, "tdx-emul.txt"));
		DS_TRY(add_fw_cfg(ret, "opt/dstack/emul-qe", dir, "emul-qe.key"));
	}
	return 0;
}

/* Read lines until one has a top-level "return" or "error"; events in between are skipped. */
static int qmp_wait(FILE *f)
{
	char line[16384];

	while (fgets(line, sizeof(line), f)) {
		json_t *obj = json_loads(line, 0, NULL);
		bool done = json_object_get(obj, "return") || json_object_get(obj, "QMP");
		bool error = json_object_get(obj, "error");

		json_decref(obj);
		if (done)
			return 0;
		if (error)
			return -EPROTO;
	}
	return -EPIPE;
}

int qmp_command(const struct vm *vm, const char *command)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 5 };
	DS_FILE FILE *f = NULL;
	int fd;

	/* the path may be longer than sun_path: go through the directory descriptor */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/qmp.sock", vm->dirfd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		int r = -errno;

		close(fd);
		return r;
	}
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	DS_TRY(qmp_wait(f));
	if (dprintf(fd, "{\"execute\":\"qmp_capabilities\"}\n") < 0)
		return -errno;
	DS_TRY(qmp_wait(f));
	if (dprintf(fd, "{\"execute\":\"%s\"}\n", command) < 0)
		return -errno;
	return qmp_wait(f);
}
