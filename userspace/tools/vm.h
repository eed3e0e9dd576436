/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one virtual machine on this host: a directory <state>/vms/<name>/ with
 *
 *   vm.json          what was asked for (image, memory, ports), and the pid of the emulator
 *   lock             held (flock) by the running emulator itself, so "is it up" needs no pid and cannot be fooled by reuse
 *   host-input.bin   what the guest reads, see ds/wire/hostinput.h       instance_info.json  kept for the next start
 *   console.log      ttyS0       notify.log   ttyS1, one JSON line per event        qmp.sock   control socket of QEMU
 *
 * The host is not trusted by the guest; nothing here is secret except emul-td/ of emulated machines (0600).
 */
#ifndef DS_TOOLS_VM_H
#define DS_TOOLS_VM_H

#include <jansson.h>
#include <limits.h>

#include <ds/base/base.h>

#define VM_NAME_MAX 63
#define VM_PORTS_MAX 16
#define VM_NOTIFY_LINE_MAX 8192

struct vm {
	char name[VM_NAME_MAX + 1];
	char path[PATH_MAX];
	int dirfd;
	int lockfd; /* owned while this process starts the machine, else -1 */
};

#define VM_NULL ((struct vm){ .dirfd = -1, .lockfd = -1 })

struct vm_port {
	char addr[46];
	uint16_t host;
	uint16_t guest;
	bool udp;
};

/* What `up` was asked for; strings are borrowed from argv. */
struct vm_spec {
	const char *name, *image, *compose, *user_config, *encrypted_env, *kms_collateral;
	const char *app_id, *pki, *firmware, *accel, *tee;
	const char *kms[4], *gateway[4];
	size_t n_kms, n_gateway, n_ports;
	struct vm_port ports[VM_PORTS_MAX];
	unsigned int memory_mib, cpus, timeout;
	bool dry_run;
	uint8_t config_id[48]; /* MRCONFIGID, filled by input_write() */
};

/* Where state lives: $DSTACK_STATE, /var/lib/dstack for root, else ~/.local/state/dstack. */
DS_MUST int vm_state_dir(char *ret, size_t cap);
/* [a-z0-9] then [a-z0-9-], at most VM_NAME_MAX. */
bool vm_name_ok(const char *name);
/* -ENOENT when there is no such machine and create is false. */
DS_MUST int vm_open(const char *name, bool create, struct vm *ret);
void vm_close(struct vm *vm);
/* Take the lock for a start: -EBUSY when the machine runs. */
DS_MUST int vm_lock(struct vm *vm);
bool vm_running(const struct vm *vm);
DS_MUST int vm_load(const struct vm *vm, const char *file, size_t max, json_t **ret);
DS_MUST int vm_store(const struct vm *vm, const char *file, const json_t *obj);

/* qemu.c */
struct argv {
	char **v;
	size_t n, cap;
};
void argv_done(struct argv *a);
DS_MUST int argv_addf(struct argv *a, const char *fmt, ...) DS_PRINTF(2, 3);
DS_MUST int qemu_argv(const struct vm *vm, const struct vm_spec *spec, const char *cmdline, struct argv *ret);
/* One command on the control socket; 0 when QEMU answered "return". */
DS_MUST int qmp_command(const struct vm *vm, const char *command);

/* input.c: write host-input.bin and the emulator's start values into the machine's directory. */
DS_MUST int input_write(const struct vm *vm, struct vm_spec *spec, struct ds_buf *ret_cmdline);

/* notify.c */
struct notify_event {
	char event[32];
	char payload[4096];
};
/* One line of notify.log: JSON {"event":..,"payload":..}; -EBADMSG otherwise. Pure. */
DS_MUST int notify_parse(struct ds_span line, struct notify_event *ret);

/* "host:port" with a numeric port; host is copied. */
DS_MUST int split_host_port(const char *s, char *host, size_t cap, uint16_t *ret_port);

/* Print "dstackctl: ..." to stderr and return 1. */
int failure(const char *fmt, ...) DS_PRINTF(1, 2);
int usage_error(const char *fmt, ...) DS_PRINTF(1, 2);

int cmd_up(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_evidence(int argc, char **argv);
int cmd_kms(int argc, char **argv);
int cmd_env(int argc, char **argv);
int cmd_contract(int argc, char **argv);

#endif
