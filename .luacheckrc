std, max_line_length, exclude_files = "luajit", 120, { "stdlib/tend/_meta/" }
ignore = { "212/_.*", "212/self" } -- unused _arguments and self
stds.rule = { read_globals = { "assert", "error", "ipairs", "next", "pairs", "pcall", "require", "select", "tonumber",
  "tostring", "type", "unpack", "math", "string", "table" } } -- what core/script/sandbox.c gives a rule
stds.library = { read_globals = { "setmetatable", "getmetatable", "rawget", "rawset", "host" } }
files["rules"], files["examples"], files["stdlib"] = { std = "rule" }, { std = "rule" }, { std = "rule+library" }
