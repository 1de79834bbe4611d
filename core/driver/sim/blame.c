#include "driver/sim/blame.h"

#include <string.h>

json_t *tend_blame(const json_t *answer, const char *service)
{
    json_t *blaming = json_deep_copy(answer);
    json_t *culprits = json_array();
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(blaming, "ranking"), index, row)
    {
        if (strcmp(tend_json_text(row, "service", ""), service) == 0) {
            (void)json_object_set_new(row, "confidence", json_real(1.0));
            (void)json_array_append_new(culprits, json_string(service));
        }
    }
    // `fits` is about the remedies of whom the locator blames.
    (void)json_object_del(blaming, "fits");
    (void)json_object_del(blaming, "wait");
    if (json_array_size(culprits) == 0) {
        (void)json_object_set_new(blaming, "wait", json_string("whom to blame has not been weighed yet"));
    }
    (void)json_object_set_new(blaming, "culprits", culprits);
    return blaming;
}
