// What `tend test` plays of the shop and of the golden pack is recorded, and replays to the byte.

#include "driver/past/replay.h"

#include "base/log.h"
#include "recorded_scenario.h"
#include "script/embedded.h"
#include "script/evaluator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct tend_replay_options plain = { .trusts_document = true };

// Every scenario of a directory's suite, and how many there were.
// @param file  the only file that is loaded, as a pack's own comes from the binary; NULL: all are
static size_t replay_suite(const char *directory, const char *env, const char *file)
{
    const char *root = getenv("TEND_SOURCE_DIR"); // NOLINT(concurrency-mt-unsafe): one thread
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", root == NULL ? "." : root, directory);
    json_t *sources = NULL;
    struct tend_error error = { "" };
    if (tend_rules_dir_read_with_tests(path, env, &sources, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_t *files = json_object_get(sources, "files");
    for (size_t i = json_array_size(files); file != NULL && i-- > 0;) {
        if (strcmp(tend_json_text(json_array_get(files, i), "name", ""), file) != 0) {
            assert_int_equal(json_array_remove(files, i), 0);
        }
    }
    struct recorded recorded = load_sources(sources);
    const size_t count = json_array_size(json_object_get(recorded.document, "scenarios"));
    size_t played = 0;
    for (size_t i = 0; i < count; i++) {
        if (play(&recorded, i)) {
            json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
            if (text_of_difference(report)[0] != '\0') {
                fail_msg("%s: %s", tend_json_text(recorded.result, "name", ""), text_of_difference(report));
            }
            json_decref(report);
            played++;
        }
        remove_recording(&recorded);
        json_decref(recorded.result);
        recorded.result = NULL;
    }
    tend_awaited_evaluator_destroy(recorded.evaluator);
    json_decref(recorded.document);
    json_decref(recorded.sources);
    return played;
}

static void every_scenario_of_the_shop_replays_to_the_byte(void **state)
{
    (void)state;
    assert_true(replay_suite("examples/shop", "demo", NULL) >= 10);
}

static void every_scenario_of_the_golden_pack_replays_to_the_byte(void **state)
{
    (void)state;
    assert_true(replay_suite("rules/golden", NULL, "golden_test.lua") >= 5);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "evaluator") == 0) {
        _exit(tend_evaluator_run(tend_embedded_modules));
    }
    tend_log_set_level(TEND_LOG_NOTHING);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_of_the_shop_replays_to_the_byte),
        cmocka_unit_test(every_scenario_of_the_golden_pack_replays_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
