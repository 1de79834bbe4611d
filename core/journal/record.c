// Names of the record kinds and the end of a record.

#include "journal/record.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[TEND_RECORD_KINDS] = {
    [TEND_RECORD_START] = "start",       [TEND_RECORD_SOURCE] = "source",     [TEND_RECORD_ALERT] = "alert",
    [TEND_RECORD_INCIDENT] = "incident", [TEND_RECORD_EVIDENCE] = "evidence", [TEND_RECORD_DECISION] = "decision",
    [TEND_RECORD_RUN] = "run",           [TEND_RECORD_STEP] = "step",         [TEND_RECORD_TARGET] = "target",
    [TEND_RECORD_OPERATOR] = "operator", [TEND_RECORD_NOTICE] = "notice",
};

const char *tend_record_kind_text(enum tend_record_kind kind)
{
    return names[kind];
}

int tend_record_kind_parse(const char *text)
{
    for (int i = 0; i < TEND_RECORD_KINDS; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

enum tend_status tend_record_write(struct tend_record *record)
{
    if (record->text == NULL) {
        record->text = tend_json_canonical(record->body);
    }
    return record->text == NULL ? TEND_E_NOMEM : TEND_OK;
}

void tend_record_clear(struct tend_record *record)
{
    free(record->key);
    free(record->incident);
    json_decref(record->body);
    free(record->text);
    *record = (struct tend_record){ .number = 0 };
}
