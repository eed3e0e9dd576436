// SPDX-License-Identifier: Apache-2.0
#include "seal.h"

#include <ds/base/file.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BTF_FILE "/sys/kernel/btf/vmlinux"
#define BTF_MAX	 (64u << 20)

/* What follows a struct btf_type: so much, and so much for each of its members. */
static const struct {
	uint8_t fixed, member;
} after[] = {
	[BTF_KIND_INT] = { 4, 0 },	  [BTF_KIND_PTR] = { 0, 0 },
	[BTF_KIND_ARRAY] = { 12, 0 },	  [BTF_KIND_STRUCT] = { 0, 12 },
	[BTF_KIND_UNION] = { 0, 12 },	  [BTF_KIND_ENUM] = { 0, 8 },
	[BTF_KIND_FUNC_PROTO] = { 0, 8 }, [BTF_KIND_VAR] = { 4, 0 },
	[BTF_KIND_DATASEC] = { 0, 12 },	  [BTF_KIND_DECL_TAG] = { 4, 0 },
	[BTF_KIND_ENUM64] = { 0, 12 },
};

static bool is_named(struct ds_span strings, uint32_t at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at < strings.n && n <= strings.n - at && !memcmp(strings.p + at, name, n);
}

/* Part of the blob behind its header; empty if it is not all there. */
static struct ds_span part(struct ds_span rest, uint32_t off, uint32_t len)
{
	if (off > rest.n || len > rest.n - off)
		return DS_SPAN_NULL;
	return (struct ds_span){ rest.p + off, len };
}

uint32_t seal_btf_find(struct ds_span btf, unsigned kind, const char *name)
{
	struct ds_span rest, types, strings;
	struct btf_header h;
	struct btf_type t;
	size_t at = 0, size;

	if (btf.n < sizeof(h))
		return 0;
	memcpy(&h, btf.p, sizeof(h));
	if (h.magic != BTF_MAGIC || h.hdr_len < sizeof(h) || h.hdr_len > btf.n)
		return 0;
	rest = (struct ds_span){ btf.p + h.hdr_len, btf.n - h.hdr_len };
	types = part(rest, h.type_off, h.type_len);
	strings = part(rest, h.str_off, h.str_len);
	for (uint32_t id = 1; types.n - at >= sizeof(t); id++) {
		memcpy(&t, types.p + at, sizeof(t));
		if (BTF_INFO_KIND(t.info) > BTF_KIND_MAX)
			return 0;
		size = sizeof(t);
		if (BTF_INFO_KIND(t.info) < DS_ARRAY_SIZE(after))
			size += after[BTF_INFO_KIND(t.info)].fixed +
				(size_t)after[BTF_INFO_KIND(t.info)].member * BTF_INFO_VLEN(t.info);
		if (size > types.n - at)
			return 0;
		if (BTF_INFO_KIND(t.info) == kind && is_named(strings, t.name_off, name))
			return id;
		at += size;
	}
	return 0;
}

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int fd = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return fd < 0 ? -errno : fd;
}

static int load_refusal(uint32_t hook)
{
	static const struct bpf_insn refuse[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -EPERM },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_LSM;
	attr.expected_attach_type = BPF_LSM_MAC;
	attr.attach_btf_id = hook;
	attr.insns = (uintptr_t)refuse;
	attr.insn_cnt = DS_ARRAY_SIZE(refuse);
	attr.license = (uintptr_t) "GPL";
	memcpy(attr.prog_name, "dstack_seal", 12);
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

/* The descriptor that keeps the hook's refusal, or a negative errno. */
static int refuse(struct ds_span btf, const char *name)
{
	uint32_t hook = seal_btf_find(btf, BTF_KIND_FUNC, name);
	union bpf_attr attr = { 0 };
	int link, prog;

	if (!hook)
		return -ENOENT;
	prog = load_refusal(hook);
	if (prog < 0)
		return prog;
	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.attach_type = BPF_LSM_MAC;
	link = sys_bpf(BPF_LINK_CREATE, &attr);
	close(prog);
	return link;
}

/* The hooks are there, but a command line without "bpf" in lsm= would never call them. */
static bool refused(void)
{
	return sys_bpf(BPF_PROG_GET_NEXT_ID, &(union bpf_attr){ 0 }) == -EPERM;
}

int seal_kernel(int ret_links[SEAL_DOORS])
{
	/* bpf(2) last: nothing more can be attached then. */
	static const char *const hooks[SEAL_DOORS] = { "bpf_lsm_perf_event_open", "bpf_lsm_bpf" };
	DS_BUF struct ds_buf btf = DS_BUF_NULL;
	int links[SEAL_DOORS], n = 0, r = ds_read_file(AT_FDCWD, BTF_FILE, BTF_MAX, &btf);

	for (; !r && n < SEAL_DOORS; n++) {
		links[n] = refuse(ds_buf_span(&btf), hooks[n]);
		if (links[n] < 0) {
			r = links[n];
			break;
		}
	}
	if (!r && !refused())
		r = -EOPNOTSUPP;
	if (!r)
		memcpy(ret_links, links, sizeof(links));
	while (r && n > 0)
		close(links[--n]);
	return r;
}
