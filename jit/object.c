/* ELF object -> flat image. An object of ours holds code, constants, and relocations between the two;
 * everything else is refused: data that is written, symbols from elsewhere, kinds of relocation that
 * are not understood. */
#include "jit/object.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef EM_AARCH64
#define EM_AARCH64 183
#endif

enum { NOT_IN_IMAGE = -1 };

typedef struct object {
    const uint8_t *bytes;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *section;
    int64_t *place; /* offset in the image of each section, or NOT_IN_IMAGE */
    uint8_t *image;
    size_t image_size;
    char *message;
    size_t message_size;
} object;

static int refuse(object *o, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(o->message, o->message_size, format, list);
    va_end(list);
    return 0;
}

/* ---- Reading ---- */

static int in_file(const object *o, uint64_t offset, uint64_t size)
{
    return offset <= o->size && size <= o->size - offset;
}

static int open_object(object *o)
{
    if (o->size < sizeof(Elf64_Ehdr) || memcmp(o->bytes, ELFMAG, SELFMAG) || o->bytes[EI_CLASS] != ELFCLASS64 ||
        o->bytes[EI_DATA] != ELFDATA2LSB)
        return refuse(o, "the compiler's output is not a little-endian 64-bit ELF object");
    o->header = (const Elf64_Ehdr *)o->bytes;
    if (o->header->e_shentsize != sizeof(Elf64_Shdr) ||
        !in_file(o, o->header->e_shoff, o->header->e_shnum * sizeof(Elf64_Shdr)))
        return refuse(o, "the object's section table is damaged");
    o->section = (const Elf64_Shdr *)(o->bytes + o->header->e_shoff);
    for (unsigned i = 0; i < o->header->e_shnum; i++)
        if (o->section[i].sh_type != SHT_NOBITS && !in_file(o, o->section[i].sh_offset, o->section[i].sh_size))
            return refuse(o, "section %u reaches past the end of the object", i);
    return 1;
}

static const char *name_at(const object *o, unsigned strings, uint64_t offset)
{
    const Elf64_Shdr *s = &o->section[strings];
    return strings < o->header->e_shnum && offset < s->sh_size ? (const char *)o->bytes + s->sh_offset + offset : "?";
}

static const char *section_name(const object *o, unsigned i)
{
    return name_at(o, o->header->e_shstrndx, o->section[i].sh_name);
}

/* ---- Layout ---- */

/* Code and constants; unwind tables are of no use, since nothing throws. */
static int belongs(object *o, unsigned i, int *yes)
{
    const Elf64_Shdr *s = &o->section[i];
    *yes = 0;
    if (!(s->sh_flags & SHF_ALLOC) || !s->sh_size || !strcmp(section_name(o, i), ".eh_frame"))
        return 1;
    if (s->sh_flags & SHF_WRITE || s->sh_type != SHT_PROGBITS)
        return refuse(o, "the object has a section %s, which a kernel image cannot hold", section_name(o, i));
    *yes = 1;
    return 1;
}

static int lay_out(object *o)
{
    /* Code first, so that constants do not split it. */
    for (int pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < o->header->e_shnum; i++) {
            const Elf64_Shdr *s = &o->section[i];
            int yes;
            if (!belongs(o, i, &yes))
                return 0;
            if (pass == 0)
                o->place[i] = NOT_IN_IMAGE;
            if (!yes || !!(s->sh_flags & SHF_EXECINSTR) != (pass == 0))
                continue;
            uint64_t align = s->sh_addralign ? s->sh_addralign : 1;
            if (align > 4096 || (align & (align - 1)))
                return refuse(o, "section %s wants an alignment of %llu", section_name(o, i),
                              (unsigned long long)align);
            o->image_size = (o->image_size + align - 1) & ~(size_t)(align - 1);
            o->place[i] = (int64_t)o->image_size;
            o->image_size += s->sh_size;
        }
    return 1;
}

