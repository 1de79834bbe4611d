// Records turned into text, their hash, and the lists they queue in.

#include "driver/live/journal_entry.h"

#include <stdlib.h>
#include <string.h>

enum tend_status tend_journal_entry_create(struct tend_record *take_record, struct tend_journal_entry **out)
{
    struct tend_journal_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL || tend_record_write(take_record) != TEND_OK) {
        free(entry);
        tend_record_clear(take_record);
        return TEND_E_NOMEM;
    }
    *entry = (struct tend_journal_entry){
        .number = take_record->number,
        .at_ms = take_record->at_ms,
        .wall_ms = take_record->wall_ms,
        .kind = tend_record_kind_text(take_record->kind),
        .key = take_record->key,
        .incident = take_record->incident,
        .full = take_record->full,
        .open = take_record->open,
        .body = take_record->text,
    };
    entry->bytes = sizeof *entry + strlen(entry->body) + strlen(entry->key);
    take_record->key = NULL;
    take_record->incident = NULL;
    take_record->text = NULL;
    tend_record_clear(take_record);
    *out = entry;
    return TEND_OK;
}

void tend_journal_entry_destroy(struct tend_journal_entry *entry)
{
    if (entry == NULL) {
        return;
    }
    free(entry->key);
    free(entry->incident);
    free(entry->body);
    free(entry);
}

// A length before each text, and a byte that says whether there is one, so that no two entries give the same bytes.
static void put_text(struct tend_buffer *out, const char *text)
{
    tend_buffer_put_u8(out, text != NULL);
    if (text != NULL) {
        tend_buffer_put_string(out, text, strlen(text));
    }
}

enum tend_status tend_journal_entry_hash(const struct tend_journal_entry *entry, const char *previous,
                                         struct tend_buffer *scratch, char hash[TEND_JOURNAL_HASH_SIZE])
{
    tend_buffer_reset(scratch);
    put_text(scratch, previous);
    tend_buffer_put_u64(scratch, entry->number);
    tend_buffer_put_u64(scratch, (uint64_t)entry->at_ms);
    tend_buffer_put_u64(scratch, (uint64_t)entry->wall_ms);
    put_text(scratch, entry->kind);
    put_text(scratch, entry->key);
    put_text(scratch, entry->incident);
    tend_buffer_put_u8(scratch, entry->open);
    put_text(scratch, entry->body);
    if (scratch->failed) {
        return TEND_E_NOMEM;
    }
    tend_sha256_hex(scratch->data, scratch->size, hash);
    return TEND_OK;
}

void tend_journal_entry_list_push(struct tend_journal_entry_list *list, struct tend_journal_entry *take_entry)
{
    take_entry->next = NULL;
    if (list->last == NULL) {
        list->first = take_entry;
    } else {
        list->last->next = take_entry;
    }
    list->last = take_entry;
}

void tend_journal_entry_list_move(struct tend_journal_entry_list *to, struct tend_journal_entry_list *from)
{
    if (from->first == NULL) {
        return;
    }
    if (to->last == NULL) {
        to->first = from->first;
    } else {
        to->last->next = from->first;
    }
    to->last = from->last;
    *from = (struct tend_journal_entry_list){ .first = NULL };
}

size_t tend_journal_entry_list_clear(struct tend_journal_entry_list *list)
{
    size_t count = 0;
    for (struct tend_journal_entry *entry = list->first; entry != NULL; count++) {
        struct tend_journal_entry *next = entry->next;
        tend_journal_entry_destroy(entry);
        entry = next;
    }
    *list = (struct tend_journal_entry_list){ .first = NULL };
    return count;
}
