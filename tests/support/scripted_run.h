#pragma once
/// Scripted run: what a playbook's process would ask for, from a list of words.
///
/// A script is a list of words: "restart X" (idempotent), "once X" (not), "redeploy" (no instance), "undo X", "pick",
/// "again" (back to the last pick while it found one), "verify", "verify X", "wait MS", "note T", "escalate T", "else"
/// (what follows is done when a step failed). X may be $: what was picked last.

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scripted_run {
    char id[24];
    const char *const *script;
    size_t next, back; // word to come, word after the last pick
    int64_t seq;
    char picked[64];
    bool undoing, failed_undo;
};

static inline json_t *scripted_run_effect(struct scripted_run *run, const char *word)
{
    char verb[32];
    char rest[96];
    rest[0] = '\0';
    (void)sscanf(word, "%31s %95[^\n]", verb, rest);
    const char *instance = strcmp(rest, "$") == 0 ? run->picked : rest;
    const bool is_act = strcmp(verb, "restart") == 0 || strcmp(verb, "once") == 0 || strcmp(verb, "undo") == 0 ||
                        strcmp(verb, "redeploy") == 0;
    const bool on_instance = (is_act || strcmp(verb, "verify") == 0) && instance[0] != '\0';
    json_t *arguments = is_act ? json_pack("{s:[s,s], s:i}", "argv", verb, instance, "timeout_ms", 1000)
                        : strcmp(verb, "wait") == 0 ? json_pack("{s:i}", "ms", atoi(rest))
                                                    : json_pack("{s:s}", "text", rest);
    return json_pack("{s:{s:I, s:s?, s:s?, s:b, s:s, s:o, s:b, s:s}}", "effect", "seq", (json_int_t)++run->seq, "verb",
                     is_act ? verb : NULL, "instance", on_instance ? instance : NULL, "undo", strcmp(verb, "undo") == 0,
                     "kind", is_act ? "exec" : verb, "args", arguments, "idempotent", strcmp(verb, "once") != 0, "at",
                     "shop.lua:1");
}

// What the script says next, to this answer (NULL: it begins).
static inline json_t *scripted_run_next(struct scripted_run *run, const json_t *answer)
{
    if (answer != NULL && !tend_json_bool(answer, "ok", false)) {
        run->failed_undo = run->undoing;
        while (!run->undoing && run->script[run->next] != NULL && strcmp(run->script[run->next], "else") != 0) {
            run->next++;
        }
        run->undoing = true;
        if (run->failed_undo || run->script[run->next] == NULL) {
            return json_pack("{s:{s:b, s:s, s:s}}", "end", "ok", 0, "error", tend_json_text(answer, "error", ""),
                             "undo", run->failed_undo ? "failed" : "none");
        }
        run->next++;
    } else if (answer != NULL && strcmp(run->script[run->next - 1], "pick") == 0) {
        (void)snprintf(run->picked, sizeof run->picked, "%s",
                       tend_json_text(json_object_get(answer, "value"), "instance", ""));
        run->back = run->next - 1;
        while (run->picked[0] == '\0' && strcmp(run->script[run->next], "again") != 0) {
            run->next++;
        }
        run->next += run->picked[0] == '\0';
    }
    const char *word = run->script[run->next];
    if (word != NULL && strcmp(word, "again") == 0) {
        run->next = run->back;
        word = run->script[run->next];
    }
    if (word == NULL || strcmp(word, "else") == 0) {
        return run->undoing ? json_pack("{s:{s:b, s:s, s:s}}", "end", "ok", 0, "error", "a step failed", "undo", "done")
                            : json_pack("{s:{s:b}}", "end", "ok", 1);
    }
    run->next++;
    return scripted_run_effect(run, word);
}
