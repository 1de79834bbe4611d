-- A stand-in for the evaluator (core/script): the same environments and `host`, in plain LuaJIT.
local fake = {}

local ROOT = "."

local function sorted_pairs(list)
  local keys = {}
  for key in pairs(list) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
    return type(a) < type(b)
  end)
  local at = 0
  return function()
    at = at + 1
    if keys[at] ~= nil then return keys[at], list[keys[at]] end
  end
end

local function copy(list, ...)
  local made = {}
  for _, name in ipairs { ... } do made[name] = list[name] end
  return made
end

local function rule_environment(require_module)
  local environment = copy(_G, "assert", "error", "ipairs", "next", "pcall", "select", "tonumber", "tostring", "type",
    "unpack", "string", "table")
  environment.pairs, environment.require = sorted_pairs, require_module
  environment.math = {}
  for name, value in pairs(math) do
    if name ~= "random" and name ~= "randomseed" then environment.math[name] = value end
  end
  return environment
end

local UNIT_MS = { w = 604800000, d = 86400000, h = 3600000, m = 60000, s = 1000, ms = 1 }

local function duration(text)
  if tonumber(text) then return nil, ('"%s" has no unit; write "%ss"'):format(text, text) end
  local total, rest = 0, text
  while rest ~= "" do
    local number, unit, tail = rest:match("^([%d.]+)(%a+)(.*)$")
    if not UNIT_MS[unit] then return nil, ('"%s" is no duration; write it like "30s"'):format(text) end
    total, rest = total + tonumber(number) * UNIT_MS[unit], tail
  end
  return total
end

-- Days, then spans: what tests write, not all that core/parse/hours.c takes.
local function hours(text)
  local days, rest = text:match("^day%s+([%d,%-]+)%s*(.*)$")
  if not days then days, rest = text:match("^(%a[%a%-,]*)%s*(.*)$") end
  for word in (rest or text):gmatch("[^,%s]+") do
    if not word:find("^%d%d?:%d%d%-%d%d?:%d%d$") then
      return nil, ('"%s" is no time span; write it like 08:00-20:00'):format(word)
    end
  end
  if not days and not text:find("%d") then return nil, "it names no time" end
  return true
end

local FAMILY = { s = "s", seconds = "s", bytes = "bytes", B = "bytes", ratio = "ratio", ["%"] = "ratio" }
local SCALE = { ms = { "s", 0.001 }, s = { "s", 1 }, m = { "s", 60 }, h = { "s", 3600 }, d = { "s", 86400 },
  B = { "bytes", 1 }, KiB = { "bytes", 1024 }, MiB = { "bytes", 1048576 }, GiB = { "bytes", 1073741824 },
  MB = { "bytes", 1e6 }, GB = { "bytes", 1e9 }, ["%"] = { "ratio", 0.01 } }
local NOUN = { s = "a time", bytes = "a number of bytes", ratio = "a share" }
local LIKE = { s = "400ms", bytes = "64MiB", ratio = "1.5%" }

local function quantity(text, unit)
  local number, suffix = text:match("^([+-]?[%d.]+)%s*([%a%%]*)$")
  if not tonumber(number) then return nil, ('"%s" is no value'):format(text) end
  if suffix == "" then return tonumber(number) end
  local scale = SCALE[suffix]
  if not scale then return nil, ('"%s" has an unknown unit'):format(text) end
  if scale[1] ~= FAMILY[unit] then
    return nil, ('"%s" is %s, but the unit is %s; write it like "%s"'):format(text, NOUN[scale[1]], unit,
      LIKE[FAMILY[unit]] or "5")
  end
  return tonumber(number) * scale[2]
end

local function format(value, unit)
  if FAMILY[unit] == "s" and math.abs(value) < 1 and value ~= 0 then return ("%.4g ms"):format(value * 1000) end
  if FAMILY[unit] == "ratio" then return ("%.4g %%"):format(value * 100) end
  if FAMILY[unit] == "bytes" and math.abs(value) >= 1048576 then return ("%.4g MiB"):format(value / 1048576) end
  if FAMILY[unit] == "bytes" then return ("%.4g B"):format(value) end
  return unit == "" and ("%.4g"):format(value) or ("%.4g %s"):format(value, unit)
end

local function module_path(name)
  local pack = name:match("^tend%.pack%.([%w_]+)$")
  local path = pack and ("rules/%s/%s"):format(pack, pack) or "stdlib/" .. name:gsub("%.", "/")
  for _, candidate in ipairs { path .. ".lua", path .. "/init.lua" } do
    local file = io.open(ROOT .. "/" .. candidate)
    if file then
      file:close()
      return candidate
    end
  end
