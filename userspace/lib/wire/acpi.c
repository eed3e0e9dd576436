// SPDX-License-Identifier: Apache-2.0
/* QEMU's ACPI blobs, see ds/wire/acpi.h. */
#include <ds/base/rd.h>
#include <ds/wire/acpi.h>

#define DOMAIN	  "acpi"
#define HEADER	  36u
#define CHECKSUM  9u
#define FACS_LEN  64u
#define FACP_LEN  244u
#define FACP_FACS 36u
#define FACP_DSDT 40u
#define FACP_X	  140u
#define COMMAND	  128u
#define FILE_NAME 56u
#define TABLES	  "etc/acpi/tables"
#define RSDP	  "etc/acpi/rsdp"

enum command { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };

static int read_table(struct ds_span blob, size_t off, struct ds_acpi_table *ret,
		      struct ds_err *err)
{
	const uint8_t *p = blob.p + off;
	uint32_t len;

	if (blob.n - off < HEADER)
		return ds_err_set(err, -EBADMSG, DOMAIN, off, "the blob ends before its RSDT");
	for (size_t i = 0; i < 4; i++)
		if (p[i] < '0' || p[i] > 'Z' || (p[i] > '9' && p[i] < 'A'))
			return ds_err_set(err, -EBADMSG, DOMAIN, off,
					  "no table where one should begin");
	len = ds_get_u32le(p + 4);
	memcpy(ret->sig, p, 4);
	ret->sig[4] = '\0';
	if (len < HEADER || len > blob.n - off)
		return ds_err_set(err, -EBADMSG, DOMAIN, off, "%s of %u bytes, %zu left", ret->sig,
				  len, blob.n - off);
	ret->off = (uint32_t)off;
	ret->len = len;
	if (!strcmp(ret->sig, "TPM2") || !strcmp(ret->sig, "TCPA"))
		return ds_err_set(err, -EBADMSG, DOMAIN, off, "%s: a VM with a TPM is not modelled",
				  ret->sig);
	if (strcmp(ret->sig, "FACS") && p[CHECKSUM])
		return ds_err_set(err, -EBADMSG, DOMAIN, off,
				  "%s has a checksum: not the blob that firmware measures",
				  ret->sig);
	return 0;
}

static int read_tables(struct ds_span blob, struct ds_acpi *a, struct ds_err *err)
{
	static const char *const first[] = { "FACS", "DSDT", "FACP" };
	size_t off = 0;

	for (a->n = 0; a->n < DS_ACPI_MAX_TABLES; off += a->t[a->n - 1].len) {
		struct ds_acpi_table *t = &a->t[a->n];

		DS_TRY(read_table(blob, off, t, err));
		if (a->n < DS_ARRAY_SIZE(first) && strcmp(t->sig, first[a->n]))
			return ds_err_set(err, -EBADMSG, DOMAIN, off,
					  "table %zu is %s, expected %s", a->n, t->sig,
					  first[a->n]);
		a->n++;
		if (!strcmp(t->sig, "RSDT"))
			return 0;
	}
	return ds_err_set(err, -EBADMSG, DOMAIN, off, "no RSDT among %u tables",
			  DS_ACPI_MAX_TABLES);
}

/* Pointers as QEMU writes them: offsets into the blob. */
static int check_pointers(struct ds_span blob, const struct ds_acpi *a, struct ds_err *err)
{
	const struct ds_acpi_table *facp = &a->t[2], *rsdt = &a->t[a->n - 1];
	const uint8_t *p = blob.p + facp->off;

	if (a->t[0].len != FACS_LEN || facp->len != FACP_LEN)
		return ds_err_set(err, -EBADMSG, DOMAIN, facp->off,
				  "FACS of %u and FACP of %u bytes, expected %u and %u",
				  a->t[0].len, facp->len, FACS_LEN, FACP_LEN);
	if (ds_get_u32le(p + FACP_FACS) != a->t[0].off ||
	    ds_get_u32le(p + FACP_DSDT) != a->t[1].off || ds_get_u64le(p + FACP_X) != a->t[1].off)
		return ds_err_set(err, -EBADMSG, DOMAIN, facp->off,
				  "FACP points elsewhere: not the blob that firmware measures");
	if (rsdt->len != HEADER + 4 * (a->n - 3))
		return ds_err_set(err, -EBADMSG, DOMAIN, rsdt->off,
				  "RSDT of %u bytes for %zu tables", rsdt->len, a->n - 3);
	for (size_t i = 2; i + 1 < a->n; i++)
		if (ds_get_u32le(blob.p + rsdt->off + HEADER + 4 * (i - 2)) != a->t[i].off)
			return ds_err_set(err, -EBADMSG, DOMAIN, rsdt->off,
					  "RSDT does not point to %s", a->t[i].sig);
	return 0;
}

int ds_acpi_parse(struct ds_span blob, struct ds_acpi *ret, struct ds_err *err)
{
	struct ds_acpi a;

	if (blob.n > DS_ACPI_MAX_BLOB)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "blob of %zu bytes, at most %u", blob.n,
				  DS_ACPI_MAX_BLOB);
	DS_TRY(read_tables(blob, &a, err));
	DS_TRY(check_pointers(blob, &a, err));
	for (size_t i = a.t[a.n - 1].off + a.t[a.n - 1].len; i < blob.n; i++)
		if (blob.p[i])
			return ds_err_set(err, -EBADMSG, DOMAIN, i, "bytes behind the RSDT");
	*ret = a;
	return 0;
}

int ds_acpi_rsdp(const struct ds_acpi *a, struct ds_buf *ret)
{
	static const uint8_t head[16] = "RSD PTR \0BOCHS "; /* checksum and revision are zero */

	DS_TRY(ds_buf_add(ret, head, sizeof(head)));
	return ds_buf_add_u32le(ret, a->t[a->n - 1].off);
}

