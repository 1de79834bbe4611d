#include "cli/test_explore.h"

#include "base/buffer.h"
#include "cli/command.h"
#include "cli/progress_bar.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void on_progress(void *context, double share)
{
    tend_progress_bar_show(context, share, -1);
}

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_list(const char *before, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct tend_buffer line;
        tend_buffer_init(&line);
        tend_terminal_put(&line, json_string_value(json_array_get(list, i)));
        (void)printf("%s%s\n", before, tend_buffer_text(&line));
        tend_buffer_clear(&line);
    }
}

static void print_playbook(const json_t *entry)
{
    const char *name = tend_json_text(entry, "playbook", "");
    const long long worlds = (long long)tend_json_integer(entry, "worlds", 0);
    const json_t *found = json_object_get(entry, "found");
    if (json_is_string(json_object_get(entry, "skip"))) {
        (void)printf("skipped  %s: %s\n", name, tend_json_text(entry, "skip", ""));
    } else if (!json_is_object(found)) {
        (void)printf("ok       %s: %lld worlds\n", name, worlds);
    } else {
        (void)printf("FOUND    %s: world %lld: %s\n", name, (long long)tend_json_integer(found, "world", 0),
                     tend_json_text(found, "text", ""));
        print_list("           | ", json_object_get(found, "story"));
        (void)printf("\nThe smallest scenario that breaks so (%lld were tried). Put it into a *_test.lua file, and it "
                     "fails until the rules are mended:\n\n",
                     (long long)tend_json_integer(found, "tries", 0));
        print_list("", json_object_get(found, "lines"));
        (void)putchar('\n');
    }
}

static bool has_found(const json_t *report)
{
    const json_t *playbooks = json_object_get(report, "playbooks");
    for (size_t i = 0; i < json_array_size(playbooks); i++) {
        if (json_is_object(json_object_get(json_array_get(playbooks, i), "found"))) {
            return true;
        }
    }
    return false;
}

static void print_text(const json_t *report, double took_s)
{
    const json_t *playbooks = json_object_get(report, "playbooks");
    if (json_array_size(playbooks) == 0) {
        (void)puts("there is no playbook to search for trouble in");
    }
    for (size_t i = 0; i < json_array_size(playbooks); i++) {
        print_playbook(json_array_get(playbooks, i));
    }
    struct tend_buffer simulated;
    tend_buffer_init(&simulated);
    tend_terminal_put_span(&simulated, tend_json_number(report, "simulated_s", 0.0));
    (void)printf("%lld worlds and %lld acts, %s of simulated time in %.1f s, seed %lld\n",
                 (long long)tend_json_integer(report, "worlds", 0), (long long)tend_json_integer(report, "acts", 0),
                 tend_buffer_text(&simulated), took_s, (long long)tend_json_integer(report, "seed", 0));
    tend_buffer_clear(&simulated);
}

int tend_test_explore(const struct tend_explore_options *options, bool json)
{
    struct tend_error error;
    json_t *report = NULL;
    struct tend_progress_bar bar = tend_progress_bar_begin("exploring");
    struct tend_explore_options watched = *options;
    watched.on_progress = on_progress;
    watched.progress_context = &bar;
    const double begun_s = clock_s();
    const enum tend_status status = tend_explore(&watched, &report, &error);
    tend_progress_bar_end(&bar);
    if (status != TEND_OK) {
        tend_terminal_complain("tend: %s", error.text);
        return TEND_EXIT_TROUBLE;
    }
    if (json) {
        (void)json_object_set_new(report, "took_s", json_real(clock_s() - begun_s));
        char *text = json_dumps(report, JSON_INDENT(2));
        (void)printf("%s\n", text == NULL ? "{}" : text);
        free(text);
    } else {
        print_text(report, clock_s() - begun_s);
    }
    const bool found = has_found(report);
    json_decref(report);
    return found ? TEND_EXIT_TROUBLE : TEND_EXIT_FINE;
}
