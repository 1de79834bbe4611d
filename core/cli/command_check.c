// tend check: loads the rules of a directory in an evaluator, exactly as `tend run` would, and says what is wrong.

#include "base/buffer.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "driver/live/evaluator_process.h"
#include "driver/live/rules_dir.h"
#include "engine/ruleset.h"

#include <event2/event.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tend check DIR [--env NAME] [--secrets DIR] [--json]\n\n"
    "Loads every *.lua below DIR (but those below env/ and *_test.lua) and checks all that they declare. Writes "
    "errors\n"
    "and warnings to stderr, as FILE:LINE: what is wrong and what would be right; then, to stdout, where each metric "
    "is\n"
    "out of line, and every limit that is looser than the default.\n\n"
    "  --env NAME     what tend.env shows: the table that DIR/env/NAME.lua returns\n"
    "  --secrets DIR  the directory of secrets: tend.secret may then name none that is not there\n"
    "  --json         one JSON object on stdout instead: ok, errors, warnings, looser, limits_text, hash, playbooks\n"
    "  --help         this text\n\n"
    "exit status: 0 no errors, 1 errors, 2 wrong usage\n";

struct check {
    const char *dir;
    const char *env;
    const char *secrets;
    bool json;

    json_t *sources;
    json_t *errors;   // [{"at","text"}], whatever found them
    json_t *document; // NULL when loading came to none
    char hash[65];
    json_t *playbooks; // [{"name","hash"}]
};

static void add_error(struct check *check, const char *at, const char *text)
{
    (void)json_array_append_new(check->errors, json_pack("{s:o,s:o}", "at", tend_json_string(at, strlen(at)), "text",
                                                         tend_json_string(text, strlen(text))));
}

// "FILE:LINE: text" of the C side as an error with its place.
static void add_message(struct check *check, const char *message)
{
    const char *colon = strstr(message, ": ");
    char at[256] = "";
    if (colon != NULL && (size_t)(colon - message) < sizeof at) {
        memcpy(at, message, (size_t)(colon - message));
        at[colon - message] = '\0';
        message = colon + 2;
    }
    add_error(check, at, message);
}

// The name of the file that was being loaded when the evaluator died.
static const char *file_name(const struct check *check, const struct tend_event_died *died)
{
    const json_t *files = json_object_get(check->sources, "files");
    if (strcmp(died->what, "file") != 0) {
        return check->dir;
    }
    const json_t *file = died->index < json_array_size(files) ? json_array_get(files, died->index)
                                                              : json_object_get(check->sources, "env");
    return tend_json_text(file, "name", check->dir);
}

static void on_loaded(void *context, const struct tend_evaluator_reply *reply)
{
    struct check *check = context;
    if (!reply->died.died) {
        check->document = json_incref(reply->json);
        return;
    }
    char text[256];
    (void)snprintf(text, sizeof text, "loading it did not end: %s", reply->died.reason);
    char at[300];
    (void)snprintf(at, sizeof at, "%s:1", file_name(check, &reply->died));
    add_error(check, at, text);
}

// Loads the sources; the loop ends when the evaluator has answered or died.
static void load(struct check *check)
{
    struct event_base *base = event_base_new();
    struct tend_evaluator *evaluator = NULL;
    struct tend_error error = { "out of memory" };
    const struct tend_evaluator_deadlines deadlines = tend_evaluator_default_deadlines();
    if (base == NULL || tend_evaluator_create(base, &deadlines, &evaluator, &error) != TEND_OK) {
        add_error(check, check->dir, error.text);
    } else {
        tend_evaluator_load(evaluator, check->sources, on_loaded, check);
        while (check->document == NULL && json_array_size(check->errors) == 0 &&
               event_base_loop(base, EVLOOP_ONCE) == 0) {
        }
    }
    tend_evaluator_destroy(evaluator);
    if (base != NULL) {
        event_base_free(base);
    }
}