static int begin(struct ds_buf *buf, enum command command, const char *file)
{
	DS_TRY(ds_buf_add_u32le(buf, (uint32_t)command));
	DS_TRY(ds_buf_add(buf, file, strlen(file)));
	return ds_buf_add_zero(buf, FILE_NAME - strlen(file));
}

static int end(struct ds_buf *buf)
{
	return ds_buf_add_zero(buf, (COMMAND - buf->n % COMMAND) % COMMAND);
}

static int allocate(struct ds_buf *buf, const char *file, uint32_t align, uint8_t zone)
{
	DS_TRY(begin(buf, ALLOCATE, file));
	DS_TRY(ds_buf_add_u32le(buf, align));
	DS_TRY(ds_buf_add_u8(buf, zone));
	return end(buf);
}

static int pointer(struct ds_buf *buf, const char *file, uint32_t off, uint8_t size)
{
	DS_TRY(begin(buf, ADD_POINTER, file));
	DS_TRY(ds_buf_add(buf, TABLES, sizeof(TABLES) - 1));
	DS_TRY(ds_buf_add_zero(buf, FILE_NAME - (sizeof(TABLES) - 1)));
	DS_TRY(ds_buf_add_u32le(buf, off));
	DS_TRY(ds_buf_add_u8(buf, size));
	return end(buf);
}

static int checksum(struct ds_buf *buf, const char *file, uint32_t at, uint32_t start, uint32_t len)
{
	DS_TRY(begin(buf, ADD_CHECKSUM, file));
	DS_TRY(ds_buf_add_u32le(buf, at));
	DS_TRY(ds_buf_add_u32le(buf, start));
	DS_TRY(ds_buf_add_u32le(buf, len));
	return end(buf);
}

static int table_checksum(struct ds_buf *buf, const struct ds_acpi_table *t)
{
	return checksum(buf, TABLES, t->off + CHECKSUM, t->off, t->len);
}

int ds_acpi_loader(const struct ds_acpi *a, struct ds_buf *ret)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	const struct ds_acpi_table *facp = &a->t[2], *rsdt = &a->t[a->n - 1];

	DS_TRY(allocate(&buf, RSDP, 16, 2));
	DS_TRY(allocate(&buf, TABLES, 64, 1));
	DS_TRY(table_checksum(&buf, &a->t[1]));
	DS_TRY(pointer(&buf, TABLES, facp->off + FACP_FACS, 4));
	DS_TRY(pointer(&buf, TABLES, facp->off + FACP_DSDT, 4));
	DS_TRY(pointer(&buf, TABLES, facp->off + FACP_X, 8));
	for (size_t i = 2; i + 1 < a->n; i++)
		DS_TRY(table_checksum(&buf, &a->t[i]));
	for (uint32_t i = 2; i + 1 < a->n; i++)
		DS_TRY(pointer(&buf, TABLES, rsdt->off + HEADER + 4 * (i - 2), 4));
	DS_TRY(table_checksum(&buf, rsdt));
	DS_TRY(pointer(&buf, RSDP, 16, 4));
	DS_TRY(checksum(&buf, RSDP, 8, 0, DS_ACPI_RSDP_SIZE));
	DS_TRY(ds_buf_add_zero(&buf, (DS_ACPI_LOADER_SIZE - buf.n % DS_ACPI_LOADER_SIZE) %
					     DS_ACPI_LOADER_SIZE));
	return ds_buf_add_span(ret, ds_buf_span(&buf));
}

int ds_acpi_madt(struct ds_span blob, const struct ds_acpi *a, struct ds_acpi_madt *ret,
		 struct ds_err *err)
{
	struct ds_acpi_madt madt = { .cpus = 0 };
	const struct ds_acpi_table *t = NULL;
	struct ds_rd rd, entry;
	uint32_t flags;
	uint8_t type, len;

	for (size_t i = 3; i + 1 < a->n; i++)
		if (!strcmp(a->t[i].sig, "APIC"))
			t = &a->t[i];
	if (!t)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "no APIC table");
	rd = ds_rd_init(DS_SPAN(blob.p + t->off, t->len));
	DS_TRY(ds_rd_skip(&rd, HEADER + 4));
	DS_TRY(ds_rd_u32le(&rd, &flags));
	madt.pic = flags & 1;
	while (ds_rd_left(&rd)) {
		if (ds_rd_u8(&rd, &type) || ds_rd_u8(&rd, &len) || len < 2 ||
		    ds_rd_block(&rd, len - 2, &entry))
			return ds_err_set(err, -EBADMSG, DOMAIN, t->off + ds_rd_pos(&rd),
					  "APIC entry does not fit");
		madt.cpus += type == 0 || type == 9; /* local APIC, local x2APIC */
		madt.overrides += type == 2;
	}
	*ret = madt;
	return 0;
}

void ds_acpi_from_layout(struct ds_acpi_layout l, struct ds_acpi *ret)
{
	const struct {
		const char *sig;
		uint32_t len;
	} t[] = { { "FACS", FACS_LEN },	  { "DSDT", l.dsdt }, { "FACP", FACP_LEN },
		  { "APIC", l.apic },	  { "MCFG", 60 },     { "WAET", 40 },
		  { "RSDT", HEADER + 16 } };
	uint32_t off = 0;

	ret->n = DS_ARRAY_SIZE(t);
	for (size_t i = 0; i < ret->n; i++) {
		memcpy(ret->t[i].sig, t[i].sig, 5);
		ret->t[i].off = off;
		ret->t[i].len = t[i].len;
		off += t[i].len;
	}
}
