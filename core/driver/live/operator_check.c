// What only rules and journal know: names, and incidents of the past. The form of arguments is the engine's to check.

#include "driver/live/operator_check.h"

#include "driver/live/journal.h"
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

// Whether the incident that a mark begins with is one of the journal's.
static enum tend_status find_marked(struct tend_journal *journal, const char *argument, struct tend_error *error)
{
    const int bytes = (int)strcspn(argument, " ");
    char id[64] = "";
    (void)snprintf(id, sizeof id, "%.*s", bytes, argument);
    struct tend_record found = { .number = 0 };
    enum tend_status status = tend_journal_find(journal, TEND_RECORD_INCIDENT, id, &found, error);
    if (status == TEND_OK && found.number == 0) {
        tend_error_set(error, "there is no incident \"%.*s\"; tend incidents lists the newest", bytes, argument);
        status = TEND_E_INVALID;
    }
    tend_record_clear(&found);
    return status;
}

enum tend_status tend_operator_check(const struct tend_engine *engine, struct tend_journal *journal,
                                     const char *command, const char *argument, struct tend_error *error)
{
    const bool of_playbook = strcmp(command, "arm") == 0 || strcmp(command, "disarm") == 0;
    const bool of_service = strcmp(command, "close") == 0 || strcmp(command, "relearn") == 0;
    if ((of_playbook || of_service) && tend_engine_ruleset(engine) == NULL) {
        tend_error_set(error, "the rules are not loaded yet; try again in a moment");
        return TEND_E_IO;
    }
    if (of_playbook && !tend_engine_has_playbook(engine, argument)) {
        if (strcmp(argument, "*") == 0) {
            tend_error_set(error, "the rules declare no playbook");
        } else {
            tend_error_set(error, "there is no playbook \"%s\"", argument);
        }
        return TEND_E_INVALID;
    }
    if (of_service && !tend_engine_has_service(engine, argument)) {
        tend_error_set(error, "there is no service \"%s\"", argument);
        return TEND_E_INVALID;
    }
    if (tend_engine_check_command(engine, command, argument, error) != TEND_OK) {
        return TEND_E_INVALID;
    }
    return strcmp(command, "mark") == 0 ? find_marked(journal, argument, error) : TEND_OK;
}
