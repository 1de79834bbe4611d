// tend locate: who was at fault in an incident, from data that was exported of it.
//
// The evidence is drawn here; the ranking is made in an evaluator process by stdlib/tend/locate/post_mortem.lua.

#include "base/buffer.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/post_mortem_case.h"
#include "cli/terminal.h"
#include "driver/sim/awaited_evaluator.h"
#include "parse/moment.h"
#include "parse/number.h"
#include "parse/quoted_text.h"

#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tend locate CASE... [--topology FILE] [--text | --evidence]\n"
    "       tend locate --metrics FILE [--at TIME] [--topology FILE] [--logs FILE] [--text | --evidence]\n\n"
    "Ranks the services of an incident by how likely it is that the fault is theirs, from exported data. CASE is a "
    "directory\n"
    "with metrics.csv (time,SERVICE:METRIC,...; CALLER>CALLEE:METRIC for calls), alarm.json (inject_time, system),\n"
    "and perhaps logs.csv.gz or logs.csv (time,service,level,message). Times are ISO 8601 (without a zone: UTC), or\n"
    "seconds, milliseconds, microseconds or nanoseconds since 1970, of which a file has one: below 10^11 a number is\n"
    "seconds, below 10^14 milliseconds, below 10^17 microseconds. Writes one JSON line a case: case, ranking, "
    "metrics,\n"
    "confidence (0 to 1: that the first of the ranking is the culprit), evidence (service, points, reasons).\n\n"
    "  --metrics FILE   one incident from single files\n"
    "  --at TIME        when trouble began. Without it, and without inject_time, the moment at which most columns "
    "changed\n"
    "                   is looked for, near the end: within some twelve minutes, or eight rows\n"
    "  --around SECONDS look for a better moment that near to the time given\n"
    "  --unknown        do not read inject_time either\n"
    "  --topology FILE  JSON: {\"edges\": [[CALLER, CALLEE], ...]}. Of a case, when left out: "
    "CASE/../../system/SYSTEM/topology.json\n"
    "  --logs FILE      CSV like that of a case, gzipped or not\n"
    "  --text           for people\n"
    "  --evidence       the evidence itself, before any ranking, as JSON\n"
    "  --help           this text\n\n"
    "exit status: 0 all cases were ranked, 1 one could not be read (FILE:LINE: what is wrong), 2 wrong usage\n";

struct locate_command {
    struct tend_post_mortem_files files;
    bool text, evidence;
    struct tend_awaited_evaluator *evaluator;
};

static const char *name_of(const char *path, char out[256])
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    (void)snprintf(out, 256, "%.*s", (int)(end - start), path + start);
    return out;
}

static void put_line(const json_t *value)
{
    char *text = tend_json_canonical(value);
    (void)puts(text == NULL ? "{}" : text);
    free(text);
}

static void put_escaped(const char *text)
{
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_text_escape(&out, text, strlen(text));
    (void)fputs(tend_buffer_text(&out), stdout);
    tend_buffer_clear(&out);
}

static void put_text(const json_t *answer)
{
    put_escaped(tend_json_text(answer, "case", ""));
    (void)printf(": confidence %.2f\n", tend_json_number(answer, "confidence", 0));
    const json_t *evidence = json_object_get(answer, "evidence");
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        const json_t *one = json_array_get(evidence, i);
        (void)printf("  %zu. ", i + 1);
        put_escaped(tend_json_text(one, "service", ""));
        (void)printf(" (%.2f)\n", tend_json_number(one, "points", 0));
        const json_t *reasons = json_object_get(one, "reasons");
        for (size_t j = 0; j < json_array_size(reasons); j++) {
            (void)fputs("       ", stdout);
            put_escaped(json_string_value(json_array_get(reasons, j)));
            (void)putchar('\n');
        }
    }
    if (json_array_size(evidence) == 0) {
        (void)puts("  nothing is out of line");
    }
}

static bool rank(struct locate_command *command, const char *name, json_t *evidence)
{
    json_t *question = json_pack("{s:s, s:O}", "kind", "post_mortem", "evidence", evidence);
    struct tend_awaited_reply reply = tend_awaited_evaluator_ask(command->evaluator, question);
    json_decref(question);
    const char *problem = reply.json == NULL ? reply.reason : tend_json_text(reply.json, "error", NULL);
    if (problem != NULL) {
        tend_terminal_complain("%s: the ranking did not end: %s", name, problem);
    } else {
        (void)json_object_set_new(reply.json, "case", tend_json_string(name, strlen(name)));
        if (command->text) {
            put_text(reply.json);
        } else {
            put_line(reply.json);
        }
    }
    tend_awaited_reply_clear(&reply);
    return problem == NULL;
}

