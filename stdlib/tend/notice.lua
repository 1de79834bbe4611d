--- Notice: turns what people are to be told into a request, by the way that a `tend.notify` names.
local registry = require "tend.registry"

local notice = {}

--- Answers {"kind":"notice"}: { http = … }, { mail = … }, { log = … } or { error = text }.
---@param request { notify: integer, to: integer, notice: table }
---@return table
function notice.answer(request)
  local declaration = registry.all("notify")[request.notify + 1]
  local way = declaration and declaration.used.to and declaration.used.to[request.to + 1]
  if not way then return { error = "there is no such way to notify" } end
  host.progress("notify", request.notify)
  local fine, reply = host.call(way.notice, request.notice, declaration.name)
  if not fine then return { error = tostring(reply) } end
  if type(reply) ~= "table" then return { error = "the way to notify returned no request" } end
  return reply
end

return notice
