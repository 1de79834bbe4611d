// What an evaluator is sent, from bytes: the first byte chooses between a tick (alert/verdict.h) and JSON messages.
// Rules are small and always end; the reply of a good tick must be well-formed.

#include "alert/verdict.h"
#include "script/script.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char host[] =
    "local functions, module = {}, {}\n"
    "function module.load()\n"
    "  for i, file in ipairs(host.files()) do functions[i] = host.compile(file.text, file.name)() end\n"
    "  return {}\n"
    "end\n"
    "function module.rule(index) return functions[index % #functions + 1] end\n"
    "function module.ask(request) return request end\n"
    "function module.run(request) return host.yield(request) end\n"
    "return module\n";
static const char rules[] =
    "{\"files\":[{\"name\":\"a.lua\",\"text\":\"return function(s) return s.memory.out and s.name end\"},"
    "{\"name\":\"b.lua\",\"text\":\"return function(s) return s.labels.zone == s.version or s.a.P > s.out_share "
    "end\"}]}";

static const struct tend_embedded_module modules[] = { { "tend.host", "stdlib/tend/host.lua", host, sizeof host - 1 },
                                                       { NULL, NULL, NULL, 0 } };

static struct tend_script *make_script(void)
{
    const struct tend_script_config config = { .modules = modules, .memory_bytes = 64U << 20 };
    struct tend_script *script = NULL;
    TEND_ASSERT(tend_script_create(&config, &script) == TEND_OK);
    json_t *sources = json_loads(rules, 0, NULL);
    json_t *document = tend_script_load(script, sources);
    TEND_ASSERT(json_array_size(json_object_get(document, "errors")) == 0);
    json_decref(document);
    json_decref(sources);
    return script;
}

static void check_reply(const struct tend_buffer *reply, uint32_t count)
{
    struct tend_reader reader = tend_reader_over(reply->data, reply->size);
    (void)tend_reader_get_u64(&reader);
    TEND_ASSERT(tend_reader_get_u32(&reader) == count);
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = 0;
        const uint8_t verdict = tend_reader_get_u8(&reader);
        TEND_ASSERT(verdict <= TEND_VERDICT_ERROR);
        if (verdict == TEND_VERDICT_ERROR) {
            (void)tend_reader_get_string(&reader, &bytes);
            TEND_ASSERT(bytes > 0 && bytes < 4096);
        }
    }
    TEND_ASSERT(!reader.failed && reader.next == reader.end);
}

static void tick(struct tend_script *script, const uint8_t *data, size_t size)
{
    struct tend_buffer reply;
    tend_buffer_init(&reply);
    if (tend_script_tick(script, (const char *)data, size, &reply) == TEND_OK) {
        struct tend_reader request = tend_reader_over(data, size);
        (void)tend_reader_get_u64(&request);
        (void)tend_reader_get_f64(&request);
        check_reply(&reply, tend_reader_get_u32(&request));
    }
    tend_buffer_clear(&reply);
}

static void ask(struct tend_script *script, const uint8_t *data, size_t size)
{
    json_t *request = json_loadb((const char *)data, size, 0, NULL);
    if (json_is_object(request)) {
        json_t *reply = tend_script_ask(script, request);
        TEND_ASSERT(json_is_object(reply) || json_is_array(reply));
        json_decref(reply);
        reply = tend_script_run_start(script, request);
        TEND_ASSERT(json_is_object(reply));
        json_decref(reply);
    }
    json_decref(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct tend_script *script = make_script();
    if (data[0] % 2 == 0) {
        tick(script, data + 1, size - 1);
    } else {
        ask(script, data + 1, size - 1);
    }
    tend_script_destroy(script);
    return 0;
}
