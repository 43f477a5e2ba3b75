local status = obj.status or {}
local suspended = obj.spec.suspend == true
local over = status.result ~= nil and status.result.outcome ~= nil
local waits = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Approved" and condition.reason == "AwaitingApproval" then
    waits = true
  end
end

return {
  ["approve"] = { disabled = over or not waits, displayName = "Approve", iconClass = "fa fa-fw fa-check" },
  ["cancel"] = { disabled = over or status.attempt == nil, displayName = "Cancel", iconClass = "fa fa-fw fa-stop" },
  ["suspend"] = { disabled = over or suspended, displayName = "Suspend", iconClass = "fa fa-fw fa-pause" },
  ["resume"] = { disabled = over or not suspended, displayName = "Resume", iconClass = "fa fa-fw fa-play" },
}
