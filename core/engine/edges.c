// Learned edges: who calls whom, by what meshes and span metrics say of calls (a counter with a label for each side).
//
// An edge is seen when its counter grew between the two newest scrapes, so a counter that lies about from last month
// tells nothing. It is forgotten when nothing was called for a day. Which columns tell of edges is looked up once for
// each layout. Edges are kept by name, bounded, and in one order, so that the same scrapes give the same graph.

#include "engine/state.h"

#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    EDGES_MAX = 5000,           // in all
    EDGE_COLUMNS_MAX = 2000,    // of one target
    EDGE_NAME_MAX = 200,        // bytes
    COUNTED_MS = 60000,         // a load is a mean over that
    FORGOTTEN_MS = 24 * 3600000 // without a call
};

struct edge_column {
    size_t column;
    char *from;
    char *to;
};

struct tend_edge_columns {
    const struct tend_layout *layout; // retained; whose columns these are
    struct edge_column *list;
    size_t count;
};

static void columns_clear(struct tend_edge_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->list[i].from);
        free(columns->list[i].to);
    }
    free(columns->list);
    tend_layout_release(columns->layout);
    columns->list = NULL;
    columns->count = 0;
    columns->layout = NULL;
}

void tend_edge_columns_destroy(struct tend_edge_columns *columns)
{
    if (columns != NULL) {
        columns_clear(columns);
        free(columns);
    }
}

// The service on one side of a call; NULL: the series does not say. Meshes write "unknown" for whom they do not know,
// and span metrics "user" for what comes from outside.
static char *name_of(const struct tend_label_set *set, const char *label, const char *scraped)
{
    if (label == NULL) {
        return tend_copy_text(scraped);
    }
    size_t bytes = 0;
    const char *name = tend_label_set_get(set, label, &bytes);
    const bool is_nobody = name == NULL || bytes == 0 || bytes > EDGE_NAME_MAX || memchr(name, '\0', bytes) != NULL ||
                           (bytes == 7 && memcmp(name, "unknown", 7) == 0) ||
                           (bytes == 4 && memcmp(name, "user", 4) == 0);
    char *copy = is_nobody ? NULL : strndup(name, bytes);
    TEND_ASSERT(is_nobody || copy != NULL);
    return copy;
}

static bool tells(const struct tend_edge_def *def, const struct tend_label_set *set)
{
    size_t name_bytes;
    const char *name = tend_label_set_name(set, &name_bytes);
    size_t label_count;
    const struct tend_label *labels = tend_label_set_labels(set, &label_count);
    return tend_selector_matches(def->series, name, name_bytes, labels, label_count);
}

static void add_column(struct tend_edge_columns *columns, size_t column, char *take_from, char *take_to)
{
    struct edge_column *grown = NULL;
    const bool is_edge =
        take_from != NULL && take_to != NULL && strcmp(take_from, take_to) != 0 && columns->count < EDGE_COLUMNS_MAX;
    if (is_edge) {
        grown = reallocarray(columns->list, columns->count + 1, sizeof *grown);
        TEND_ASSERT(grown != NULL);
        columns->list = grown;
        columns->list[columns->count++] = (struct edge_column){ column, take_from, take_to };
        return;
    }
    free(take_from);
    free(take_to);
}

static struct tend_edge_columns *columns_of(struct tend_instance *instance, const struct tend_layout *layout)
{
    if (instance->edges == NULL) {
        instance->edges = calloc(1, sizeof *instance->edges);
        TEND_ASSERT(instance->edges != NULL);
    }
    struct tend_edge_columns *columns = instance->edges;
    if (columns->layout == layout) {
        return columns;
    }
    columns_clear(columns);
    columns->layout = tend_layout_retain(layout);
    const struct tend_service_def *def = instance->service->def;
    for (size_t c = 0; c < tend_layout_count(layout); c++) {
        const struct tend_label_set *set = tend_layout_column(layout, c)->labels;
        for (size_t e = 0; e < def->edge_count; e++) {
            if (tells(&def->edges[e], set)) {
                add_column(columns, c, name_of(set, def->edges[e].from, instance->service->name),
                           name_of(set, def->edges[e].to, instance->service->name));
                break;
            }
        }
    }
    return columns;
}

static int compare(const struct tend_learned_edge *edge, const char *from, const char *to)
{
    const int order = strcmp(edge->from, from);
    return order != 0 ? order : strcmp(edge->to, to);
}

