// A growing list of effects.

#include "engine/effect.h"

#include <stdlib.h>

void tend_effects_init(struct tend_effects *effects)
{
    *effects = (struct tend_effects){ .list = NULL };
}

void tend_effects_reset(struct tend_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        struct tend_effect *effect = &effects->list[i];
        free(effect->key);
        free(effect->text);
        json_decref(effect->json);
        tend_buffer_clear(&effect->bytes);
        tend_record_clear(&effect->record);
    }
    effects->count = 0;
}

void tend_effects_clear(struct tend_effects *effects)
{
    tend_effects_reset(effects);
    free(effects->list);
    tend_effects_init(effects);
}

struct tend_effect *tend_effects_add(struct tend_effects *effects, enum tend_effect_kind kind)
{
    if (effects->count == effects->capacity) {
        const size_t capacity = effects->capacity == 0 ? 16 : effects->capacity * 2;
        struct tend_effect *grown = reallocarray(effects->list, capacity, sizeof *grown);
        TEND_ASSERT(grown != NULL); // an effect that is lost would be a decision without a consequence
        effects->list = grown;
        effects->capacity = capacity;
    }
    struct tend_effect *effect = &effects->list[effects->count++];
    *effect = (struct tend_effect){ .kind = kind };
    tend_buffer_init(&effect->bytes);
    return effect;
}

json_t *tend_effect_question(const struct tend_effect *effect)
{
    json_t *question = json_loadb(tend_buffer_text(&effect->bytes), effect->bytes.size, JSON_ALLOW_NUL, NULL);
    TEND_ASSERT(question != NULL); // the engine wrote it
    return question;
}