static int copy_sections(object *o)
{
    o->image = calloc(1, o->image_size + 1);
    if (!o->image)
        return refuse(o, "out of memory");
    for (unsigned i = 0; i < o->header->e_shnum; i++)
        if (o->place[i] != NOT_IN_IMAGE)
            memcpy(o->image + o->place[i], o->bytes + o->section[i].sh_offset, o->section[i].sh_size);
    return 1;
}

/* ---- Symbols ---- */

static int symbol_at(object *o, unsigned table, uint64_t index, Elf64_Sym *symbol)
{
    const Elf64_Shdr *s = &o->section[table];
    if (table >= o->header->e_shnum || s->sh_type != SHT_SYMTAB || index >= s->sh_size / sizeof *symbol)
        return refuse(o, "a relocation names no symbol");
    memcpy(symbol, o->bytes + s->sh_offset + index * sizeof *symbol, sizeof *symbol);
    return 1;
}

/* Where the symbol lies in the image. */
static int resolve(object *o, unsigned table, const Elf64_Sym *symbol, int64_t *address)
{
    const char *name = name_at(o, o->section[table].sh_link, symbol->st_name);
    if (symbol->st_shndx == SHN_UNDEF)
        return refuse(o, "the compiled code needs '%s', which a kernel cannot call", name);
    if (symbol->st_shndx >= o->header->e_shnum || o->place[symbol->st_shndx] == NOT_IN_IMAGE)
        return refuse(o, "the symbol '%s' is not in the image", name);
    *address = o->place[symbol->st_shndx] + (int64_t)symbol->st_value;
    return 1;
}

static int find_entry(object *o, const char *wanted, size_t *entry)
{
    for (unsigned i = 0; i < o->header->e_shnum; i++) {
        if (o->section[i].sh_type != SHT_SYMTAB)
            continue;
        Elf64_Sym symbol;
        for (uint64_t k = 1; k < o->section[i].sh_size / sizeof symbol; k++) {
            int64_t address = 0;
            if (!symbol_at(o, i, k, &symbol))
                return 0;
            const char *name = name_at(o, o->section[i].sh_link, symbol.st_name);
            if (symbol.st_shndx == SHN_UNDEF)
                return refuse(o, "the compiled code needs '%s', which a kernel cannot call", name);
            if (strcmp(name, wanted) || ELF64_ST_TYPE(symbol.st_info) != STT_FUNC)
                continue;
            if (!resolve(o, i, &symbol, &address))
                return 0;
            *entry = (size_t)address;
        }
    }
    return *entry < o->image_size ? 1 : refuse(o, "the object has no function '%s'", wanted);
}

/* ---- Relocations ---- */

static uint32_t read32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void write32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static int fits(int64_t value, int bits)
{
    return value >= -((int64_t)1 << (bits - 1)) && value < (int64_t)1 << (bits - 1);
}

static int relocate_x86_64(object *o, uint32_t type, uint8_t *p, size_t room, int64_t distance)
{
    if ((type == R_X86_64_PC32 || type == R_X86_64_PLT32) && room >= 4 && fits(distance, 32)) {
        write32(p, (uint32_t)distance);
        return 1;
    }
    if (type == R_X86_64_PC64 && room >= 8) {
        memcpy(p, &distance, sizeof distance);
        return 1;
    }
    return refuse(o, "relocation %u of x86-64 is not supported, or does not reach", type);
}

/* Puts `bits` bits of value, a multiple of 4, into an instruction at bit `at`. */
static int patch_words(object *o, uint8_t *p, int64_t value, int bits, int at)
{
    if (value & 3 || !fits(value / 4, bits))
        return refuse(o, "a branch or constant is out of reach");
    uint32_t mask = (1u << bits) - 1;
    write32(p, (read32(p) & ~(mask << at)) | (((uint32_t)(value / 4) & mask) << at));
    return 1;
}

