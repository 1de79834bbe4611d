#pragma once
/// Sandbox: the Lua state of an evaluator, what code in it sees, and the locks on the process around it.
///
/// Two environments, each a list of what is there (facts of this LuaJIT: docs in ARCHITECTURE.md):
///   rule     the user's files: assert error ipairs next pairs pcall select tonumber tostring type unpack, math (no random),
///            string (no dump; rep is capped), table, require. Its globals cannot be set, and reading an unknown one is an
///            error. next and pairs go in sorted order: numbers, then strings by bytes, then booleans, then other keys in an
///            order that is the same in each process (by insertion is not known to Lua, so such keys are an error).
///   library  the standard library: that, and setmetatable getmetatable rawget rawset and `host`.
/// `require` gives embedded modules only, each loaded once into the library environment (packs, "tend.pack.…", into the rule
/// environment). Chunk names are "@shop.lua" for the user's files and "@tend/…" for embedded ones.
///
/// The `host` table of library code. A function that says "nil, error" gives the reason as text in the user's words.
///   host.caller()                    "shop.lua:12", the nearest frame up the stack that is the user's; "" when there is none
///   host.files()                     array of { name =, text = } in the order given
///   host.env()                       { name =, text = } or nil
///   host.secrets()                   array of names, or nil when it is not known which there are
///   host.compile(text, name, kind)   kind "rule" or "library": a function whose globals are that environment (name is a file
///                                    name without "@"); or nil, error ("shop.lua:3: unexpected symbol near …")
///   host.modules()                   array of the embedded modules' names, sorted
///   host.progress(what, index)       says that a piece of user code begins: "file" "rule" "locate" "playbook" "notify", 0-based
///   host.call(f, …)                  as pcall, but an error comes as text "shop.lua:12: …" of the nearest frame of the user's
///   host.yield(effect)               in a run only: hands the effect over, returns its answer (a table)
///   host.duration(text)              milliseconds; or nil, error
///   host.quantity(text, unit)        a number in the base unit; or nil, error
///   host.family(unit)                "s", "bytes", "ratio" or "": the unit's family
///   host.format(value, unit)         for people: "400 ms"; a nil value is "no data"
///   host.format_duration(ms)         "1m30s"
///   host.selector(text)              true; or nil, error
///   host.sha256(text)                64 hex digits
///   host.json(value)                 canonical JSON text
///   host.array(table)                marks a table as a JSON array, so that an empty one is [] ({} otherwise); returns it
///   host.null                        JSON's null, in tables that become JSON; JSON that comes in gives nil for null members
///
/// The table that module "tend.host" returns is what C calls:
///   load()          → the generation document (ARCHITECTURE.md); an error raised becomes the document's one error
///   rule(index)     → the function of the rule with this 0-based index in the document; called with the view
///   ask(request)    → the reply
///   run(request)    → inside a coroutine: the end, { ok = … }; host.yield gives effects before it
