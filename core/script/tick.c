// A tick: one view, shown to each rule function in turn.
//
// Why one view and not a table a call: the view is a userdata that looks into the request's bytes, so a call that reads
// two metrics costs those two look-ups and allocates nothing; to build its tables would cost more than the call. The
// userdata of metric i is the same for each call. A rule that keeps one sees another call's numbers: a rule remembers
// nothing, and this makes it show.

#include "alert/verdict.h"
#include "parse/duration.h"
#include "script/lua_call.h"
#include "script/lua_json.h"
#include "script/script_state.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_METRICS = 4096, MAX_CALLS = 4000000, ERROR_MAX_BYTES = 1000 };

struct slice {
    const char *bytes; // borrowed from the request
    size_t count;
};

struct view_metric {
    struct slice name;
    double p, e, f, a, eta_s;
    bool out;
    enum tend_missing missing;
};

struct tend_tick_view {
    bool open; // a rule function is being called
    uint32_t rule;
    struct slice subject, service, instance, labels, version;
    double out_share;
    double deployed_ago_s;
    struct view_metric *metrics;
    size_t metric_count;
    size_t metric_capacity;
    bool read_missing; // the function has read a value that there is no data for
    bool only_early;   // and all of those are warming up
};

static const char *const view_name = "tend.view";
static const char *const metric_name = "tend.metric";
static char view_key;    // registry: the view's userdata
static char metrics_key; // registry: array of the metrics' userdata
static char rules_key;   // registry: array of rule functions, from 1

static void registry_get(lua_State *lua, char *key)
{
    lua_pushlightuserdata(lua, key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
}

static void registry_set(lua_State *lua, char *key) // pops the value
{
    lua_pushlightuserdata(lua, key);
    lua_insert(lua, -2);
    lua_rawset(lua, LUA_REGISTRYINDEX);
}

static bool slice_is(struct slice slice, const char *text, size_t bytes)
{
    return slice.count == bytes && memcmp(slice.bytes, text, bytes) == 0;
}

static struct tend_tick_view *view_of(lua_State *lua)
{
    struct tend_tick_view *view = lua_touserdata(lua, lua_upvalueindex(1));
    if (!view->open) {
        (void)luaL_error(lua, "what a rule looked at was kept until after the rule; a rule remembers nothing");
    }
    return view;
}

static void note_missing(struct tend_tick_view *view, bool early)
{
    view->only_early = early && (!view->read_missing || view->only_early);
    view->read_missing = true;
}

static int push_number(lua_State *lua, struct tend_tick_view *view, const struct view_metric *metric, double value)
{
    if (isnan(value)) {
        note_missing(view, metric->missing == TEND_MISSING_WARMING_UP);
    }
    lua_pushnumber(lua, value);
    return 1;
}

// metric.P and the rest; upvalue: the view. The userdata holds the metric's index.
static int metric_index(lua_State *lua)
{
    const size_t *index = luaL_checkudata(lua, 1, metric_name);
    struct tend_tick_view *view = view_of(lua);
    const char *key = luaL_checkstring(lua, 2);
    if (*index >= view->metric_count) {
        return luaL_error(lua, "this metric was kept from another call; a rule remembers nothing");
    }
    const struct view_metric *metric = &view->metrics[*index];
    if (strcmp(key, "missing") == 0) {
        if (metric->missing == TEND_HAS_DATA) {
            lua_pushnil(lua);
        } else {
            lua_pushstring(lua, tend_missing_text(metric->missing));
        }
        return 1;
    }
    if (metric->missing != TEND_HAS_DATA) {
        note_missing(view, metric->missing == TEND_MISSING_WARMING_UP);
    }
    if (strcmp(key, "out") == 0) {
        lua_pushboolean(lua, metric->out);
        return 1;
    }
    if (strcmp(key, "eta") == 0) { // NaN is an answer here: no forecast
        lua_pushnumber(lua, metric->eta_s);
        return 1;
    }
    if (key[0] != '\0' && key[1] == '\0') {
        switch (key[0]) {
        case 'P':
            return push_number(lua, view, metric, metric->p);
        case 'E':
            return push_number(lua, view, metric, metric->e);
        case 'F':
            return push_number(lua, view, metric, metric->f);
        case 'A':
            return push_number(lua, view, metric, metric->a);
        default:
            break;
        }
    }
    return luaL_error(lua, "a metric has no '%s'; it has P, E, F, A, out, eta, missing", key);
}

static int refuse_change(lua_State *lua)
{
    return luaL_error(lua, "what a rule looks at cannot be changed");
}

static int metric_tostring(lua_State *lua)
{
    lua_pushliteral(lua, "metric");
    return 1;
}

static int view_tostring(lua_State *lua)
{
    lua_pushliteral(lua, "service");
    return 1;
}

// s:deployed_within "45m"; upvalue: the view.
static int deployed_within(lua_State *lua)
{
    (void)luaL_checkudata(lua, 1, view_name);
    const struct tend_tick_view *view = view_of(lua);
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 2, &bytes);
    int64_t within_ms = 0;
    struct tend_error error;
    if (tend_duration_parse(text, bytes, &within_ms, &error) != TEND_OK) {
        return luaL_error(lua, "deployed_within: %s", error.text);
    }
    lua_pushboolean(lua, view->deployed_ago_s * 1000 <= (double)within_ms); // NaN, not known: false
    return 1;
}

