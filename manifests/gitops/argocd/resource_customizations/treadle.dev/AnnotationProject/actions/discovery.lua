local status = obj.status or {}
local suspended = obj.spec.suspend == true
local measured = status.quality ~= nil and status.quality.digest ~= nil

return {
  ["release"] = { disabled = not measured, displayName = "Release what was measured", iconClass = "fa fa-fw fa-box" },
  ["suspend"] = { disabled = suspended, displayName = "Suspend", iconClass = "fa fa-fw fa-pause" },
  ["resume"] = { disabled = not suspended, displayName = "Resume", iconClass = "fa fa-fw fa-play" },
}
