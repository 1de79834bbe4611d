#pragma once
/// Script state: what the files of this folder share about one Lua state. Nothing outside core/script includes it.

#include "script/script.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct tend_tick_view;

struct tend_script {
    lua_State *lua;
    struct tend_script_config config;
    size_t memory_used;   ///< bytes that Lua holds now; at most config.memory_bytes
    bool memory_exceeded; ///< an allocation was refused since the last look

    json_t *files;    ///< what LOAD gave: [{"name","text"}]
    json_t *env;      ///< {"name","text"}, or NULL
    json_t *secrets;  ///< names, or NULL
    json_t *document; ///< what load() returned, once it has
    uint32_t file;    ///< index of the file that began last while loading

    struct tend_tick_view *view; ///< what rule functions look at; tick.c

    lua_State *run;    ///< the playbook's coroutine, anchored in the registry; run_coroutine.c
    uint32_t playbook; ///< its index
    int64_t run_seq;   ///< of the effect that was yielded last
    bool run_waits;    ///< it has yielded and waits for an answer
};

/// The script that a Lua state belongs to.
struct tend_script *tend_script_of(lua_State *lua);
/// Pushes a function of the table that module "tend.host" returned. Raises when there is none.
void tend_script_push_entry(struct tend_script *script, const char *name);
/// Says that a piece of user code begins.
void tend_script_progress(struct tend_script *script, enum tend_progress what, uint32_t index);

/// Makes what rule functions look at (tick.c), as part of creating the script. Raises; call it protected.
void tend_tick_open(struct tend_script *script);
void tend_tick_close(struct tend_script *script); ///< frees it