static int refuse_metric(lua_State *lua, const struct tend_tick_view *view, const char *name)
{
    luaL_Buffer text;
    luaL_buffinit(lua, &text);
    for (size_t i = 0; i < view->metric_count; i++) {
        luaL_addstring(&text, i == 0 ? "it has: " : ", ");
        luaL_addlstring(&text, view->metrics[i].name.bytes, view->metrics[i].name.count);
    }
    luaL_pushresult(&text);
    lua_pushlstring(lua, view->service.bytes, view->service.count);
    return luaL_error(lua, "no metric '%s' on %s; %s", name, lua_tostring(lua, -1),
                      view->metric_count == 0 ? "it has none" : lua_tostring(lua, -2));
}

// Pushes the userdata of metric `index`, made when it is asked for the first time.
static int push_metric(lua_State *lua, size_t index)
{
    registry_get(lua, &metrics_key);
    lua_rawgeti(lua, -1, (int)index + 1);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        size_t *held = lua_newuserdata(lua, sizeof *held);
        *held = index;
        luaL_getmetatable(lua, metric_name);
        lua_setmetatable(lua, -2);
        lua_pushvalue(lua, -1);
        lua_rawseti(lua, -3, (int)index + 1);
    }
    return 1;
}

static int push_labels(lua_State *lua, const struct tend_tick_view *view)
{
    if (view->labels.count == 0) {
        lua_newtable(lua);
        return 1;
    }
    json_t *labels = json_loadb(view->labels.bytes, view->labels.count, 0, NULL);
    if (!json_is_object(labels) || json_object_size(labels) > 1000) {
        json_decref(labels);
        return luaL_error(lua, "labels that are no object");
    }
    tend_lua_push_json(lua, labels); // raises only when memory ends; the labels are then lost with the process
    json_decref(labels);
    return 1;
}

// s.NAME; upvalues: the view, deployed_within.
static int view_index(lua_State *lua)
{
    (void)luaL_checkudata(lua, 1, view_name);
    struct tend_tick_view *view = view_of(lua);
    size_t bytes = 0;
    luaL_checktype(lua, 2, LUA_TSTRING);
    const char *key = lua_tolstring(lua, 2, &bytes);
    for (size_t i = 0; i < view->metric_count; i++) {
        if (slice_is(view->metrics[i].name, key, bytes)) {
            return push_metric(lua, i);
        }
    }
    if (strcmp(key, "name") == 0) {
        lua_pushlstring(lua, view->subject.bytes, view->subject.count);
    } else if (strcmp(key, "service") == 0) {
        lua_pushlstring(lua, view->service.bytes, view->service.count);
    } else if (strcmp(key, "instance") == 0) {
        lua_pushlstring(lua, view->instance.bytes, view->instance.count);
    } else if (strcmp(key, "version") == 0) {
        lua_pushlstring(lua, view->version.bytes, view->version.count);
    } else if (strcmp(key, "labels") == 0) {
        return push_labels(lua, view);
    } else if (strcmp(key, "out_share") == 0) {
        lua_pushnumber(lua, view->out_share);
    } else if (strcmp(key, "deployed_within") == 0) {
        lua_pushvalue(lua, lua_upvalueindex(2));
    } else {
        return refuse_metric(lua, view, key);
    }
    return 1;
}

