#pragma once
/// Script fixture: a small "tend.host" for tests of core/script, in place of the standard library's.
///
/// Each file of rules returns a function: file i is rule i. ask gives the request back, or calls the function of file
/// request.call. run(request) calls the function of file `playbook` with a table p whose p.step(effect) yields.

#include "script/embedded.h"

#include <stddef.h>

static const char script_fixture_host[] =
    "local host_module, functions = {}, {}\n"
    "function host_module.load()\n"
    "  local made = { rules = host.array {}, errors = host.array {} }\n"
    "  for i, file in ipairs(host.files()) do\n"
    "    local chunk, reason = host.compile(file.text, file.name, 'rule')\n"
    "    if not chunk then error(reason, 0) end\n"
    "    local fine, result = host.call(chunk)\n"
    "    if not fine then error(result, 0) end\n"
    "    functions[i] = result\n"
    "    made.rules[i] = { name = file.name, at = file.name .. ':1' }\n"
    "  end\n"
    "  return made\n"
    "end\n"
    "function host_module.rule(index) return functions[index + 1] end\n"
    "function host_module.ask(request)\n"
    "  if request.call then\n"
    "    host.progress('locate', request.call)\n"
    "    return { answer = functions[request.call + 1](request) }\n"
    "  end\n"
    "  return request\n"
    "end\n"
    "function host_module.run(request)\n"
    "  local p = { step = function(effect) return host.yield(effect) end, frozen = request.frozen }\n"
    "  function p.try(f, ...) return host.call(f, ...) end\n"
    "  functions[request.playbook + 1](p)\n"
    "  return { ok = true }\n"
    "end\n"
    "return host_module\n";

// What user code meets of the library: where it was called, and library code that fails.
static const char script_fixture_library[] = "local library = {}\n"
                                             "function library.here() return host.caller() end\n"
                                             "function library.host() return host end\n"
                                             "function library.broken() local t = nil; return t.x end\n"
                                             "function library.refuse() error('that is wrong', 2) end\n"
                                             "function library.call(f, ...) return host.call(f, ...) end\n"
                                             "function library.meta(t) return getmetatable(t) end\n"
                                             "return library\n";

static const char script_fixture_pack[] = "local library = require 'tend.library'\n"
                                          "return { at = library.here(), open = function() return nothing_such end }\n";

static const struct tend_embedded_module script_fixture_modules[] = {
    { "tend.host", "stdlib/tend/host.lua", script_fixture_host, sizeof script_fixture_host - 1 },
    { "tend.library", "stdlib/tend/library.lua", script_fixture_library, sizeof script_fixture_library - 1 },
    { "tend.pack.small", "rules/small/small.lua", script_fixture_pack, sizeof script_fixture_pack - 1 },
    { NULL, NULL, NULL, 0 },
};
