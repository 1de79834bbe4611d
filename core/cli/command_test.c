// tend test: plays the scenarios of *_test.lua, each in a world of its own and in virtual time, and reports.

#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/rules_document.h"
#include "cli/terminal.h"
#include "cli/test_coverage.h"
#include "cli/test_explore.h"
#include "cli/test_report.h"
#include "cli/test_watch.h"
#include "driver/live/rules_dir.h"
#include "driver/sim/simulation_lock.h"
#include "driver/sim/zygote.h"
#include "driver/world/coverage.h"
#include "driver/world/scenario.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tend test DIR [--env NAME] [--filter TEXT] [--json | --tap] [--junit FILE] [--verbose] "
    "[--coverage] [--watch]\n"
    "       tend test DIR --explore N [--seed S] [--playbook NAME] [--env NAME] [--json]\n\n"
    "Plays the scenarios of every *_test.lua below DIR against the rules of DIR: in virtual time, without a network "
    "and\n"
    "without starting any program. All playbooks are armed. Each scenario is played a second time with its rules "
    "loaded\n"
    "anew before each tick: a rule whose answer depends on what it remembers is found out so.\n\n"
    "  --env NAME     what tend.env shows: the table that DIR/env/NAME.lua returns\n"
    "  --filter TEXT  only scenarios whose name has TEXT in it\n"
    "  --json         one JSON object on stdout: passed, failed, skipped, scenarios with all that happened\n"
    "  --tap          the Test Anything Protocol on stdout\n"
    "  --junit FILE   a JUnit report too\n"
    "  --verbose      tell the story of scenarios that passed as well\n"
    "  --once         leave the second time out\n"
    "  --coverage     tell what no test reached: rules, playbooks, their steps, remedies, locates\n"
    "  --watch        play again whenever a file below DIR changes, until Ctrl-C\n"
    "  --explore N    search for trouble instead: play each playbook in N worlds that are made up, with faults at odd "
    "times,\n"
    "                 acts that go wrong, and tend killed in the middle; what breaks is told as a scenario\n"
    "  --seed S       of the worlds; 1 when left out. The same seed makes the same worlds\n"
    "  --playbook P   only this playbook\n"
    "  --help         this text\n\n"
    "exit status: 0 nothing failed, 1 a scenario failed, something was found, or the rules cannot "
    "be loaded, 2 wrong usage\n";

struct test_command {
    const char *dir;
    const char *env;
    const char *filter;
    const char *junit;
    const char *playbook;
    uint64_t explore, seed; // explore 0: the scenarios are played
    bool json, tap, verbose, once, covers, watch;

    json_t *sources;
    json_t *document;
    char hash[65];
    FILE *junit_file; // opened before the lock
    struct tend_zygote *zygote;
    struct tend_evaluator_starter starter;
    struct tend_awaited_evaluator *evaluator;
    struct tend_coverage *coverage; // NULL: not asked for
    json_t *results;
};

// From here on, until the end of the process, nothing outside can be reached or changed. @return false after saying why
static bool lock(struct test_command *command)
{
    struct tend_error error;
    if (command->junit != NULL) {
        command->junit_file = fopen(command->junit, "we");
        if (command->junit_file == NULL) {
            tend_terminal_complain("%s: cannot be written", command->junit);
            return false;
        }
    }
    if (tend_simulation_lock(command->zygote, NULL, 0, &error) != TEND_OK) {
        tend_terminal_complain("tend: %s", error.text);
        return false;
    }
    if (command->verbose && tend_simulation_lock_landlock_version() == 0) {
        (void)fputs("tend: this kernel has no Landlock; no file can be opened for writing all the same\n", stderr);
    }
    return true;
}