static void make_metatable(lua_State *lua, const char *name, lua_CFunction tostring)
{
    (void)luaL_newmetatable(lua, name);
    lua_pushcfunction(lua, refuse_change);
    lua_setfield(lua, -2, "__newindex");
    lua_pushcfunction(lua, tostring);
    lua_setfield(lua, -2, "__tostring");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
}

void tend_tick_open(struct tend_script *script)
{
    lua_State *lua = script->lua;
    script->view = calloc(1, sizeof *script->view);
    if (script->view == NULL) {
        script->memory_exceeded = true;
        (void)luaL_error(lua, "%s", tend_status_text(TEND_E_NOMEM));
        return;
    }
    make_metatable(lua, metric_name, metric_tostring);
    lua_pushlightuserdata(lua, script->view);
    lua_pushcclosure(lua, metric_index, 1);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);

    (void)lua_newuserdata(lua, 1);
    make_metatable(lua, view_name, view_tostring);
    lua_pushlightuserdata(lua, script->view);
    lua_pushlightuserdata(lua, script->view);
    lua_pushcclosure(lua, deployed_within, 1);
    lua_pushcclosure(lua, view_index, 2);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    registry_set(lua, &view_key);

    lua_newtable(lua);
    registry_set(lua, &metrics_key);
    lua_newtable(lua);
    registry_set(lua, &rules_key);
}

void tend_tick_close(struct tend_script *script)
{
    if (script->view != NULL) {
        free(script->view->metrics);
        free(script->view);
        script->view = NULL;
    }
}

static struct slice get_slice(struct tend_reader *reader)
{
    struct slice slice;
    slice.bytes = tend_reader_get_string(reader, &slice.count);
    return slice;
}

// Reads one call of the request into the view. @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
static enum tend_status read_call(struct tend_reader *reader, struct tend_tick_view *view)
{
    view->rule = tend_reader_get_u32(reader);
    view->subject = get_slice(reader);
    view->service = get_slice(reader);
    view->instance = get_slice(reader);
    view->labels = get_slice(reader);
    view->version = get_slice(reader);
    view->out_share = tend_reader_get_f64(reader);
    view->deployed_ago_s = tend_reader_get_f64(reader);
    const uint32_t count = tend_reader_get_u32(reader);
    if (reader->failed || count > MAX_METRICS) {
        return TEND_E_INVALID;
    }
    if (count > view->metric_capacity) {
        struct view_metric *grown = realloc(view->metrics, count * sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        view->metrics = grown;
        view->metric_capacity = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct view_metric *metric = &view->metrics[i];
        metric->name = get_slice(reader);
        metric->p = tend_reader_get_f64(reader);
        metric->e = tend_reader_get_f64(reader);
        metric->f = tend_reader_get_f64(reader);
        metric->a = tend_reader_get_f64(reader);
        metric->eta_s = tend_reader_get_f64(reader);
        metric->out = tend_reader_get_u8(reader) != 0;
        const uint8_t missing = tend_reader_get_u8(reader);
        if (missing > TEND_MISSING_ASLEEP) {
            return TEND_E_INVALID;
        }
        metric->missing = (enum tend_missing)missing;
    }
    view->metric_count = count;
    view->read_missing = view->only_early = false;
    return reader->failed ? TEND_E_INVALID : TEND_OK;
}

// Pushes the function of a rule: from the array, or asked of the library once.
static void push_rule(struct tend_script *script, uint32_t rule)
{
    lua_State *lua = script->lua;
    registry_get(lua, &rules_key);
    lua_rawgeti(lua, -1, (int)rule + 1);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        tend_script_push_entry(script, "rule");
        lua_pushinteger(lua, (lua_Integer)rule);
        lua_call(lua, 1, 1);
        if (!lua_isfunction(lua, -1)) {
            (void)luaL_error(lua, "rule %d has no function", (int)rule);
        }
        lua_pushvalue(lua, -1);
        lua_rawseti(lua, -3, (int)rule + 1);
    }
    lua_remove(lua, -2);
}

