#pragma once
/// Control client: asks the running tend over its Unix socket (api/server.h has the routes).

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"
#include "cli/client_options.h"

struct tend_control_question {
    const char *state; ///< --state DIR, or NULL
    const char *path;  ///< "/v1/status"
    json_t *body;      ///< makes it a POST; borrowed; NULL: a GET
    long timeout_ms;   ///< 0: 30 s
};

struct tend_control_answer {
    long code;    ///< HTTP status
    char *text;   ///< the answer as it came; free() it
    json_t *json; ///< the same, an object; the caller's reference
};

/// Asks and waits for the answer. An answer with an error status is an answer too (see tend_control_fault).
/// @param[out] error  for people: no tend runs there, this user may not ask it …
/// @return TEND_OK, TEND_E_INVALID (the state directory), TEND_E_IO (nobody answered), TEND_E_CORRUPT (no JSON)
TEND_MUST_CHECK enum tend_status tend_control_ask(const struct tend_control_question *question,
                                                  struct tend_control_answer *answer, struct tend_error *error);
void tend_control_answer_clear(struct tend_control_answer *answer);

/// Sets a member of a body; NULL leaves it out. What is no UTF-8 is mended, for JSON cannot say it.
void tend_control_set_text(json_t *body, const char *key, const char *text);

/// What an answer with an error status complains of; NULL when it is fine.
const char *tend_control_fault(const struct tend_control_answer *answer);

/// A command whose one argument is a service's name, which is posted to @p path as {"service"}: reads the command line,
/// asks, and prints the answer as tend_control_show does.
/// @param usage_text  what --help prints
/// @return an enum tend_exit
int tend_control_ask_service(int argc, char **argv, const char *usage_text, const char *path,
                             void (*format)(const json_t *answer, struct tend_buffer *out));

/// Asks, and prints the answer: as it came with --json, else as @p format writes it. What went wrong goes to stderr as
/// "tend NAME: …", with the places in the rules that were refused.
/// @return an enum tend_exit
int tend_control_show(const char *command, const struct tend_client_options *options,
                      const struct tend_control_question *question,
                      void (*format)(const json_t *answer, struct tend_buffer *out));
