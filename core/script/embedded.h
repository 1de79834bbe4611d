#pragma once
/// Embedded Lua: the standard library and the packs, as bytes inside the binary, so that `tend` is one file.
///
/// Written at build time by stdlib/embed.cmake. `stdlib/tend/a/b.lua` is module "tend.a.b", `stdlib/tend/init.lua` is
/// "tend", `rules/PACK/PACK.lua` is "tend.pack.PACK".

#include <stddef.h>

struct tend_embedded_module {
    const char *module; ///< what `require` is given; NULL ends the table
    const char *path;   ///< path in the source tree, for messages
    const char *text;   ///< Lua source, NUL-terminated
    size_t text_bytes;  ///< without the NUL
};

/// All modules, sorted by path; the last row has a NULL module.
extern const struct tend_embedded_module tend_embedded_modules[];