end

--- Starts a fresh world: { files = { ["shop.lua"] = text }, env = text?, secrets = names? }.
-- Returns the entry module (load, rule, ask, run) and a function to require library modules.
function fake.new(world)
  local loaded, provided, library, rule, host = {}, {}, nil, nil, {}
  local user, arrays = {}, setmetatable({}, { __mode = "k" })
  local function require_module(name)
    if loaded[name] ~= nil then return loaded[name] end
    if provided[name] then
      loaded[name] = true
      loaded[name] = provided[name]() or true
      return loaded[name]
    end
    local path = module_path(name)
    if not path then error(("there is no module '%s'"):format(name), 2) end
    local chunk = assert(loadfile(ROOT .. "/" .. path))
    if path:find("^rules/") then user[path] = true end
    setfenv(chunk, path:find("^rules/") and rule or library)
    loaded[name] = true
    loaded[name] = chunk() or true
    return loaded[name]
  end
  rule, library = rule_environment(require_module), rule_environment(require_module)
  for _, name in ipairs { "setmetatable", "getmetatable", "rawget", "rawset" } do library[name] = _G[name] end
  library.host = host

  function host.files()
    local list = {}
    for name, text in sorted_pairs(world.files or {}) do list[#list + 1] = { name = name, text = text } end
    return list
  end
  function host.env() return world.env and { name = world.env_name or "env/prod.lua", text = world.env } or nil end
  function host.secrets() return world.secrets end
  function host.compile(text, chunkname, environment)
    if text:byte(1) == 27 then return nil, chunkname .. ":1: this is bytecode; rules are text" end
    local chunk, problem = loadstring(text, "@" .. chunkname)
    if not chunk then return nil, problem end
    user[chunkname] = true
    return setfenv(chunk, environment == "rule" and rule or library)
  end
  function host.caller()
    for level = 2, 50 do
      local frame = debug.getinfo(level, "Sl")
      if not frame then break end
      local name = frame.source:gsub("^@%./", ""):gsub("^@", "")
      if user[name] then return ("%s:%d"):format(name, frame.currentline) end
    end
    return ""
  end
  function host.modules()
    local names = {}
    for name in sorted_pairs(loaded) do names[#names + 1] = name end
    if not loaded["tend.pack.golden"] then names[#names + 1] = "tend.pack.golden" end -- one that nobody required yet
    return names
  end
  function host.provide(name, chunk) provided[name] = chunk end
  host.yield, host.duration, host.quantity, host.format = coroutine.yield, duration, quantity, format
  function host.selector(text)
    if text:find("^[%a_:{][%w_:]*") and select(2, text:gsub("[{}]", "")) % 2 == 0 then return true end
    return nil, ('"%s" is no selector'):format(text)
  end
  function host.pattern(text)
    if select(2, text:gsub("[%[%]]", "")) % 2 == 0 then return true end
    return nil, ('"%s" is wrong'):format(text)
  end
  host.hours = hours
  function host.progress() end
  function host.call(run, ...)
    return xpcall(run, function(problem)
      local at = host.caller()
      local file = type(problem) == "string" and problem:match("^([^\n:]*):%d+: ")
      if type(problem) ~= "string" or user[file] then return problem end
      return ("%s: %s"):format(at, (problem:gsub("^%S*:%d+: ", "")))
    end, ...)
  end
  function host.array(list)
    arrays[list] = true
    return list
  end
  function host.family(unit) return FAMILY[unit] or "" end
  function host.format_duration(ms) return ms % 1000 == 0 and ms / 1000 .. "s" or ms .. "ms" end
  local function json(value)
    if type(value) == "string" then return '"' .. value:gsub('[%c"\\]', function(char)
      return ("\\u%04x"):format(char:byte())
    end) .. '"' end
    if type(value) ~= "table" then return tostring(value) end
    local words = {}
    if arrays[value] or value[1] ~= nil then
      for i, inner in ipairs(value) do words[i] = json(inner) end
      return "[" .. table.concat(words, ",") .. "]"
    end
    for key, inner in sorted_pairs(value) do words[#words + 1] = json(key) .. ":" .. json(inner) end
    return "{" .. table.concat(words, ",") .. "}"
  end
  host.json = json
  function host.sha256(text) return ("%064x"):format(#text) end
  return require_module "tend.host", require_module
end

--- The document of one file of rules.
function fake.load(text, world)
  world = world or {}
  world.files = world.files or { ["shop.lua"] = text }
  local entry = fake.new(world)
  return entry.load(), entry
end

function fake.read(path)
  local file = assert(io.open(path), path)
  local text = file:read "*a"
  file:close()
  return text
end

return fake
