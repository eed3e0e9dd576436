/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot stages of pid 1 share. Stages run once, in the order of the table in init.c; each
 * reads what earlier ones left here and adds its own part. A stage returns 0 or a negative errno
 * with ctx->err filled; the boot then ends: the host is told "<stage>: <reason>", keys are wiped,
 * the machine is powered off.
 *
 * One process, one thread. Secrets are in ctx->keys only, until the keys stage has put them into
 * the kernel.
 */
#ifndef INITRAMFS_CTX_H
#define INITRAMFS_CTX_H

#include <ds/base/base.h>
#include <ds/net/kms.h>
#include <ds/wire/compose.h>
#include <ds/wire/hostinput.h>

#include "seal.h"

#define RUN_DIR	   "/run/dstack"
#define APP_DIR	   "/dstack"
#define MODULE_DIR "/lib/dstack/modules"
#define FWCFG_DIR  "/sys/firmware/qemu_fw_cfg/by_name"

struct identity {
	uint8_t compose_hash[32];
	uint8_t app_id[20];
	uint8_t seed[20];
	uint8_t instance_id[20];
	size_t instance_id_len; /* 20, or 0 for an app without instance identity */
};

struct ctx {
	const char *stage; /* name of the running one */
	struct ds_err err;
	int notify_fd; /* second serial port, -1 if there is none */

	bool emulated;	       /* this image and this host agreed on the emulator */
	int qe_key_fd;	       /* memfd with the test quoting enclave's keys, -1 if none */
	int seals[SEAL_DOORS]; /* never closed: what they close would open again */
	int64_t image_time;    /* the clock is never believed below this */

	struct ds_buf host_input; /* the only copy: measured, then used */
	struct ds_hostinput hi;
	struct ds_compose compose;
	struct ds_sysconfig sys;
	struct ds_instance_info info;
	struct identity id;

	int holder_fd; /* control socket of the key holder */
	pid_t holder_pid;
	struct ds_kms_app_keys keys;
	const char *kms_url; /* borrowed from sys; NULL without a KMS */
	struct ds_buf kms_root_pem;
};

int stage_modules(struct ctx *c);
int stage_host_input(struct ctx *c);
int stage_identity(struct ctx *c);
int stage_measure(struct ctx *c);
int stage_network(struct ctx *c);
int stage_keys(struct ctx *c);
int stage_app(struct ctx *c);

/* notify.c: events for the host. Best effort: the host may not be listening, and boot does not
 * depend on it. */
int notify_open(void);
void notify_send(struct ctx *c, const char *event, const char *payload);
void notify_progress(struct ctx *c, const char *fmt, ...) DS_PRINTF(2, 3);
/* Wait, a second at most, until the port has sent everything. */
void notify_drain(struct ctx *c);
/* Pure: one line, ASCII only. */
DS_MUST int notify_format(const char *event, const char *payload, struct ds_buf *ret);

/* env.c: the encrypted environment. */
/* -EOPNOTSUPP: there is one, and nothing that would open it. */
DS_MUST int env_wanted(const struct ctx *c, struct ds_err *err);
/* Needs keys.env, which the keys stage gives away. */
DS_MUST int env_open(struct ctx *c);
/* In the app's process, before it is one: into its environment. */
DS_MUST int env_apply(void);
void env_wipe(void);

/* power.c */
void wipe_keys(struct ctx *c);
_Noreturn void power_off(struct ctx *c);
_Noreturn void boot_failed(struct ctx *c);

/* supervise.c: from here pid 1 starts, restarts and reaps. */
_Noreturn void supervise(struct ctx *c);
/* Called before supervise() by the stage that knows how: a process that is to run as long as the
 * machine does. */
pid_t spawn(struct ctx *c, const char *name, char *const argv[], int pass_fd, const char *dir);
void supervise_add_qe(struct ctx *c, pid_t pid);
pid_t start_qe(struct ctx *c);
pid_t start_agent(struct ctx *c);
pid_t start_gateway(struct ctx *c);
pid_t start_app(struct ctx *c);

/* status.c: the socket on which services report; true when one said that it is ready. */
DS_MUST int status_open(void);
bool status_read(struct ctx *c, int fd);

/* holder.c: the process that holds the app's secp256k1 key for signatures the kernel cannot make.
 */
DS_MUST int holder_start(struct ctx *c);
/* Give it the key, once. */
DS_MUST int holder_load(struct ctx *c, const struct ds_secret *key);
/* A new socket for a new agent; the old one is closed in the holder. */
DS_MUST int holder_connect(struct ctx *c, int *ret_fd);

/* identity.c, pure (spec/boot 3.3). seed: used if the host gave none. */
DS_MUST int identity_make(const struct ds_compose *compose, struct ds_span compose_bytes,
			  const struct ds_instance_info *info, const uint8_t seed[20],
			  struct identity *ret);
/* MRCONFIGID of a TDREPORT against what was measured (spec/boot 4.6). */
DS_MUST int identity_check_mrconfigid(const struct identity *id, const struct ds_compose *compose,
				      const uint8_t mrconfigid[48], struct ds_err *err);
/* What this version cannot do is refused by name, before anything is measured. */
DS_MUST int compose_supported(const struct ds_compose *compose, struct ds_err *err);

/* emulparams.c, pure: the text of fw_cfg item tdx-emul to parameters of tdx_emul.ko. */
#define EMUL_TEXT_MAX 4096u
DS_MUST int emul_params(struct ds_span text, struct ds_buf *ret, struct ds_err *err);
/* modlist.c, pure: "GROUP FILE" per line; the next file of group from *pos on, or DS_MODLIST_E_END.
 */
#define MODLIST_MAX   65536u
#define MODLIST_E_END 1
DS_MUST int modlist_next(struct ds_span list, size_t *pos, const char *group, char ret_file[64],
			 struct ds_err *err);

#endif