static int relocate_aarch64(object *o, uint32_t type, uint8_t *p, size_t room, int64_t distance)
{
    if (type == R_AARCH64_PREL32 && room >= 4 && fits(distance, 32)) {
        write32(p, (uint32_t)distance);
        return 1;
    }
    if (room >= 4 && (type == R_AARCH64_CALL26 || type == R_AARCH64_JUMP26))
        return patch_words(o, p, distance, 26, 0);
    if (room >= 4 && (type == R_AARCH64_LD_PREL_LO19 || type == R_AARCH64_CONDBR19))
        return patch_words(o, p, distance, 19, 5);
    if (room >= 4 && type == R_AARCH64_ADR_PREL_LO21 && fits(distance, 21)) {
        uint32_t low = (uint32_t)distance & 3, high = ((uint32_t)distance >> 2) & 0x7ffff;
        write32(p, (read32(p) & ~0x60ffffe0u) | low << 29 | high << 5);
        return 1;
    }
    return refuse(o, "relocation %u of AArch64 is not supported, or does not reach", type);
}

static int relocate_section(object *o, const Elf64_Shdr *table)
{
    if (table->sh_info >= o->header->e_shnum)
        return refuse(o, "a relocation table belongs to no section");
    int64_t place = o->place[table->sh_info];
    uint64_t section_size = o->section[table->sh_info].sh_size;
    for (uint64_t i = 0; place != NOT_IN_IMAGE && i < table->sh_size / sizeof(Elf64_Rela); i++) {
        Elf64_Rela rela;
        Elf64_Sym symbol;
        int64_t target = 0;
        memcpy(&rela, o->bytes + table->sh_offset + i * sizeof rela, sizeof rela);
        if (rela.r_offset >= section_size)
            return refuse(o, "a relocation lies outside of its section");
        if (!symbol_at(o, table->sh_link, ELF64_R_SYM(rela.r_info), &symbol) ||
            !resolve(o, table->sh_link, &symbol, &target))
            return 0;
        int64_t from = place + (int64_t)rela.r_offset, distance = target + rela.r_addend - from;
        uint32_t type = (uint32_t)ELF64_R_TYPE(rela.r_info);
        size_t room = section_size - rela.r_offset;
        int done = o->header->e_machine == EM_X86_64    ? relocate_x86_64(o, type, o->image + from, room, distance)
                   : o->header->e_machine == EM_AARCH64 ? relocate_aarch64(o, type, o->image + from, room, distance)
                                                        : refuse(o, "the object is for an unknown processor");
        if (!done)
            return 0;
    }
    return 1;
}

static int relocate(object *o)
{
    for (unsigned i = 0; i < o->header->e_shnum; i++) {
        if (o->section[i].sh_type == SHT_REL && o->section[i].sh_info < o->header->e_shnum &&
            o->place[o->section[i].sh_info] != NOT_IN_IMAGE)
            return refuse(o, "the object has relocations without addends");
        if (o->section[i].sh_type == SHT_RELA && !relocate_section(o, &o->section[i]))
            return 0;
    }
    return 1;
}

op_status object_to_image(const void *bytes, size_t size, const char *symbol, op_image *image, char *message,
                          size_t message_size)
{
    object o = {.bytes = bytes, .size = size, .message = message, .message_size = message_size};
    size_t entry = SIZE_MAX;
    int ok = open_object(&o);
    if (ok) {
        o.place = calloc((size_t)o.header->e_shnum + 1, sizeof *o.place);
        ok = o.place ? 1 : refuse(&o, "out of memory");
    }
    ok = ok && lay_out(&o) && copy_sections(&o) && find_entry(&o, symbol, &entry) && relocate(&o);
    free(o.place);
    if (!ok) {
        free(o.image);
        return OP_ERR_BACKEND;
    }
    *image = (op_image){.bytes = o.image, .size = o.image_size, .entry = entry};
    return OP_OK;
}
