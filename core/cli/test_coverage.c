#include "cli/test_coverage.h"

#include <stdbool.h>
#include <stdlib.h>

struct sum {
    size_t reached, all;
};

static struct sum print_rules(FILE *to, const json_t *rules)
{
    struct sum sum = { .all = json_array_size(rules) };
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const bool out = tend_json_bool(rule, "out", false);
        const bool in_line = tend_json_bool(rule, "in_line", false);
        if (!out || !in_line) {
            (void)fprintf(to, "uncovered  %s: rule \"%s\" %s\n", tend_json_text(rule, "at", ""),
                          tend_json_text(rule, "name", ""),
                          out       ? "was never in line"
                          : in_line ? "was never out of line"
                                    : "was never judged");
        }
        sum.reached += out && in_line;
    }
    return sum;
}

static struct sum print_named(FILE *to, const json_t *list, const char *kind, const char *member,
                              const char *not_reached)
{
    struct sum sum = { .all = json_array_size(list) };
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const bool reached = tend_json_bool(one, member, false);
        if (!reached) {
            (void)fprintf(to, "uncovered  %s: %s \"%s\" %s\n", tend_json_text(one, "at", ""), kind,
                          tend_json_text(one, "name", ""), not_reached);
        }
        sum.reached += reached;
    }
    return sum;
}

static struct sum print_steps(FILE *to, const json_t *steps)
{
    struct sum sum = { .all = json_array_size(steps) };
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const bool reached = tend_json_bool(step, "reached", false);
        if (!reached) {
            (void)fprintf(to, "uncovered  %s: %s of \"%s\" was never reached\n", tend_json_text(step, "at", ""),
                          tend_json_text(step, "what", ""), tend_json_text(step, "playbook", ""));
        }
        sum.reached += reached;
    }
    return sum;
}

static struct sum print_remedies(FILE *to, const json_t *remedies)
{
    struct sum sum = { .all = json_array_size(remedies) };
    for (size_t i = 0; i < json_array_size(remedies); i++) {
        const json_t *remedy = json_array_get(remedies, i);
        const bool run = tend_json_bool(remedy, "run", false);
        if (!run) {
            (void)fprintf(to, "uncovered  \"%s\" was never run on %s\n", tend_json_text(remedy, "playbook", ""),
                          tend_json_text(remedy, "service", ""));
        }
        sum.reached += run;
    }
    return sum;
}

void tend_test_coverage_print(FILE *to, const json_t *coverage)
{
    const struct sum rules = print_rules(to, json_object_get(coverage, "rules"));
    const struct sum playbooks =
        print_named(to, json_object_get(coverage, "playbooks"), "playbook", "run", "was never run");
    const struct sum steps = print_steps(to, json_object_get(coverage, "steps"));
    const struct sum remedies = print_remedies(to, json_object_get(coverage, "remedies"));
    const struct sum locates =
        print_named(to, json_object_get(coverage, "locates"), "locate", "asked", "was never asked");
    (void)fprintf(to,
                  "covered: %zu of %zu rules, %zu of %zu playbooks, %zu of %zu steps, %zu of %zu remedies, %zu of %zu "
                  "locates\n",
                  rules.reached, rules.all, playbooks.reached, playbooks.all, steps.reached, steps.all,
                  remedies.reached, remedies.all, locates.reached, locates.all);
}
