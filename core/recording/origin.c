// glibc's libm picks an implementation of exp, log, pow and others by what the processor can do (FMA, AVX2), and they
// differ in the last bit. GLIBC_TUNABLES can hide features from it.

#include "recording/origin.h"

#include <elf.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

struct build_id {
    char hex[2 * 64 + 1];
};

static void find_in_notes(const char *notes, size_t size, struct build_id *out)
{
    static const char digits[] = "0123456789abcdef";
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, notes, sizeof note);
        const size_t name = (note.n_namesz + 3U) & ~3U;
        const size_t whole = sizeof note + name + ((note.n_descsz + 3U) & ~3U);
        if (whole > size) {
            return;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(notes + sizeof note, "GNU", 4) == 0) {
            const unsigned char *id = (const unsigned char *)notes + sizeof note + name;
            for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < sizeof out->hex; i++) {
                out->hex[2 * i] = digits[id[i] >> 4];
                out->hex[2 * i + 1] = digits[id[i] & 15];
            }
            return;
        }
        notes += whole;
        size -= whole;
    }
}

// The first object is the program itself.
static int look_at_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_NOTE) {
            // NOLINTNEXTLINE(performance-no-int-to-ptr): where the program is loaded is a number
            find_in_notes((const char *)(info->dlpi_addr + header->p_vaddr), header->p_memsz, context);
        }
    }
    return 1;
}

static void put_code_path(struct tend_buffer *out)
{
    tend_buffer_printf(out, "glibc %s", gnu_get_libc_version());
#ifdef __x86_64__
    tend_buffer_put_text(out, " x86_64");
    if (__builtin_cpu_supports("avx")) {
        tend_buffer_put_text(out, " avx");
    }
    if (__builtin_cpu_supports("avx2")) {
        tend_buffer_put_text(out, " avx2");
    }
    if (__builtin_cpu_supports("fma")) {
        tend_buffer_put_text(out, " fma");
    }
    if (__builtin_cpu_supports("fma4")) {
        tend_buffer_put_text(out, " fma4");
    }
    if (__builtin_cpu_supports("sse4.1")) {
        tend_buffer_put_text(out, " sse4.1");
    }
#elif defined(__aarch64__)
    tend_buffer_put_text(out, " aarch64");
#endif
    const char *tunables = getenv("GLIBC_TUNABLES"); // NOLINT(concurrency-mt-unsafe): nothing here sets variables
    if (tunables != NULL && strstr(tunables, "hwcaps") != NULL) {
        tend_buffer_put_text(out, " hwcaps-tuned");
    }
}

json_t *tend_recording_origin(void)
{
    struct build_id id = { .hex = "" };
    (void)dl_iterate_phdr(look_at_object, &id);
    struct tend_buffer path;
    tend_buffer_init(&path);
    put_code_path(&path);
    json_t *origin = path.failed ? NULL
                                 : json_pack("{s:s, s:s, s:s}", "tend", TEND_VERSION, "build", id.hex, "libm",
                                             tend_buffer_text(&path));
    tend_buffer_clear(&path);
    return origin;
}