static bool locate(struct locate_command *command, const char *path)
{
    char name[256];
    struct tend_error error = { "out of memory" };
    json_t *evidence = NULL;
    if (tend_post_mortem_case_read(&command->files, &evidence, &error) != TEND_OK) {
        tend_terminal_complain("%s", error.text);
        return false;
    }
    (void)name_of(path, name);
    bool fine = true;
    if (command->evidence) {
        (void)json_object_set_new(evidence, "case", tend_json_string(name, strlen(name)));
        put_line(evidence);
    } else {
        fine = rank(command, name, evidence);
    }
    json_decref(evidence);
    return fine;
}

static bool take_time(struct locate_command *command, const char *text)
{
    int64_t at_ms;
    struct tend_error error;
    if (tend_moment_parse(text, strlen(text), NULL, &at_ms, &error) != TEND_OK) {
        tend_terminal_complain("tend locate: --at: %s", error.text);
        return false;
    }
    command->files.at_s = (double)at_ms / 1000;
    return true;
}

static bool take_around(struct locate_command *command, const char *text)
{
    double around;
    if (!tend_number_parse(text, strlen(text), &around) || !(around >= 0 && around <= 86400)) {
        tend_terminal_complain("tend locate: --around: \"%s\" is no number of seconds from 0 to 86400", text);
        return false;
    }
    command->files.around_s = around;
    return true;
}

static bool take_option(struct locate_command *command, int option)
{
    switch (option) {
    case 'm':
        command->files.metrics = optarg;
        return true;
    case 'a':
        return take_time(command, optarg);
    case 'r':
        return take_around(command, optarg);
    case 'u':
        command->files.is_unknown = true;
        return true;
    case 'p':
        command->files.topology = optarg;
        return true;
    case 'l':
        command->files.logs = optarg;
        return true;
    case 't':
        command->text = true;
        return true;
    case 'e':
        command->evidence = true;
        return true;
    default:
        (void)fputs(usage, stderr);
        return false;
    }
}

static int parse_options(int argc, char **argv, struct locate_command *command)
{
    static const struct option options[] = {
        { "metrics", required_argument, NULL, 'm' },  { "at", required_argument, NULL, 'a' },
        { "around", required_argument, NULL, 'r' },   { "unknown", no_argument, NULL, 'u' },
        { "topology", required_argument, NULL, 'p' }, { "logs", required_argument, NULL, 'l' },
        { "text", no_argument, NULL, 't' },           { "evidence", no_argument, NULL, 'e' },
        { "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): one thread
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        }
        if (!take_option(command, option)) {
            return TEND_EXIT_USAGE;
        }
    }
    const bool has_cases = optind < argc;
    const bool single = command->files.metrics != NULL;
    if (has_cases == single || (command->text && command->evidence) || (has_cases && command->files.logs != NULL)) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    return -1;
}

int tend_command_locate(int argc, char **argv)
{
    // No tick waits, and what runs is tend's own: it may take as long as thousands of services need.
    static const struct tend_evaluator_deadlines patience = {
        .cpu_ms = 60000, .wall_ms = 300000, .load_cpu_ms = 60000, .load_wall_ms = 300000
    };
    struct locate_command command = { .files = { .at_s = (double)NAN } };
    const int exit_code = parse_options(argc, argv, &command);
    if (exit_code >= 0) {
        return exit_code;
    }
    json_t *sources = json_pack("{s:[], s:n, s:n}", "files", "env", "secrets");
    if (sources == NULL || tend_awaited_evaluator_create(sources, &command.evaluator) != TEND_OK) {
        json_decref(sources);
        (void)fputs("tend: out of memory\n", stderr);
        return TEND_EXIT_TROUBLE;
    }
    tend_awaited_evaluator_set_deadlines(command.evaluator, &patience);
    bool fine = true;
    if (command.files.metrics != NULL) {
        fine = locate(&command, command.files.metrics);
    }
    for (int i = optind; i < argc; i++) {
        command.files.dir = argv[i];
        fine = locate(&command, argv[i]) && fine;
    }
    fine = fflush(stdout) == 0 && fine;
    tend_awaited_evaluator_destroy(command.evaluator);
    json_decref(sources);
    return fine ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
