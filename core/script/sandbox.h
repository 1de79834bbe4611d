#pragma once
// clang-format off
/// Sandbox: what code in an evaluator sees, and the locks on the process around it.
///
/// Two environments, each a list of what is there; nothing was taken away from the builtin one, which nobody has:
///   rule     the user's files and packs: assert error ipairs next pairs pcall select tonumber tostring type unpack,
///            math (no random), string (no dump; rep is capped), table, require. Globals cannot be set, and reading an
///            unknown one is an error. next and pairs go in sorted order: numbers, texts by bytes, booleans; a key that
///            is anything else has no order that two processes agree on, so it is an error. tostring shows no address.
///   library  the standard library: that, and setmetatable getmetatable rawget rawset and `host`.
/// `require` gives embedded modules only, each loaded once: packs ("tend.pack.…") as rules, all others as library. Chunk
/// names are "@shop.lua" for the user's files, "@rules/golden/golden.lua" for packs, "=stdlib/tend/x.lua" for the library;
/// a line with "@" is the user's, and the one that errors are blamed on.
///
/// The `host` table of library code. Where it says "nil, reason", the reason is a text in the user's words.
///   caller()             "shop.lua:12": the nearest frame up the stack that is the user's; "" when there is none
///   files()              array of { name =, text = }, in the order given
///   env()                { name =, text = } or nil
///   secrets()            array of names, or nil when it is not known which there are
///   compile(text, name, kind)
///                        kind "rule" or "library": a function with such globals of its own, or nil, reason ("shop.lua:3:
///                        unexpected symbol near …"). name is a file's, a "@" in front is allowed; when it is one of
///                        files() or env(), calling the function says that the file begins (progress)
///   modules()            array of the embedded modules' names, sorted
///   provide(name, f)     require finds the function f under this name, in place of an embedded module
///   progress(what, i)    says that a piece of user code begins: "file" "rule" "locate" "playbook" "notify", 0-based.
///                        C does so for files, rules, runs and notices; the library for each tend.locate and each `when`
///   call(f, …)           as pcall, but an error is a text that begins with the user's file and line
///   yield(effect)        in a run only: hands the effect over, returns its answer (a table)
///   duration(text)       milliseconds, or nil, reason
///   format_duration(ms)  "1m30s"
///   quantity(text, unit) a number in the base unit, or nil, reason
///   family(unit)         "s", "bytes", "ratio" or ""
///   format(value, unit)  for people: "400 ms"; nil is "no data"
///   hours(text)          true, or nil, reason
///   selector(text)       true, or nil, reason
///   sha256(text)         64 hex digits
///   json(value)          canonical JSON text
///   array(table)         marks a table as a JSON array, so that an empty one is [] and not {}; returns it
///   null                 JSON's null, in tables that become JSON; nulls that come in are nil
///
/// The table that module "tend.host" returns is what C calls:
///   load()               → the generation document; an error raised becomes the document's one error
///   rule(index)          → the function of the rule with this 0-based index in the document; called with the view
///   ask(request)         → the reply
///   run(request)         → in a coroutine: the end, { ok = … }; host.yield gives the effects before it
// clang-format on

#include "base/status.h"

/// Replaces standard input, output and error by /dev/null and closes every descriptor above TEND_MESSAGE_FD. A
/// sanitized build keeps standard error. @return TEND_OK or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_sandbox_close_files(void);

/// Locks the process for good: limits of memory, files and processes, death with the parent, no new privileges, and a
/// seccomp filter after which it can compute, use the socket, and end; anything else kills it. To be called after the
/// Lua state was made and before any text of a user is read. @return TEND_OK, or TEND_E_IO and `error` says which
/// failed
TEND_MUST_CHECK enum tend_status tend_sandbox_lock(struct tend_error *error);
