// A binary heap of targets by (due time, index), with each target's place in it.
//
// Why a heap and not a wheel: intervals differ by target, and all that is asked is the earliest; taking a slot of 100
// targets costs microseconds against the 10 ms and more that its scrapes cost.
//
// Invariants: heap[entries[t].place] == t for every used t; entries that are not used are not in the heap.

#include "driver/live/scrape_slots.h"

#include "base/hash_map.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    int64_t due_ms;
    int64_t phase_ms;
    int64_t every_ms; // 0: no target has this index
    size_t place;     // in the heap
    bool begun;       // it has started once since it was set
};

struct tend_scrape_slots {
    struct entry *entries; // by target index
    size_t entry_count;
    size_t *heap;
    size_t heap_count;
};

enum tend_status tend_scrape_slots_create(struct tend_scrape_slots **out)
{
    struct tend_scrape_slots *slots = calloc(1, sizeof *slots);
    if (slots == NULL) {
        return TEND_E_NOMEM;
    }
    *out = slots;
    return TEND_OK;
}

void tend_scrape_slots_destroy(struct tend_scrape_slots *slots)
{
    if (slots == NULL) {
        return;
    }
    free(slots->entries);
    free(slots->heap);
    free(slots);
}

static bool is_before(const struct tend_scrape_slots *slots, size_t left, size_t right)
{
    const int64_t left_ms = slots->entries[left].due_ms;
    const int64_t right_ms = slots->entries[right].due_ms;
    return left_ms != right_ms ? left_ms < right_ms : left < right;
}

static void put(struct tend_scrape_slots *slots, size_t place, size_t target)
{
    slots->heap[place] = target;
    slots->entries[target].place = place;
}

// Moves the target at a place up or down to where its due time belongs.
static void settle(struct tend_scrape_slots *slots, size_t place)
{
    const size_t target = slots->heap[place];
    while (place > 0 && is_before(slots, target, slots->heap[(place - 1) / 2])) {
        put(slots, place, slots->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= slots->heap_count) {
            break;
        }
        if (child + 1 < slots->heap_count && is_before(slots, slots->heap[child + 1], slots->heap[child])) {
            child++;
        }
        if (!is_before(slots, slots->heap[child], target)) {
            break;
        }
        put(slots, place, slots->heap[child]);
        place = child;
    }
    put(slots, place, target);
}

static enum tend_status make_room(struct tend_scrape_slots *slots, size_t target)
{
    if (target < slots->entry_count) {
        return TEND_OK;
    }
    if (target >= SIZE_MAX / 2 / sizeof *slots->entries) {
        return TEND_E_NOMEM;
    }
    size_t count = slots->entry_count < 16 ? 16 : slots->entry_count * 2;
    count = count > target ? count : target + 1;
    size_t *heap = realloc(slots->heap, count * sizeof *heap);
    if (heap == NULL) {
        return TEND_E_NOMEM;
    }
    slots->heap = heap;
    struct entry *entries = realloc(slots->entries, count * sizeof *entries);
    if (entries == NULL) {
        return TEND_E_NOMEM;
    }
    slots->entries = entries;
    memset(entries + slots->entry_count, 0, (count - slots->entry_count) * sizeof *entries);
    slots->entry_count = count;
    return TEND_OK;
}

// The key is fixed: the phase must be the same after a restart. A target that picks its URL gains only its own phase.
static int64_t phase_of(const char *url, int64_t every_ms)
{
    static const uint64_t key[2] = { UINT64_C(0x74656e6473636170), UINT64_C(0x65736c6f74737631) };
    const int64_t slot_count = every_ms / TEND_SCRAPE_SLOT_MS;
    if (slot_count == 0) {
        return 0;
    }
    return (int64_t)(tend_siphash(key, url, strlen(url)) % (uint64_t)slot_count) * TEND_SCRAPE_SLOT_MS;
}

static int64_t first_after(int64_t now_ms, int64_t phase_ms, int64_t every_ms)
{
    if (now_ms < phase_ms) {
        return phase_ms;
    }
    return now_ms - (now_ms - phase_ms) % every_ms + every_ms;
}

enum tend_status tend_scrape_slots_set(struct tend_scrape_slots *slots, size_t target, const char *url,
                                       int64_t every_ms, int64_t now_ms)
{
    if (every_ms < 1) {
        return TEND_E_INVALID;
    }
    const enum tend_status status = make_room(slots, target);
    if (status != TEND_OK) {
        return status;
    }
    struct entry *entry = &slots->entries[target];
    const int64_t phase_ms = phase_of(url, every_ms);
    if (entry->every_ms == every_ms && entry->phase_ms == phase_ms) {
        return TEND_OK;
    }
    if (entry->every_ms == 0) {
        put(slots, slots->heap_count++, target);
    }
    entry->every_ms = every_ms;
    entry->phase_ms = phase_ms;
    entry->begun = false;
    entry->due_ms = first_after(now_ms, phase_ms, every_ms);
    settle(slots, entry->place);
    return TEND_OK;
}

void tend_scrape_slots_remove(struct tend_scrape_slots *slots, size_t target)
{
    if (target >= slots->entry_count || slots->entries[target].every_ms == 0) {
        return;
    }
    const size_t place = slots->entries[target].place;
    slots->entries[target].every_ms = 0;
    slots->heap_count--;
    if (place < slots->heap_count) {
        put(slots, place, slots->heap[slots->heap_count]);
        settle(slots, place);
    }
}

int64_t tend_scrape_slots_next_ms(const struct tend_scrape_slots *slots)
{
    return slots->heap_count == 0 ? INT64_MAX : slots->entries[slots->heap[0]].due_ms;
}

bool tend_scrape_slots_take(struct tend_scrape_slots *slots, int64_t now_ms, struct tend_scrape_start *start)
{
    if (tend_scrape_slots_next_ms(slots) > now_ms || slots->heap_count == 0) {
        return false;
    }
    struct entry *entry = &slots->entries[slots->heap[0]];
    const int64_t late_ms = now_ms - entry->due_ms;
    *start = (struct tend_scrape_start){ .target = slots->heap[0], .due_ms = entry->due_ms };
    if (late_ms < entry->every_ms) {
        start->late_ms = entry->begun ? late_ms : 0;
        entry->begun = true;
        entry->due_ms += entry->every_ms;
    } else {
        start->missed = (uint64_t)(late_ms / entry->every_ms) + 1;
        entry->due_ms = first_after(now_ms, entry->phase_ms, entry->every_ms);
    }
    settle(slots, 0);
    return true;
}