// Decodes the document as the engine would, which finds what only C knows, and keeps the playbooks' hashes.
static void decode(struct check *check)
{
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error;
    if (tend_ruleset_create(check->document, check->hash, &ruleset, &error) != TEND_OK) {
        add_message(check, error.text);
        return;
    }
    for (size_t i = 0; i < ruleset->playbook_count; i++) {
        char hash[65];
        tend_ruleset_playbook_hash(ruleset, i, hash);
        (void)json_array_append_new(check->playbooks,
                                    json_pack("{s:s,s:s}", "name", ruleset->playbooks[i].name, "hash", hash));
    }
    tend_ruleset_destroy(ruleset);
}

static void run_check(struct check *check)
{
    struct tend_error error;
    if (tend_rules_dir_read(check->dir, check->env, check->secrets, &check->sources, &error) != TEND_OK) {
        add_message(check, error.text);
        return;
    }
    tend_rules_dir_hash(check->sources, check->hash);
    load(check);
    if (check->document == NULL) {
        return;
    }
    json_t *errors = json_object_get(check->document, "errors");
    if (json_array_size(errors) > 0) {
        (void)json_array_extend(check->errors, errors);
    } else {
        decode(check);
    }
}

static void print_faults(const json_t *faults, const char *kind, FILE *to)
{
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        const char *at = tend_json_text(fault, "at", "");
        struct tend_buffer line; // a script may have written the text
        tend_buffer_init(&line);
        tend_terminal_put(&line, at);
        tend_buffer_printf(&line, "%s%s", at[0] == '\0' ? "" : ": ", kind);
        tend_terminal_put_member(&line, fault, "text", "");
        (void)fprintf(to, "%s\n", tend_buffer_text(&line));
        tend_buffer_clear(&line);
    }
}

static void print_text(const struct check *check)
{
    print_faults(check->errors, "", stderr);
    print_faults(json_object_get(check->document, "warnings"), "warning: ", stderr);
    if (json_array_size(check->errors) > 0) {
        return;
    }
    const json_t *limits = json_object_get(check->document, "limits_text");
    for (size_t i = 0; i < json_array_size(limits); i++) {
        const char *line = json_string_value(json_array_get(limits, i));
        (void)puts(line == NULL ? "" : line);
    }
    print_faults(json_object_get(check->document, "looser"), "looser: ", stdout);
}

// The list of the document, or an empty one.
static json_t *list_of(const struct check *check, const char *key)
{
    json_t *list = json_object_get(check->document, key);
    return json_is_array(list) ? json_incref(list) : json_array();
}

static void print_json(const struct check *check)
{
    json_t *report =
        json_pack("{s:b,s:O,s:o,s:o,s:o,s:s,s:O}", "ok", json_array_size(check->errors) == 0, "errors", check->errors,
                  "warnings", list_of(check, "warnings"), "looser", list_of(check, "looser"), "limits_text",
                  list_of(check, "limits_text"), "hash", check->hash, "playbooks", check->playbooks);
    char *text = report == NULL ? NULL : json_dumps(report, JSON_INDENT(2));
    (void)puts(text == NULL ? "{}" : text);
    free(text);
    json_decref(report);
}

// @return an enum tend_exit, or -1 to go on
static int parse_options(int argc, char **argv, struct check *check)
{
    static const struct option options[] = {
        { "env", required_argument, NULL, 'e' },
        { "secrets", required_argument, NULL, 's' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): one thread
        switch (option) {
        case 'e':
            check->env = optarg;
            break;
        case 's':
            check->secrets = optarg;
            break;
        case 'j':
            check->json = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        default:
            (void)fputs(usage, stderr);
            return TEND_EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    check->dir = argv[optind];
    return -1;
}

int tend_command_check(int argc, char **argv)
{
    struct check check = { 0 };
    const int exit_code = parse_options(argc, argv, &check);
    if (exit_code >= 0) {
        return exit_code;
    }
    check.errors = json_array();
    check.playbooks = json_array();
    run_check(&check);
    if (check.json) {
        print_json(&check);
    } else {
        print_text(&check);
    }
    const bool fine = json_array_size(check.errors) == 0;
    json_decref(check.errors);
    json_decref(check.playbooks);
    json_decref(check.document);
    json_decref(check.sources);
    return fine ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
