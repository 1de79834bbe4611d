--- Failures: what the ways in which scrapes fail say of a service.
--
-- Connections that are refused, cut or left without an answer are what its callers meet too: it does not answer. An
-- answer without metrics (404, a page that is none, too large a one), a name without an address or a certificate that
-- is over are told of nobody but tend: the service may serve its callers well or not at all, and so it is unknown. Who
-- thinks otherwise names the kind in a rule on `up`.
local failures = {}

local SAYS = {
  REFUSED = "nothing listens there: the process is gone",
  READ_TIMEOUT = "it takes connections and does not answer in time: it hangs",
  CONNECT_TIMEOUT = "its host takes no connection in time",
  CLOSED_EARLY = "it closes connections before its answer is whole",
  SEND = "it takes connections, but no request",
  HTTP_STATUS = "it answers, but not with metrics",
  PARSE = "it answers, but not with metrics that can be read",
  TOO_LARGE = "it answers with more metrics than are allowed",
  RESOLVE = "its name has no address",
  TLS = "no TLS connection comes about",
}
local SILENT = { HTTP_STATUS = true, PARSE = true, TOO_LARGE = true, RESOLVE = true, TLS = true }

--- Whether scrapes fail, but only in ways that callers may not meet.
---@param kinds table<string, integer>?   how many instances fail in which way
---@param named table<string, boolean>    kinds that a rule which fires takes for a fault
---@return boolean
function failures.is_silent(kinds, named)
  local any = false
  for kind in pairs(kinds or {}) do
    if not SILENT[kind] or named[kind] then return false end
    any = true
  end
  return any
end

--- "READ_TIMEOUT: it takes connections and does not answer in time: it hangs"; nil: none fails.
---@param kinds table<string, integer>?
---@param because string?   what one of them says in detail
---@return string?
function failures.sentence(kinds, because)
  local names = {}
  for kind in pairs(kinds or {}) do names[#names + 1] = kind end
  table.sort(names)
  if #names == 0 then return nil end
  if #names > 1 then
    for i, name in ipairs(names) do names[i] = ("%s %d×"):format(name, kinds[name]) end
    return table.concat(names, ", ")
  end
  local text = names[1] .. (SAYS[names[1]] and ": " .. SAYS[names[1]] or "")
  return SILENT[names[1]] and because and because ~= "" and ("%s (%s)"):format(text, because) or text
end

return failures