// Loads rules and tests. @return false after saying why not
static bool load(struct test_command *command)
{
    struct tend_error error;
    if (tend_rules_dir_read_with_tests(command->dir, command->env, &command->sources, &error) != TEND_OK) {
        tend_terminal_complain("%s", error.text);
        return false;
    }
    tend_rules_dir_hash(command->sources, command->hash);
    if (tend_awaited_evaluator_create(command->sources, &command->evaluator) != TEND_OK) {
        (void)fputs("tend: out of memory\n", stderr);
        return false;
    }
    command->starter = tend_zygote_starter(command->zygote);
    tend_awaited_evaluator_set_starter(command->evaluator, &command->starter);
    if (!lock(command)) {
        return false;
    }
    command->document = tend_rules_document_load(command->evaluator, command->dir);
    return command->document != NULL;
}

// Played again by an evaluator that remembers nothing, the same must happen.
static void play_again(struct test_command *command, struct tend_scenario_options *options, json_t *result)
{
    struct tend_error error;
    json_t *again = NULL;
    options->forgetful = true;
    if (tend_scenario_play(options, &again, &error) != TEND_OK ||
        !json_equal(json_object_get(again, "run"), json_object_get(result, "run")) ||
        !json_equal(json_object_get(again, "story"), json_object_get(result, "story"))) {
        char text[256];
        (void)snprintf(
            text, sizeof text,
            "%s: a rule remembers: played again with the rules loaded anew before each tick, it went otherwise",
            tend_json_text(result, "at", ""));
        (void)json_array_append_new(json_object_get(result, "failures"), json_string(text));
        (void)json_object_set(result, "story_of_second", json_object_get(again, "story"));
    }
    options->forgetful = false;
    json_decref(again);
    (void)command;
}

static void play_all(struct test_command *command)
{
    const json_t *scenarios = json_object_get(command->document, "scenarios");
    for (size_t i = 0; i < json_array_size(scenarios); i++) {
        const json_t *scenario = json_array_get(scenarios, i);
        const char *name = tend_json_text(scenario, "name", "");
        if (command->filter != NULL && strstr(name, command->filter) == NULL) {
            continue;
        }
        struct tend_scenario_options options = {
            .document = command->document,
            .index = i,
            .hash = command->hash,
            .sources = command->sources,
            .evaluator = command->evaluator,
            .coverage = command->coverage,
        };
        struct tend_error error;
        json_t *result = NULL;
        if (tend_scenario_play(&options, &result, &error) != TEND_OK) {
            char text[700];
            (void)snprintf(text, sizeof text, "%s: %s", tend_json_text(scenario, "at", ""), error.text);
            result = json_pack("{s:s, s:s, s:n, s:[s]}", "name", name, "at", tend_json_text(scenario, "at", ""), "skip",
                               "failures", text);
        } else if (!command->once && json_object_get(result, "run") != NULL) {
            play_again(command, &options, result);
        }
        (void)json_array_append_new(command->results, result);
        if (!command->json && !command->tap) {
            tend_test_report_line(stdout, result, command->verbose);
        }
    }
}

// A number from 1 to 10^12. @return whether it is one
static bool read_count(const char *text, uint64_t *out)
{
    char *end = NULL;
    const unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number == 0 || number > 1000000000000ULL) {
        return false;
    }
    *out = number;
    return true;
}

