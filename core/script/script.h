#pragma once
/// Script: one generation of rules in one Lua state: loads it, calls its rules, answers questions, resumes a playbook.
///
/// Lives in an evaluator process (evaluator.c), behind the locks of sandbox.h; by itself it is no protection: a rule
/// that loops never returns. Errors that Lua raises never leave it: they become part of the replies. Ownership: replies
/// are new references, the caller's. Threads: none. No second script in a process that is locked.

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"
#include "script/embedded.h"
#include "script/message.h"

struct tend_script;

struct tend_script_config {
    const struct tend_embedded_module *modules; ///< what `require` finds; must hold "tend.host"; borrowed for its life
    size_t memory_bytes;                        ///< the most that Lua may hold
    /// Called before each piece of user code begins; may be NULL.
    void (*progress)(void *context, enum tend_progress what, uint32_t index);
    void *context;
};

#define TEND_SCRIPT_MEMORY_BYTES ((size_t)128 * 1024 * 1024) ///< the default for memory_bytes
#define TEND_SCRIPT_FILE_MAX_BYTES ((size_t)1024 * 1024)     ///< one file of rules

/// @return TEND_OK, TEND_E_NOMEM, or TEND_E_INVALID when this LuaJIT lacks something that the environments have
TEND_MUST_CHECK enum tend_status tend_script_create(const struct tend_script_config *config, struct tend_script **out);
/// Compiles the modules of the config now; else each is when it is first required.
/// @return TEND_OK, TEND_E_NOMEM, or TEND_E_INVALID: one of them does not compile
TEND_MUST_CHECK enum tend_status tend_script_compile_modules(struct tend_script *script);
void tend_script_destroy(struct tend_script *script); ///< NULL is allowed

/// Loads the sources (message.h) and returns the generation document; what Lua raised is in its "errors".
/// "env_sha256" is added to it. Once in a script's life. @return NULL only when out of memory
json_t *tend_script_load(struct tend_script *script, const json_t *sources);

/// Answers a tick: appends one verdict for each call of the request.
/// @return TEND_OK, TEND_E_INVALID for a malformed request, TEND_E_NOMEM, or TEND_E_LIMIT when rules hold so much
/// memory
///         that the state is of no more use: the process should end while the last rule that began is still named
TEND_MUST_CHECK enum tend_status tend_script_tick(struct tend_script *script, const char *request, size_t bytes,
                                                  struct tend_buffer *reply);

/// Answers a question; what Lua raised is {"error":"text"}. @return NULL only when out of memory
json_t *tend_script_ask(struct tend_script *script, const json_t *question);

/// Starts the run of a playbook, {"playbook","frozen","answers"}, and resumes it with each answer that is there
/// already. The reply is {"effect":{…}} or {"end":{…}}; when there were answers, "replayed" lists the effects they were
/// for, in order. C numbers the effects ("seq", from 1). @return NULL only when out of memory
json_t *tend_script_run_start(struct tend_script *script, const json_t *start);
/// Resumes the run with the answer to its last effect.
json_t *tend_script_answer(struct tend_script *script, const json_t *answer);