// Calls the rule on the view; protected. Returns whether the function's result is true.
static int call_rule(lua_State *lua)
{
    struct tend_script *script = lua_touserdata(lua, 1);
    push_rule(script, script->view->rule);
    registry_get(lua, &view_key);
    lua_call(lua, 1, 1);
    lua_pushboolean(lua, lua_toboolean(lua, -1));
    return 1;
}

// The error on top of the stack, with the place of the rule when Lua could say none (memory had ended).
static void put_error(struct tend_script *script, struct tend_buffer *reply)
{
    const char *text = lua_tostring(script->lua, -1);
    text = text == NULL ? "an error without a text" : text;
    char message[ERROR_MAX_BYTES];
    const bool positioned = strstr(text, ".lua:") != NULL;
    const json_t *rule = json_array_get(json_object_get(script->document, "rules"), script->view->rule);
    const char *at = positioned ? "" : tend_json_text(rule, "at", "");
    (void)snprintf(message, sizeof message, "%s%s%s", at, at[0] == '\0' ? "" : ": ", text);
    tend_verdicts_put(reply, TEND_VERDICT_ERROR, message);
}

static enum tend_status one_verdict(struct tend_script *script, struct tend_buffer *reply)
{
    lua_State *lua = script->lua;
    struct tend_tick_view *view = script->view;
    lua_settop(lua, 0);
    lua_pushcfunction(lua, call_rule);
    lua_pushlightuserdata(lua, script);
    view->open = true;
    const int status = tend_lua_call(lua, 1, 1);
    view->open = false;
    if (view->read_missing) {
        // Also when it raised: the missing value may be why.
        tend_verdicts_put(reply, view->only_early ? TEND_VERDICT_HOLD : TEND_VERDICT_UNKNOWN, NULL);
    } else if (status != 0) {
        put_error(script, reply);
    } else {
        tend_verdicts_put(reply, lua_toboolean(lua, -1) != 0 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE, NULL);
    }
    lua_settop(lua, 0);
    if (script->memory_exceeded) {
        script->memory_exceeded = false;
        (void)lua_gc(lua, LUA_GCCOLLECT, 0);
        if (script->memory_used > script->config.memory_bytes / 2) {
            return TEND_E_LIMIT;
        }
    }
    return TEND_OK;
}

enum tend_status tend_script_tick(struct tend_script *script, const char *request, size_t bytes,
                                  struct tend_buffer *reply)
{
    struct tend_reader reader = tend_reader_over(request, bytes);
    const uint64_t tick = tend_reader_get_u64(&reader);
    (void)tend_reader_get_f64(&reader); // wall time: rules are told none
    const uint32_t count = tend_reader_get_u32(&reader);
    if (reader.failed || count > MAX_CALLS || script->document == NULL) {
        return TEND_E_INVALID;
    }
    tend_verdicts_begin(reply, tick, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t before = script->view->rule;
        enum tend_status status = read_call(&reader, script->view);
        if (status != TEND_OK) {
            return status;
        }
        if (i == 0 || script->view->rule != before) {
            tend_script_progress(script, TEND_PROGRESS_RULE, script->view->rule);
        }
        status = one_verdict(script, reply);
        if (status != TEND_OK) {
            return status;
        }
    }
    return reader.next != reader.end ? TEND_E_INVALID : reply->failed ? TEND_E_NOMEM : TEND_OK;
}