// @return an enum tend_exit, or -1 to go on
static int parse_options(int argc, char **argv, struct test_command *command)
{
    static const struct option options[] = {
        { "env", required_argument, NULL, 'e' },   { "filter", required_argument, NULL, 'f' },
        { "json", no_argument, NULL, 'j' },        { "tap", no_argument, NULL, 't' },
        { "junit", required_argument, NULL, 'u' }, { "verbose", no_argument, NULL, 'v' },
        { "once", no_argument, NULL, 'o' },        { "coverage", no_argument, NULL, 'c' },
        { "watch", no_argument, NULL, 'w' },       { "explore", required_argument, NULL, 'x' },
        { "seed", required_argument, NULL, 's' },  { "playbook", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "hv", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): one thread
        switch (option) {
        case 'e':
            command->env = optarg;
            break;
        case 'f':
            command->filter = optarg;
            break;
        case 'u':
            command->junit = optarg;
            break;
        case 'j':
            command->json = true;
            break;
        case 't':
            command->tap = true;
            break;
        case 'v':
            command->verbose = true;
            break;
        case 'o':
            command->once = true;
            break;
        case 'c':
            command->covers = true;
            break;
        case 'w':
            command->watch = true;
            break;
        case 'x':
        case 's':
            if (!read_count(optarg, option == 'x' ? &command->explore : &command->seed)) {
                tend_terminal_complain("tend test: \"%s\" is no number from 1 on", optarg);
                return TEND_EXIT_USAGE;
            }
            break;
        case 'p':
            command->playbook = optarg;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        default:
            (void)fputs(usage, stderr);
            return TEND_EXIT_USAGE;
        }
    }
    if (argc - optind != 1 || (command->json && command->tap) ||
        (command->explore != 0 && (command->tap || command->junit != NULL || command->filter != NULL))) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    command->dir = argv[optind];
    return -1;
}

static int report(const struct test_command *command)
{
    const struct tend_test_sums sums = tend_test_report_sums(command->results);
    json_t *coverage = command->coverage == NULL ? NULL : tend_coverage_document(command->coverage);
    if (command->json) {
        tend_test_report_json(stdout, command->results, coverage);
    } else if (command->tap) {
        tend_test_report_tap(stdout, command->results);
    } else {
        if (coverage != NULL) {
            tend_test_coverage_print(stdout, coverage);
        }
        (void)printf("%zu passed, %zu failed, %zu skipped\n", sums.passed, sums.failed, sums.skipped);
    }
    json_decref(coverage);
    if (command->junit != NULL) {
        const bool written = tend_test_report_junit(command->junit_file, command->dir, command->results);
        if (fflush(command->junit_file) != 0 || !written) {
            tend_terminal_complain("%s: cannot be written", command->junit);
            return TEND_EXIT_TROUBLE;
        }
    }
    return sums.failed == 0 ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}

static int play(struct test_command *command)
{
    if (command->covers && tend_coverage_create(command->document, &command->coverage) != TEND_OK) {
        (void)fputs("tend: out of memory\n", stderr);
        return TEND_EXIT_TROUBLE;
    }
    play_all(command);
    return report(command);
}

static int explore(struct test_command *command)
{
    const struct tend_explore_options options = {
        .document = command->document,
        .hash = command->hash,
        .sources = command->sources,
        .evaluator = command->evaluator,
        .seed = command->seed,
        .worlds = command->explore,
        .playbook = command->playbook,
    };
    return tend_test_explore(&options, command->json);
}

static int run(void *context)
{
    struct test_command *command = context;
    int exit_code = TEND_EXIT_TROUBLE;
    struct tend_error error;
    command->results = json_array();
    if (tend_zygote_create(&command->zygote, &error) != TEND_OK) {
        tend_terminal_complain("tend: %s", error.text);
    } else if (load(command)) {
        exit_code = command->explore > 0 ? explore(command) : play(command);
    }
    if (command->junit_file != NULL && fclose(command->junit_file) != 0) {
        exit_code = TEND_EXIT_TROUBLE;
    }
    tend_coverage_destroy(command->coverage);
    tend_awaited_evaluator_destroy(command->evaluator);
    tend_zygote_destroy(command->zygote);
    json_decref(command->results);
    json_decref(command->document);
    json_decref(command->sources);
    return exit_code;
}

int tend_command_test(int argc, char **argv)
{
    struct test_command command = { .seed = 1 };
    const int exit_code = parse_options(argc, argv, &command);
    if (exit_code >= 0) {
        return exit_code;
    }
    tend_log_set_level(TEND_LOG_NOTHING); // the story tells it, with the time that it happened at
    return command.watch ? tend_test_watch(command.dir, run, &command) : run(&command);
}
