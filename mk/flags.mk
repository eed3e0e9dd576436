# SPDX-License-Identifier: Apache-2.0
# Compiler flags for userspace. CC, CFLAGS, LDFLAGS and PKG_CONFIG are honoured; V=1 shows commands.
CC ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
O ?= build
SOURCE_DATE_EPOCH ?= 1767225600
export SOURCE_DATE_EPOCH

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

cc-option = $(shell printf 'int main(void){return 0;}' | \
	$(CC) -Werror $(1) -x c -c -o /dev/null - 2>/dev/null && echo $(1))

warn-flags := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough -Wno-unused-parameter
hard-flags := -fstack-protector-strong $(call cc-option,-fstack-clash-protection) \
	$(call cc-option,-fcf-protection) $(call cc-option,-ftrivial-auto-var-init=zero) \
	-fPIE -ffunction-sections -fdata-sections -fvisibility=hidden
ifeq ($(SAN),)
hard-flags += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
san-flags :=
else
san-flags := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
DS_VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
werror := $(if $(CI)$(WERROR),-Werror)

ds-cflags = -std=gnu11 -D_GNU_SOURCE -DDS_VERSION=\"$(DS_VERSION)\" $(warn-flags) $(werror) $(hard-flags) $(san-flags) \
	-ffile-prefix-map=$(CURDIR)=. -Iuserspace/include -Ikernel/include $(CFLAGS)
ds-ldflags = -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs,--gc-sections,--as-needed $(san-flags) $(LDFLAGS)
