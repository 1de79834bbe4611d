// A mark: what a person says of an incident afterwards, real or false. It changes nothing that the engine knows, so all
// there is to it is a record of the incident, which may have ended long ago; the newest one counts.

#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

// The word that begins at text, as bytes; what follows its blank goes to *rest.
static size_t next_word(const char *text, const char **rest)
{
    const size_t bytes = strcspn(text, " ");
    *rest = text[bytes] == '\0' ? text + bytes : text + bytes + 1;
    return bytes;
}

void tend_mark_take(struct tend_engine *engine, const char *argument, const char *who)
{
    const char *mark;
    const char *why;
    const size_t id_bytes = next_word(argument, &mark);
    const size_t mark_bytes = next_word(mark, &why);
    if (id_bytes == 0 || mark_bytes == 0) {
        return; // a recording may hold any words
    }
    struct tend_buffer said;
    tend_buffer_init(&said);
    tend_buffer_put(&said, mark, mark_bytes);
    if (why[0] != '\0') {
        tend_buffer_printf(&said, ": %s", why);
    }
    TEND_ASSERT(!said.failed);
    char *id = strndup(argument, id_bytes);
    char *key = NULL;
    TEND_ASSERT(id != NULL && asprintf(&key, "mark/%s", id) > 0);
    json_t *body = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "what", "mark", "argument",
                             tend_json_string(said.data, said.size), "who", tend_json_string(who, strlen(who)), "on",
                             false, "incident", tend_json_string(id, id_bytes), "mark",
                             tend_json_string(mark, mark_bytes), "why", tend_json_string(why, strlen(why)));
    (void)tend_emit_record(engine, TEND_RECORD_OPERATOR, key, id, true, false, body);
    free(key);
    free(id);
    tend_buffer_clear(&said);
}
