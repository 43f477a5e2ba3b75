local status = obj.status or {}
local suspended = obj.spec.suspend == true
local annotations = obj.metadata.annotations or {}
local proving = status.canary ~= nil and status.canary.stage ~= "Leaving"
local earlier = false
for _, revision in ipairs(status.previous or {}) do
  if status.stable ~= nil and revision.version ~= nil and revision.version ~= status.stable.version then
    earlier = true
  end
end

return {
  ["promote"] = { disabled = not proving, displayName = "Promote the new version", iconClass = "fa fa-fw fa-forward" },
  ["abort"] = { disabled = not proving, displayName = "Give the new version up", iconClass = "fa fa-fw fa-times" },
  ["rollback"] = { disabled = not earlier, displayName = "Pin the version before", iconClass = "fa fa-fw fa-undo" },
  ["unpin"] = { disabled = annotations["treadle.dev/pin"] == nil, displayName = "Follow the alias again", iconClass = "fa fa-fw fa-link" },
  ["suspend"] = { disabled = suspended, displayName = "Suspend", iconClass = "fa fa-fw fa-pause" },
  ["resume"] = { disabled = not suspended, displayName = "Resume", iconClass = "fa fa-fw fa-play" },
}
