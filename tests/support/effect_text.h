#pragma once
/// Effect text: an effect as one line with all that it holds, so that two stories can be compared.

#include "engine/effect.h"

#include <stdlib.h>

static inline void effect_text_put(struct tend_buffer *out, int64_t now_ms, const struct tend_effect *effect)
{
    char *json = effect->json == NULL ? NULL : tend_json_canonical(effect->json);
    char *body = effect->record.body == NULL ? NULL : tend_json_canonical(effect->record.body);
    char bytes[65] = "";
    if (effect->bytes.size > 0) {
        tend_sha256_hex(effect->bytes.data, effect->bytes.size, bytes);
    }
    tend_buffer_printf(out, "%lld effect=%d id=%llu at=%lld key=%s text=%s json=%s bytes=%s record=%llu/%d/%s %s\n",
                       (long long)now_ms, (int)effect->kind, (unsigned long long)effect->id, (long long)effect->at_ms,
                       effect->key == NULL ? "" : effect->key, effect->text == NULL ? "" : effect->text,
                       json == NULL ? "" : json, bytes, (unsigned long long)effect->record.number,
                       (int)effect->record.kind, effect->record.key == NULL ? "" : effect->record.key,
                       body == NULL ? "" : body);
    free(json);
    free(body);
}