// The place of an edge among the sorted ones, or where it would be.
static size_t place_of(const struct tend_engine *engine, const char *from, const char *to)
{
    size_t low = 0, high = engine->edge_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (compare(&engine->edges[middle], from, to) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void see(struct tend_engine *engine, const char *from, const char *to, double calls)
{
    const size_t place = place_of(engine, from, to);
    if (place == engine->edge_count || compare(&engine->edges[place], from, to) != 0) {
        if (engine->edge_count >= EDGES_MAX) {
            return;
        }
        struct tend_learned_edge *grown = reallocarray(engine->edges, engine->edge_count + 1, sizeof *grown);
        TEND_ASSERT(grown != NULL);
        memmove(grown + place + 1, grown + place, (engine->edge_count - place) * sizeof *grown);
        engine->edges = grown;
        engine->edge_count++;
        grown[place] = (struct tend_learned_edge){ .from = tend_copy_text(from),
                                                   .to = tend_copy_text(to),
                                                   .first_ms = engine->now_ms,
                                                   .counted_ms = engine->now_ms,
                                                   .per_s = (double)NAN };
        engine->edges_changed = true;
        tend_log(TEND_LOG_INFO, "edge learned from=%s to=%s", from, to);
    }
    struct tend_learned_edge *edge = &engine->edges[place];
    edge->seen_ms = engine->now_ms;
    edge->calls += calls;
    if (engine->now_ms - edge->counted_ms >= COUNTED_MS) {
        edge->per_s = edge->calls * 1000.0 / (double)(engine->now_ms - edge->counted_ms);
        edge->calls = 0;
        edge->counted_ms = engine->now_ms;
    }
}

void tend_edges_learn(struct tend_engine *engine, struct tend_instance *instance)
{
    const struct tend_layout *layout = tend_series_window_layout(instance->window);
    const size_t rows = tend_series_window_count(instance->window);
    if (instance->service->def->edge_count == 0 || layout == NULL || rows < 2 || tend_instance_failed(instance)) {
        return;
    }
    const struct tend_edge_columns *columns = columns_of(instance, layout);
    const struct tend_scrape_row newest = tend_series_window_row(instance->window, rows - 1);
    const struct tend_scrape_row before = tend_series_window_row(instance->window, rows - 2);
    for (size_t i = 0; newest.good && before.good && i < columns->count; i++) {
        const size_t column = columns->list[i].column;
        const double grew = newest.values[column] - before.values[column];
        if (grew > 0) { // false for NaN, and for a counter that began anew
            see(engine, columns->list[i].from, columns->list[i].to, grew);
        }
    }
}

void tend_edges_refresh(struct tend_engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->edge_count; i++) {
        struct tend_learned_edge *edge = &engine->edges[i];
        if (engine->now_ms - edge->seen_ms <= FORGOTTEN_MS) {
            engine->edges[kept++] = *edge;
            continue;
        }
        tend_log(TEND_LOG_INFO, "edge forgotten from=%s to=%s", edge->from, edge->to);
        free(edge->from);
        free(edge->to);
        engine->edges_changed = true;
    }
    engine->edge_count = kept;
    if (engine->edges_changed) {
        tend_edges_connect(engine);
    }
}

// What is declared comes first, in its order. Names that the fleet lacks connect nothing.
void tend_edges_connect(struct tend_engine *engine)
{
    struct tend_fleet *fleet = engine->fleet;
    const bool is_as_declared = engine->edge_count == 0 && !engine->edges_changed;
    engine->edges_changed = false;
    if (fleet == NULL || is_as_declared) {
        return; // it was made so
    }
    size_t most = engine->edge_count;
    for (size_t i = 0; i < fleet->service_count; i++) {
        most += fleet->services[i]->def->depend_count;
    }
    struct tend_edge *edges = calloc(most + 1, sizeof *edges);
    TEND_ASSERT(edges != NULL);
    size_t count = 0;
    for (size_t i = 0; i < fleet->service_count; i++) {
        const struct tend_service_def *def = fleet->services[i]->def;
        for (size_t d = 0; d < def->depend_count; d++) {
            const struct tend_service *on = tend_fleet_find(fleet, def->depends[d]);
            if (on != NULL) {
                edges[count++] = (struct tend_edge){ .from = i, .to = on->index };
            }
        }
    }
    for (size_t i = 0; i < engine->edge_count; i++) {
        // NOLINTBEGIN(clang-analyzer-unix.Malloc): edges that were freed are behind edge_count, or overwritten
        const struct tend_service *from = tend_fleet_find(fleet, engine->edges[i].from);
        const struct tend_service *to = tend_fleet_find(fleet, engine->edges[i].to);
        // NOLINTEND(clang-analyzer-unix.Malloc)
        if (from != NULL && to != NULL) {
            edges[count++] = (struct tend_edge){ .from = from->index, .to = to->index };
        }
    }
    struct tend_topology topology;
    const enum tend_status status = tend_topology_init(&topology, fleet->service_count, edges, count);
    TEND_ASSERT(status == TEND_OK);
    tend_topology_clear(&fleet->topology);
    fleet->topology = topology;
    free(edges);
}

static bool is_declared(const struct tend_service *service, const char *name)
{
    for (size_t i = 0; i < service->def->depend_count; i++) {
        if (strcmp(service->def->depends[i], name) == 0) {
            return true;
        }
    }
    return false;
}

json_t *tend_edges_of(const struct tend_engine *engine, const struct tend_service *service)
{
    json_t *names = json_array();
    for (size_t i = 0; i < service->def->depend_count; i++) {
        (void)json_array_append_new(names, json_string(service->def->depends[i]));
    }
    for (size_t i = place_of(engine, service->name, "");
         i < engine->edge_count && strcmp(engine->edges[i].from, service->name) == 0; i++) {
        const char *to = engine->edges[i].to;
        if (!is_declared(service, to)) {
            (void)json_array_append_new(names, tend_json_string(to, strlen(to)));
        }
    }
    return names;
}

void tend_edges_clear(struct tend_engine *engine)
{
    for (size_t i = 0; engine->edges != NULL && i < engine->edge_count; i++) {
        free(engine->edges[i].from);
        free(engine->edges[i].to);
    }
    free(engine->edges);
    engine->edges = NULL;
    engine->edge_count = 0;
}

// ---- as people see it ----

static json_t *document_of_edge(const struct tend_engine *engine, const char *from, const char *to,
                                const struct tend_learned_edge *learned, bool declared)
{
    const bool known = tend_fleet_find(engine->fleet, to) != NULL && tend_fleet_find(engine->fleet, from) != NULL;
    json_t *edge =
        json_pack("{s:o, s:o, s:b, s:b, s:b}", "from", tend_json_string(from, strlen(from)), "to",
                  tend_json_string(to, strlen(to)), "declared", declared, "learned", learned != NULL, "known", known);
    if (learned != NULL) {
        const int64_t counted_ms = engine->now_ms - learned->counted_ms;
        const double per_s =
            !isnan(learned->per_s) || counted_ms <= 0 ? learned->per_s : learned->calls * 1000.0 / (double)counted_ms;
        (void)json_object_set_new(edge, "age_s", json_real((double)(engine->now_ms - learned->first_ms) / 1000.0));
        (void)json_object_set_new(edge, "seen_ago_s", json_real((double)(engine->now_ms - learned->seen_ms) / 1000.0));
        (void)json_object_set_new(edge, "calls_per_s", tend_json_real(per_s));
    }
    return edge;
}

json_t *tend_engine_topology(const struct tend_engine *engine)
{
    json_t *services = json_array(), *edges = json_array();
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        (void)json_array_append_new(
            services, json_pack("{s:s, s:b, s:b, s:I}", "name", service->name, "watched", service->def->watched, "out",
                                tend_subject_is_out(engine->fleet, service->def, &service->subject), "instances",
                                (json_int_t)service->instance_count));
        for (size_t d = 0; d < service->def->depend_count; d++) {
            const char *to = service->def->depends[d];
            const size_t place = place_of(engine, service->name, to);
            const bool is_learned =
                place < engine->edge_count && compare(&engine->edges[place], service->name, to) == 0;
            (void)json_array_append_new(
                edges, document_of_edge(engine, service->name, to, is_learned ? &engine->edges[place] : NULL, true));
        }
    }
    for (size_t i = 0; engine->fleet != NULL && i < engine->edge_count; i++) {
        const struct tend_learned_edge *learned = &engine->edges[i];
        const struct tend_service *from = tend_fleet_find(engine->fleet, learned->from);
        if (from == NULL || !is_declared(from, learned->to)) {
            (void)json_array_append_new(edges, document_of_edge(engine, learned->from, learned->to, learned, false));
        }
    }
    return json_pack("{s:o, s:o}", "services", services, "edges", edges);
}
