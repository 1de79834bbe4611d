#include "cli/test_report.h"

#include <stdlib.h>
#include <string.h>

enum verdict { PASSED, FAILED, SKIPPED };

static enum verdict verdict_of(const json_t *result)
{
    if (json_is_string(json_object_get(result, "skip"))) {
        return SKIPPED;
    }
    return json_array_size(json_object_get(result, "failures")) > 0 ? FAILED : PASSED;
}

struct tend_test_sums tend_test_report_sums(const json_t *results)
{
    struct tend_test_sums sums = { 0 };
    for (size_t i = 0; i < json_array_size(results); i++) {
        const enum verdict verdict = verdict_of(json_array_get(results, i));
        sums.passed += verdict == PASSED;
        sums.failed += verdict == FAILED;
        sums.skipped += verdict == SKIPPED;
    }
    return sums;
}

static void print_list(FILE *to, const char *before, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        (void)fprintf(to, "%s%s\n", before, json_string_value(json_array_get(list, i)));
    }
}

void tend_test_report_line(FILE *to, const json_t *result, bool verbose)
{
    const enum verdict verdict = verdict_of(result);
    const char *name = tend_json_text(result, "name", "");
    switch (verdict) {
    case PASSED:
        (void)fprintf(to, "ok       %s\n", name);
        break;
    case FAILED:
        (void)fprintf(to, "FAILED   %s\n", name);
        print_list(to, "           ", json_object_get(result, "failures"));
        break;
    case SKIPPED:
        (void)fprintf(to, "skipped  %s: %s\n", name, tend_json_text(result, "skip", ""));
        break;
    }
    if (verdict == FAILED || verbose) {
        (void)fprintf(to, "           | seed %lld\n", (long long)tend_json_integer(result, "seed", 0));
        print_list(to, "           | ", json_object_get(result, "story"));
    }
    if (json_object_get(result, "story_of_second") != NULL) {
        (void)fputs("           the second time:\n", to);
        print_list(to, "           | ", json_object_get(result, "story_of_second"));
    }
    (void)fflush(to);
}

void tend_test_report_json(FILE *to, const json_t *results, json_t *coverage)
{
    const struct tend_test_sums sums = tend_test_report_sums(results);
    json_t *report = json_pack("{s:I, s:I, s:I, s:O}", "passed", (json_int_t)sums.passed, "failed",
                               (json_int_t)sums.failed, "skipped", (json_int_t)sums.skipped, "scenarios", results);
    if (report != NULL && coverage != NULL) {
        (void)json_object_set(report, "coverage", coverage);
    }
    char *text = report == NULL ? NULL : json_dumps(report, JSON_INDENT(2));
    (void)fprintf(to, "%s\n", text == NULL ? "{}" : text);
    free(text);
    json_decref(report);
}

// TAP ends a description at '#'.
static void print_tap_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '#' || *text == '\\') {
            (void)fputc('\\', to);
        }
        (void)fputc(*text == '\n' ? ' ' : *text, to);
    }
}

void tend_test_report_tap(FILE *to, const json_t *results)
{
    (void)fprintf(to, "TAP version 13\n1..%zu\n", json_array_size(results));
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const enum verdict verdict = verdict_of(result);
        (void)fprintf(to, "%s %zu - ", verdict == FAILED ? "not ok" : "ok", i + 1);
        print_tap_text(to, tend_json_text(result, "name", ""));
        if (verdict == SKIPPED) {
            (void)fputs(" # SKIP ", to);
            print_tap_text(to, tend_json_text(result, "skip", ""));
        }
        (void)fputc('\n', to);
        if (verdict == FAILED) {
            print_list(to, "# ", json_object_get(result, "failures"));
            print_list(to, "# ", json_object_get(result, "story"));
        }
    }
}

// Control characters are not allowed in XML 1.0, not even escaped.
static void print_xml_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            (void)fputs("&lt;", to);
            break;
        case '>':
            (void)fputs("&gt;", to);
            break;
        case '&':
            (void)fputs("&amp;", to);
            break;
        case '"':
            (void)fputs("&quot;", to);
            break;
        default:
            (void)fputc((unsigned char)*text < 0x20 && *text != '\n' ? '?' : *text, to);
        }
    }
}

static void print_xml_list(FILE *to, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        print_xml_text(to, json_string_value(json_array_get(list, i)));
        (void)fputc('\n', to);
    }
}

bool tend_test_report_junit(FILE *to, const char *suite, const json_t *results)
{
    const struct tend_test_sums sums = tend_test_report_sums(results);
    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"", to);
    print_xml_text(to, suite);
    (void)fprintf(to, "\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n", json_array_size(results), sums.failed,
                  sums.skipped);
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const enum verdict verdict = verdict_of(result);
        (void)fputs("  <testcase classname=\"", to);
        print_xml_text(to, tend_json_text(result, "at", ""));
        (void)fputs("\" name=\"", to);
        print_xml_text(to, tend_json_text(result, "name", ""));
        (void)fputs("\">\n", to);
        if (verdict == SKIPPED) {
            (void)fputs("    <skipped message=\"", to);
            print_xml_text(to, tend_json_text(result, "skip", ""));
            (void)fputs("\"/>\n", to);
        } else if (verdict == FAILED) {
            (void)fputs("    <failure>", to);
            print_xml_list(to, json_object_get(result, "failures"));
            print_xml_list(to, json_object_get(result, "story"));
            (void)fputs("</failure>\n", to);
        }
        (void)fputs("  </testcase>\n", to);
    }
    (void)fputs("</testsuite>\n", to);
    return ferror(to) == 0;
}
