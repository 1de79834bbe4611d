#include "cli/rules_document.h"

#include "base/json.h"
#include "cli/terminal.h"

json_t *tend_rules_document_load(struct tend_awaited_evaluator *evaluator, const char *dir)
{
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(evaluator);
    if (reply.json == NULL) {
        tend_terminal_complain("%s: loading it did not end: %s", dir, reply.reason);
    }
    const json_t *errors = json_object_get(reply.json, "errors");
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *fault = json_array_get(errors, i);
        tend_terminal_complain("%s: %s", tend_json_text(fault, "at", ""), tend_json_text(fault, "text", ""));
    }
    json_t *document = json_array_size(errors) == 0 ? json_incref(reply.json) : NULL;
    tend_awaited_reply_clear(&reply);
    return document;
}
